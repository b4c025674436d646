//! The program's edges: what it says and how it ends when something is missing, wrong or in the way.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use crate::support::{Home, outcome};

/// A sentence, a remedy, a code other than zero; never a panic.
#[track_caller]
fn refused(result: &(i32, String, String), code: i32, says: &[&str]) {
    let (status, out, err) = result;
    // miette wraps long lines; what is said must not depend on where.
    let flat = err
        .replace(['│', '\n'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(*status, code, "{out}{err}");
    assert!(!flat.contains("panicked"), "{err}");
    for part in says {
        assert!(flat.contains(part), "`{part}` is not said:\n{err}");
    }
}

#[test]
fn without_a_client_it_says_which_package_to_install() {
    let home = Home::new();
    for arguments in [&["run"][..], &["start"], &["resume"]] {
        let result = outcome(home.efslab(arguments).env("PATH", home.path("nothing")));
        refused(&result, 1, &["`ssh`", "install the OpenSSH client"]);
    }
    assert!(home.files("run").is_empty());
}

#[test]
fn a_state_directory_that_cannot_be_used_is_named_with_the_remedy() {
    let home = Home::new();
    fs::write(home.path("state"), "a file where the directory should be").unwrap();
    for arguments in [&["run"][..], &["status"], &["cleanup"]] {
        refused(&home.run(arguments), 1, &["state", "--state-dir"]);
    }
    assert_eq!(
        fs::read_to_string(home.path("state")).unwrap(),
        "a file where the directory should be"
    );
}

#[test]
fn a_port_in_use_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refused(
        &home.run(&["practice", "serve", "--port", &port]),
        1,
        &[&port, "in use"],
    );
}

#[test]
fn a_corrupt_lesson_is_refused_with_file_and_line() {
    let home = Home::new();
    let file = home.path("broken.yaml");
    fs::write(&file, "id: broken\nnumber: one\n").unwrap();
    let result = home.run(&["lessons", "check", file.to_str().unwrap()]);
    refused(&result, 1, &["broken.yaml:2"]);
}

#[test]
fn the_lessons_inside_are_right() {
    let (code, out, err) = Home::new().run(&["lessons", "check"]);
    assert_eq!((code, out.as_str()), (0, "11 lessons are right\n"), "{err}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/lessons/05-share-files.yaml");
    let (code, out, err) = Home::new().run(&["lessons", "check", file]);
    assert_eq!(
        (code, out),
        (0, format!("{file}: 1 lesson is right\n")),
        "{err}"
    );
}

#[test]
fn the_glossary_is_read_by_term_or_as_a_whole() {
    let home = Home::new();
    let (code, out, _) = home.run(&["lessons", "glossary", "AZ"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("availability zone (AZ, zone): "), "{out}");
    let (code, all, _) = home.run(&["lessons", "glossary"]);
    assert_eq!(code, 0, "{all}");
    assert!(all.lines().count() > 35, "{all}");
    refused(
        &home.run(&["lessons", "glossary", "xyzzy"]),
        1,
        &["no term", "`xyzzy`"],
    );
}

#[test]
fn a_terminal_too_small_is_told_so_and_left_as_it_was() {
    let home = Home::new();
    let (code, text) = home.screen(&["start"], 5, 20).end();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("needs 40 and 12"), "{text}");
    assert!(home.files("run").is_empty() && home.processes().is_empty());
}

#[test]
fn without_a_terminal_it_points_to_the_unattended_run() {
    let home = Home::new();
    for arguments in [&["start"][..], &["start", "share-files"]] {
        refused(&home.run(arguments), 1, &["terminal", "efslab run"]);
    }
    assert!(home.files("run").is_empty());
}

#[test]
fn usage_errors_have_their_own_code() {
    let home = Home::new();
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["run", "--target", "moon"],
        &["ssh", "c"],
    ] {
        assert_eq!(home.run(arguments).0, 2, "{arguments:?}");
    }
    refused(
        &home.run(&["run", "--pace", "quick"]),
        1,
        &["`quick`", "--pace max"],
    );
    refused(
        &home.run(&["run", "no-such-lesson"]),
        1,
        &["no-such-lesson", "share-files"],
    );
}

#[test]
fn looking_at_nothing_says_so() {
    let home = Home::new();
    let (code, out, _) = home.run(&["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("efslab start"), "{out}");
    let (code, out, _) = home.run(&["cleanup"]);
    assert_eq!(code, 0, "{out}");
    refused(&home.run(&["ssh", "a"]), 1, &["no lab"]);
    refused(
        &home.run(&["practice", "ssh-config"]),
        1,
        &["no practice account is running"],
    );
}

/// A proxy for the world outside is none for what runs on this computer; this one would swallow everything.
#[test]
fn the_practice_account_is_reached_past_any_proxy() {
    let home = Home::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let mut command = home.efslab(&["run", "why-efs", "--pace", "max"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &proxy);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let (code, out, err) = outcome(&mut command);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Nothing is left."), "{out}");
}

#[test]
fn options_that_do_not_fit_a_lab_are_refused_by_name() {
    let home = Home::new();
    let (code, out, err) = home.run(&["run", "why-efs", "--keep", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    for (option, value) in [
        ("--region", "eu-west-1"),
        ("--target", "aws"),
        ("--profile", "team"),
    ] {
        refused(
            &home.run(&["cleanup", option, value]),
            4,
            &[option, "does not fit", "efslab status"],
        );
    }
    let (code, out, err) = home.run(&["cleanup", "--dry-run", "--json"]);
    assert_eq!(code, 0, "{err}");
    let plan: serde_json::Value = serde_json::from_str(&out).expect("JSON and nothing else");
    assert_eq!(plan[0]["would_delete"]["instances"], "Empty", "{out}");
    assert_eq!(home.run(&["cleanup"]).0, 0);
}

#[test]
fn the_template_is_printed_alone() {
    let (code, out, err) = Home::new().run(&["template", "--stage", "share"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("AWS::EFS::MountTarget") && out.len() <= 51_200,
        "{} bytes",
        out.len()
    );
}

#[test]
fn the_doctor_finds_what_the_lab_needs() {
    let (code, out, err) = Home::new().run(&["doctor"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("OpenSSH"), "{out}");
}

#[test]
fn practice_env_leads_a_shell_to_the_account_that_runs_here_and_to_no_other() {
    let home = Home::new();
    refused(
        &home.run(&["practice", "env"]),
        1,
        &["no practice account is running here", "efslab start"],
    );

    let mut serving = home
        .efslab(&["practice", "serve", "--pace", "max"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let exports: Vec<String> = lines.take(4).map(Result::unwrap).collect();

    // A shell that is set up for the learner's own AWS account, and for a practice account of yesterday.
    let mut shell = home.shell(
        "eval \"$($EFSLAB practice env)\" && $EFSLAB practice ssh-config && env | grep ^AWS_",
    );
    shell
        .env("AWS_PROFILE", "work")
        .env("AWS_SESSION_TOKEN", "of-work")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let (code, out, err) = outcome(&mut shell);
    assert_eq!(code, 0, "{out}{err}");
    let mut set: Vec<String> = out
        .lines()
        .filter(|line| line.starts_with("AWS_"))
        .map(|line| format!("export {line}"))
        .collect();
    let mut expected = exports;
    set.sort();
    expected.sort();
    assert_eq!(set, expected, "{err}");

    // Killed, it leaves a note behind that is no longer true.
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(home.path("state/practice/endpoint.json").exists());
    refused(
        &home.run(&["practice", "env"]),
        1,
        &["no practice account is running here"],
    );
}

#[test]
fn whoever_built_nothing_gets_no_machines_in_order_to_clean_up() {
    let home = Home::new();
    let mut screen = home.screen(&["start", "cleanup", "--pace", "max"], 24, 80);
    for step in 1..5 {
        screen.shows(&format!("step {step} of 5"));
        screen.keys("n");
    }
    screen.shows("step 5 of 5");
    screen.keys("r");
    screen.shows("Nothing is left.");
    screen.keys("\r");
    let (code, text) = screen.end();
    assert_eq!(code, 0, "{text}");
    let mut rows = text.lines().map(str::split_whitespace);
    let none = |row: std::str::SplitWhitespace<'_>| row.take(2).eq(["instances", "0"]);
    assert!(rows.any(none), "{text}");
    // To go on without a step is not to pass it.
    assert!(
        text.contains("1 of ") && text.contains("4 skipped:"),
        "{text}"
    );
}

/// Whatever one does next: what stands in AWS is billed, and whoever was killed may have forgotten it.
#[test]
fn a_lab_that_still_stands_in_aws_is_told_of_with_what_it_costs() {
    use efslab::engine::effect::{Effect, NewStack};
    use efslab::engine::event::Ground;
    use efslab::journal::{Journal, Place};
    use efslab::template::Stage;

    let home = Home::new();
    let journal = Journal::open(&home.path("state")).unwrap();
    let place = Place::Aws {
        profile: None,
        region: "eu-west-1".to_owned(),
    };
    let now = jiff::Timestamp::now();
    journal.add_lab("lab-7f3k", &place, now).unwrap();
    let told = |arguments: &[&str]| home.run(arguments).2;
    assert_eq!(told(&["lessons", "list"]), "");
    let wanted = NewStack {
        alarm_email: None,
        name: "efslab-7f3k-lab".to_owned(),
        stage: Stage::Share,
        ground: Ground {
            account: "123456789012".to_owned(),
            zones: ["eu-west-1a".to_owned(), "eu-west-1b".to_owned()],
            instance_type: "t3.micro".to_owned(),
            image: "ami-1".to_owned(),
            ssh_cidr: "198.51.100.7/32".to_owned(),
        },
    };
    let effect = Effect::CreateStack(wanted);
    journal.admit("lab-7f3k", effect.clone(), now).unwrap();
    for arguments in [
        &["lessons", "list"][..],
        &["template"],
        &["run", "why-efs", "--pace", "max"],
    ] {
        let told = told(arguments);
        let line = "lab-7f3k still stands in AWS, eu-west-1, as far as is known here, and costs at least 0.0";
        assert!(
            told.contains(line) && told.contains("USD an hour"),
            "{arguments:?}: {told}"
        );
    }
    let driver = journal.drive("lab-7f3k").unwrap();
    assert_eq!(told(&["lessons", "list"]), "", "somebody is at it");
    drop(driver);
    journal.note_gone("lab-7f3k", "efslab-7f3k-lab").unwrap();
    assert_eq!(told(&["lessons", "list"]), "", "it was never made");

    let (name, id) = ("efslab-7f3k-lab", "arn:of/the/stack");
    journal.admit("lab-7f3k", effect, now).unwrap();
    journal.note_found("lab-7f3k", name, id).unwrap();
    journal.note_gone("lab-7f3k", id).unwrap();
    let told = told(&["lessons", "list"]);
    let line = "lab-7f3k may still cost money in AWS, eu-west-1: no cleanup has proved yet that nothing is left";
    assert!(told.contains(line), "{told}");
}

#[test]
fn a_lab_in_aws_without_a_guard_is_asked_about() {
    for command in [&["run"][..], &["start"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["--target", "aws", "--region", "us-east-1", "--no-guard"]);
        refused(
            &Home::new().run(&arguments),
            1,
            &["without a guard is asked about first", "--yes"],
        );
    }
}
