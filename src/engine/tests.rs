//! The engine as its users meet it: events in, effects and a view out. No IO, no time but that of the events.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

mod causality;
mod cleanup;
mod ending;
mod lease;
mod looking;
mod measuring;
mod money;
mod progress;
mod properties;
mod sweeping;
mod updating;

use super::command::Command;
use super::effect::{Effect, Known, Progress};
use super::event::{
    Event, Failure, FailureClass, Ground, Inventory, InventoryRow, Machine, Remains, StackEvent,
    StackSeen, TerminalNews, What,
};
use super::ledger::{Entry, Ledger, Life};
use super::view::{Listing, Phase, StepState, Target, TerminalState};
use super::{Engine, Paths, Setup};
use crate::lesson::check::Transcript;
use crate::lesson::schema::{Action, Check, Lesson, Side, Step};
use crate::template::Stage;

const ID: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/efslab-7f3k-lab/1";
const GUARD: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/efslab-7f3k-guard/1";
const PROMPT: &str = "[ec2-user@ip-10-0-1-12 ~]$ ";

fn step(id: &str, check: Check, solution: Vec<Action>) -> Step {
    Step {
        id: id.to_owned(),
        rows: vec!["C42".to_owned()],
        title: id.to_owned(),
        text: "Text.".to_owned(),
        diagram: None,
        fragment: None,
        commands: Vec::new(),
        action: "Do it.".to_owned(),
        question: None,
        measures: Vec::new(),
        results: false,
        shows: vec![],
        forward: None,
        brings: vec![],
        timed_from: None,
        check,
        hints: vec!["one".to_owned(), "two".to_owned(), "three".to_owned()],
        solution,
        wrong: vec![Action::Answer("no".to_owned())],
        debrief: "So it was.".to_owned(),
        changed: None,
    }
}

fn lesson(number: u32, id: &str, stage: Option<Stage>, steps: Vec<Step>) -> Lesson {
    Lesson {
        id: id.to_owned(),
        number,
        title: id.to_owned(),
        minutes: 5,
        stage,
        objectives: vec!["know".to_owned()],
        steps,
    }
}

/// A concept, the sharing of a file, the cleanup.
fn lessons() -> Vec<Lesson> {
    let sees = Check::All(vec![
        Check::Terminal {
            on: Side::B,
            typed: "ls".into(),
            shows: "i-was-here".into(),
        },
        Check::Remote {
            on: Side::A,
            run: "test -e ~/i-was-here".to_owned(),
            shows: None,
            otherwise: "A has no such file".to_owned(),
            awaited: false,
        },
    ]);
    let types = vec![
        Action::Type {
            on: Side::A,
            line: "touch i-was-here".to_owned(),
            meanwhile: false,
        },
        Action::Type {
            on: Side::B,
            line: "ls".to_owned(),
            meanwhile: false,
        },
    ];
    vec![
        lesson(
            1,
            "why",
            None,
            vec![step(
                "number",
                Check::Number {
                    is: 1.5,
                    within: 0.01,
                },
                vec![Action::Answer("1.50".to_owned())],
            )],
        ),
        lesson(
            5,
            "share",
            Some(Stage::Share),
            vec![step("see", sees, types)],
        ),
        lesson(
            9,
            "cleanup",
            None,
            vec![step(
                "gone",
                Check::NothingLeft {},
                vec![Action::CleanUp {}],
            )],
        ),
    ]
}

struct Lab {
    engine: Engine,
    at: Timestamp,
}

impl Lab {
    fn at(lesson: &str) -> Self {
        Self::with(lesson, Ledger::default())
    }

    fn with(lesson: &str, ledger: Ledger) -> Self {
        Self::of(lessons(), lesson, ledger)
    }

    fn of(lessons: Vec<Lesson>, lesson: &str, ledger: Ledger) -> Self {
        let at = "2026-03-01T10:00:00Z".parse().unwrap();
        let engine = Engine::new(Setup {
            lab: "lab-7f3k".to_owned(),
            target: Target::Practice {
                pace: "20x faster".to_owned(),
                region: "us-east-1".to_owned(),
            },
            faster: Some(20.0),
            made: at,
            lessons: lessons.into(),
            progress: Progress {
                lesson: lesson.to_owned(),
                step: 0,
                ..Progress::default()
            },
            ledger,
            standing: None,
            ttl: None,
            paths: Paths::default(),
            prices: None,
        });
        Self { engine, at }
    }

    fn hears(&mut self, what: What) -> Vec<Effect> {
        self.at += SignedDuration::from_secs(1);
        let effects = self.engine.handle(Event { at: self.at, what });
        effects
            .into_iter()
            .filter(|effect| !matches!(effect, Effect::SaveProgress(_) | Effect::SaveKnown(_)))
            .collect()
    }

    fn wishes(&mut self, command: Command) -> Vec<Effect> {
        self.hears(What::Command(command))
    }

    fn state(&self) -> StepState {
        self.engine.view().step.state
    }

    /// Up to two open terminals, each at its prompt.
    fn with_terminals() -> Self {
        let mut lab = Self::at("share");
        lab.open_terminals();
        lab
    }

    fn open_terminals(&mut self) {
        self.hears(What::Began);
        self.hears(What::Prepared(Ok(ground())));
        self.hears(What::StackRequested(Ok(ID.to_owned())));
        self.hears(looked("CREATE_COMPLETE"));
        self.hears(What::MachinesSeen(Ok(machines())));
        for on in [Side::A, Side::B] {
            self.hears(What::Terminal {
                on,
                news: TerminalNews::Opened,
            });
            self.shows(on, &[PROMPT]);
        }
    }

    fn shows(&mut self, on: Side, lines: &[&str]) -> Vec<Effect> {
        let text = Transcript::of_lines(lines.iter().copied());
        self.hears(What::Terminal {
            on,
            news: TerminalNews::Text {
                mark: self.engine.mark,
                text,
            },
        })
    }
}

fn ground() -> Ground {
    Ground {
        account: "123456789012".to_owned(),
        zones: ["us-east-1a".to_owned(), "us-east-1b".to_owned()],
        instance_type: "t3.micro".to_owned(),
        image: "ami-1".to_owned(),
        ssh_cidr: "198.51.100.7/32".to_owned(),
    }
}

fn seen(status: &str) -> StackSeen {
    StackSeen {
        id: ID.to_owned(),
        status: status.to_owned(),
        reason: None,
        outputs: [("HostKeys".to_owned(), "{}".to_owned())].into(),
        since: Timestamp::UNIX_EPOCH,
        news: Vec::new(),
    }
}

/// One look at the lab's stack, by its id.
fn told(outcome: Result<Option<StackSeen>, Failure>) -> What {
    What::StackSeen {
        stack: ID.to_owned(),
        outcome,
    }
}

fn looked(status: &str) -> What {
    told(Ok(Some(seen(status))))
}

fn machines() -> BTreeMap<Side, Machine> {
    [Side::A, Side::B]
        .map(|side| {
            let machine = Machine {
                instance_id: format!("i-{side:?}"),
                zone: "us-east-1a".to_owned(),
                address: Some("203.0.113.10".to_owned()),
                host_name: Some("ip-10-0-1-12".to_owned()),
                state: "running".to_owned(),
            };
            (side, machine)
        })
        .into()
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        tried: "do it".to_owned(),
        why: "because".to_owned(),
        class,
    }
}

fn inventory(answer: Listing) -> Inventory {
    Inventory {
        account: Some("123456789012".to_owned()),
        region: "us-east-1".to_owned(),
        rows: vec![InventoryRow {
            kind: "instances".to_owned(),
            asked: "ec2:DescribeInstances".to_owned(),
            answer,
        }],
        stacks: Vec::new(),
        updating: Vec::new(),
        foreign: Vec::new(),
        guard: Vec::new(),
        remains: Remains {
            instances: Some(Vec::new()),
            ..Remains::default()
        },
    }
}

fn watched(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::WatchStack { .. }))
}

#[test]
fn a_lesson_without_machines_touches_no_account() {
    let mut lab = Lab::at("why");
    assert_eq!(lab.hears(What::Began), []);
    assert_eq!(lab.wishes(Command::Answer("2".to_owned())), []);
    assert!(
        matches!(lab.state(), StepState::NotYet(_)),
        "{:?}",
        lab.state()
    );
    lab.wishes(Command::Answer("1.50 USD".to_owned()));
    assert!(
        matches!(lab.state(), StepState::Passed(_)),
        "{:?}",
        lab.state()
    );
}

#[test]
fn a_lesson_that_needs_machines_builds_finds_and_opens_them_in_that_order() {
    let mut lab = Lab::at("share");
    assert_eq!(lab.hears(What::Began), [Effect::Prepare]);
    let effects = lab.hears(What::Prepared(Ok(ground())));
    assert!(
        matches!(&effects[..], [Effect::CreateStack(new)] if new.name == "efslab-7f3k-lab"),
        "{effects:?}"
    );
    assert_eq!(
        lab.hears(What::StackRequested(Ok(ID.to_owned()))),
        [Effect::WatchStack {
            stack: ID.to_owned()
        }]
    );
    assert_eq!(lab.hears(looked("CREATE_IN_PROGRESS")), []);
    let effects = lab.hears(looked("CREATE_COMPLETE"));
    assert!(
        matches!(&effects[..], [Effect::FindMachines { .. }]),
        "{effects:?}"
    );
    let effects = lab.hears(What::MachinesSeen(Ok(machines())));
    assert_eq!(
        effects,
        [Effect::OpenTerminal(Side::A), Effect::OpenTerminal(Side::B)]
    );
}

#[test]
fn a_step_passes_by_itself_once_the_terminal_and_the_machine_agree() {
    let mut lab = Lab::with_terminals();
    let effects = lab.shows(Side::B, &[&format!("{PROMPT}ls"), "i-was-here", PROMPT]);
    assert!(
        matches!(&effects[..], [Effect::Probe { on: Side::A, .. }]),
        "{effects:?}"
    );
    assert!(!matches!(lab.state(), StepState::Passed(_)));
    let ran = super::event::Ran {
        status: Some(0),
        stdout: String::new(),
        stderr: String::new(),
    };
    lab.hears(What::Probed {
        on: Side::A,
        run: "test -e ~/i-was-here".to_owned(),
        outcome: Ok(ran),
    });
    assert!(
        matches!(lab.state(), StepState::Passed(_)),
        "{:?}",
        lab.state()
    );
}

#[test]
fn evidence_that_comes_while_a_machine_is_asked_is_judged_afterwards() {
    let mut lab = Lab::with_terminals();
    let text = [&format!("{PROMPT}ls") as &str, "i-was-here", PROMPT];
    lab.shows(Side::B, &text);
    lab.shows(Side::B, &text);
    let ran = super::event::Ran {
        status: Some(1),
        stdout: String::new(),
        stderr: String::new(),
    };
    let effects = lab.hears(What::Probed {
        on: Side::A,
        run: "test -e ~/i-was-here".to_owned(),
        outcome: Ok(ran),
    });
    assert!(
        matches!(&effects[..], [Effect::Probe { .. }]),
        "the machine must be asked again: {effects:?}"
    );
}

#[test]
fn what_was_typed_in_the_step_before_is_no_evidence() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::Back);
    lab.wishes(Command::Next);
    let late = Transcript::of_lines([&format!("{PROMPT}ls") as &str, "i-was-here", PROMPT]);
    let news = TerminalNews::Text {
        mark: 0,
        text: late,
    };
    assert_eq!(lab.hears(What::Terminal { on: Side::B, news }), []);
}

#[test]
fn what_was_done_stays_done_when_the_screen_is_cleared() {
    let mut lab = Lab::with_terminals();
    let ls = format!("{PROMPT}ls");
    lab.shows(Side::B, &[&ls]);
    // The lab is still asking A when the learner clears B.
    lab.shows(Side::B, &[&ls, "i-was-here", PROMPT]);
    lab.shows(Side::B, &[PROMPT]);
    let effects = lab.hears(What::Probed {
        on: Side::A,
        run: "test -e ~/i-was-here".to_owned(),
        outcome: Err(failure(FailureClass::Transient)),
    });
    assert!(
        matches!(&effects[..], [Effect::Probe { on: Side::A, .. }]),
        "only A is left to be asked: {effects:?}"
    );
}

#[test]
fn done_for_the_learner_means_typed_one_line_after_the_other() {
    let mut lab = Lab::with_terminals();
    let effects = lab.wishes(Command::RunForMe);
    assert_eq!(
        effects,
        [Effect::Input {
            on: Side::A,
            bytes: b"touch i-was-here\r".to_vec()
        }]
    );
    assert!(matches!(lab.state(), StepState::Working { .. }));
    // The echo is not the end of the command.
    assert_eq!(
        lab.shows(Side::A, &[&format!("{PROMPT}touch i-was-here")]),
        []
    );
    let effects = lab.shows(Side::A, &[&format!("{PROMPT}touch i-was-here"), PROMPT]);
    assert_eq!(
        effects,
        [Effect::Input {
            on: Side::B,
            bytes: b"ls\r".to_vec()
        }]
    );
}

#[test]
fn a_lost_answer_to_create_is_settled_by_looking_not_by_creating_again() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    let effects = lab.hears(What::StackRequested(Err(failure(FailureClass::Transient))));
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    lab.at += SignedDuration::from_secs(60);
    let effects = lab.hears(What::Woke);
    assert_eq!(
        effects,
        [Effect::WatchStack {
            stack: "efslab-7f3k-lab".to_owned()
        }]
    );
    let effects = lab.hears(What::StackSeen {
        stack: "efslab-7f3k-lab".to_owned(),
        outcome: Ok(None),
    });
    assert!(
        matches!(
            &effects[..],
            [Effect::SaveGone { .. }, Effect::CreateStack(_)]
        ),
        "{effects:?}"
    );
}

#[test]
fn a_refusal_is_told_and_tried_again_only_when_the_learner_says_so() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    assert_eq!(
        lab.hears(What::StackRequested(Err(failure(FailureClass::Refused)))),
        []
    );
    let trouble = lab.engine.view().trouble.unwrap();
    assert!(trouble.retry.is_some(), "{trouble:?}");
    let effects = lab.wishes(Command::Retry);
    assert!(
        matches!(&effects[..], [Effect::CreateStack(_)]),
        "{effects:?}"
    );
}

#[test]
fn a_stack_that_failed_is_deleted_before_it_is_built_again() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    let mut look = seen("CREATE_FAILED");
    let event = |id: &str, reason: &str| StackEvent {
        logical_id: id.to_owned(),
        kind: "AWS::EC2::Instance".to_owned(),
        physical_id: None,
        status: "CREATE_FAILED".to_owned(),
        reason: Some(reason.to_owned()),
        at: Timestamp::UNIX_EPOCH,
    };
    look.news = vec![
        event("EC2InstanceB", "Resource creation cancelled"),
        event("EC2InstanceA", "mount failed"),
    ];
    assert_eq!(lab.hears(told(Ok(Some(look)))), []);
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.why, "EC2InstanceA: mount failed");
    assert_eq!(
        lab.wishes(Command::Retry),
        [Effect::DeleteStack {
            stack: ID.to_owned()
        }]
    );
    let effects = lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Ok(()),
    });
    assert!(watched(&effects), "{effects:?}");
    let effects = lab.hears(looked("DELETE_COMPLETE"));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::CreateStack(_))),
        "{effects:?}"
    );
}

#[test]
fn a_resumed_lab_asks_aws_before_it_believes_its_journal() {
    let entry = Entry {
        name: "efslab-7f3k-lab".to_owned(),
        id: Some(ID.to_owned()),
        life: Life::There,
    };
    let mut lab = Lab::with("share", Ledger::recovered(vec![entry], Known::default()));
    assert_eq!(
        lab.hears(What::Began),
        [Effect::WatchStack {
            stack: ID.to_owned()
        }]
    );
    let effects = lab.hears(looked("CREATE_COMPLETE"));
    assert!(
        matches!(&effects[..], [Effect::FindMachines { .. }]),
        "{effects:?}"
    );
}

#[test]
fn an_ended_terminal_says_why_and_opens_again_on_wish() {
    let mut lab = Lab::with_terminals();
    lab.hears(What::Terminal {
        on: Side::A,
        news: TerminalNews::Ended("you logged out".to_owned()),
    });
    assert_eq!(
        lab.engine.view().machines[0].terminal,
        TerminalState::Ended("you logged out".to_owned())
    );
    let effects = lab.wishes(Command::Reconnect(Side::A));
    assert!(
        matches!(&effects[..], [Effect::FindMachines { .. }]),
        "the address may be another: {effects:?}"
    );
    assert_eq!(
        lab.hears(What::MachinesSeen(Ok(machines()))),
        [Effect::OpenTerminal(Side::A)]
    );
}

#[test]
fn a_look_at_an_older_stack_says_nothing_of_the_present_one() {
    let mut lab = Lab::with_terminals();
    lab.hears(What::StackSeen {
        stack: "efslab-7f3k-lab".to_owned(),
        outcome: Ok(None),
    });
    assert!(
        lab.engine
            .ledger
            .plan()
            .any(|entry| entry.id.as_deref() == Some(ID)),
        "it was looked at by its name, before its id was known"
    );
    assert_eq!(
        lab.engine.view().stack.map(|stack| stack.status).as_deref(),
        Some("CREATE_COMPLETE")
    );
}

#[test]
fn an_alarm_that_rings_too_early_is_set_again() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    let effects = lab.hears(What::Prepared(Err(failure(FailureClass::Transient))));
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    // The clock was set back meanwhile: the pause is not over.
    lab.at -= SignedDuration::from_secs(30);
    let effects = lab.hears(What::Woke);
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
}

#[test]
fn a_stack_that_cannot_be_looked_at_for_a_while_is_no_secret() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.hears(told(Err(failure(FailureClass::Transient))));
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!((trouble.why.as_str(), trouble.retry), ("because", None));
    lab.hears(looked("CREATE_IN_PROGRESS"));
    assert_eq!(lab.engine.view().trouble, None);
}

#[test]
fn a_terminal_that_ended_is_opened_once_more_to_type_in_it() {
    let mut lab = Lab::with_terminals();
    let ended = || What::Terminal {
        on: Side::A,
        news: TerminalNews::Ended("you logged out".to_owned()),
    };
    lab.hears(ended());
    assert_eq!(
        lab.wishes(Command::RunForMe),
        [Effect::OpenTerminal(Side::A)]
    );
    lab.hears(ended());
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.why, "you logged out");
    assert!(!matches!(lab.state(), StepState::Working { .. }));
    assert_eq!(lab.wishes(Command::Retry), [Effect::OpenTerminal(Side::A)]);
}

#[test]
fn while_a_machine_is_not_at_its_prompt_the_learner_may_do_the_step_herself() {
    let mut lab = Lab::with_terminals();
    lab.shows(Side::A, &[&format!("{PROMPT}less notes"), "line", ":"]);
    assert_eq!(lab.wishes(Command::RunForMe), []);
    let StepState::Working { what, .. } = lab.state() else {
        panic!("{:?}", lab.state())
    };
    assert!(what.contains("A is not at its prompt"), "{what}");
    let effects = lab.shows(Side::B, &[&format!("{PROMPT}ls"), "i-was-here", PROMPT]);
    assert!(
        matches!(&effects[..], [Effect::Probe { on: Side::A, .. }]),
        "{effects:?}"
    );
}

#[test]
fn what_is_built_is_looked_at_before_its_question_is_answered() {
    let mut lab = Lab::at("share");
    let mut build = lessons();
    build[1].stage = None;
    build[1].steps[0].solution = vec![
        Action::Build {
            stage: Stage::Share,
        },
        Action::Answer("1.50".to_owned()),
    ];
    build[1].steps[0].check = Check::Number {
        is: 1.5,
        within: 0.01,
    };
    lab.engine.setup.lessons = build.into();
    lab.hears(What::Began);
    assert_eq!(lab.wishes(Command::RunForMe), [Effect::Prepare]);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.hears(looked("CREATE_COMPLETE"));
    assert!(
        !matches!(
            lab.state(),
            StepState::Passed(_) | StepState::Working { .. }
        ),
        "{:?}",
        lab.state()
    );
    lab.wishes(Command::RunForMe);
    assert!(
        matches!(lab.state(), StepState::Passed(_)),
        "{:?}",
        lab.state()
    );
}

#[test]
fn a_build_that_failed_is_not_done() {
    let mut lab = Lab::at("why");
    lab.hears(What::Began);
    lab.hears(What::Act(vec![Action::Build {
        stage: Stage::Share,
    }]));
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.hears(looked("ROLLBACK_COMPLETE"));
    assert!(lab.engine.view().trouble.is_some());
    assert_eq!(
        lab.wishes(Command::Retry),
        [Effect::DeleteStack {
            stack: ID.to_owned()
        }]
    );
    lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Ok(()),
    });
    let effects = lab.hears(looked("DELETE_COMPLETE"));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::CreateStack(_))),
        "it is built again: {effects:?}"
    );
}

#[test]
fn walking_through_the_lessons_starts_no_meter() {
    let mut lab = Lab::at("why");
    lab.engine.setup.target = Target::Aws {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    lab.hears(What::Began);
    let effects = lab.wishes(Command::Next);
    assert_eq!(effects, [Effect::MarkTerminals(1)]);
    let action = lab.engine.view().step.action;
    assert!(
        action.contains("Press r") && action.contains("costs"),
        "{action}"
    );
    assert_eq!(lab.wishes(Command::RunForMe), [Effect::Prepare]);
}

#[test]
fn what_the_screen_says_builds_is_what_builds() {
    let mut lab = Lab::at("why");
    let mut asks = lessons();
    asks[1].steps[0].solution = vec![Action::Answer("{b.address}".to_owned())];
    lab.engine.setup.lessons = asks.into();
    lab.engine.setup.target = Target::Aws {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    lab.hears(What::Began);
    lab.wishes(Command::Next);
    assert_eq!(lab.wishes(Command::RunForMe), [Effect::Prepare]);
}

#[test]
fn a_line_that_was_never_entered_is_no_evidence() {
    let mut lab = Lab::with_terminals();
    for typed in ["ls", "l", "", "ls"] {
        let effects = lab.shows(Side::B, &[&format!("{PROMPT}{typed}")]);
        assert_eq!(effects, [], "`{typed}` is still being typed");
    }
    // Ctrl-L while a line is typed.
    lab.shows(Side::B, &["i-was-here", &format!("{PROMPT}ls")]);
    assert_eq!(lab.shows(Side::B, &[PROMPT]), []);
}

#[test]
fn a_new_session_is_typed_into_only_at_its_own_prompt() {
    let mut lab = Lab::with_terminals();
    lab.shows(Side::A, &[&format!("{PROMPT}pwd"), "/home", PROMPT]);
    lab.hears(What::Terminal {
        on: Side::A,
        news: TerminalNews::Ended("connection lost".to_owned()),
    });
    lab.wishes(Command::RunForMe);
    let opened = lab.hears(What::Terminal {
        on: Side::A,
        news: TerminalNews::Opened,
    });
    assert_eq!(opened, [], "what the old session showed is no prompt");
    let effects = lab.shows(Side::A, &[PROMPT]);
    assert!(
        matches!(&effects[..], [Effect::Input { on: Side::A, .. }]),
        "{effects:?}"
    );
}

#[test]
fn who_asks_while_the_stack_is_being_built_is_told_when_it_usually_stands() {
    let mut lab = Lab::at("share");
    let mut asks = lessons();
    asks[1].steps[0].check = Check::Stack {
        stage: Stage::Share,
    };
    lab.engine.setup.lessons = asks.into();
    lab.wishes(Command::Back);
    lab.wishes(Command::Next);
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.hears(looked("CREATE_IN_PROGRESS"));
    assert_eq!(lab.engine.view().step.due, None, "nobody has asked");
    lab.wishes(Command::Enter);
    let step = lab.engine.view().step;
    assert!(
        matches!(step.state, StepState::Converging(_)),
        "{:?}",
        step.state
    );
    // About five minutes on AWS, twenty times as fast here.
    let left = step.due.unwrap().duration_since(lab.at);
    assert!((1..=15).contains(&left.as_secs()), "{left:?}");
    lab.hears(looked("CREATE_COMPLETE"));
    assert_eq!(lab.engine.view().step.due, None);
    assert!(matches!(lab.state(), StepState::Passed(_)));
}
