//! The journal over its own death: what was written is read again by the next program.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::params;

use super::*;
use crate::engine::effect::{Effect, Known, NewStack, Progress, Removal, StepProgress};
use crate::engine::event::Ground;
use crate::engine::view::{Listing, Receipt, ReceiptRow};
use crate::template::Stage;

const LAB: &str = "lab-7f3k";
const NAME: &str = "efslab-7f3k-lab";
const ID: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/efslab-7f3k-lab/1";

fn now() -> Timestamp {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

/// A journal with one lab, in a directory that lives as long.
fn journal() -> (tempfile::TempDir, Journal) {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(&directory.path().join("state")).unwrap();
    let place = Place::Embedded {
        region: "us-east-1".to_owned(),
    };
    journal.add_lab(LAB, &place, now()).unwrap();
    (directory, journal)
}

/// What the next program reads after this one was killed.
fn next(directory: &tempfile::TempDir) -> Journal {
    Journal::open(&directory.path().join("state")).unwrap()
}

fn create() -> Effect {
    Effect::CreateStack(NewStack {
        name: NAME.to_owned(),
        stage: Stage::Share,
        ground: Ground {
            account: "123456789012".to_owned(),
            zones: ["us-east-1a".to_owned(), "us-east-1b".to_owned()],
            instance_type: "t3.micro".to_owned(),
            image: "ami-1".to_owned(),
            ssh_cidr: "198.51.100.7/32".to_owned(),
        },
        alarm_email: None,
    })
}

fn asked(journal: &Journal) -> Intent {
    let journaled = journal.admit(LAB, create(), now()).unwrap();
    journaled.into_parts().1.unwrap()
}

fn receipt(answer: Listing) -> Receipt {
    Receipt {
        account: "123456789012".to_owned(),
        regions: vec!["us-east-1".to_owned()],
        rows: vec![ReceiptRow {
            kind: "instances".to_owned(),
            asked: "ec2:DescribeInstances".to_owned(),
            answer,
            deleted: 2,
        }],
        passes: 3,
        asked: now(),
        cost: 0.0,
        notes: Vec::new(),
    }
}

#[test]
fn a_create_is_written_down_before_it_can_be_carried_out() {
    let (directory, journal) = journal();
    asked(&journal);
    let stacks = next(&directory).stacks(LAB).unwrap();
    assert_eq!(stacks.len(), 1);
    assert_eq!(
        (stacks[0].wanted.name.as_str(), &stacks[0].id),
        (NAME, &None)
    );
    assert!(!stacks[0].gone && !stacks[0].refused);
    assert_eq!(stacks[0].asked, now());
}

#[test]
fn what_only_looks_leaves_no_intent() {
    let (_directory, journal) = journal();
    let effect = Effect::WatchStack {
        stack: NAME.to_owned(),
    };
    let (_, intent) = journal.admit(LAB, effect, now()).unwrap().into_parts();
    assert_eq!(intent, None);
    assert_eq!(journal.stacks(LAB).unwrap(), []);
}

#[test]
fn whatever_takes_something_away_is_written_down_first_too() {
    let (_directory, journal) = journal();
    let effects = [
        Effect::Terminate {
            instances: vec!["i-1".to_owned()],
        },
        Effect::CancelUpdate {
            stack: ID.to_owned(),
        },
        Effect::Remove(Removal::Snapshot("snap-1".to_owned())),
    ];
    for effect in effects {
        journal
            .save_receipt(LAB, &receipt(Listing::Empty), now())
            .unwrap();
        assert!(journal.lab(LAB).unwrap().clean);
        let (_, intent) = journal.admit(LAB, effect, now()).unwrap().into_parts();
        assert!(intent.is_some());
        assert!(!journal.lab(LAB).unwrap().clean);
    }
}

#[test]
fn what_an_older_version_knew_of_a_lab_is_read() {
    let older = r#"{"account":null,"stacks":["s"],"vpcs":[],"file_systems":[]}"#;
    let known: Known = serde_json::from_str(older).unwrap();
    assert_eq!((known.stacks.len(), known.volumes.len()), (1, 0));
}

#[test]
fn an_answer_is_kept_and_so_is_the_end() {
    let (directory, journal) = journal();
    let intent = asked(&journal);
    journal.settle(intent, &Ok(ID.to_owned())).unwrap();
    assert_eq!(
        next(&directory).stacks(LAB).unwrap()[0].id.as_deref(),
        Some(ID)
    );
    journal.note_gone(LAB, ID).unwrap();
    assert!(next(&directory).stacks(LAB).unwrap()[0].gone);
}

#[test]
fn a_refusal_means_that_nothing_was_made() {
    let (directory, journal) = journal();
    let intent = asked(&journal);
    journal
        .settle(intent, &Err("limit reached".to_owned()))
        .unwrap();
    assert!(next(&directory).stacks(LAB).unwrap()[0].refused);
}

#[test]
fn an_unanswered_create_is_settled_by_what_is_found_under_its_name() {
    let (directory, journal) = journal();
    asked(&journal);
    journal.note_found(LAB, NAME, ID).unwrap();
    assert_eq!(
        next(&directory).stacks(LAB).unwrap()[0].id.as_deref(),
        Some(ID)
    );

    // The next one of the same name is not found: only that one was never made.
    asked(&journal);
    journal.note_gone(LAB, NAME).unwrap();
    let stacks = next(&directory).stacks(LAB).unwrap();
    assert_eq!((stacks[0].refused, stacks[0].gone), (false, false));
    assert!(stacks[1].refused);
}

#[test]
fn only_a_clean_receipt_closes_a_lab_and_a_new_intent_opens_it_again() {
    let (_directory, journal) = journal();
    let closed = || journal.lab(LAB).unwrap().clean;
    for (answer, clean) in [
        (Listing::Left(vec!["i-1".to_owned()]), false),
        (Listing::CouldNotTell("throttled".to_owned()), false),
        (Listing::Empty, true),
    ] {
        journal.save_receipt(LAB, &receipt(answer), now()).unwrap();
        assert_eq!(closed(), clean);
    }
    assert_eq!(
        journal.receipt(LAB).unwrap(),
        Some(receipt(Listing::Empty)),
        "the last one counts"
    );
    asked(&journal);
    assert!(!closed());
}

#[test]
fn progress_and_known_ids_survive() {
    let (directory, journal) = journal();
    let progress = Progress {
        lesson: "share-files".to_owned(),
        step: 3,
        leaving: true,
        alarm_email: Some("me@example.org".to_owned()),
        steps: Vec::new(),
    };
    let known = Known {
        account: Some("123456789012".to_owned()),
        vpcs: vec!["vpc-1".to_owned()],
        ..Known::default()
    };
    journal.save_progress(LAB, &progress).unwrap();
    journal.note_known(LAB, &known).unwrap();
    let next = next(&directory);
    assert_eq!(next.lab(LAB).unwrap().progress, progress);
    assert_eq!(next.known(LAB).unwrap(), known);
}

#[test]
fn a_receipt_says_nothing_of_what_was_done_after_it() {
    let (_directory, journal) = journal();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    assert_eq!(journal.present_receipt(LAB).unwrap(), None);
    let receipt = receipt(Listing::Left(vec!["i-1".to_owned()]));
    let (first, later) = (at("2026-03-01T10:00:01Z"), at("2026-03-01T10:00:01.5Z"));
    journal.admit(LAB, create(), first).unwrap();
    journal.save_receipt(LAB, &receipt, first).unwrap();
    assert_eq!(journal.present_receipt(LAB).unwrap(), Some(receipt));
    journal.admit(LAB, create(), later).unwrap();
    assert_eq!(journal.present_receipt(LAB).unwrap(), None);
}

#[test]
fn a_lab_that_is_adopted_is_being_taken_down_from_its_first_line_on() {
    let (directory, journal) = journal();
    let other = Lab {
        id: "lab-other".to_owned(),
        progress: Progress {
            leaving: true,
            ..Progress::default()
        },
        ..journal.lab(LAB).unwrap()
    };
    journal.adopt(&other).unwrap();
    assert_eq!(next(&directory).lab("lab-other").unwrap(), other);
}

#[test]
fn nobody_else_can_read_it() {
    let (directory, journal) = journal();
    asked(&journal);
    journal.lab_directory(LAB).unwrap();
    for (path, mode) in [
        ("state", 0o700),
        ("state/journal.db", 0o600),
        ("state/journal.db-wal", 0o600),
        ("state/labs/lab-7f3k", 0o700),
    ] {
        let found = fs::metadata(directory.path().join(path)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn what_a_later_version_wrote_is_left_alone() {
    let (directory, journal) = journal();
    drop(journal);
    let file = directory.path().join("state/journal.db");
    let database = Connection::open(&file).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let error = Journal::open(&directory.path().join("state")).unwrap_err();
    assert!(error.to_string().contains("later version"), "{error}");
    let version: u32 = Connection::open(&file)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

#[test]
fn what_was_skipped_is_remembered_and_what_an_older_program_wrote_was_not_skipped() {
    let (directory, journal) = journal();
    let step = StepProgress {
        passed_at: None,
        snapshot: None,
        lesson: "why-efs".to_owned(),
        step: "one".to_owned(),
        passed: None,
        skipped: true,
        hints: 1,
        answer: Some("2".to_owned()),
        measured: BTreeMap::new(),
    };
    let progress = Progress {
        lesson: "why-efs".to_owned(),
        steps: vec![step],
        ..Progress::default()
    };
    journal.save_progress(LAB, &progress).unwrap();
    assert_eq!(next(&directory).lab(LAB).unwrap().progress, progress);
    let older = json(&progress).replace("\"skipped\":true,", "");
    assert!(!older.contains("skipped"), "{older}");
    let update = "UPDATE lab SET progress = ?2 WHERE id = ?1";
    journal.update(update, params![LAB, older]).unwrap();
    assert!(!next(&directory).lab(LAB).unwrap().progress.steps[0].skipped);
}
