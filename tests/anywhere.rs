//! A lab whose stack is in any state that CloudFormation knows: the cleanup gets it away, with the state directory and without.
//! Counted with the SDK, not with the program's own listings.

use std::thread;

use aws_sdk_cloudformation::types::{Capability, ChangeSetType, OnFailure, StackResource};

use crate::between::{Fatal, Moment, Relay, Victim};
use crate::stacks::{BROKEN, GROUP, LAB, Lab, TARGET, WAITS, journal_of, slow, until};
use crate::support::{Home, outcome};
use crate::sweep::Account;

/// A status, how a stack gets there, and what is the last thing for one that does not stay there.
type State = (&'static str, fn(&Lab<'_>), Option<fn(&Lab<'_>)>);

const STATES: &[State] = &[
    (
        "CREATE_IN_PROGRESS",
        |lab| lab.create(WAITS, OnFailure::DoNothing),
        None,
    ),
    (
        "CREATE_FAILED",
        |lab| lab.create(BROKEN, OnFailure::DoNothing),
        None,
    ),
    ("CREATE_COMPLETE", |lab| lab.created(TARGET), None),
    (
        "ROLLBACK_IN_PROGRESS",
        |lab| {
            lab.create(&format!("{TARGET}{WAITS}"), OnFailure::Rollback);
            lab.begins("Never");
        },
        Some(|lab| {
            lab.fails();
        }),
    ),
    (
        "ROLLBACK_FAILED",
        |lab| {
            lab.create(WAITS, OnFailure::Rollback);
            let (obstacle, _) = lab.obstructed(GROUP);
            lab.fails();
            lab.is("ROLLBACK_FAILED");
            lab.is_cleared(&obstacle);
        },
        None,
    ),
    (
        "ROLLBACK_COMPLETE",
        |lab| lab.create(BROKEN, OnFailure::Rollback),
        None,
    ),
    (
        "UPDATE_IN_PROGRESS",
        |lab| {
            lab.created("");
            lab.update(&format!("{LAB}{WAITS}"), false);
        },
        None,
    ),
    (
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        |lab| lab.created(TARGET),
        Some(|lab| lab.update(LAB, false)),
    ),
    (
        "UPDATE_FAILED",
        |lab| {
            lab.created("");
            lab.update(&format!("{LAB}{BROKEN}"), true);
        },
        None,
    ),
    (
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        |lab| {
            lab.created("");
            lab.update(&format!("{LAB}{TARGET}{WAITS}"), false);
            until(
                || "the mount target".to_owned(),
                || {
                    let all = lab.account.resources_of(&lab.stack_name());
                    let done = |one: &StackResource| {
                        one.logical_resource_id() == Some("TargetA")
                            && one.resource_status().unwrap().as_str() == "CREATE_COMPLETE"
                    };
                    all.iter().any(done).then_some(())
                },
            );
        },
        Some(|lab| {
            lab.cancel();
        }),
    ),
    (
        "UPDATE_ROLLBACK_COMPLETE",
        |lab| {
            lab.created("");
            lab.update(&format!("{LAB}{BROKEN}"), false);
        },
        None,
    ),
    (
        "UPDATE_ROLLBACK_FAILED",
        |lab| {
            lab.created("");
            let rule = "SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 1, ToPort: 2, CidrIp: 10.0.0.0/8 }]";
            let changed = LAB.replace(
                "GroupDescription: a,",
                &format!("GroupDescription: a, {rule},"),
            );
            lab.update(&format!("{changed}{WAITS}"), false);
            lab.begins("Never");
            // What was changed cannot be changed back: somebody takes it away meanwhile.
            let group = lab.begins("Group");
            let delete = lab.account.ec2.delete_security_group().group_id(group);
            lab.account.wait(delete.send()).unwrap();
            lab.cancel();
        },
        None,
    ),
    (
        "DELETE_IN_PROGRESS",
        |lab| lab.created(TARGET),
        Some(|lab| {
            lab.delete();
        }),
    ),
    (
        "DELETE_FAILED",
        |lab| {
            lab.created("");
            let (obstacle, _) = lab.obstructed(GROUP);
            lab.delete();
            lab.is("DELETE_FAILED");
            lab.is_cleared(&obstacle);
        },
        None,
    ),
    (
        "REVIEW_IN_PROGRESS",
        |lab| {
            let create = lab.account.cloudformation.create_change_set();
            let create = create
                .change_set_name("first")
                .change_set_type(ChangeSetType::Create);
            let create = create.stack_name(lab.stack_name()).tags(lab.tag());
            let create = create
                .template_body(LAB)
                .capabilities(Capability::CapabilityIam);
            lab.account.wait(create.send()).unwrap();
        },
        None,
    ),
];

/// A lab for each state, and each in its state.
fn every_state(account: &Account) -> Vec<String> {
    let labs: Vec<Lab<'_>> = (1..=STATES.len())
        .map(|number| Lab {
            account,
            id: format!("lab-{number:02}"),
        })
        .collect();
    let each = || labs.iter().zip(STATES);
    thread::scope(|scope| {
        for (lab, (status, make, last)) in each() {
            scope.spawn(move || {
                make(lab);
                if last.is_none() {
                    lab.is(status);
                }
            });
        }
    });
    for (lab, (_, _, last)) in each() {
        if let Some(last) = last {
            last(lab);
        }
    }
    for (lab, (status, ..)) in each() {
        lab.is(status);
    }
    labs.into_iter().map(|lab| lab.id).collect()
}

#[track_caller]
fn all_are_gone(labs: &[String], (code, out, err): &(i32, String, String)) {
    for (lab, (status, ..)) in labs.iter().zip(STATES) {
        let gone = format!("{lab}: Nothing is left.");
        assert!(out.contains(&gone), "{lab}, {status}: {out}{err}");
    }
    assert_eq!(*code, 0, "{out}{err}");
}

#[test]
fn a_lab_in_any_state_goes_with_its_state_directory() {
    let home = Home::new();
    let served = slow(&home, "15m");
    let account = Account::of(&served);
    let untouched = account.everything();
    let labs = every_state(&account);
    drop(journal_of(&home, &served, &labs));
    all_are_gone(&labs, &outcome(&mut served.efslab(&home, &["cleanup"])));
    assert_eq!(account.everything(), untouched);
    let (code, out, err) = home.run(&["status"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.matches("nothing is left").count(), labs.len(), "{out}");
}

#[test]
fn a_lab_in_any_state_goes_by_its_name_from_a_computer_that_never_heard_of_it() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let served = slow(&home, "15m");
    let account = Account::of(&served);
    let untouched = account.everything();
    let labs = every_state(&account);
    let mut cleanup = vec!["cleanup", "--endpoint-url", served.url(), "--yes"];
    cleanup.extend(labs.iter().map(String::as_str));
    all_are_gone(&labs, &outcome(&mut served.efslab(&elsewhere, &cleanup)));
    assert_eq!(account.everything(), untouched);
}

#[test]
fn a_lab_in_any_state_is_found_from_anywhere_and_looking_changes_nothing() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let served = slow(&home, "15m");
    let account = Account::of(&served);
    let untouched = account.everything();
    let labs = every_state(&account);

    // Only what lists, describes or gets is asked for.
    let relay = Relay::to(served.url());
    relay.set(Fatal::Call(usize::MAX), Moment::Before, &Victim::default());
    let look = [
        "cleanup",
        "--all",
        "--dry-run",
        "--endpoint-url",
        relay.url(),
    ];
    let (code, out, err) = outcome(&mut served.efslab(&elsewhere, &look));
    assert_eq!(code, 0, "{out}{err}");
    for lab in &labs {
        assert!(
            out.contains(&format!("{lab}: would delete")),
            "{lab}: {out}"
        );
    }
    let calls = relay.calls();
    assert!(calls.len() > 100, "{calls:?}");
    let changes = |call: &&String| {
        let name = call.rsplit('/').next().unwrap_or_default();
        let looks = ["Describe", "List", "Get"];
        !looks.iter().any(|verb| name.starts_with(verb)) && !call.starts_with("GET ")
    };
    let changes: Vec<_> = calls.iter().filter(changes).collect();
    assert!(changes.is_empty(), "{changes:?}");
    assert!(
        !elsewhere
            .files("state")
            .iter()
            .any(|file| file.ends_with("labs"))
    );

    let all = ["cleanup", "--all", "--endpoint-url", served.url()];
    let mut screen = elsewhere.screen_with(&served.variables, &all, 50, 200);
    let asked = |text: &str| text.matches("Delete everything of it? [y/N]").count();
    let begun = |text: &str| {
        let signs = [": looking", ": deleting", "[ec2:"];
        signs.iter().any(|sign| text.contains(sign))
    };
    let mut answered = 0;
    loop {
        screen.until("a question, or their end", |text| {
            asked(text) > answered || begun(text)
        });
        if asked(&screen.text()) == answered || begun(&screen.text()) {
            break;
        }
        screen.keys("y\r");
        answered += 1;
    }
    // The one that was being deleted may be gone by then.
    assert!(answered + 1 >= labs.len(), "{}", screen.text());
    let (code, text) = screen.end();
    assert_eq!(code, 0, "{text}");
    assert_eq!(account.everything(), untouched);
}
