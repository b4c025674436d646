//! What a step has measured and seen of the account, as lines: tables, what curves come to, figures beside one another.
//! Everything that a screen draws is told in words and numbers.

use std::fmt::Write as _;

use crate::engine::view::{BarKind, Chart, Graph, PanelContent, PanelView, StepView, Table};
use crate::lesson::throughput::shown;

/// Before each line.
const INDENT: &str = "      ";

/// What a step shows beside its text, each line indented; nothing where it shows nothing.
#[must_use]
pub fn text(step: &StepView) -> String {
    let mut text = String::new();
    // Lines stay as they were said: that there is no answer yet is for a screen, which changes.
    let answered = |view: &&PanelView| view.content != PanelContent::Waiting;
    for view in step.panels.iter().filter(answered) {
        panel(&mut text, view);
    }
    for view in &step.charts {
        chart(&mut text, view);
    }
    text
}

fn panel(text: &mut String, panel: &PanelView) {
    let _ = writeln!(text, "{INDENT}{}", panel.title);
    match &panel.content {
        PanelContent::Waiting => {}
        PanelContent::CouldNotTell(why) => {
            let _ = writeln!(text, "{INDENT}  could not tell: {why}");
        }
        PanelContent::Table(shown) => table(text, shown),
        PanelContent::Graphs(graphs) => graphs.iter().for_each(|one| graph(text, one)),
    }
}

/// Each row with the names of its columns, so that it can be heard as well as seen.
fn table(text: &mut String, table: &Table) {
    if table.rows.is_empty() {
        let _ = writeln!(text, "{INDENT}  none yet");
    }
    for row in &table.rows {
        let cells = table.head.iter().zip(row);
        let cells: Vec<String> = cells.map(|(head, cell)| format!("{head} {cell}")).collect();
        let _ = writeln!(text, "{INDENT}  {}", cells.join(", "));
    }
    if let Some(note) = &table.note {
        let _ = writeln!(text, "{INDENT}  {note}");
    }
}

/// Of each curve where it began, its extremes, and where it is.
fn graph(text: &mut String, graph: &Graph) {
    for curve in &graph.curves {
        let (Some((from, first)), Some((_, last))) = (curve.points.first(), curve.points.last())
        else {
            let _ = writeln!(text, "{INDENT}  {}: no datapoint yet", curve.name);
            continue;
        };
        let values = || curve.points.iter().map(|(_, value)| *value);
        let least = values().fold(f64::INFINITY, f64::min);
        let most = values().fold(f64::NEG_INFINITY, f64::max);
        let _ = writeln!(
            text,
            "{INDENT}  {}, in {}: now {}; {:.0} min ago {}; from {} to {}",
            curve.name,
            graph.unit,
            shown(*last),
            -from,
            shown(*first),
            shown(least),
            shown(most)
        );
    }
}

fn chart(text: &mut String, chart: &Chart) {
    for bar in &chart.bars {
        let kind = match bar.kind {
            BarKind::Guess => "guessed",
            BarKind::Measured => "measured",
            BarKind::Documented => "documented",
        };
        let figure = shown(bar.value);
        let _ = writeln!(
            text,
            "{INDENT}{kind} {figure} {} ({})",
            chart.unit, bar.label
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view::{Bar, Curve};

    fn told(content: PanelContent) -> String {
        let mut text = String::new();
        let title = "Panel".to_owned();
        panel(&mut text, &PanelView { title, content });
        text
    }

    #[test]
    fn a_row_says_what_its_cells_are_and_the_note_stands_below() {
        let words = |words: [&str; 2]| words.map(str::to_owned).to_vec();
        let table = |rows| {
            told(PanelContent::Table(Table {
                head: words(["snapshot", "state"]),
                rows,
                note: Some("cron runs at 10:15:00, in 2 min 05 s.".to_owned()),
            }))
        };
        insta::assert_snapshot!(table(vec![words(["snap-1", "completed"])]), @r"
Panel
  snapshot snap-1, state completed
  cron runs at 10:15:00, in 2 min 05 s.
");
        insta::assert_snapshot!(table(vec![]), @r"
Panel
  none yet
  cron runs at 10:15:00, in 2 min 05 s.
");
    }

    #[test]
    fn a_curve_is_told_by_its_ends_and_its_extremes() {
        let curve = |name: &str, points: &[(f64, f64)]| Curve {
            name: name.to_owned(),
            points: points.to_vec(),
        };
        let graphs = PanelContent::Graphs(vec![Graph {
            unit: "MiB/s".to_owned(),
            curves: vec![
                curve("permitted", &[(-90.0, 100.0), (-30.0, 105.0), (0.0, 1.0)]),
                curve("read", &[]),
            ],
            stacked: false,
        }]);
        insta::assert_snapshot!(told(graphs), @r"
Panel
  permitted, in MiB/s: now 1.0; 90 min ago 100; from 1.0 to 105
  read: no datapoint yet
");
    }

    #[test]
    fn what_is_not_known_is_said_so() {
        insta::assert_snapshot!(told(PanelContent::CouldNotTell("list alarms: denied".to_owned())), @r"
Panel
  could not tell: list alarms: denied
");
    }

    #[test]
    fn figures_say_where_they_come_from() {
        let bar = |label: &str, kind, value| Bar {
            label: label.to_owned(),
            kind,
            value,
        };
        let mut text = String::new();
        let bars = vec![
            bar("your guess", BarKind::Guess, 60.0),
            bar("A: write", BarKind::Measured, 104.7),
            bar("burst: 100 MiB/s", BarKind::Documented, 104.857),
        ];
        let unit = "MB/s".to_owned();
        chart(&mut text, &Chart { unit, bars });
        insta::assert_snapshot!(text, @r"
guessed 60 MB/s (your guess)
measured 105 MB/s (A: write)
documented 105 MB/s (burst: 100 MiB/s)
");
    }
}
