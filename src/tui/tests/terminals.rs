//! What happens in the machines' terminals: who has the keys, what they see, what is scrolled.

use super::fixtures::*;
use super::*;
use crate::engine::view::{Phase, TerminalState};

/// Everything typed on one side, joined.
fn bytes(commands: Vec<Command>, side: Side) -> String {
    let bytes = commands.into_iter().flat_map(|command| match command {
        Command::Input { on, bytes } if on == side => bytes,
        other => panic!("{other:?} is no typing on {side:?}"),
    });
    String::from_utf8(bytes.collect()).unwrap()
}

#[test]
fn in_a_terminal_every_key_goes_to_its_shell() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("F2 q h r ? Enter Tab C-c C-z C-l Esc PgUp Up A-b F5 1");
    assert_eq!(
        bytes(drive.sent(), Side::A),
        "qhr?\r\t\x03\x1a\x0c\x1b\x1b[5~\x1b[A\x1bb\x1b[15~1"
    );
}

#[test]
fn ctrl_bracket_gives_the_keys_back_and_f3_moves_them() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("F2 a F3 b C-5 h");
    assert_eq!(
        drive.sent(),
        [typed(Side::A, "a"), typed(Side::B, "b"), Command::Hint]
    );
    drive.keys("Tab c C-] b");
    assert_eq!(
        drive.sent(),
        [typed(Side::B, "c"), Command::Back],
        "Tab returns to the terminal used last"
    );
}

#[test]
fn pasting_needs_a_place_and_is_bracketed_only_if_asked_for() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.paste("ls\n");
    assert_eq!(drive.sent(), []);
    assert_eq!(
        drive.footer(),
        "to paste into a terminal, press F2 or F3 first"
    );
    drive
        .keys("F2")
        .paste("ls\n")
        .print(Side::A, b"\x1b[?2004h")
        .paste("ls\n");
    assert_eq!(
        drive.sent(),
        [
            typed(Side::A, "ls\r"),
            typed(Side::A, "\x1b[200~ls\r\x1b[201~")
        ]
    );
}

#[test]
fn arrows_follow_the_program_in_the_pane() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.print(Side::B, b"\x1b[?1h").keys("F3 Up C-] F2 Up");
    assert_eq!(
        drive.sent(),
        [typed(Side::B, "\x1bOA"), typed(Side::A, "\x1b[A")]
    );
}

#[test]
fn a_program_that_asks_its_terminal_is_answered_wherever_the_keys_are() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.print(Side::B, b"ab\x1b[6n");
    assert_eq!(drive.sent(), [typed(Side::B, "\x1b[1;3R")]);
}

#[test]
fn the_lab_learns_the_terminals_size_at_once_and_only_when_it_changes() {
    let sizes = |drive: &mut Drive| {
        let commands = drive
            .effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Command(Command::Resize { rows, columns }) => Some((columns, rows)),
                _ => None,
            });
        commands.collect::<Vec<_>>()
    };
    let mut drive = Drive::lab(question(), 80, 24);
    assert_eq!(
        sizes(&mut drive),
        [(38, 12)],
        "before any terminal is shown"
    );
    drive.show(terminals()).resize(80, 24);
    assert_eq!(sizes(&mut drive), []);
    drive.resize(120, 40).resize(20, 5).resize(120, 40);
    assert_eq!(
        sizes(&mut drive),
        [(68, 17)],
        "a screen that is too small changes nothing"
    );
}

#[test]
fn a_new_session_clears_its_screen() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.print(Side::A, b"old");
    assert!(drive.screen().contains("old"));
    drive.app.news(&News::Output(&TerminalOutput {
        on: Side::A,
        bytes: None,
    }));
    assert!(!drive.screen().contains("old"));
}

#[test]
fn an_ended_session_opens_again_with_enter() {
    let mut view = terminals();
    view.machines[0].terminal = TerminalState::Ended("closed".into());
    let mut drive = Drive::lab(view, 80, 24);
    drive.keys("F2 x Enter");
    assert_eq!(drive.sent(), [Command::Reconnect(Side::A)]);
    for state in [
        TerminalState::Closed,
        TerminalState::Connecting,
        TerminalState::Open,
    ] {
        let mut view = terminals();
        view.machines[0].terminal = state;
        drive.show(view);
    }
    assert_eq!(
        drive.keys("x").sent(),
        [typed(Side::A, "x")],
        "the keys stay in the terminal meanwhile"
    );
}

#[test]
fn a_terminal_that_is_not_there_takes_no_keys() {
    let mut drive = Drive::lab(building(), 80, 24);
    drive.keys("F2");
    assert_eq!(
        drive.footer(),
        "machine A has no terminal now: the stack is still being built"
    );
    drive.keys("h");
    assert_eq!(drive.sent(), [Command::Hint]);
}

#[test]
fn a_focused_terminal_is_shown_whatever_the_step_is_about() {
    let mut view = building();
    view.machines = terminals().machines;
    let mut drive = Drive::lab(view, 80, 24);
    drive.print(Side::A, b"prompt$ ");
    assert!(!drive.screen().contains("prompt$"));
    assert!(drive.keys("F2").screen().contains("prompt$"));
    assert!(!drive.keys("C-]").screen().contains("prompt$"));
}

#[test]
fn what_a_machine_printed_can_be_scrolled_with_the_keys_in_the_shell_and_in_the_lesson() {
    let mut drive = Drive::lab(terminals(), 120, 40);
    for line in 0..40 {
        drive.print(Side::A, format!("line {line}\r\n").as_bytes());
    }
    assert!(!drive.screen().contains("line 20"));
    for (there, back) in [
        ("A-PgUp", "A-PgDn"),
        ("PgUp", "PgDn"),
        ("Up Up Up Up", "Down Down Down Down"),
    ] {
        let screen = drive.keys(there).screen();
        assert!(
            screen.contains("line 20") && screen.contains("back, Alt-PgDn"),
            "{there}: {screen}"
        );
        assert!(!drive.keys(back).screen().contains("line 20"), "{back}");
    }
    assert!(drive.keys("F2").footer().contains("Alt-PgUp scroll back"));
    assert!(drive.keys("A-PgUp").screen().contains("line 20"));
    assert!(!drive.keys("S-PgDn").screen().contains("line 20"));
    assert_eq!(drive.sent(), []);
    assert!(
        !drive.keys("F3").footer().contains("scroll back"),
        "B has nothing to scroll"
    );
}

#[test]
fn a_terminal_loses_the_keys_when_its_machine_goes() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("F2");
    let mut view = terminals();
    view.phase = Phase::CleaningUp {
        doing: "deleting the stack".into(),
        since: ago(1),
        share: None,
    };
    drive.show(view).keys("x ?");
    assert_eq!(drive.sent(), []);
    assert!(drive.screen().contains("In the lesson"));
}

#[test]
fn what_is_typed_for_the_learner_is_seen_though_the_terminal_was_scrolled_back() {
    let mut drive = Drive::lab(terminals(), 120, 40);
    for line in 0..40 {
        drive.print(Side::A, format!("line {line}\r\n").as_bytes());
    }
    drive.keys("PgUp r").print(Side::A, b"touch i-was-here-too");
    let screen = drive.screen();
    assert!(screen.contains("i-was-here-too"), "{screen}");
}
