//! The first row: where the learner is, where the lab runs, what it costs, how long it has been going.

use jiff::SignedDuration;
use ratatui::text::{Line, Span};

use crate::engine::view::{Target, View};
use crate::tui::layer::Context;
use crate::tui::look::Tone;
use crate::tui::text;

/// The header. What matters least goes first when there is no room.
pub(in crate::tui) fn line(view: &View, width: u16, cx: &Context) -> Line<'static> {
    let look = cx.look;
    let (name, tone, place) = match &view.target {
        Target::Practice { region, .. } => ("PRACTICE", Tone::Busy, region.clone()),
        Target::Aws { account, region } => ("AWS", Tone::Warn, format!("{account} {region}")),
    };
    let badge = Span::styled(format!(" {name} "), look.badge(tone));
    let cost = format!("{:.2} USD", view.cost);
    let time = text::elapsed(cx.now.duration_since(view.started));
    let lease = lease_time(view, cx).map(|until| format!("removes itself {until}"));
    let (lab, cost, time, place, lease) = (
        view.lab.as_str(),
        cost.as_str(),
        time.as_str(),
        place.as_str(),
        lease.as_deref(),
    );
    let rights: [Vec<&str>; 5] = [
        [Some(place), Some(lab), lease, Some(cost), Some(time)],
        [Some(place), Some(lab), lease, Some(cost), None],
        [Some(lab), lease, Some(cost), None, None],
        [Some(lab), lease, None, None, None],
        [lease, None, None, None, None],
    ]
    .map(|words| words.into_iter().flatten().collect());
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

/// When the lab removes itself, by the learner's own clock: `21:40`; `24 Nov 21:40` where that could be another day's.
pub(in crate::tui) fn lease_time(view: &View, cx: &Context) -> Option<String> {
    let until = view.removes_itself?;
    let form = if until.duration_since(cx.now) < SignedDuration::from_hours(24) {
        "%H:%M"
    } else {
        "%-d %b %H:%M"
    };
    let until = until.to_zoned(cx.zone.clone());
    Some(until.strftime(form).to_string())
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
    rights: &'a [Vec<&'a str>; 5],
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
            return (lefts[left].clone(), &rights[right]);
        }
    }
    (text::clip(&lefts[2], width), &[])
}
