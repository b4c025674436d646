//! What a learner sees, in the two sizes that matter most and in the corners.

use insta::assert_snapshot;

use super::fixtures::*;
use super::*;
use crate::engine::view::{Of, Owed, TerminalState};
use crate::template::Stage;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// One snapshot for each size.
fn see(name: &str, drive: impl Fn(u16, u16) -> Drive) {
    for (width, height) in SIZES {
        let screen = drive(width, height).screen();
        assert_snapshot!(format!("{name}_{width}x{height}"), screen);
    }
}

/// A shell on each machine, as after the learner's commands.
fn with_shells(mut drive: Drive) -> Drive {
    drive.print(
        Side::A,
        b"[ec2-user@ip-10-0-1-12 ~]$ touch i-was-here\r\n[ec2-user@ip-10-0-1-12 ~]$ ",
    );
    drive.print(
        Side::B,
        b"[ec2-user@ip-10-0-2-9 ~]$ ls\r\n\x1b[32mi-was-here\x1b[m\r\n[ec2-user@ip-10-0-2-9 ~]$ ",
    );
    drive
}

#[test]
fn the_first_screen() {
    see("welcome", |w, h| Drive::welcome(welcome(), w, h));
}

#[test]
fn a_text_with_a_question() {
    see("question", |w, h| Drive::lab(question(), w, h));
}

#[test]
fn a_wrong_answer_says_why() {
    see("answered_wrong", |w, h| {
        let mut drive = Drive::lab(question(), w, h);
        drive.screen();
        drive.show(answered_wrong());
        drive
    });
}

#[test]
fn an_answer_being_typed() {
    see("typed_answer", |w, h| {
        let mut drive = Drive::lab(typed_question(), w, h);
        drive.keys("Enter 1 . 5");
        drive
    });
}

#[test]
fn a_stack_about_to_be_built() {
    see("to_build", |w, h| Drive::lab(to_build(), w, h));
}

#[test]
fn a_stack_being_built() {
    see("building", |w, h| Drive::lab(building(), w, h));
}

#[test]
fn a_stack_that_failed() {
    see("trouble", |w, h| Drive::lab(failed(), w, h));
}

#[test]
fn two_terminals_with_the_keys_in_a() {
    see("terminals", |w, h| {
        let mut drive = with_shells(Drive::lab(terminals(), w, h));
        drive.keys("F2");
        drive
    });
}

#[test]
fn a_step_that_is_passed() {
    see("passed", |w, h| {
        let mut drive = with_shells(Drive::lab(terminals(), w, h));
        drive.screen();
        drive.show(passed());
        drive
    });
}

#[test]
fn writes_that_light_up_on_the_other_side() {
    see("causality_begin", |w, h| Drive::lab(causality(0), w, h));
    see("causality_half", |w, h| Drive::lab(causality(57), w, h));
    see("causality_all", |w, h| {
        let mut drive = Drive::lab(causality(99), w, h);
        drive.screen();
        drive.show(causality(100));
        drive
    });
    let base = Box::new(LessonScreen::new(Arc::new(causality(57))));
    let plain = Look {
        unicode: false,
        colour: false,
    };
    assert_snapshot!(
        "causality_ascii_80x24",
        Drive::over(base, 80, 24, plain).screen()
    );
}

#[test]
fn a_session_that_ended() {
    let mut view = terminals();
    view.machines[1].terminal =
        TerminalState::Ended("Connection to 203.0.113.20 closed by remote host".into());
    assert_snapshot!(
        "ended_80x24",
        with_shells(Drive::lab(view, 80, 24)).screen()
    );
}

#[test]
fn how_to_leave() {
    see("leave_practice", |w, h| {
        let mut drive = Drive::lab(terminals(), w, h);
        drive.keys("q");
        drive
    });
    let mut drive = Drive::lab(in_aws(building()), 80, 24);
    assert_snapshot!("leave_aws_80x24", drive.keys("q").screen());
}

#[test]
fn what_you_owe() {
    see("owed_practice", |w, h| {
        let mut drive = Drive::lab(question(), w, h);
        drive.keys("$");
        drive
    });
    see("owed_aws", |w, h| {
        let mut view = in_aws(terminals());
        view.owed = Some(Owed {
            of: Of::Standing,
            ..owed(Stage::Backup)
        });
        let mut drive = Drive::lab(view, w, h);
        drive.keys("q $");
        drive
    });
    see("owed_aws_guarded", |w, h| {
        let mut view = in_aws(terminals());
        view.removes_itself = "2025-11-22T21:40:00Z".parse().ok();
        view.owed.as_mut().unwrap().of = Of::Standing;
        let mut drive = Drive::lab(view, w, h);
        drive.keys("$");
        drive
    });
}

#[test]
fn the_glossary() {
    see("glossary", |w, h| {
        let mut drive = Drive::lab(terminals(), w, h);
        drive.keys("g m o u n t");
        drive
    });
}

#[test]
fn the_keys() {
    see("help", |w, h| {
        let mut drive = Drive::lab(terminals(), w, h);
        drive.keys("?");
        drive
    });
}

#[test]
fn the_lessons() {
    let mut drive = Drive::lab(building(), 80, 24);
    assert_snapshot!("lessons_80x24", drive.keys("l Right").screen());
}

#[test]
fn the_commands_of_a_step() {
    let mut drive = Drive::lab(building(), 80, 24);
    assert_snapshot!("commands_80x24", drive.keys("c").screen());
}

#[test]
fn cleaning_up() {
    see("cleaning_up", |w, h| {
        Drive::lab(fixtures::cleaning_up(), w, h)
    });
}

#[test]
fn the_receipt() {
    see("receipt", |w, h| Drive::lab(cleaned_up(), w, h));
    assert_snapshot!(
        "receipt_left_80x24",
        Drive::lab(something_left(), 80, 24).screen()
    );
    let mut drive = Drive::lab(much_left(), 80, 24);
    assert_snapshot!("receipt_much_left_80x24", drive.keys("PgDn").screen());
}

#[test]
fn corners() {
    assert_snapshot!("tiny_20x5", Drive::lab(terminals(), 20, 5).screen());
    let mut least = with_shells(Drive::lab(terminals(), 40, 12));
    assert_snapshot!("least_40x12", least.keys("F3").screen());
    assert_snapshot!(
        "large_200x50",
        with_shells(Drive::lab(passed(), 200, 50)).screen()
    );
    let base = Box::new(LessonScreen::new(Arc::new(building())));
    let plain = Look {
        unicode: false,
        colour: false,
    };
    assert_snapshot!("ascii_80x24", Drive::over(base, 80, 24, plain).screen());
}
