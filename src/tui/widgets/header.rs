//! The first row: where the learner is, where the lab runs, what it costs, how long it has been going.

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use crate::engine::view::{Target, View};
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// The header. What matters least goes first when there is no room.
pub(in crate::tui) fn line(view: &View, now: Timestamp, width: u16, look: Look) -> Line<'static> {
    let (name, tone, place) = match &view.target {
        Target::Practice { region, .. } => ("PRACTICE", Tone::Busy, region.clone()),
        Target::Aws { account, region } => ("AWS", Tone::Warn, format!("{account} {region}")),
    };
    let badge = Span::styled(format!(" {name} "), look.badge(tone));
    let cost = format!("{:.2} USD", view.cost);
    let time = text::elapsed(now.duration_since(view.started));
    let (lab, cost, time, place) = (
        view.lab.as_str(),
        cost.as_str(),
        time.as_str(),
        place.as_str(),
    );
    let rights: [&[&str]; 5] = [
        &[place, lab, cost, time],
        &[place, lab, cost],
        &[lab, cost],
        &[lab],
        &[],
    ];
    let lefts = lefts(view);
    let (left, right) = choose(
        &lefts,
        &rights,
        width.saturating_sub(text::width(&badge.content) + 3),
    );
    let right = format!("  {}", right.join("  "));
    let used = text::width(&left) + text::width(&badge.content) + text::width(&right) + 2;
    Line::from(vec![
        Span::styled(format!(" {left}"), look.style(Tone::Strong)),
        Span::raw(" ".repeat(usize::from(width.saturating_sub(used)))),
        badge,
        Span::raw(right),
    ])
}

/// Where the learner is, from the fullest form to the shortest.
fn lefts(view: &View) -> [String; 3] {
    let step = &view.step;
    let lesson = view
        .lessons
        .iter()
        .find(|row| row.id == step.lesson)
        .map_or(step.lesson.as_str(), |row| &row.title);
    let (lesson_number, number, of) = (step.lesson_number, step.number, step.of);
    [
        format!(
            "{lesson_number} {lesson} · step {number} of {of}: {}",
            step.title
        ),
        format!("{lesson_number} {lesson} · step {number} of {of}"),
        format!("{lesson_number} {} {number}/{of}", step.lesson),
    ]
}

/// The richest pair that fits: cost and lab before the title, the title before region and time.
fn choose<'a>(
    lefts: &[String; 3],
    rights: &[&'a [&'a str]; 5],
    width: u16,
) -> (String, &'a [&'a str]) {
    let order = [
        (0, 0),
        (0, 1),
        (1, 0),
        (0, 2),
        (1, 1),
        (1, 2),
        (2, 2),
        (2, 3),
        (2, 4),
    ];
    for (left, right) in order {
        let words: u16 = rights[right].iter().map(|word| text::width(word) + 2).sum();
        if text::width(&lefts[left]) + words <= width {
            return (lefts[left].clone(), rights[right]);
        }
    }
    (text::clip(&lefts[2], width), rights[4])
}
