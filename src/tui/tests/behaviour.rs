//! What keys do.

use super::fixtures::*;
use super::*;
use crate::engine::view::{Mark, Of, Phase, StepState, TerminalState, Work};
use crate::tui::chosen::{Chosen, Place};

fn typed(on: Side, text: &str) -> Command {
    Command::Input {
        on,
        bytes: text.as_bytes().to_vec(),
    }
}

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
fn passing_is_seen_at_once_and_steals_nothing() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("F3").show(passed());
    let screen = drive.screen();
    assert!(screen.contains(" passed  B lists i-was-here"), "{screen}");
    assert!(screen.contains("Press Ctrl-], then Enter"), "{screen}");
    drive.keys("x C-] Enter");
    assert_eq!(drive.sent(), [typed(Side::B, "x"), Command::Enter]);
}

#[test]
fn the_debrief_is_scrolled_into_view() {
    let mut view = question();
    let mut drive = Drive::lab(view.clone(), 80, 24);
    assert!(!drive.screen().contains("Why:"));
    view.step.state = StepState::Passed("answer 3".into());
    assert!(
        drive
            .show(view)
            .screen()
            .contains("Why: Only EFS is mounted by many instances")
    );
}

#[test]
fn digits_choose_and_other_digits_say_so() {
    let mut drive = Drive::lab(question(), 80, 24);
    drive.keys("3");
    assert_eq!(drive.sent(), [Command::Answer("3".into())]);
    drive.keys("4");
    assert_eq!(drive.sent(), []);
    assert_eq!(drive.footer(), "there are answers 1 to 3");
    drive.keys("Enter");
    assert_eq!(
        (drive.sent(), drive.footer().as_str()),
        (vec![], "press the number of your answer")
    );
}

#[test]
fn an_answer_is_typed_on_its_line_and_every_letter_belongs_to_it() {
    let mut drive = Drive::lab(typed_question(), 80, 24);
    drive
        .keys("Enter q r 1 Backspace")
        .paste("x\n")
        .keys("Enter");
    assert_eq!(drive.sent(), [Command::Answer("qrx".into())]);
    drive.keys("Esc 1 . 5 0 Enter Esc h");
    assert_eq!(
        drive.sent(),
        [Command::Answer("1.50".into()), Command::Hint],
        "a digit begins an answer"
    );
}

#[test]
fn after_a_wrong_answer_enter_opens_the_answer_line_again() {
    let mut view = typed_question();
    if let Some(question) = &mut view.step.question {
        question.answered = Some(("2".into(), String::new()));
    }
    view.step.state = StepState::NotYet("2 is not it".into());
    let mut drive = Drive::lab(view, 80, 24);
    assert!(drive.footer().starts_with("Enter answer"));
    drive.keys("Enter 1 . 5 Enter");
    assert_eq!(drive.sent(), [Command::Answer("1.5".into())]);
    drive.show(answered_wrong()).keys("Enter");
    assert_eq!(drive.footer(), "press the number of your answer");
}

#[test]
fn the_answer_line_gives_the_keys_back_when_the_answer_was_right() {
    let mut view = typed_question();
    let mut drive = Drive::lab(view.clone(), 80, 24);
    drive.keys("Enter 1 . 5 Enter");
    view.step.state = StepState::Passed("1.5".into());
    drive.show(view).keys("Enter");
    assert_eq!(
        drive.sent(),
        [Command::Answer("1.5".into()), Command::Enter]
    );
}

#[test]
fn leaving_asks_first_and_each_way_does_what_it_says() {
    for (keys, commands) in [
        ("q Esc", vec![]),
        ("q k", vec![Command::Leave]),
        ("q c", vec![Command::CleanUp]),
        ("q Enter", vec![Command::Leave]),
        ("q Up Enter", vec![Command::CleanUp]),
        ("q Down Enter", vec![]),
        ("C-c C-c", vec![Command::Leave]),
    ] {
        let mut drive = Drive::lab(terminals(), 80, 24);
        assert_eq!(drive.keys(keys).sent(), commands, "{keys}");
    }
    let mut drive = Drive::lab(in_aws(terminals()), 80, 24);
    assert_eq!(
        drive.keys("q Enter").sent(),
        [Command::CleanUp],
        "what costs money is cleaned up by default"
    );
}

#[test]
fn whoever_insists_leaves_a_lab_that_does_not_end() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("q k q");
    assert_eq!(drive.effects().last(), Some(&Effect::End));
}

#[test]
fn leaving_a_cleanup_that_runs_is_asked_twice_and_a_clean_receipt_is_not_asked_about() {
    let mut drive = Drive::lab(cleaning_up(), 80, 24);
    assert_eq!(drive.keys("q n").sent(), []);
    assert_eq!(drive.keys("q y").sent(), [Command::Leave]);
    assert_eq!(
        Drive::lab(cleaned_up(), 80, 24).keys("Enter").sent(),
        [Command::Leave]
    );
    assert_eq!(
        Drive::lab(something_left(), 80, 24).keys("Enter c").sent(),
        [Command::CleanUp]
    );
}

#[test]
fn a_dialog_closes_when_the_lab_moves_on() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("q").show(cleaning_up());
    assert!(!drive.screen().contains("Keep working"));
}

#[test]
fn lesson_keys_ask_for_what_they_say() {
    use Command::{Back, Enter, Hint, Next, Retry, RunForMe};
    let mut drive = Drive::lab(failed(), 80, 24);
    drive.keys("Enter h r b n t");
    assert_eq!(drive.sent(), [Enter, Hint, RunForMe, Back, Next, Retry]);
    assert!(drive.keys("e").screen().contains("What went wrong"));
    assert!(!drive.keys("Esc").screen().contains("What went wrong"));
}

#[test]
fn the_last_hint_is_the_last() {
    let mut view = terminals();
    view.step.hints = vec!["one".into(), "two".into(), "three".into()];
    let mut drive = Drive::lab(view, 80, 24);
    assert_eq!(drive.keys("h").sent(), []);
    assert!(
        drive.screen().contains("Hint 3 of 3: three"),
        "it is shown again"
    );
}

#[test]
fn c_copies_the_first_command_and_shows_all() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("c");
    assert!(
        drive
            .effects()
            .contains(&Effect::Copy("touch i-was-here".into()))
    );
    assert!(drive.screen().contains("$ ls"));
    let mut drive = Drive::lab(question(), 80, 24);
    assert_eq!(drive.keys("c").footer(), "this step has no command to copy");
}

#[test]
fn one_can_go_to_any_step_of_any_lesson() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("l Up Enter l Up Up Up Right Down Enter l Esc");
    let goto = |lesson: &str, step| Command::Goto {
        lesson: lesson.into(),
        step,
    };
    assert_eq!(drive.sent(), [goto("instances", 0), goto("filesystem", 1)]);
}

#[test]
fn a_step_is_done_once_more_at_a_key_and_a_lesson_is_forgotten_only_after_a_yes() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.keys("l Right Down");
    assert!(drive.footer().contains("x redo this step"));
    drive.keys("x");
    let redo = Command::Redo {
        lesson: "share-files".into(),
        step: 1,
    };
    assert_eq!(drive.sent(), [redo]);
    assert!(drive.footer().contains("F2 A"), "back in the lesson");
    drive.keys("l Up Up Up");
    assert!(drive.footer().contains("x reset this lesson"));
    drive.keys("x");
    let screen = drive.screen();
    assert!(
        screen.contains("Reset lesson 2, The filesystem?"),
        "{screen}"
    );
    drive.keys("n");
    assert_eq!(drive.sent(), []);
    drive.keys("x y");
    let reset = Command::Reset {
        lesson: "filesystem".into(),
    };
    assert_eq!(drive.sent(), [reset]);
    assert!(drive.footer().contains("x reset"), "the list stays");
}

#[test]
fn before_there_is_a_lab_there_is_nothing_to_reset() {
    let mut drive = Drive::welcome(welcome(), 80, 24);
    drive.keys("l");
    assert!(!drive.footer().contains("reset"), "{}", drive.footer());
    drive.keys("x");
    assert!(drive.screen().contains("Lessons"));
    assert_eq!(drive.effects(), []);
}

#[test]
fn a_skipped_step_is_called_skipped_in_the_list_and_at_the_end() {
    let mut view = cleaned_up();
    view.lessons[1].steps[1].mark = Mark::Skipped;
    (view.step.lesson, view.step.number, view.step.of) = ("cleanup".into(), 1, 1);
    view.step.work = Work::Receipt;
    view.step.state = StepState::Passed("all empty".into());
    let mut drive = Drive::lab(view, 80, 24);
    let screen = drive.screen();
    assert!(screen.contains("the last step, 1 step skipped"), "{screen}");
    drive.keys("l");
    let screen = drive.keys("Up Up Up Up Up Up Up Up Up Right").screen();
    assert!(screen.contains("1 of 4 skipped"), "{screen}");
    assert!(screen.contains("skipped  2  "), "{screen}");
}

#[test]
fn a_long_step_scrolls_and_a_new_one_begins_at_its_top() {
    let mut drive = Drive::lab(building(), 80, 24);
    assert!(!drive.screen().contains("create-stack"));
    assert!(drive.keys("PgDn PgDn").screen().contains("create-stack"));
    assert!(
        drive
            .show(terminals())
            .screen()
            .contains("Both machines have the same")
    );
}

/// The keys that a footer names, as the tests write them.
fn keys_of(footer: &str) -> Vec<String> {
    let items = footer.split("  ").map(str::trim);
    let names = items.filter_map(|item| item.split(' ').next().filter(|name| !name.is_empty()));
    names
        .map(|name| match name.split_once('-') {
            Some(("1", _)) => "1".to_owned(),
            Some(("Ctrl", key)) => format!("C-{key}"),
            Some(("Alt", key)) => format!("A-{key}"),
            _ => name.to_owned(),
        })
        .collect()
}

/// A lab, and the keys that lead to the screen meant.
type Shown = (fn() -> View, &'static str);

#[test]
fn every_key_of_every_footer_does_something() {
    let first = || {
        let mut view = question();
        view.step.lesson = "why-efs".into();
        view
    };
    let last = || {
        let mut view = question();
        (view.step.lesson, view.step.number, view.step.of) = ("cleanup".into(), 1, 1);
        view
    };
    let in_cleanup_step = || {
        let mut view = cleaning_up();
        view.step.work = Work::Receipt;
        view
    };
    let screens: [Shown; 22] = [
        (first, ""),
        (last, ""),
        (to_build, ""),
        (building, ""),
        (failed, ""),
        (terminals, ""),
        (terminals, "F2"),
        (passed, ""),
        (passed, "F3"),
        (typed_question, ""),
        (typed_question, "Enter 1"),
        (cleaning_up, ""),
        (in_cleanup_step, ""),
        (cleaned_up, ""),
        (much_left, ""),
        (terminals, "q"),
        (cleaning_up, "q"),
        (terminals, "l"),
        (terminals, "l Right"),
        (terminals, "$"),
        (terminals, "g"),
        (terminals, "?"),
    ];
    let mut pressed = 0;
    for (view, keys) in screens {
        let drive = || {
            // As the lab comes to it: a cleanup was a step of the lesson before.
            let mut before = view();
            before.phase = Phase::Learning;
            let mut drive = Drive::lab(before, 250, 24);
            for line in 0..30 {
                drive.print(Side::A, format!("line {line}\r\n").as_bytes());
            }
            drive.show(view()).keys(keys);
            drop(drive.effects());
            drive
        };
        let footer = drive().footer();
        // What a key says in the footer is no doing.
        let body = |drive: &mut Drive| {
            let screen = drive.screen();
            screen.trim_end().rsplit_once('\n').unwrap().0.to_owned()
        };
        for key in keys_of(&footer) {
            let mut drive = drive();
            let before = (body(&mut drive), drive.terminal.backend().buffer().clone());
            drive.keys(&key);
            let asked = !drive.effects().is_empty();
            let mut styles = before.1;
            let changed = body(&mut drive) != before.0 || {
                let mut after = drive.terminal.backend().buffer().clone();
                let rows = (after.area.height - 1) * after.area.width;
                after.content.truncate(rows.into());
                styles.content.truncate(rows.into());
                after.content != styles.content
            };
            assert!(asked || changed, "{key} does nothing in {footer:?}");
            pressed += 1;
        }
    }
    assert!(pressed > 100, "{pressed}");
}

#[test]
fn at_either_end_of_the_lab_and_while_it_is_deleted_there_is_no_way_on() {
    let mut first = question();
    assert!(!Drive::lab(first.clone(), 250, 24).footer().contains("back"));
    first.step.number = 2;
    assert!(Drive::lab(first, 250, 24).footer().contains("b back"));
    let mut last = question();
    (last.step.lesson, last.step.number, last.step.of) = ("cleanup".into(), 4, 4);
    let mut drive = Drive::lab(last, 250, 24);
    assert!(!drive.footer().contains("next"));
    assert_eq!(drive.keys("n").sent(), []);
    assert_eq!(drive.footer(), "this is the last step of all");

    let mut view = terminals();
    view.step.work = Work::Receipt;
    let mut drive = Drive::lab(view.clone(), 250, 24);
    view.phase = cleaning_up().phase;
    let footer = drive.show(view).footer();
    for key in ["check", "back", "next", "lessons", "run it"] {
        assert!(!footer.contains(key), "{footer}");
    }
    assert_eq!(drive.keys("b n l r Enter").sent(), []);
}

#[test]
fn a_long_receipt_can_be_read_to_its_end() {
    let last = "eni-0a1b2c3d4e";
    let mut drive = Drive::lab(much_left(), 80, 24);
    assert!(drive.screen().contains("PgDn for more"));
    assert!(!drive.screen().contains(last));
    let screen = drive.keys("PgDn PgDn").screen();
    assert!(
        screen.contains(last) && screen.contains("This lab cost about"),
        "{screen}"
    );
    assert!(
        drive
            .keys("PgUp PgUp")
            .screen()
            .contains("Something is left.")
    );
    let whole = drive.keys("v").resize(80, 60).screen();
    for id in ["i-0a1b2c3d4e5f00000", "fsmt-0a1b2c3d4e5f00011", last] {
        assert!(whole.contains(id), "{whole}");
    }
}

#[test]
fn the_whole_step_can_be_read_with_question_verdict_and_receipt() {
    let mut view = answered_wrong();
    view.step.work = Work::Receipt;
    let mut drive = Drive::lab(view.clone(), 80, 60);
    view.phase = Phase::CleanedUp(receipt());
    let whole = drive.show(view).keys("v").screen();
    for part in [
        "an instance store is a disk",
        "Hint 1 of 3: Who of the three",
        "You run two web servers",
        "not done yet",
        "A volume lives in one zone",
        "Nothing is left.",
    ] {
        assert!(
            whole.to_lowercase().contains(&part.to_lowercase()),
            "{part} in\n{whole}"
        );
    }
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
fn the_question_of_a_build_is_seen_without_scrolling() {
    for (width, height) in [(80, 24), (120, 40), (100, 30), (60, 20)] {
        for view in [to_build(), building()] {
            let screen = Drive::lab(view, width, height).screen();
            assert!(
                screen.contains("Why does B wait") && screen.contains("3  A must"),
                "{width}x{height}\n{screen}"
            );
        }
    }
}

#[test]
fn nothing_is_drawn_while_nothing_changes() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    drive.screen();
    assert!(!drive.app.is_stale());
    drive.keys("F2").screen();
    drive.keys("l s Enter");
    assert!(!drive.app.is_stale(), "the shell has not answered yet");
    drive.print(Side::A, b"l");
    assert!(drive.app.is_stale());
    let lasts = |drive: &Drive| drive.app.lasts(drive.now).unwrap().as_secs();
    assert_eq!(
        lasts(&drive),
        60 - 767 % 60,
        "then only the minutes in the header change"
    );
    assert_eq!(
        lasts(&Drive::lab(building(), 80, 24)),
        1,
        "while something counts seconds, every second"
    );
}

#[test]
fn the_first_screen_answers_with_what_was_chosen() {
    let start = |lesson: Option<&str>| Chosen::Start {
        place: Place::Practice,
        lesson: lesson.map(Into::into),
    };
    let lab = || "lab-7f3k".to_owned();
    for (keys, chosen) in [
        ("Enter", Some(start(None))),
        ("Down Enter", None),
        ("Down Down Enter", Some(Chosen::Resume { lab: lab() })),
        ("e", Some(Chosen::Resume { lab: lab() })),
        ("c n", None),
        ("c y", Some(Chosen::CleanUp { lab: lab() })),
        ("l Down Down Enter", Some(start(Some("mount-targets")))),
        ("q", Some(Chosen::Quit)),
    ] {
        let mut drive = Drive::welcome(welcome(), 80, 24);
        let effects = drive.keys(keys).effects();
        assert_eq!(
            effects,
            chosen.map(Effect::Choose).into_iter().collect::<Vec<_>>(),
            "{keys}"
        );
    }
}

#[test]
fn a_place_that_is_not_ready_says_why() {
    let mut drive = Drive::welcome(welcome(), 80, 24);
    assert_eq!(
        drive.keys("Down Enter").footer(),
        "not possible now: not in this version (press d)"
    );
    assert!(
        drive
            .keys("d")
            .screen()
            .contains("Labs in AWS come with a later version")
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
fn a_verdict_that_was_asked_for_is_seen_also_when_it_is_the_same() {
    let verdict = |verdicts| {
        let mut view = terminals();
        view.step.state = StepState::NotYet("B does not list it".into());
        view.step.verdicts = verdicts;
        view
    };
    let mut drive = Drive::lab(verdict(1), 80, 24);
    let footer = drive.footer();
    assert_eq!(
        drive.show(verdict(2)).footer(),
        footer,
        "a check that runs by itself says nothing new"
    );
    assert_eq!(
        drive.keys("Enter").show(verdict(2)).footer(),
        footer,
        "it is not decided yet"
    );
    assert_eq!(
        drive.show(verdict(3)).footer(),
        "checked again just now: it stands as before"
    );
}

#[test]
fn a_cleanup_keeps_the_lesson_only_if_the_lesson_is_about_it() {
    let mut view = terminals();
    let mut drive = Drive::lab(view.clone(), 80, 24);
    view.step.work = Work::Receipt;
    view.phase = Phase::CleanedUp(receipt());
    assert!(
        !drive
            .show(view.clone())
            .screen()
            .contains("Both machines have")
    );
    assert_eq!(drive.keys("Enter").sent(), [Command::Leave]);

    view.phase = Phase::Learning;
    let mut drive = Drive::lab(view.clone(), 80, 24);
    view.phase = Phase::CleanedUp(receipt());
    view.step.state = StepState::Passed("all listings are empty".into());
    view.step.debrief = None;
    assert!(drive.show(view).screen().contains("Both machines have"));
    assert_eq!(drive.keys("Enter").sent(), [Command::Enter]);
}

/// The line that says what to do next, on a screen where it needs but one.
fn action(view: View) -> String {
    let screen = Drive::lab(view, 109, 50).screen();
    let marked = screen
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("> "));
    // The option that was chosen is marked the same way, but has a number.
    marked
        .map(str::trim)
        .find(|line| !line.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or_else(|| panic!("no action in\n{screen}"))
        .to_owned()
}

#[test]
fn what_must_be_mended_comes_before_what_must_be_waited_for() {
    let trouble = failed().trouble;
    let mut held_up = cleaning_up();
    assert_eq!(
        action(held_up.clone()),
        "Nothing to do: it ends with a receipt."
    );
    held_up.trouble.clone_from(&trouble);
    assert_eq!(action(held_up), "Press t to try again (build the stack).");
    let mut held_up = building();
    held_up.trouble = trouble;
    assert_eq!(action(held_up), "Press t to try again (build the stack).");
}

#[test]
fn while_the_lab_is_at_work_nobody_is_told_to_do_what_cannot_be_done() {
    let mut at_machines = building();
    at_machines.step.question = None;
    at_machines.step.action = "Type pwd in A (F2).".into();
    for state in [
        StepState::Open,
        StepState::Working {
            what: "opening the terminal of A".into(),
            since: ago(3),
        },
    ] {
        at_machines.step.state = state;
        assert_eq!(
            action(at_machines.clone()),
            "Nothing to do: the stack is being built; read on, or press n to go ahead."
        );
    }
    at_machines.stack.as_mut().unwrap().status = "DELETE_IN_PROGRESS".into();
    assert_eq!(
        action(at_machines),
        "Nothing to do: the stack is being deleted; read on, or press n to go ahead."
    );

    let mut connecting = terminals();
    connecting.machines[1].terminal = TerminalState::Connecting;
    assert_eq!(
        action(connecting),
        "Nothing to do: the terminals are being opened; read on, or press n to go ahead."
    );
    let mut ended = terminals();
    ended.machines[1].terminal = TerminalState::Ended("closed".into());
    assert!(action(ended).starts_with("Type touch i-was-here in A"));

    let mut typing = terminals();
    typing.step.state = StepState::Working {
        what: "waiting for the prompt of A".into(),
        since: ago(3),
    };
    assert_eq!(
        action(typing.clone()),
        "Wait a moment, or press n to go ahead."
    );
    let screen = Drive::lab(typing, 80, 24).screen();
    assert!(screen.contains("waiting for the prompt of A"), "{screen}");
}

#[test]
fn while_the_stack_is_built_its_question_can_be_answered() {
    let mut view = building();
    view.step.question = question().step.question;
    assert_eq!(
        action(view.clone()),
        "The stack is being built. Meanwhile answer the question (1-3)."
    );
    view.step.question.as_mut().unwrap().answered = Some(("3".into(), "Both mount it.".into()));
    assert_eq!(
        action(view),
        "Nothing to do: the stack is being built; read on, or press n to go ahead."
    );
}

#[test]
fn when_the_lab_is_gone_there_is_nothing_to_do_but_to_end() {
    let mut view = cleaned_up();
    assert_eq!(
        action(view.clone()),
        "The lab is gone: q ends; efslab start begins another."
    );
    let footer = Drive::lab(view.clone(), 250, 24).footer();
    assert!(
        footer.starts_with("Enter end") && !footer.contains("r run"),
        "{footer}"
    );
    // The same where the receipt stands beside an earlier step.
    view.step.work = Work::Receipt;
    let learning = View {
        phase: Phase::Learning,
        ..view.clone()
    };
    let mut drive = Drive::lab(learning, 250, 24);
    drive.show(view);
    assert!(!drive.footer().contains("r run"), "{}", drive.footer());
    assert!(drive.screen().contains("The lab is gone"));

    let mut left = something_left();
    assert_eq!(
        action(left.clone()),
        "Press r to clean up again, or q to leave."
    );
    assert_eq!(
        Drive::lab(left.clone(), 80, 24).keys("r").sent(),
        [Command::CleanUp]
    );
    left.step.state = StepState::Passed("what it was before".into());
    assert_eq!(
        action(left.clone()),
        "Press r to clean up again, or q to leave."
    );
    assert!(
        Drive::lab(left, 250, 24)
            .footer()
            .contains("r clean up again")
    );
}

#[test]
fn what_the_verdict_says_is_not_said_twice() {
    for view in [answered_wrong(), {
        let mut view = answered_wrong();
        let why = "A volume lives in one zone and is attached to one instance.; and more";
        view.step.state = StepState::Passed(why.into());
        view
    }] {
        let screen = Drive::lab(view, 200, 50).screen();
        assert_eq!(screen.matches("A volume lives").count(), 1, "{screen}");
    }
    let mut view = answered_wrong();
    view.step.state = StepState::Open;
    let screen = Drive::lab(view, 80, 24).screen();
    assert!(screen.contains("A volume lives"), "{screen}");

    let mut view = typed_question();
    assert!(
        Drive::lab(view.clone(), 80, 24)
            .screen()
            .contains("answer:")
    );
    view.step.state = StepState::Passed("1.5 is right".into());
    assert!(!Drive::lab(view, 80, 24).screen().contains("answer:"));
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

#[test]
fn the_bill_is_opened_from_the_lesson_and_from_the_way_out_and_follows_the_lab() {
    let mut drive = Drive::lab(question(), 80, 24);
    drive.keys("$");
    let screen = drive.screen();
    assert!(screen.contains("Spent so far: 0.00 USD"), "{screen}");
    assert!(screen.contains("Nothing stands."), "{screen}");
    let mut view = question();
    view.owed.as_mut().unwrap().of = Of::Standing;
    drive.show(view);
    let screen = drive.screen();
    assert!(screen.contains("What stands now would cost"), "{screen}");
    drive.keys("Esc q $ Esc");
    assert!(
        drive.screen().contains("Keep working"),
        "back at the dialog"
    );
    assert_eq!(drive.sent(), []);
}

#[test]
fn whoever_built_nothing_is_told_what_a_cleanup_does_then() {
    let mut view = terminals();
    view.step.work = Work::Receipt;
    view.stack = None;
    let screen = Drive::lab(view, 80, 24).screen();
    assert!(screen.contains("every answer is: none."), "{screen}");
}

#[test]
fn every_letter_in_the_glossary_belongs_to_the_search() {
    let mut drive = Drive::lab(terminals(), 80, 24);
    let screen = drive.keys("g").screen();
    assert!(screen.contains("alarm (OK): Watches"), "{screen}");
    let screen = drive.keys("Down PgDn q z x Backspace").screen();
    assert!(screen.contains("Find: qz"), "{screen}");
    assert!(screen.contains("No term has that"), "{screen}");
    let screen = drive.keys("Backspace Backspace a z").screen();
    let first = screen.lines().nth(2).unwrap();
    assert!(first.contains("availability zone (AZ, zone):"), "{screen}");
    drive.keys("Esc");
    assert!(drive.footer().contains("F2 A"), "back in the lesson");
    assert_eq!(drive.sent(), []);
}

#[test]
fn a_verdict_says_which_of_the_three_it_is_and_why() {
    let shown = |state: StepState, due| {
        let mut view = terminals();
        (view.step.state, view.step.due) = (state, due);
        Drive::lab(view, 80, 24).screen()
    };
    let later = |seconds: i64| Some(ago(-seconds));
    let converging = || StepState::Converging("the stack: CREATE_IN_PROGRESS".into());
    for (state, due, said) in [
        (
            StepState::NotYet("`ls` on B shows nothing yet".into()),
            None,
            "not done yet  ls on B shows nothing yet",
        ),
        (
            converging(),
            later(40),
            "still converging (about 40 s)  the stack: CREATE_IN_PROGRESS",
        ),
        (
            converging(),
            later(-5),
            "still converging (longer than usual)",
        ),
        (converging(), None, "still converging  the stack:"),
        (
            StepState::CouldNotCheck("B could not be asked (`ls`): connection refused".into()),
            None,
            "could not check  B could not be asked (ls): connection refused",
        ),
    ] {
        let screen = shown(state, due);
        let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&said), "{said} in\n{screen}");
    }
}
