//! The whole lab with the real binary: unattended, and by key presses in a terminal.

use crate::support::{Home, Screen, outcome};

#[test]
fn unattended_every_step_fails_then_passes_and_nothing_is_left() {
    let home = Home::new();
    let (code, out, err) = home.run(&["run", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    let steps = out.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(steps > 20, "{out}");
    assert!(!out.contains("FAIL"), "{out}");
    assert!(out.contains("Nothing is left."), "{out}");
    for kind in ["stacks", "instances", "volumes", "snapshots", "filesystems", "mount targets", "network interfaces"] {
        let row = out.lines().find(|line| line.trim_start().starts_with(kind)).unwrap_or_else(|| panic!("{kind}: {out}"));
        assert!(row.contains("  0"), "{row}");
    }
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
}

#[test]
fn a_single_lesson_builds_what_it_needs_and_can_be_kept_and_cleaned_up_later() {
    let home = Home::new();
    let (code, out, err) = home.run(&["run", "share-files", "--keep", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    let (_, status, _) = home.run(&["status"]);
    assert!(status.contains("in the account: stack"), "{status}");
    let (code, out, err) = home.run(&["cleanup", "--dry-run", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("instances: i-"), "{out}");
    let (code, out, err) = home.run(&["cleanup", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Nothing is left.") && out.contains("(2 deleted)"), "{out}");
    let (_, status, _) = home.run(&["status"]);
    assert!(status.contains("cleaned up"), "{status}");
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
}

/// Starts the sharing lesson and waits for both prompts.
fn shared(home: &Home, rows: u16, columns: u16) -> Screen {
    let mut screen = home.screen(&["start", "share-files", "--pace", "max"], rows, columns);
    screen.until("both prompts", |text| text.matches("ec2-user@ip-").count() >= 2);
    screen
}

#[test]
fn killed_at_work_it_resumes_at_the_same_step_with_both_terminals() {
    let home = Home::new();
    let mut screen = shared(&home, 24, 80);
    screen.keys("n");
    screen.shows("2/");
    let (code, _, err) = home.run(&["resume"]);
    assert_eq!(code, 1, "a second driver must be refused");
    assert!(err.contains("driven by another efslab") || err.contains("terminal"), "{err}");
    let (_, status, _) = home.run(&["status"]);
    assert!(status.contains("being driven now"), "{status}");
    let (code, out, err) = outcome(&mut home.efslab(&["ssh", "a", "--", "echo beside > ~/beside; hostname"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("ip-"), "{out}");
    screen.kill();
    let mut screen = home.screen(&["resume", "--pace", "max"], 24, 80);
    screen.until("both prompts again", |text| text.matches("ec2-user@ip-").count() >= 2);
    assert!(screen.text().contains("2/"), "{}", screen.text());
    let (_, out, err) = outcome(&mut home.efslab(&["ssh", "b", "--", "cat beside"]));
    assert_eq!(out, "beside\n", "what A wrote is on B after the kill: {err}");
    screen.kill();
    let (code, out, err) = home.run(&["cleanup", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
}
