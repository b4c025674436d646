//! The guard in the account: the computer dies, nobody cleans up, the lease passes, and nothing of the lab is left.
//! Counted with the SDK, not with the program's own listings.

use std::collections::BTreeSet;
use std::process::Stdio;

use jiff::SignedDuration;

use crate::support::{Home, Served, is_at_step, outcome, time_of};
use crate::sweep::Account;

impl Account {
    /// StackIds, by the end of the stack's name.
    fn stack(&self, end: &str) -> Option<String> {
        let described = self.wait(self.cloudformation.describe_stacks().send());
        let described = described.unwrap();
        let of_name = |one: &&aws_sdk_cloudformation::types::Stack| {
            one.stack_name().is_some_and(|name| name.ends_with(end))
        };
        let found = described.stacks().iter().find(of_name)?;
        Some(found.stack_id().unwrap().to_owned())
    }

    /// What of a stack is there.
    fn resources(&self, stack: &str) -> Vec<String> {
        let described = self.cloudformation.describe_stack_resources();
        let described = self.wait(described.stack_name(stack).send()).unwrap();
        described
            .stack_resources()
            .iter()
            .filter(|one| one.resource_status().unwrap().as_str() != "DELETE_COMPLETE")
            .map(|one| one.resource_type().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn a_lab_whose_computer_died_removes_itself_when_its_lease_is_over() {
    let home = Home::new();
    let served = Served::start(&home);
    let account = Account::of(&served);
    let untouched = account.everything();

    // It dies in the middle of the lessons.
    let run = ["run", "share-files", "--target", "practice", "--ttl", "6h"];
    let mut dying = served.efslab(&home, &run);
    let dying = dying.args(["--endpoint-url", served.url()]);
    let mut dying = dying.stdout(Stdio::null()).spawn().unwrap();
    while account
        .everything()
        .iter()
        .filter(|id| id.starts_with("i-"))
        .count()
        < 2
    {
        assert!(dying.try_wait().unwrap().is_none(), "it ended too early");
    }
    dying.kill().unwrap();
    dying.wait().unwrap();

    let stack = account.stack("-lab").unwrap();
    let guard = account.stack("-guard").unwrap();
    let name = guard.split('/').nth(1).unwrap().to_owned();
    let lab = name.replace("efslab-", "lab-").replace("-guard", "");
    let ours = [("efslab:lab", lab.as_str())];
    let volume = account.volume(None, &ours);
    account.snapshot(&volume, &ours);
    account.snapshot(&volume, &ours);
    let other = account.volume(None, &[("efslab:lab", "lab-other")]);
    let neighbours = [
        account.snapshot(&other, &[("efslab:lab", &format!("{lab}2"))]),
        account.snapshot(&other, &[]),
        other,
    ];

    // Before its end nothing happens.
    let advance = |by: &str| {
        let (code, out, err) = outcome(&mut served.efslab(&home, &["practice", "advance", by]));
        assert_eq!(code, 0, "{out}{err}");
    };
    advance("1h");
    assert_eq!(account.stack("-lab").as_deref(), Some(stack.as_str()));
    advance("6h");

    // Its role is left, which could not take itself away, in the guard's stack; and nothing else.
    let mut left = account.everything();
    assert!(left.remove(&guard), "{left:?}");
    let expected: BTreeSet<String> = untouched.iter().chain(&neighbours).cloned().collect();
    assert_eq!(left, expected);
    assert_eq!(account.resources(&guard), ["AWS::IAM::Role"]);

    // The program takes that away the next time.
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), expected);
}

/// At pace `max` a command that sleeps makes time jump, and a loop of them uses hours up in moments.
#[test]
fn a_loop_that_sleeps_without_end_does_not_use_up_the_lease_of_a_learner_who_is_there() {
    let home = Home::new();
    let mut screen = home.screen(&["start", "share-files", "--pace", "max"], 24, 80);
    screen.until("step 1", |text| is_at_step(text, 1, 9));
    screen.keys("n");
    screen.until("both terminals", |text| {
        text.matches("[ec2-user@ip-").count() >= 2
    });
    let now = || time_of(&mut home.efslab(&["practice", "advance", "0s"]));
    let began = now();
    let sleeps = "while sleep 600; do :; done";
    let mut sleeping = home.efslab(&["ssh", "a", "--", sleeps]).spawn().unwrap();
    while now().duration_since(began) < SignedDuration::from_hours(24) {
        assert!(sleeping.try_wait().unwrap().is_none(), "the loop ended");
    }
    // It is there, and still after the loop.
    sleeping.kill().unwrap();
    sleeping.wait().unwrap();
    let (code, out, err) = home.run(&["ssh", "b", "--", "hostname"]);
    assert!(code == 0 && out.starts_with("ip-"), "{out}{err}");
    screen.kill();
}
