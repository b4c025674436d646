//! What keys do.

use super::fixtures::*;
use super::*;
use crate::engine::view::{Phase, StepState, TerminalState, Work};

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
