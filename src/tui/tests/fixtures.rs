//! A few labs as they would stand, for the tests of the screen. The build is the lab's own, as the engine shows it; the
//! other texts are made up but of the kind and length of real ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::engine::command::Command;
use crate::engine::effect::Progress;
use crate::engine::event::{Event, Ground, StackEvent, StackSeen, What};
use crate::engine::ledger::Ledger;
use crate::engine::view::*;
use crate::engine::{Engine, Paths, Setup};
use crate::lesson::catalog::Catalog;
use crate::lesson::delays::BothWays;
use crate::lesson::load;
use crate::lesson::schema::{Choice, Lesson, Side};
use crate::template::Stage;
use crate::tui::chosen::{LabRow, PlaceRow, Welcome};

/// When all of this is seen.
pub(super) fn now() -> Timestamp {
    "2025-11-22T18:07:31Z".parse().unwrap()
}

pub(super) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(super) fn welcome() -> Welcome {
    Welcome {
        version: "0.1.0".into(),
        practice: PlaceRow {
            about: "on this computer: no AWS account, no cost".into(),
            state: "ready".into(),
            ready: true,
            details: vec![
                "It listens on this computer only, and nothing it does can reach AWS.".into(),
            ],
        },
        aws: PlaceRow {
            about: "your own account, about 0.05 USD per hour".into(),
            state: "not in this version".into(),
            ready: false,
            details: vec![
                "Labs in AWS come with a later version; what is here runs in the practice account."
                    .into(),
            ],
        },
        labs: vec![LabRow {
            id: "lab-7f3k".into(),
            lesson: "share-files".into(),
            step: "step 3 of 5".into(),
            target: "practice".into(),
            when: "left 20 hours ago".into(),
        }],
        lessons: lessons(),
    }
}

pub(super) fn lessons() -> Vec<LessonRow> {
    let row = |number, id: &str, title: &str, minutes, steps: &[(&str, bool)]| LessonRow {
        id: id.into(),
        number,
        title: title.into(),
        minutes,
        steps: steps
            .iter()
            .map(|(title, passed)| StepRow {
                title: (*title).to_owned(),
                mark: if *passed { Mark::Passed } else { Mark::Open },
            })
            .collect(),
    };
    vec![
        row(
            1,
            "why-efs",
            "Why a shared filesystem",
            8,
            &[("Three ways to store", true), ("What EFS is made of", true)],
        ),
        row(
            2,
            "filesystem",
            "The filesystem",
            6,
            &[("No property at all", true), ("What it costs", false)],
        ),
        row(
            3,
            "mount-targets",
            "Mount targets and who may reach them",
            8,
            &[("Two groups", false), ("Two doors", false)],
        ),
        row(
            4,
            "instances",
            "Instances that mount it",
            12,
            &[("How it is mounted", false), ("Build the stack", false)],
        ),
        row(
            5,
            "share-files",
            "Sharing files",
            10,
            &[("Log in to both", false), ("Make a file on A", false)],
        ),
        row(
            9,
            "cleanup",
            "Cleaning up",
            5,
            &[("Nothing is left", false)],
        ),
    ]
}

/// What a stack of this stage costs.
pub(super) fn owed(stage: Stage) -> Owed {
    Owed::of_stage(&load::prices().unwrap(), stage, "t3.micro")
}

fn machine(side: Side, terminal: TerminalState) -> MachineView {
    let (zone, address) = match side {
        Side::A => ("us-east-1a", "203.0.113.10"),
        Side::B => ("us-east-1b", "203.0.113.20"),
    };
    let there = terminal != TerminalState::Closed;
    MachineView {
        side,
        zone: there.then(|| zone.into()),
        address: there.then(|| address.into()),
        terminal,
    }
}

fn view(step: StepView, terminal: TerminalState) -> View {
    View {
        lab: "lab-7f3k".into(),
        target: Target::Practice {
            pace: "20x faster".into(),
            region: "us-east-1".into(),
        },
        started: ago(767),
        removes_itself: None,
        arming: false,
        cost: 0.0,
        cost_per_hour: 0.0,
        owed: Some(owed(Stage::Share)),
        lessons: lessons(),
        step,
        stack: None,
        machines: [
            machine(Side::A, terminal.clone()),
            machine(Side::B, terminal),
        ],
        trouble: None,
        phase: Phase::Learning,
    }
}

/// A text with a question of three options.
pub(super) fn question() -> View {
    let option = |text: &str, because: &str| Choice {
        text: text.into(),
        because: because.into(),
    };
    let step = StepView {
        lesson: "why-efs".into(),
        lesson_number: 1,
        number: 1,
        of: 2,
        title: "Three ways to store files".into(),
        blocks: vec![
            Block::Text(
                "Much software keeps its state in files: it wants `open`, `read` and `rename`, not an API.\n\n\
                 - An instance store is a disk in the host. It is gone when the instance is.\n\
                 - An EBS volume is a disk on the network, in one zone, for one instance.\n\
                 - EFS is a filesystem on the network: many instances in many zones mount it at once, and it survives \
                 the loss of a data center."
                    .into(),
            ),
            Block::Diagram(
                "  zone a              zone b\n +--------+          +--------+\n |   A    |          |   B    |\n +---+----+          \
                 +----+---+\n     |    /home   /home    |\n     +-------> EFS <-------+"
                    .into(),
            ),
            Block::Changed("EFS also has one-zone storage now; the lab uses the regional kind.".into()),
        ],
        action: "Read this, then answer the question by its number.".into(),
        question: Some(QuestionView {
            ask: "You run two web servers in two zones that must see the same files. Which of them fits?".into(),
            options: vec![
                option("An instance store on each", "Each server would see its own disk."),
                option("One EBS volume", "A volume lives in one zone and is attached to one instance."),
                option("EFS", "Both mount it, each through the door in its own zone."),
            ],
            answered: None,
            purpose: Purpose::Test,
        }),
        hints: vec![],
        charts: vec![],
        panels: vec![],
        forward: None,
        causality: None,
        hints_of: 3,
        state: StepState::Open,
        due: None,
        verdicts: 0,
        debrief: Some("Only EFS is mounted by many instances in many zones at once.".into()),
        work: Work::Question,
    };
    view(step, TerminalState::Closed)
}

/// The same after a wrong answer and a hint.
pub(super) fn answered_wrong() -> View {
    let mut view = question();
    if let Some(question) = &mut view.step.question {
        question.answered = Some((
            "2".into(),
            "A volume lives in one zone and is attached to one instance.".into(),
        ));
    }
    view.step.hints = vec!["Who of the three is on the network and in more than one zone?".into()];
    let because = "A volume lives in one zone and is attached to one instance.";
    view.step.state = StepState::NotYet(because.into());
    view
}

/// A question whose answer is typed.
pub(super) fn typed_question() -> View {
    let mut view = question();
    view.step.title = "What it costs".into();
    view.step.blocks = vec![Block::Text(
        "You pay for each GB-month stored: 0.30 USD in us-east-1.".into(),
    )];
    view.step.action = "Compute it and press Enter to type the answer.".into();
    view.step.question = Some(QuestionView {
        ask: "What do 5 GB cost in a month, in USD?".into(),
        options: vec![],
        answered: None,
        purpose: Purpose::Test,
    });
    view
}

/// The lab's own last step of lesson 4, as the engine shows it.
fn at_build() -> (Engine, Timestamp) {
    let lessons: Arc<[Lesson]> = Catalog::embedded().unwrap().lessons().into();
    let lesson = lessons.iter().find(|l| l.id == "instances").unwrap();
    let step = lesson.steps.iter().position(|s| s.id == "build").unwrap();
    let engine = Engine::new(Setup {
        lab: "lab-7f3k".into(),
        target: Target::Practice {
            pace: "20x faster".into(),
            region: "us-east-1".into(),
        },
        faster: Some(20.0),
        made: ago(767),
        progress: Progress {
            lesson: lesson.id.clone(),
            step,
            ..Progress::default()
        },
        lessons,
        ledger: Ledger::default(),
        standing: None,
        ttl: None,
        paths: Paths {
            key: "/home/you/.local/state/efslab/labs/lab-7f3k/id_ed25519".into(),
            ssh_config: "/home/you/.local/state/efslab/labs/lab-7f3k/ssh_config".into(),
        },
        prices: Some(load::prices().unwrap()),
    });
    (engine, ago(12))
}

/// That step as one comes to it.
pub(super) fn to_build() -> View {
    at_build().0.view()
}

/// The stack half built, twenty times as fast as on AWS: what was made, when it began and when it was there.
pub(super) fn building() -> View {
    const MADE: [(&str, i64, i64); 16] = [
        ("VPC", 9, 8),
        ("InternetGateway", 9, 8),
        ("FileSystem", 9, 8),
        ("KeyPair", 9, 9),
        ("HostKeyHandle", 9, 9),
        ("GatewayAttachment", 8, 7),
        ("SubnetA", 8, 7),
        ("SubnetB", 8, 7),
        ("RouteTable", 8, 7),
        ("ClientSecurityGroup", 8, 7),
        ("SshSecurityGroup", 8, 7),
        ("MountTargetSecurityGroup", 7, 6),
        ("RouteToInternet", 7, 6),
        ("RoutesOfSubnetA", 7, 6),
        ("RoutesOfSubnetB", 7, 6),
        ("MountTargetA", 6, 0),
    ];
    let (mut engine, asked) = at_build();
    let mut hear = |at, what| drop(engine.handle(Event { at, what }));
    hear(asked, What::Began);
    hear(asked, What::Command(Command::RunForMe));
    let ground = Ground {
        account: "123456789012".into(),
        zones: ["us-east-1a".into(), "us-east-1b".into()],
        instance_type: "t3.micro".into(),
        image: "ami-0a1b2c3d".into(),
        ssh_cidr: "127.0.0.1/32".into(),
    };
    hear(asked, What::Prepared(Ok(ground)));
    let id = "arn:aws:cloudformation:us-east-1:123456789012:stack/efslab-7f3k-lab/1";
    hear(asked, What::StackRequested(Ok(id.into())));
    let mut look = |seconds, news| {
        let seen = StackSeen {
            id: id.into(),
            status: "CREATE_IN_PROGRESS".into(),
            reason: None,
            outputs: BTreeMap::new(),
            since: ago(10),
            news,
        };
        let outcome = Ok(Some(seen));
        let stack = id.to_owned();
        hear(ago(seconds), What::StackSeen { stack, outcome });
    };
    let event = |id: &str, status: &str| StackEvent {
        logical_id: id.into(),
        kind: "AWS::Some::Thing".into(),
        physical_id: status.ends_with("COMPLETE").then(|| physical_id(id)),
        status: status.into(),
        reason: None,
        at: asked,
    };
    for second in (1..=10).rev() {
        let began = MADE.iter().filter(|(_, began, _)| *began == second);
        let there = MADE.iter().filter(|(.., there)| *there == second);
        let mut news: Vec<_> = began
            .map(|(id, ..)| event(id, "CREATE_IN_PROGRESS"))
            .collect();
        news.extend(there.map(|(id, ..)| event(id, "CREATE_COMPLETE")));
        if second == 6 {
            news.push(event("MountTargetB", "CREATE_IN_PROGRESS"));
        }
        look(second, news);
    }
    engine.view()
}

fn physical_id(logical_id: &str) -> String {
    let prefix = match logical_id {
        "VPC" => "vpc",
        "FileSystem" => "fs",
        id if id.starts_with("Subnet") => "subnet",
        id if id.ends_with("Group") => "sg",
        id => return id.to_owned(),
    };
    format!("{prefix}-0a1b2c3d")
}

/// The row of this resource.
fn row<'a>(view: &'a mut View, id: &str) -> &'a mut ResourceRow {
    let rows = &mut view.stack.as_mut().unwrap().rows;
    rows.iter_mut().find(|row| row.logical_id == id).unwrap()
}

/// The stack that failed.
pub(super) fn failed() -> View {
    let mut view = building();
    let why = "Received FAILURE signal with UniqueId i-0a1b2c3d: mount.nfs4: Connection timed out";
    if let Some(stack) = &mut view.stack {
        stack.status = "ROLLBACK_IN_PROGRESS".into();
        stack.cause = Some(format!("EC2InstanceA: {why}"));
    }
    let machine = row(&mut view, "EC2InstanceA");
    machine.state = RowState::Failed(why.into());
    machine.since = Some(ago(4));
    machine.until = Some(ago(2));
    view.step.state = StepState::Open;
    view.trouble = Some(Trouble {
        what: "The stack could not be built: EC2InstanceA failed.".into(),
        why: "Machine A could not reach the share: no answer on port 2049 within a minute.".into(),
        remedy: "Wait until the rollback is done, then build again.".into(),
        retry: Some("build the stack".into()),
    });
    view
}

/// Two terminals and a file to make.
pub(super) fn terminals() -> View {
    let step = StepView {
        lesson: "share-files".into(),
        lesson_number: 5,
        number: 2,
        of: 2,
        title: "Make a file on A, see it on B".into(),
        blocks: vec![
            Block::Text("Both machines have the same `/home`. Make a file on A, then look for it on B.".into()),
            Block::Commands(vec!["touch i-was-here".into(), "ls".into()]),
        ],
        action: "Type touch i-was-here in A (F2), then ls in B (F3), or press r to have it typed for you.".into(),
        question: None,
        hints: vec![],
        charts: vec![],
        panels: vec![],
        forward: None,
        causality: None,
        hints_of: 3,
        state: StepState::Open,
        due: None,
        verdicts: 0,
        debrief: Some("Neither machine holds the file: both asked the same filesystem, each through its own door.".into()),
        work: Work::Terminals,
    };
    view(step, TerminalState::Open)
}

/// What has been seen so far, as the engine shows it.
pub(super) fn measured(seen: &BothWays, wanted: u32, writes: Option<Side>) -> CausalityView {
    let way = |from, to: Side| WayView {
        from,
        to,
        seen: seen.on(to).count(),
        last: seen.on(to).last(),
        median: seen.on(to).median(),
        upper: seen.on(to).upper(),
    };
    CausalityView {
        wanted,
        writes,
        ways: [way(Side::A, Side::B), way(Side::B, Side::A)],
        histogram: seen.histogram(),
    }
}

/// The lab's own step about it, so many writes into the measurement.
pub(super) fn causality(writes: u32) -> View {
    let lessons = Catalog::embedded().unwrap();
    let lesson = lessons.lesson("share-files").unwrap();
    let number = lesson
        .steps
        .iter()
        .position(|s| s.id == "how-soon")
        .unwrap();
    let shown = &lesson.steps[number];
    let mut view = terminals();
    let mut seen = BothWays::default();
    for number in 1..=i64::from(writes) {
        // Spread as if by chance, with a straggler.
        let straggler = if number % 60 == 0 { 70_000 } else { 0 };
        seen.on_b.add(4000 + number * 7919 % 11_000 + straggler);
        if number < i64::from(writes) || writes == 100 {
            seen.on_a.add(5000 + number * 7919 % 8000);
        }
    }
    let writer = (1..100).contains(&writes).then_some(Side::B);
    view.step = StepView {
        number: number + 1,
        of: lesson.steps.len(),
        title: shown.title.clone(),
        blocks: shown
            .text
            .split("\n\n")
            .map(|text| Block::Text(text.into()))
            .collect(),
        action: match writes {
            100 => "Both ways are measured: answer the question.".into(),
            _ => shown.action.clone(),
        },
        question: shown.question.as_ref().map(|question| QuestionView {
            ask: question.ask.clone(),
            options: question.options.clone(),
            answered: None,
            purpose: Purpose::Test,
        }),
        causality: Some(measured(&seen, 100, writer)),
        state: match writes {
            0 => StepState::Open,
            100 => StepState::NotYet("the question has no answer yet".into()),
            _ => StepState::Working {
                what: "letting A and B answer each other".into(),
                since: ago(4),
            },
        },
        work: Work::Causality,
        ..view.step
    };
    view
}

/// The same, passed.
pub(super) fn passed() -> View {
    let mut view = terminals();
    view.step.state = StepState::Passed("B lists i-was-here, written on A 0.04 s before".into());
    view
}

/// The lab in the learner's own AWS account.
pub(super) fn in_aws(mut view: View) -> View {
    view.target = Target::Aws {
        account: "123456789012".into(),
        region: "eu-west-1".into(),
    };
    view.cost = 0.11;
    view.cost_per_hour = 0.05;
    view
}

/// Being deleted.
pub(super) fn cleaning_up() -> View {
    let mut view = building();
    view.phase = Phase::CleaningUp {
        doing: "deleting the stack".into(),
        since: ago(6),
        share: None,
    };
    if let Some(stack) = &mut view.stack {
        stack.status = "DELETE_IN_PROGRESS".into();
        stack.since = ago(5);
        stack.usual = SignedDuration::from_secs(9);
        for row in &mut stack.rows {
            let doors = ["MountTargetA", "MountTargetB"];
            let id = row.logical_id.as_str();
            let (state, since, until) = if id.starts_with("EC2") || id.starts_with("HostKey") {
                (RowState::Deleted, Some(ago(5)), Some(ago(2)))
            } else if doors.contains(&id) {
                (RowState::Working, Some(ago(2)), None)
            } else {
                (
                    RowState::Waiting(doors.map(str::to_owned).to_vec()),
                    None,
                    None,
                )
            };
            (row.state, row.since, row.until) = (state, since, until);
        }
    }
    view
}

pub(super) fn receipt() -> Receipt {
    let row = |kind: &str, asked: &str, deleted| ReceiptRow {
        kind: kind.into(),
        asked: asked.into(),
        answer: Listing::Empty,
        deleted,
    };
    Receipt {
        account: "123456789012".into(),
        regions: vec!["us-east-1".into()],
        rows: vec![
            row("stacks", "cloudformation:DescribeStacks", 1),
            row("instances", "ec2:DescribeInstances", 2),
            row("volumes", "ec2:DescribeVolumes", 0),
            row("snapshots", "ec2:DescribeSnapshots", 3),
            row("filesystems", "elasticfilesystem:DescribeFileSystems", 1),
            row("mount targets", "elasticfilesystem:DescribeMountTargets", 2),
            row("network interfaces", "ec2:DescribeNetworkInterfaces", 2),
            row("security groups", "ec2:DescribeSecurityGroups", 3),
            row("key pairs", "ec2:DescribeKeyPairs", 1),
        ],
        passes: 2,
        asked: now(),
        cost: 0.0,
        notes: Vec::new(),
    }
}

/// Deleted, with the proof.
pub(super) fn cleaned_up() -> View {
    let mut view = building();
    view.stack = None;
    view.phase = Phase::CleanedUp(receipt());
    view.step.state = StepState::Open;
    view
}

/// Deleted as far as it went.
pub(super) fn something_left() -> View {
    let mut view = in_aws(cleaned_up());
    if let Phase::CleanedUp(receipt) = &mut view.phase {
        receipt.rows[3].answer = Listing::CouldNotTell("ThrottlingException: rate exceeded".into());
        receipt.rows[6].answer = Listing::Left(vec!["eni-0a1b2c3d4e".into()]);
    }
    view
}

/// Hardly anything could be deleted.
pub(super) fn much_left() -> View {
    let mut view = something_left();
    if let Phase::CleanedUp(receipt) = &mut view.phase {
        for (row, prefix) in receipt.rows[1..6]
            .iter_mut()
            .zip(["i", "vol", "snap", "fs", "fsmt"])
        {
            let ids = (0..12).map(|n| format!("{prefix}-0a1b2c3d4e5f{n:05}"));
            row.answer = Listing::Left(ids.collect());
        }
    }
    view
}
