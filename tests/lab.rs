//! The whole lab with the real binary: unattended, and by key presses in a terminal.

use std::fs;

use crate::support::{Home, Place, Screen, is_at_step, outcome};

#[test]
fn unattended_every_step_fails_then_passes_and_nothing_is_left() {
    let home = Home::new();
    let (code, out, err) = home.run(&["run", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    let steps = out.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(steps > 20, "{out}");
    assert!(!out.contains("FAIL"), "{out}");
    assert!(out.contains("Nothing is left."), "{out}");
    for kind in [
        "stacks",
        "instances",
        "volumes",
        "snapshots",
        "filesystems",
        "mount targets",
        "network interfaces",
    ] {
        let row = out
            .lines()
            .find(|line| line.trim_start().starts_with(kind))
            .unwrap_or_else(|| panic!("{kind}: {out}"));
        assert!(row.contains("  0"), "{row}");
    }
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
    let mut beside: Vec<_> = fs::read_dir(home.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    beside.sort();
    assert_eq!(beside, ["run", "state"], "nothing is written elsewhere");
}

#[test]
fn a_single_lesson_builds_what_it_needs_and_can_be_kept_and_cleaned_up_later() {
    let home = Home::new();
    let (code, out, err) = home.run(&["run", "share-files", "--keep", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    let (_, status, _) = home.run(&["status"]);
    assert!(status.contains("in the account: stack"), "{status}");
    assert!(
        status.contains("costs 0.00 USD here; on AWS at least 0.03"),
        "{status}"
    );
    let (code, out, err) = home.run(&["cleanup", "--dry-run", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("instances: i-"), "{out}");
    let (code, out, err) = home.run(&["cleanup", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("Nothing is left.") && out.contains("(2 deleted)"),
        "{out}"
    );
    let (_, status, _) = home.run(&["status"]);
    assert!(status.contains("cleaned up"), "{status}");
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
}

/// What an unattended run says of each step, without what differs from lab to lab: times, ids, and what was measured.
fn steps(out: &str) -> Vec<String> {
    let lines = out
        .lines()
        .filter(|line| line.starts_with("ok ") || line.starts_with("FAIL"));
    lines
        .map(|line| line.split(" (").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_lesson_alone_has_the_same_result_each_time() {
    let home = Home::new();
    let again = |arguments: &[&str]| {
        let (code, out, err) =
            home.run(&[&["run", "restore", "--pace", "max"], arguments].concat());
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("Nothing is left."), "{out}");
        steps(&out)
    };
    let first = again(&[]);
    assert_eq!(first.len(), 6, "{first:?}");
    assert!(first.iter().all(|line| line.starts_with("ok ")));
    assert_eq!(first, again(&["--alarm-email", "me@example.org"]));
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_made() {
    let home = Home::new();
    for address in ["nobody", "@example.org", "a b@example.org", "me@localhost"] {
        let (code, out, err) = home.run(&["run", "why-efs", "--alarm-email", address]);
        assert_eq!(code, 1, "{out}");
        assert!(err.contains("is no mail address"), "{err}");
    }
    let (_, status, _) = home.run(&["status"]);
    assert!(!status.contains("lab-"), "{status}");
}

/// Starts the sharing lesson, goes to the step that opens the terminals, and waits for both prompts.
fn shared(home: &Home, pace: &str, rows: u16, columns: u16) -> Screen {
    let mut screen = home.screen(&["start", "share-files", "--pace", pace], rows, columns);
    screen.until("step 1", |text| is_at_step(text, 1, 9));
    screen.keys("n");
    screen.until("both prompts", |text| {
        text.matches("[ec2-user@ip-").count() >= 2
    });
    screen
}

#[test]
fn killed_at_work_it_resumes_at_the_same_step_with_both_terminals() {
    let home = Home::new();
    let screen = shared(&home, "max", 24, 80);
    assert!(is_at_step(&screen.text(), 2, 9), "{}", screen.text());
    let (code, _, err) = home.run(&["cleanup"]);
    assert_ne!(code, 0, "a second driver must be refused");
    assert!(err.contains("is being driven by another efslab"), "{err}");
    let (code, text) = home.screen(&["resume"], 24, 80).end();
    assert_ne!(code, 0, "a second driver must be refused");
    assert!(text.contains("another efslab"), "{text}");
    let (_, status, _) = home.run(&["status"]);
    assert!(status.contains("being driven now"), "{status}");
    let (code, out, err) =
        outcome(&mut home.efslab(&["ssh", "a", "--", "echo beside > ~/beside; sync; hostname"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("ip-"), "{out}");
    screen.kill();
    let mut screen = home.screen(&["resume", "--pace", "max"], 24, 80);
    screen.until("both prompts again", |text| {
        text.matches("[ec2-user@ip-").count() >= 2
    });
    assert!(is_at_step(&screen.text(), 2, 9), "{}", screen.text());
    let (_, out, err) = outcome(&mut home.efslab(&["ssh", "b", "--", "cat beside"]));
    assert_eq!(
        out, "beside\n",
        "what A wrote is on B after the kill: {err}"
    );
    screen.kill();
    let (code, out, err) = home.run(&["cleanup", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
}

#[test]
fn whose_window_is_closed_at_any_moment_leaves_no_program_behind_and_a_lab_that_goes_on() {
    let home = Home::new();
    let mut asked = home.window(&["start"], 24, 80);
    asked.shows("Where should the lab run?");
    asked.kill();
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    let mut building = home.window(&["start", "share-files", "--pace", "100"], 24, 80);
    building.until("step 1", |text| is_at_step(text, 1, 9));
    building.keys("n");
    building.until("step 2", |text| is_at_step(text, 2, 9));
    building.kill();
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    let mut back = home.window(&["resume", "--pace", "100"], 24, 80);
    back.until("the step again", |text| is_at_step(text, 2, 9));
    back.until("both prompts", |text| {
        text.matches("[ec2-user@ip-").count() >= 2
    });
    back.kill();
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    let (code, out, err) = home.run(&["cleanup", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
}

#[test]
fn typing_is_as_in_a_shell() {
    let home = Home::new();
    // Fast, and yet so that a long sleep is one (at `max` time jumps to its end), and so that a busy computer boots in time.
    let mut screen = shared(&home, "100", 50, 200);
    screen.keys("\x1bOQ");
    screen.shows("keys go here");
    screen.keys("echo $((6*7))-one\r");
    screen.shows("42-one");
    // History: Up brings the line back, and it can be changed.
    screen.keys("\x1b[A");
    screen.until("the line again", |text| {
        text.matches("echo $((6*7))-one").count() == 2
    });
    screen.keys("\x7f\x7f\x7ftwo\r");
    screen.shows("42-two");
    // Ctrl-C ends what runs, and what was typed.
    screen.keys("sleep 100000000 && echo never\r");
    screen.shows("echo never");
    screen.keys("\x03");
    screen.keys("echo after-$?\r");
    screen.shows("after-130");
    screen.keys("echo unfinished\x03");
    screen.keys("echo fin''ished\r");
    screen.until("its answer", |text| {
        text.lines()
            .any(|line| line.contains("finished") && !line.contains("echo"))
    });
    // A paste is typed, all of it, and runs only where it says so.
    screen.keys("\x1b[200~echo pas\x1b[201~");
    screen.keys("\x1b[200~ted-$((40+2))\x1b[201~\r");
    screen.shows("pasted-42");
    // Tab completes commands and names; where several fit, a second one shows them.
    screen.keys("mkd\tnote-1 note-2\r");
    screen.keys("ls no\t\t");
    screen.shows("note-1/  note-2/");
    screen.keys("2\t; echo tab-$((1+1))\r");
    screen.shows("tab-2");
    screen.keys("\x1d");
    screen.shows("Enter check");
    screen.kill();
    assert_eq!(home.run(&["cleanup", "--pace", "max"]).0, 0);
}

/// Walks the whole lab from the first screen to the receipt by key presses only.
fn walk(rows: u16, columns: u16) {
    let home = Home::new();
    let mut screen = home.screen(&["start", "--pace", "max"], rows, columns);
    screen.shows("Where should the lab run?");
    screen.keys("\r");
    let catalog = efslab::lesson::catalog::Catalog::embedded().unwrap();
    for lesson in catalog.lessons() {
        for (number, step) in lesson.steps.iter().enumerate() {
            let place = Place::of(lesson, number);
            screen.until(&place.name, |text| {
                // The verdict of the step before may still be on a screen that is half redrawn.
                place.is_on(text) && !text.contains(" passed ")
            });
            if step.rows.iter().any(|row| row == "C42") {
                by_hand(&mut screen);
            } else {
                screen.keys("r");
                if place.builds {
                    screen.shows("The stack stands");
                    screen.keys("r");
                }
                if place.measures {
                    screen.shows("Measured, in both directions");
                    screen.keys("r");
                }
            }
            if lesson.id == "cleanup" && number + 1 == lesson.steps.len() {
                break;
            }
            screen.until(&format!("{} to pass", place.name), |text| {
                text.contains(" passed ")
            });
            screen.keys("\r");
        }
    }
    screen.shows("Nothing is left.");
    screen.keys("\r");
    let (code, text) = screen.end();
    assert_eq!(code, 0, "{text}");
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
}

/// The heart of the lab, typed by the learner: F2 is machine A, F3 machine B, Ctrl-] gives the keys back to the lesson.
fn by_hand(screen: &mut Screen) {
    let prompts = |text: &str| text.matches("[ec2-user@ip-").count();
    let before = prompts(&screen.text());
    screen.keys("\x1bOQ");
    screen.keys("touch i-was-here\r");
    screen.until("A to be done", |text| {
        text.contains("touch i-wa") && prompts(text) > before
    });
    screen.keys("\x1bOR");
    screen.keys("ls\r");
    screen.until("B to show it", |text| text.contains(" passed "));
    screen.keys("\x1d");
}

#[test]
fn the_whole_lab_can_be_walked_in_80_by_24() {
    walk(24, 80);
}

#[test]
fn the_whole_lab_can_be_walked_in_200_by_50() {
    walk(50, 200);
}
