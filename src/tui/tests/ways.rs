//! The ways through the lab and out of it: where it is chosen, the lessons, the bill, leaving, the cleanup.

use jiff::SignedDuration;

use super::fixtures::*;
use super::*;
use crate::engine::view::{Mark, Of, Phase, StepState, Work};
use crate::tui::chosen::{Chosen, Place};

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
fn the_header_names_the_day_of_a_lease_only_where_it_is_in_doubt_and_keeps_the_cost_beside_it() {
    for (hours, told) in [
        (23, "removes itself 17:07"),
        (25, "removes itself 23 Nov 19:07"),
    ] {
        let mut view = terminals();
        view.removes_itself = Some(now() + SignedDuration::from_hours(hours));
        let screen = Drive::lab(view, 80, 24).screen();
        let header = screen.lines().next().unwrap();
        assert!(
            header.contains(told) && header.contains("0.00 USD"),
            "{header}"
        );
    }
}
