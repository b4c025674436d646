//! Figures and tables of the account: where they stand in a small and in a large terminal, and what brings them into view.

use insta::assert_snapshot;

use super::fixtures::*;
use super::*;
use crate::engine::view::{
    Bar, BarKind, Block, Chart, Curve, Graph, PanelContent, PanelView, Purpose, QuestionView,
    StepState, Table, View, Work,
};
use crate::lesson::schema::Choice;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// One snapshot for each size.
fn see(name: &str, drive: impl Fn(u16, u16) -> Drive) {
    for (width, height) in SIZES {
        let screen = drive(width, height).screen();
        assert_snapshot!(format!("{name}_{width}x{height}"), screen);
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// A curve: its name, and its value so many minutes before the last.
type Wave = (&'static str, fn(f64) -> f64);

fn graph(unit: &str, stacked: bool, curves: &[Wave]) -> Graph {
    let curve = |(name, value): &Wave| Curve {
        name: (*name).to_owned(),
        points: (-48..=0)
            .map(|ten| f64::from(ten * 10))
            .map(|at| (at, value(at)))
            .collect(),
    };
    Graph {
        unit: unit.to_owned(),
        curves: curves.iter().map(curve).collect(),
        stacked,
    }
}

fn panel(title: &str, content: PanelContent) -> PanelView {
    PanelView {
        title: title.to_owned(),
        content,
    }
}

/// Credits that have run out an hour ago.
fn credits() -> PanelView {
    let balance = |at: f64| (-at / 180.0 - 1.0 / 3.0).clamp(0.0, 2.3);
    let permitted = |at: f64| if at < -60.0 { 100.0 } else { 1.0 };
    let graphs = vec![
        graph("TB of credits", false, &[("credits", balance)]),
        graph("MiB/s", false, &[("permitted", permitted)]),
    ];
    panel(
        "BurstCreditBalance and PermittedThroughput",
        PanelContent::Graphs(graphs),
    )
}

fn snapshots() -> PanelView {
    let table = Table {
        head: words([
            "snapshot",
            "asked for",
            "state",
            "disk",
            "full size",
            "tags",
        ]),
        rows: vec![
            words([
                "snap-0a1b2c3d4e5f60718",
                "12:45:01",
                "completed",
                "5 GiB",
                "3.0 MiB",
                "Name=lab-7f3k backup efslab:keep=project efslab:lab=lab-7f3k",
            ]),
            words([
                "snap-0b2c3d4e5f6071829",
                "13:00:01",
                "pending 37%",
                "5 GiB",
                "not told",
                "Name=lab-7f3k backup efslab:lab=lab-7f3k",
            ]),
        ],
        note: Some("It is 13:00:07 there (UTC); cron runs at 13:15:00, in 14 min 53 s.".to_owned()),
    };
    panel("Snapshots of the lab", PanelContent::Table(table))
}

/// A text, a question with options, and panels.
fn asking(panels: Vec<PanelView>) -> View {
    let choice = |text: &str| Choice {
        text: text.to_owned(),
        because: "That is why.".to_owned(),
    };
    let mut view = terminals();
    view.step.blocks = vec![Block::Text("Without credits the filesystem may write what it earns: 50 KiB/s for each GiB stored, but at least 1 MiB/s.".into())];
    view.step.action = "Read the two curves, then answer the question.".into();
    view.step.question = Some(QuestionView {
        ask: "What happened an hour ago?".into(),
        options: vec![
            choice("A machine was stopped"),
            choice("The credits ran out"),
        ],
        answered: None,
        purpose: Purpose::Test,
    });
    view.step.work = Work::Question;
    view.step.panels = panels;
    view
}

/// Something to type, and panels.
fn typing(panels: Vec<PanelView>) -> View {
    let mut view = terminals();
    view.step.panels = panels;
    view
}

#[test]
fn curves_stand_under_the_question_where_there_is_room_and_in_the_text_where_not() {
    see("panels_credits", |w, h| {
        Drive::lab(asking(vec![credits()]), w, h)
    });
}

#[test]
fn a_table_with_a_countdown_stands_in_the_text_beside_the_terminals() {
    see("panels_snapshots", |w, h| {
        let mut drive = Drive::lab(typing(vec![snapshots()]), w, h);
        drive.screen();
        let mut view = typing(vec![snapshots()]);
        view.step.state = StepState::Converging("cron has not run the job yet".into());
        view.step.due = Some(now() + jiff::SignedDuration::from_secs(44));
        drive.show(view);
        drive
    });
}

#[test]
fn what_was_measured_is_a_table_and_a_chart() {
    let table = Table {
        head: words(["what", "in", "you guessed", "measured", "documented"]),
        rows: vec![
            words(["A: write, 1 MiB blocks", "MB/s", "60", "105", "105"]),
            words(["A: small files", "files/s", "-", "25", "185"]),
        ],
        note: None,
    };
    let bar = |label: &str, kind, value| Bar {
        label: label.to_owned(),
        kind,
        value,
    };
    let mut view = asking(vec![panel(
        "Guess, measurement, rule",
        PanelContent::Table(table),
    )]);
    view.step.charts = vec![Chart {
        unit: "MB/s".into(),
        bars: vec![
            bar("your guess", BarKind::Guess, 60.0),
            bar("A: write, 1 MiB blocks", BarKind::Measured, 104.7),
            bar("burst: 100 MiB/s", BarKind::Documented, 104.857),
        ],
    }];
    see("panels_results", |w, h| Drive::lab(view.clone(), w, h));
}

#[test]
fn what_is_not_known_is_told_and_a_stack_of_curves_names_each() {
    let usage = graph(
        "MB a minute",
        true,
        &[
            ("written", |at| 300.0 + at / 2.0),
            ("read", |at| if at > -200.0 { 250.0 } else { 20.0 }),
            ("metadata", |_| 12.0),
        ],
    );
    let panels = vec![
        panel(
            "Alarms",
            PanelContent::CouldNotTell("list alarms: AccessDenied".into()),
        ),
        panel("Disks of the lab", PanelContent::Waiting),
        panel(
            "DataWriteIOBytes, DataReadIOBytes, MetadataIOBytes",
            PanelContent::Graphs(vec![usage]),
        ),
    ];
    see("panels_usage", |w, h| {
        Drive::lab(asking(panels.clone()), w, h)
    });
}

/// The loop that empties the credits is typed in a terminal, and seen in curves.
fn watched() -> View {
    let mut view = typing(vec![credits()]);
    view.step.forward = Some(120);
    view
}

#[test]
fn curves_that_move_have_a_small_screen_to_themselves_while_nothing_is_typed() {
    let mut drive = Drive::lab(watched(), 80, 24);
    assert_snapshot!("panels_watched_80x24", drive.screen());
    drive.keys("F2");
    let typed = drive.screen();
    assert!(typed.contains("keys go here"), "{typed}");
    drive.keys("C-]");
    let mut at_work = watched();
    at_work.step.state = StepState::Working {
        what: "waiting for A".into(),
        since: ago(2),
    };
    drive.show(at_work);
    let seen = drive.screen();
    assert!(
        seen.contains("A  us-east-1a"),
        "what is typed is seen: {seen}"
    );

    let wide = Drive::lab(watched(), 120, 40).screen();
    assert!(
        wide.contains("permitted") && wide.contains("A  us-east-1a"),
        "{wide}"
    );
}

#[test]
fn a_question_that_was_missed_comes_into_view() {
    let mut view = asking(vec![]);
    view.step.work = Work::Terminals;
    view.step.blocks = vec![Block::Text("A long text. ".repeat(60))];
    let mut drive = Drive::lab(view.clone(), 80, 24);
    assert!(!drive.screen().contains("The credits ran out"));
    view.step.state = StepState::NotYet("the question has no answer yet".into());
    view.step.verdicts = 1;
    drive.show(view);
    let screen = drive.screen();
    assert!(screen.contains("The credits ran out"), "{screen}");
}
