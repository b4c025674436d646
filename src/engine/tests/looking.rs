//! Looking at the account, doing something in it, and letting its time pass: what is asked for and when, what a learner is
//! told of it, and what follows from a failure.

use super::*;
use crate::engine::effect::{Deed, Look};
use crate::engine::view::{PanelContent, Table, Work};
use crate::lesson::schema::Question;
use crate::lesson::sight::{AlarmSeen, KEEP, Minute, Panel, Seen, Sight, SnapshotSeen};

const SNAPSHOT: &str = "snap-0a1";
const VOLUME: &str = "vol-0b2";

/// A lesson of one step, at which the lab stands, and whatever the others are.
fn at(first: Step, others: Vec<Step>) -> Lab {
    let mut steps = vec![first];
    steps.extend(others);
    let mut all = lessons();
    all.insert(2, lesson(8, "watch", Some(Stage::Backup), steps));
    Lab::of(all, "watch", Ledger::default())
}

/// The stack at the backup stage.
fn standing() -> What {
    let mut seen = seen("CREATE_COMPLETE");
    let output = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    seen.outputs.extend([
        output("CreditsAlarm", "efslab-7f3k-credits"),
        output("BackupVolumeId", VOLUME),
    ]);
    told(Ok(Some(seen)))
}

/// Up to two open terminals.
fn open(mut lab: Lab) -> Lab {
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.hears(standing());
    lab.hears(What::MachinesSeen(Ok(machines())));
    for on in [Side::A, Side::B] {
        let news = TerminalNews::Opened;
        lab.hears(What::Terminal { on, news });
        lab.shows(on, &[PROMPT]);
    }
    lab
}

fn watching() -> Step {
    Step {
        shows: vec![Panel::Snapshots],
        ..step("wait", Check::Snapshots { at_least: 2 }, vec![])
    }
}

fn snapshot(id: &str, state: &str) -> SnapshotSeen {
    SnapshotSeen {
        id: id.to_owned(),
        volume: VOLUME.to_owned(),
        state: state.to_owned(),
        progress: "37%".to_owned(),
        started: "2026-03-01T12:00:00Z".parse().unwrap(),
        gib: 5,
        full_bytes: Some(3 << 20),
        tags: BTreeMap::new(),
    }
}

/// One look at the snapshots, at five to one by the account's clock.
fn snapshots(seen: Vec<SnapshotSeen>) -> What {
    What::Looked {
        sight: Sight::Snapshots,
        now: Some("2026-03-01T12:55:00Z".parse().unwrap()),
        outcome: Ok(Seen::Snapshots(seen)),
    }
}

fn looks(effects: &[Effect]) -> Vec<Sight> {
    let look = |effect: &Effect| match effect {
        Effect::Look(Look { sight, .. }) => Some(*sight),
        _ => None,
    };
    effects.iter().filter_map(look).collect()
}

fn woke(lab: &mut Lab, seconds: i64) -> Vec<Sight> {
    lab.at += SignedDuration::from_secs(seconds - 1);
    looks(&lab.hears(What::Woke))
}

fn table(lab: &Lab) -> Table {
    match &lab.engine.view().step.panels[0].content {
        PanelContent::Table(table) => table.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_looked_at_before_there_is_a_stack_to_look_at() {
    let mut lab = at(watching(), vec![]);
    for what in [
        What::Began,
        What::Prepared(Ok(ground())),
        What::StackRequested(Ok(ID.to_owned())),
        looked("CREATE_IN_PROGRESS"),
    ] {
        assert_eq!(looks(&lab.hears(what)), []);
    }
    let effects = lab.hears(standing());
    assert_eq!(looks(&effects), [Sight::Snapshots]);
    let content = lab.engine.view().step.panels.remove(0).content;
    assert_eq!(content, PanelContent::Waiting);
}

#[test]
fn it_is_looked_at_again_one_look_at_a_time_until_the_step_is_passed() {
    let mut lab = open(at(watching(), vec![]));
    assert_eq!(woke(&mut lab, 9), [], "one is under way");
    let one = snapshot(SNAPSHOT, "completed");
    lab.hears(snapshots(vec![one.clone()]));
    assert_eq!(woke(&mut lab, 1), [Sight::Snapshots]);
    lab.wishes(Command::Enter);
    assert!(matches!(lab.state(), StepState::NotYet(_)));
    lab.hears(snapshots(vec![one.clone(), snapshot("snap-2", "pending")]));
    let said = "snap-2 is being taken: 37%".to_owned();
    assert_eq!(lab.state(), StepState::Converging(said));
    woke(&mut lab, 1);
    lab.hears(snapshots(vec![one, snapshot("snap-2", "completed")]));
    assert!(matches!(lab.state(), StepState::Passed(_)));
    assert_eq!(woke(&mut lab, 60), []);
}

#[test]
fn what_costs_money_on_aws_is_looked_at_once_a_minute() {
    let check = Check::Metric {
        metric: crate::lesson::sight::Metric::DataWriteIOBytes,
        above: 1.0,
    };
    let step = Step {
        shows: vec![Panel::Usage, Panel::Alarms],
        ..step("usage", check, vec![])
    };
    let mut lab = open(at(step, vec![]));
    lab.engine.setup.target = Target::Aws {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let metrics = |written| What::Looked {
        sight: Sight::Metrics,
        now: None,
        outcome: Ok(Seen::Metrics(
            [(
                Timestamp::UNIX_EPOCH,
                Minute {
                    written,
                    ..Minute::default()
                },
            )]
            .into(),
        )),
    };
    let alarms = || What::Looked {
        sight: Sight::Alarms,
        now: None,
        outcome: Ok(Seen::Alarms(vec![AlarmSeen {
            logical_id: "CreditsAlarm".to_owned(),
            name: "efslab-7f3k-credits".to_owned(),
            state: "OK".to_owned(),
            reason: "enough".to_owned(),
        }])),
    };
    lab.hears(metrics(None));
    lab.hears(alarms());
    assert_eq!(woke(&mut lab, 6), [Sight::Alarms]);
    lab.hears(alarms());
    assert_eq!(woke(&mut lab, 60), [Sight::Metrics, Sight::Alarms]);
}

#[test]
fn what_could_not_be_seen_is_neither_there_nor_gone() {
    let mut lab = open(at(watching(), vec![]));
    let denied = What::Looked {
        sight: Sight::Snapshots,
        now: None,
        outcome: Err(failure(FailureClass::Denied)),
    };
    lab.hears(denied);
    let why = "do it: because".to_owned();
    let content = lab.engine.view().step.panels.remove(0).content;
    assert_eq!(content, PanelContent::CouldNotTell(why.clone()));
    lab.wishes(Command::Enter);
    assert_eq!(lab.state(), StepState::CouldNotCheck(why));
}

#[test]
fn what_comes_with_the_next_run_of_the_job_is_due_then() {
    let awaited = Check::Remote {
        on: Side::A,
        run: "cat log".to_owned(),
        shows: Some("snapshot".to_owned()),
        otherwise: "cron has not run the job yet".to_owned(),
        awaited: true,
    };
    let step = Step {
        shows: vec![Panel::Snapshots],
        ..step("cron", awaited, vec![])
    };
    let mut lab = open(at(step, vec![]));
    lab.hears(snapshots(vec![]));
    let looked = lab.at;
    lab.wishes(Command::Enter);
    lab.hears(What::Probed {
        on: Side::A,
        run: "cat log".to_owned(),
        outcome: Ok(crate::engine::event::Ran {
            status: Some(0),
            stdout: String::new(),
            stderr: String::new(),
        }),
    });
    assert!(
        matches!(lab.state(), StepState::Converging(_)),
        "{:?}",
        lab.state()
    );
    // Five minutes of the account's, twenty times faster.
    let due = lab.engine.view().step.due;
    assert_eq!(due, Some(looked + SignedDuration::from_secs(15)));
    let note = table(&lab).note.unwrap();
    assert!(
        note.contains("cron runs at 13:00:00, in 5 min 00 s"),
        "{note}"
    );
}

#[test]
fn the_clock_is_put_forward_where_the_step_says_so_and_only_in_practice() {
    let step = Step {
        forward: Some(16),
        ..watching()
    };
    let mut lab = open(at(step, vec![watching()]));
    assert_eq!(lab.engine.view().step.forward, Some(16));
    assert_eq!(lab.wishes(Command::Forward), [Effect::Forward(16)]);
    assert!(matches!(lab.state(), StepState::Working { .. }));
    lab.hears(snapshots(vec![snapshot(SNAPSHOT, "completed")]));
    let effects = lab.hears(What::Forwarded(Ok(())));
    assert_eq!(
        looks(&effects),
        [Sight::Snapshots],
        "it looks otherwise now"
    );
    assert!(
        matches!(lab.state(), StepState::NotYet(_)),
        "judged at once"
    );

    lab.wishes(Command::Next);
    assert_eq!(lab.engine.view().step.forward, None);
    assert_eq!(lab.wishes(Command::Forward), []);

    lab.wishes(Command::Back);
    lab.engine.setup.target = Target::Aws {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
    };
    assert_eq!(lab.engine.view().step.forward, None);
    assert_eq!(lab.wishes(Command::Forward), []);
}

#[test]
fn who_only_lets_time_pass_is_not_told_that_the_question_is_open() {
    let question = Question {
        ask: "How much?".to_owned(),
        options: vec![],
    };
    let number = Check::Number {
        is: 1.0,
        within: 0.0,
    };
    let step = Step {
        forward: Some(5),
        question: Some(question),
        ..step("metrics", number, vec![])
    };
    let mut lab = open(at(step, vec![]));
    assert_eq!(lab.wishes(Command::Forward), [Effect::Forward(5)]);
    lab.hears(What::Forwarded(Ok(())));
    assert_eq!(lab.state(), StepState::Open);
}

#[test]
fn a_deed_is_done_once_and_a_failed_one_again_when_the_learner_wants() {
    let check = Check::Machine {
        on: Side::A,
        state: "stopped".to_owned(),
    };
    let step = step("stop", check, vec![Action::Stop { on: Side::A }]);
    let mut lab = open(at(step, vec![]));
    assert_eq!(lab.engine.view().step.work, Work::Terminals);
    let deed = Deed::Stop {
        instance: "i-A".to_owned(),
    };
    let asked = [Effect::Do(deed.clone())];
    assert_eq!(lab.wishes(Command::RunForMe), asked);
    let done = |outcome| What::Done {
        deed: deed.clone(),
        outcome,
    };
    let again = lab.hears(done(Err(failure(FailureClass::Refused))));
    assert!(!again.contains(&asked[0]), "{again:?}");
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.retry.as_deref(), Some("stop the instance again"));

    assert!(lab.wishes(Command::Retry).contains(&asked[0]));
    lab.hears(done(Ok(())));
    let machines = |state: &str| What::Looked {
        sight: Sight::Machines,
        now: None,
        outcome: Ok(Seen::Machines([(Side::A, (state.to_owned(), None))].into())),
    };
    lab.hears(machines("stopping"));
    assert_eq!(
        lab.state(),
        StepState::Converging("A is stopping".to_owned())
    );
    lab.hears(machines("stopped"));
    assert_eq!(lab.state(), StepState::Passed("A is stopped".to_owned()));
}

#[test]
fn files_are_brought_before_anything_is_typed_that_may_need_them() {
    let line = "cat backup.conf".to_owned();
    let typed = Action::Type {
        on: Side::A,
        line: line.clone(),
        meanwhile: false,
    };
    let check = Check::Terminal {
        on: Side::A,
        typed: "cat backup.conf".into(),
        shows: VOLUME.into(),
    };
    let step = Step {
        brings: vec!["backup.conf".to_owned()],
        ..step("job", check, vec![typed])
    };
    let mut lab = open(at(watching(), vec![step]));
    let effects = lab.wishes(Command::Next);
    let brought = effects.iter().find_map(|effect| match effect {
        Effect::Bring { on, name, text } => Some((*on, name.as_str(), text.as_str())),
        _ => None,
    });
    let (on, name, text) = brought.unwrap();
    assert_eq!((on, name), (Side::A, "backup.conf"));
    assert!(text.contains(VOLUME), "{text}");

    lab.shows(Side::A, &[PROMPT]);
    assert_eq!(lab.wishes(Command::RunForMe), []);
    let name = name.to_owned();
    let arrived = |outcome| What::Brought {
        name: name.clone(),
        outcome,
    };
    lab.hears(arrived(Err(failure(FailureClass::Local))));
    assert!(lab.engine.view().trouble.is_some());
    let types = lab.hears(arrived(Ok(())));
    let input = Effect::Input {
        on: Side::A,
        bytes: format!("{line}\r").into_bytes(),
    };
    assert!(types.contains(&input), "{types:?}");
}

#[test]
fn a_snapshot_that_was_pruned_before_it_was_pinned_gives_way_to_the_newest() {
    let took = step("took", Check::Taken { on: Side::A }, vec![]);
    let pin = Step {
        text: "Pin {snapshot}.".to_owned(),
        ..step("pin", Check::Pinned {}, vec![])
    };
    let after = Step {
        text: "From {snapshot}.".to_owned(),
        shows: vec![Panel::Snapshots],
        ..step("after", Check::Restored { attached: true }, vec![])
    };
    let mut lab = open(at(took, vec![pin, after]));
    let says = format!("12:00:00 snapshot {SNAPSHOT}");
    lab.shows(Side::A, &[&format!("{PROMPT}job"), &says, PROMPT]);
    lab.hears(snapshots(vec![snapshot(SNAPSHOT, "completed")]));
    assert!(
        matches!(lab.state(), StepState::Passed(_)),
        "{:?}",
        lab.state()
    );
    lab.wishes(Command::Next);
    let text = |lab: &Lab| format!("{:?}", lab.engine.view().step.blocks[0]);
    assert!(text(&lab).contains(SNAPSHOT));

    let mut newest = snapshot("snap-9", "completed");
    lab.hears(snapshots(vec![newest.clone()]));
    assert!(text(&lab).contains("snap-9"), "{}", text(&lab));
    newest.tags.insert(KEEP.to_owned(), "project".to_owned());
    let later = snapshot("snap-10", "completed");
    lab.hears(snapshots(vec![newest]));
    assert_eq!(
        lab.state(),
        StepState::Passed("snap-9 is pinned".to_owned())
    );

    // From then on it is this one, whatever comes later.
    lab.wishes(Command::Next);
    lab.hears(snapshots(vec![later]));
    assert!(text(&lab).contains("snap-9"), "{}", text(&lab));
}

#[test]
fn the_panel_of_alarms_says_who_is_mailed() {
    let step = Step {
        shows: vec![Panel::Alarms],
        ..step(
            "alarms",
            Check::Stack {
                stage: Stage::Alarms,
            },
            vec![],
        )
    };
    let mut lab = open(at(step, vec![]));
    lab.hears(What::Looked {
        sight: Sight::Alarms,
        now: None,
        outcome: Ok(Seen::Alarms(vec![])),
    });
    assert!(table(&lab).note.unwrap().starts_with("Nobody is mailed"));
    lab.engine.setup.progress.alarm_email = Some("me@example.org".to_owned());
    let note = table(&lab).note.unwrap();
    assert_eq!(
        note,
        "On AWS me@example.org would be mailed. The practice account sends nothing."
    );
}

#[test]
fn who_is_mailed_is_asked_for_with_the_stack_and_written_down() {
    let mut lab = at(watching(), vec![]);
    lab.engine.setup.progress.alarm_email = Some("me@example.org".to_owned());
    lab.hears(What::Began);
    let effects = lab.hears(What::Prepared(Ok(ground())));
    let mailed = effects.iter().find_map(|effect| match effect {
        Effect::CreateStack(new) => new.alarm_email.as_deref(),
        _ => None,
    });
    assert_eq!(mailed, Some("me@example.org"));
    let rows = lab.engine.view().stack.unwrap().rows;
    assert!(rows.iter().any(|row| row.logical_id == "AlarmTopic"));
    let at = lab.at;
    let what = What::Command(Command::Hint);
    let effects = lab.engine.handle(Event { at, what });
    let saved = effects.iter().any(
        |effect| matches!(effect, Effect::SaveProgress(progress) if progress.alarm_email.is_some()),
    );
    assert!(saved, "{effects:?}");
}
