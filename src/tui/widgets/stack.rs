//! The stack as it is built or deleted: one row per resource, who waits for whom, how long it usually takes.

use jiff::{SignedDuration, Timestamp};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::{ProposalView, ProposedRow, ResourceRow, RowState, StackView, Target};
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// Columns of the state word: `deleted`.
const STATE: usize = 7;
/// Columns of a time: `01:21`.
const TIME: u16 = 5;

/// The title of its box.
pub(in crate::tui) fn title(stack: Option<&StackView>, look: Look) -> Vec<Span<'static>> {
    let Some(stack) = stack else {
        return vec![Span::raw("Stack")];
    };
    let settled = stack
        .rows
        .iter()
        .filter(|row| matches!(row.state, RowState::Done | RowState::Deleted))
        .count();
    vec![
        Span::raw(format!("Stack {}  ", stack.name)),
        Span::styled(stack.status.clone(), look.style(status_tone(&stack.status))),
        Span::raw(format!("  {settled} of {}", stack.rows.len())),
    ]
}

fn status_tone(status: &str) -> Tone {
    if status.contains("FAILED") || status.contains("ROLLBACK") {
        Tone::Bad
    } else if status.ends_with("_COMPLETE") {
        Tone::Good
    } else {
        Tone::Busy
    }
}

/// Rows it would like to have, borders included.
pub(in crate::tui) fn wants(stack: Option<&StackView>) -> u16 {
    stack.map_or(3, |stack| {
        if let Some(proposal) = &stack.proposal {
            return text::count(proposal.rows.len() + 5);
        }
        text::count(stack.rows.len() + 4 + usize::from(stack.cause.is_some()))
    })
}

/// Whether a running clock is shown.
pub(in crate::tui) fn runs(stack: &StackView) -> bool {
    stack.until.is_none()
}

/// Whether what is being done takes it away: a deletion, or the rollback of a failure.
pub(in crate::tui) fn goes(stack: &StackView) -> bool {
    stack.status.contains("DELETE") || stack.status.contains("ROLLBACK")
}

/// The rows that fit, then how the whole goes.
pub(in crate::tui) fn lines(
    stack: Option<&StackView>,
    target: &Target,
    now: Timestamp,
    (width, height): (u16, u16),
    look: Look,
) -> Vec<Line<'static>> {
    let Some(stack) = stack else {
        return text::paragraphs("There is no stack yet.", width, look, Style::new());
    };
    if let Some(proposal) = &stack.proposal {
        return proposed(proposal, width, look);
    }
    let mut after = Vec::new();
    if let Some(cause) = &stack.cause {
        let label = Span::styled("first failure:", look.style(Tone::Bad));
        after.extend(text::labelled(&label, cause, width, look, Style::new()));
    }
    after.extend(text::paragraphs(
        &progress(stack, target, now),
        width,
        look,
        Style::new(),
    ));
    let room = usize::from(height).saturating_sub(after.len());
    let mut lines = rows(&stack.rows, now, width, room, look);
    lines.extend(after);
    lines
}

/// What an update would do, while it waits to be carried out.
fn proposed(proposal: &ProposalView, width: u16, look: Look) -> Vec<Line<'static>> {
    let name = proposal.rows.iter().map(|row| text::width(&row.logical_id));
    let name = usize::from(name.max().unwrap_or(0).min(width / 3));
    let row = |row: &ProposedRow| {
        let (word, tone) = match row.action.as_str() {
            "Add" => ("add", Tone::Good),
            "Remove" => ("remove", Tone::Bad),
            _ if row.replaces => ("replace", Tone::Bad),
            _ => ("change", Tone::Warn),
        };
        let said = if row.purpose.is_empty() {
            &row.kind
        } else {
            &row.purpose
        };
        let room = width.saturating_sub(text::count(STATE + name + 4));
        Line::from(vec![
            Span::styled(format!("{word:STATE$}  "), look.style(tone)),
            Span::raw(format!("{}  ", padded(&row.logical_id, name))),
            Span::raw(text::clip(said, room)),
        ])
    };
    let mut lines: Vec<_> = proposal.rows.iter().map(row).collect();
    let replaced = proposal.rows.iter().any(|row| row.replaces);
    let what = if replaced {
        "Some of it would be made anew."
    } else {
        "Nothing is made anew, nothing has been changed yet."
    };
    lines.push(Line::default());
    lines.extend(text::paragraphs(
        &format!("Change set to the stage `{}`. {what}", proposal.stage),
        width,
        look,
        Style::new(),
    ));
    lines
}

/// The most telling rows in their own order; how many are not shown is said.
fn rows(
    rows: &[ResourceRow],
    now: Timestamp,
    width: u16,
    room: usize,
    look: Look,
) -> Vec<Line<'static>> {
    let mut shown: Vec<usize> = (0..rows.len()).collect();
    let folds = rows.len() > room;
    if folds {
        shown.sort_by_key(|&index| weight(&rows[index]));
        shown.truncate(room.saturating_sub(1));
        shown.sort_unstable();
    }
    let columns = Columns::of(rows, width);
    let mut lines: Vec<_> = shown
        .iter()
        .map(|&index| line(&rows[index], now, columns, look))
        .collect();
    if folds && room > 0 {
        let hidden: Vec<_> = (0..rows.len())
            .filter(|index| !shown.contains(index))
            .map(|i| &rows[i])
            .collect();
        lines.push(Line::styled(
            text::clip(&format!("and {}", tally(&hidden)), width),
            look.style(Tone::Quiet),
        ));
    }
    lines
}

/// The smaller, the more it tells: failures, then what is going on, then what was done last, then who waits.
fn weight(row: &ResourceRow) -> (u8, i64) {
    let last = row.until.map_or(0, |until| -until.as_second());
    match row.state {
        RowState::Failed(_) => (0, last),
        RowState::Working => (1, last),
        RowState::Waiting(_) => (2, last),
        RowState::Done | RowState::Deleted => (3, last),
    }
}

/// `12 done, 3 waiting`.
fn tally(rows: &[&ResourceRow]) -> String {
    let count = |word| {
        rows.iter()
            .filter(|row| state(&row.state).0 == word)
            .count()
    };
    let words = ["failed", "working", "waiting", "done", "deleted"];
    let counts = words
        .map(|word| (count(word), word))
        .into_iter()
        .filter(|(count, _)| *count > 0);
    counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn state(state: &RowState) -> (&'static str, Tone) {
    match state {
        RowState::Waiting(_) => ("waiting", Tone::Quiet),
        RowState::Working => ("working", Tone::Busy),
        RowState::Done => ("done", Tone::Good),
        RowState::Deleted => ("deleted", Tone::Good),
        RowState::Failed(_) => ("failed", Tone::Bad),
    }
}

/// Widths of the columns after the state.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    said: usize,
    /// Zero: there is no room for it.
    id: usize,
}

impl Columns {
    fn of(rows: &[ResourceRow], width: u16) -> Self {
        let widest = |text: fn(&ResourceRow) -> &str| {
            rows.iter()
                .map(|row| text::width(text(row)))
                .max()
                .unwrap_or(0)
        };
        let name = widest(|row| &row.logical_id).min(width / 3);
        let id = widest(|row| row.physical_id.as_deref().unwrap_or_default());
        let purpose = widest(|row| &row.purpose);
        // The state, three gaps and the time.
        let room =
            width.saturating_sub(u16::try_from(STATE).unwrap_or(0) + 2 + name + 2 + 1 + TIME);
        let id = if purpose + 2 + id <= room { id } else { 0 };
        let said = room - if id > 0 { id + 2 } else { 0 };
        Self {
            name: name.into(),
            said: said.into(),
            id: id.into(),
        }
    }
}

fn line(row: &ResourceRow, now: Timestamp, columns: Columns, look: Look) -> Line<'static> {
    let (word, tone) = state(&row.state);
    let time = row
        .since
        .map(|since| text::clock(row.until.unwrap_or(now).duration_since(since)))
        .unwrap_or_default();
    let (said, said_tone) = match &row.state {
        RowState::Waiting(resources) if !resources.is_empty() => {
            (format!("for {}", resources.join(", ")), Tone::Quiet)
        }
        RowState::Failed(why) => (why.clone(), Tone::Bad),
        _ => (row.purpose.clone(), Tone::Plain),
    };
    let id = match (&row.physical_id, columns.id) {
        (_, 0) => String::new(),
        (id, _) => format!(
            "  {}",
            padded(id.as_deref().unwrap_or_default(), columns.id)
        ),
    };
    Line::from(vec![
        Span::styled(format!("{word:STATE$}  "), look.style(tone)),
        Span::raw(format!("{}  ", padded(&row.logical_id, columns.name))),
        Span::styled(padded(&said, columns.said), look.style(said_tone)),
        Span::styled(id, look.style(Tone::Quiet)),
        Span::raw(format!(" {time:>width$}", width = usize::from(TIME))),
    ])
}

/// Exactly this many columns: cut or filled.
fn padded(text: &str, width: usize) -> String {
    let text = text::clip(text, u16::try_from(width).unwrap_or(u16::MAX));
    let gap = width.saturating_sub(usize::from(text::width(&text)));
    text + &" ".repeat(gap)
}

/// How the whole goes.
fn progress(stack: &StackView, target: &Target, now: Timestamp) -> String {
    let took = stack.until.unwrap_or(now).duration_since(stack.since);
    let pace = match target {
        Target::Practice { pace, .. } => format!("   (practice: {pace})"),
        Target::Aws { .. } => String::new(),
    };
    let left = stack.usual.saturating_sub(took);
    let fails = stack.cause.is_some() || status_tone(&stack.status) == Tone::Bad;
    let usual = match stack.usual {
        // At a pace that jumps nothing is usual.
        SignedDuration::ZERO => None,
        usual => Some(text::roughly(usual)),
    };
    let took_so_far = text::clock(took);
    let whole = match (stack.until, usual) {
        // What is left of a failure takes as long as it takes.
        (Some(_), _) if fails => format!("ended after {took_so_far}"),
        (Some(_), None) => format!("took {took_so_far}"),
        (None, usual) if fails || usual.is_none() => format!("{took_so_far} so far"),
        (Some(_), Some(usual)) => format!("took {took_so_far}, usually {usual}"),
        (None, Some(usual)) if left > SignedDuration::ZERO => {
            format!(
                "{took_so_far} so far, usually {usual}: about {} left",
                text::roughly(left)
            )
        }
        (None, usual) => {
            format!(
                "{took_so_far} so far, longer than usual ({})",
                usual.unwrap_or_default()
            )
        }
    };
    whole + &pace
}
