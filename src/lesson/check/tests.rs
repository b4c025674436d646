//! Tables of evidence and the verdicts they lead to.

use super::*;
use crate::lesson::calculator::Calculator;
use crate::lesson::schema::{Check, Choice, Question, Texts};

const COMPLETE: &str =
    "the stack is complete (DescribeStacks: StackStatus, and Outputs of the alarms stage)";
const PROMPT: &str = "[ec2-user@ip-10-0-1-12 ~]$ ";

fn step(check: Check) -> Step {
    let choice = |text: &str, because: &str| Choice {
        text: text.to_owned(),
        because: because.to_owned(),
    };
    Step {
        id: "s".to_owned(),
        rows: vec![],
        title: String::new(),
        text: String::new(),
        diagram: None,
        fragment: None,
        commands: vec![],
        action: String::new(),
        question: Some(Question {
            ask: "Which?".to_owned(),
            options: vec![
                choice("a disk", "one machine only"),
                choice("EFS", "many machines"),
            ],
        }),
        measures: vec![],
        results: false,
        shows: vec![],
        forward: None,
        brings: vec![],
        timed_from: None,
        check,
        hints: vec![],
        solution: vec![],
        wrong: vec![],
        debrief: String::new(),
        changed: None,
    }
}

fn answered(answer: &str) -> Evidence {
    Evidence {
        answer: Some(answer.to_owned()),
        facts: Facts {
            b: MachineFacts {
                address: Some("203.0.113.20".to_owned()),
                ..MachineFacts::default()
            },
            ..Facts::default()
        },
        ..Evidence::default()
    }
}

fn passed(text: &str) -> Verdict {
    Verdict::Passed(text.to_owned())
}

fn not_yet(text: &str) -> Verdict {
    Verdict::NotYet(text.to_owned())
}

fn converging(text: &str) -> Verdict {
    Verdict::Converging(text.to_owned())
}

fn could_not(text: &str) -> Verdict {
    Verdict::CouldNotCheck(text.to_owned())
}

#[test]
fn a_choice_passes_by_number_or_by_text_and_tells_why() {
    let step = step(Check::Answer { option: 2 });
    for (answer, verdict) in [
        ("2", passed("many machines")),
        (" efs ", passed("many machines")),
        ("1", not_yet("one machine only")),
        ("a disk", not_yet("one machine only")),
        ("3", not_yet("`3` is none of the 2 options")),
        ("0", not_yet("`0` is none of the 2 options")),
        ("what", not_yet("`what` is none of the 2 options")),
        ("  ", not_yet("the question has no answer yet")),
    ] {
        assert_eq!(evaluate(&step, &answered(answer)), verdict, "{answer}");
    }
    assert_eq!(
        evaluate(&step, &Evidence::default()),
        not_yet("the question has no answer yet")
    );
}

#[test]
fn a_number_passes_as_people_write_it() {
    let step = step(Check::Number {
        is: 1.5,
        within: 0.01,
    });
    for answer in ["1.5", "1.50", "1,50", "$1.50", "1.5 USD", "1.51", "1.49 $"] {
        assert_eq!(
            evaluate(&step, &answered(answer)),
            passed(&format!("{answer} is right"))
        );
    }
    for answer in ["1.52", "-1.5", "15", "0"] {
        assert_eq!(
            evaluate(&step, &answered(answer)),
            not_yet(&format!("{answer} is not it"))
        );
    }
    for answer in ["one", "NaN", "1.2.3", "$"] {
        assert_eq!(
            evaluate(&step, &answered(answer)),
            not_yet(&format!("`{answer}` is not a number"))
        );
    }
}

#[test]
fn a_bill_is_made_out_for_any_amount() {
    let step = step(Check::Calculator {
        of: Calculator::Bill { per_gb: 0.30 },
    });
    for (answer, verdict) in [
        ("5", passed("5 GB x 0.30 USD = 1.50 USD a month")),
        ("0,5 GB", passed("0.5 GB x 0.30 USD = 0.15 USD a month")),
        ("1000", passed("1000 GB x 0.30 USD = 300.00 USD a month")),
        ("0", not_yet("a number of GB above 0 is expected")),
        ("-5", not_yet("a number of GB above 0 is expected")),
        ("much", not_yet("`much` is not a number of GB")),
    ] {
        assert_eq!(evaluate(&step, &answered(answer)), verdict, "{answer}");
    }
}

#[test]
fn a_fact_is_compared_with_the_running_lab() {
    let of_b = step(Check::Fact {
        is: "{b.address}".to_owned(),
    });
    assert_eq!(
        evaluate(&of_b, &answered(" 203.0.113.20 ")),
        passed("203.0.113.20 is right")
    );
    assert_eq!(
        evaluate(&of_b, &answered("203.0.113.10")),
        not_yet("203.0.113.10 is not it")
    );
    let of_a = step(Check::Fact {
        is: "{a.address}".to_owned(),
    });
    assert_eq!(
        evaluate(&of_a, &answered("(address of A)")),
        could_not("the address of A is not known yet")
    );
}

#[test]
fn a_sum_that_was_read_from_a_screen_may_be_rounded() {
    let month = step(Check::Fact {
        is: "{owed.month}".to_owned(),
    });
    let verdict = |answer: &str| {
        let mut evidence = answered(answer);
        evidence.facts.owed_month = Some("23.76".to_owned());
        evaluate(&month, &evidence)
    };
    for right in ["23.76", "24", "$23.8", "23,76 USD"] {
        assert!(matches!(verdict(right), Verdict::Passed(_)), "{right}");
    }
    for wrong in ["1.50", "0.0326", "30", "much"] {
        assert_eq!(verdict(wrong), not_yet(&format!("{wrong} is not it")));
    }
}

#[test]
fn the_stack_passes_only_when_it_is_complete_far_enough() {
    let check = step(Check::Stack {
        stage: Stage::Alarms,
    });
    for (state, verdict) in [
        (StackState::Absent, not_yet("there is no stack yet")),
        (
            StackState::Underway("CREATE_IN_PROGRESS".to_owned()),
            converging("the stack: CREATE_IN_PROGRESS"),
        ),
        (
            StackState::Standing(Stage::Share),
            not_yet(
                "the stack stands at the share stage, not at alarms yet (DescribeStacks: Outputs)",
            ),
        ),
        (StackState::Standing(Stage::Alarms), passed(COMPLETE)),
        (
            StackState::Standing(Stage::Backup),
            passed(&COMPLETE.replace("alarms", "backup")),
        ),
        (
            StackState::Broken("EC2InstanceA failed".to_owned()),
            not_yet("the stack does not stand: EC2InstanceA failed"),
        ),
        (
            StackState::CouldNotTell("throttled".to_owned()),
            could_not("the stack could not be asked: throttled"),
        ),
    ] {
        let evidence = Evidence {
            stack: state,
            ..Evidence::default()
        };
        assert_eq!(evaluate(&check, &evidence), verdict);
    }
}

#[test]
fn a_terminal_passes_when_the_command_showed_what_it_should() {
    let ls = |shows: Option<&str>| {
        step(Check::Terminal {
            on: Side::B,
            typed: ["ls", "stat i-was-here"].into(),
            shows: shows.map(Texts::from).unwrap_or_default(),
        })
    };
    let prompt = |typed: &str| format!("{PROMPT}{typed}");
    let on_b = |lines: &[String]| Evidence {
        b: Transcript::of_lines(lines.iter().cloned()),
        ..Evidence::default()
    };
    let file = "i-was-here".to_owned();
    let marker = Some("i-was-here");
    for (lines, shows, verdict) in [
        (
            vec![],
            marker,
            not_yet("`ls` has not been run on B in this step"),
        ),
        (
            vec![prompt("ls")],
            marker,
            not_yet("`ls` has not been run on B in this step"),
        ),
        (
            vec![prompt("ls"), prompt("")],
            marker,
            not_yet("`ls` on B shows nothing yet; i-was-here is expected"),
        ),
        (
            vec![prompt("ls"), "other".to_owned(), prompt("")],
            marker,
            not_yet("`ls` on B shows `other`, not i-was-here"),
        ),
        (
            vec![prompt("echo i-was-here"), file.clone(), prompt("")],
            marker,
            not_yet("`ls` has not been run on B in this step"),
        ),
        (
            // The name in the command line itself proves nothing, nor does a complaint that repeats it.
            vec![prompt("ls i-was-here"), prompt("")],
            marker,
            not_yet("`ls i-was-here` on B shows nothing yet; i-was-here is expected"),
        ),
        (
            vec![
                prompt("ls i-was-here"),
                "ls: cannot access 'i-was-here': No such file or directory".to_owned(),
                prompt(""),
            ],
            marker,
            not_yet(
                "`ls i-was-here` on B shows `ls: cannot access 'i-was-here': No such file or directory`, not i-was-here",
            ),
        ),
        (
            vec![
                prompt("stat ~/i-was-here"),
                format!("File: {file}"),
                prompt(""),
            ],
            marker,
            passed("`stat ~/i-was-here` on B shows File: i-was-here"),
        ),
        (
            vec![
                prompt("ll"),
                "bash: ll: command not found".to_owned(),
                prompt(""),
            ],
            None,
            not_yet("`ll` on B shows `bash: ll: command not found`"),
        ),
        (
            vec![prompt("ls"), prompt("ls"), file.clone(), prompt("")],
            marker,
            passed("`ls` on B shows i-was-here"),
        ),
        (
            vec![
                prompt("cd; ls -l"),
                format!("-rw-r--r-- 1 {file}"),
                prompt(""),
            ],
            marker,
            passed("`cd; ls -l` on B shows -rw-r--r-- 1 i-was-here"),
        ),
        (
            vec![prompt("ls"), prompt("")],
            None,
            passed("`ls` was run on B"),
        ),
    ] {
        assert_eq!(evaluate(&ls(shows), &on_b(&lines)), verdict, "{lines:?}");
    }
}

#[test]
fn a_terminal_of_the_other_machine_proves_nothing() {
    let check = step(Check::Terminal {
        on: Side::B,
        typed: "ls".into(),
        shows: Texts::default(),
    });
    let evidence = Evidence {
        a: Transcript::of_lines([format!("{PROMPT}ls"), PROMPT.to_owned()]),
        ..Evidence::default()
    };
    assert_eq!(
        evaluate(&check, &evidence),
        not_yet("`ls` has not been run on B in this step")
    );
}

#[test]
fn a_remote_command_passes_by_its_output_or_by_its_status() {
    let remote = |shows: Option<&str>| {
        step(Check::Remote {
            on: Side::A,
            run: "cat x".to_owned(),
            shows: shows.map(str::to_owned),
            otherwise: "x is not there".to_owned(),
            awaited: false,
        })
    };
    let outcome = |outcome| Evidence {
        remote: BTreeMap::from([(
            RemoteCommand {
                on: Side::A,
                run: "cat x".to_owned(),
            },
            outcome,
        )]),
        ..Evidence::default()
    };
    let ended = |status, stdout: &str| {
        outcome(Ok(RemoteOutput {
            status,
            stdout: stdout.to_owned(),
        }))
    };
    for (shows, evidence, verdict) in [
        (
            None,
            Evidence::default(),
            could_not("A has not been asked yet (`cat x`)"),
        ),
        (
            None,
            outcome(Err("connection refused".to_owned())),
            could_not("A could not be asked (`cat x`): connection refused"),
        ),
        (
            None,
            ended(0, ""),
            passed("A confirms it (`cat x`: exit status 0)"),
        ),
        (
            None,
            ended(1, ""),
            not_yet("x is not there (`cat x` on A: exit status 1)"),
        ),
        (Some("y"), ended(0, "x\nany y\n"), passed("A says any y")),
        (
            Some("y"),
            ended(0, "x\n"),
            not_yet("x is not there (`cat x` on A shows `x`)"),
        ),
        (
            Some("y"),
            ended(0, ""),
            not_yet("x is not there (`cat x` on A shows nothing)"),
        ),
    ] {
        assert_eq!(evaluate(&remote(shows), &evidence), verdict);
    }
}

#[test]
fn nothing_left_passes_only_with_a_clean_receipt() {
    let check = step(Check::NothingLeft {});
    let text = || "t".to_owned();
    for (receipt, verdict) in [
        (ReceiptState::None, not_yet("the lab is still there")),
        (ReceiptState::Underway(text()), converging("t")),
        (ReceiptState::Clean(text()), passed("t")),
        (ReceiptState::Left(text()), not_yet("left: t")),
        (ReceiptState::CouldNotTell(text()), could_not("t")),
    ] {
        let evidence = Evidence {
            receipt,
            ..Evidence::default()
        };
        assert_eq!(evaluate(&check, &evidence), verdict);
    }
}

#[test]
fn of_several_checks_a_sure_failure_decides_then_the_unknown_then_what_is_awaited() {
    let check = step(Check::All(vec![
        Check::Stack {
            stage: Stage::Share,
        },
        Check::NothingLeft {},
        Check::Answer { option: 2 },
    ]));
    let evidence = |stack, receipt, answer: &str| Evidence {
        stack,
        receipt,
        ..answered(answer)
    };
    let underway = || StackState::Underway("building".to_owned());
    for (evidence, verdict) in [
        (
            evidence(underway(), ReceiptState::CouldNotTell("no".to_owned()), "1"),
            not_yet("one machine only"),
        ),
        (
            evidence(underway(), ReceiptState::CouldNotTell("no".to_owned()), "2"),
            could_not("no"),
        ),
        (
            evidence(underway(), ReceiptState::Clean("clean".to_owned()), "2"),
            converging("the stack: building"),
        ),
        (
            evidence(
                StackState::Standing(Stage::Share),
                ReceiptState::Clean("clean".to_owned()),
                "2",
            ),
            passed(&format!(
                "{}; clean; many machines",
                COMPLETE.replace("alarms", "share")
            )),
        ),
    ] {
        assert_eq!(evaluate(&check, &evidence), verdict);
    }
}

#[test]
fn needs_are_listed_once_and_from_within_all() {
    let terminal = Check::Terminal {
        on: Side::A,
        typed: "ls".into(),
        shows: Texts::default(),
    };
    let remote = Check::Remote {
        on: Side::B,
        run: "true".to_owned(),
        shows: None,
        otherwise: "no".to_owned(),
        awaited: false,
    };
    let check = Check::All(vec![
        terminal.clone(),
        Check::All(vec![terminal, remote]),
        Check::Fact {
            is: "{fs}".to_owned(),
        },
        Check::Stack {
            stage: Stage::Share,
        },
        Check::Answer { option: 1 },
        Check::NothingLeft {},
    ]);
    assert_eq!(
        needs(&step(check)),
        [
            Need::Transcript(Side::A),
            Need::Remote(RemoteCommand {
                on: Side::B,
                run: "true".to_owned()
            }),
            Need::Answer,
            Need::Stack,
            Need::Receipt,
        ]
    );
}
