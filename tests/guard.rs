//! The guard in the account: the computer dies, nobody cleans up, the lease passes, and nothing of the lab is left.
//! Counted with the SDK, not with the program's own listings.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use jiff::SignedDuration;

use crate::support::{Home, Served, is_at_step, outcome, time_of};
use crate::sweep::Account;

impl Account {
    /// StackIds, by the end of the stack's name.
    pub fn stack(&self, end: &str) -> Option<String> {
        let described = self.wait(self.cloudformation.describe_stacks().send());
        let described = described.unwrap();
        let of_name = |one: &&aws_sdk_cloudformation::types::Stack| {
            one.stack_name().is_some_and(|name| name.ends_with(end))
        };
        let found = described.stacks().iter().find(of_name)?;
        Some(found.stack_id().unwrap().to_owned())
    }

    /// ARN of the service role with which CloudFormation works on a stack, and of the one that it has for its output.
    pub fn roles_of(&self, stack: &str) -> [Option<String>; 2] {
        let described = self.cloudformation.describe_stacks().stack_name(stack);
        let described = self.wait(described.send()).unwrap();
        let stack = &described.stacks()[0];
        let mut outputs = stack.outputs().iter();
        let service = outputs.find(|one| one.output_key() == Some("Service"));
        [
            stack.role_arn().map(str::to_owned),
            service.and_then(|one| one.output_value().map(str::to_owned)),
        ]
    }

    /// Deletes a stack as somebody does in the console, and waits until it is gone.
    pub fn delete_by_hand(&self, stack: &str) {
        let delete = self.cloudformation.delete_stack().stack_name(stack);
        self.wait(delete.send()).unwrap();
        let stands = |ids: BTreeSet<String>| ids.contains(stack);
        while stands(self.everything()) {
            std::thread::sleep(Duration::from_millis(5));
        }
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
    let [role, _] = account.roles_of(&stack);
    let [own, service] = account.roles_of(&guard);
    assert!(role.is_some() && role == service, "{role:?} {service:?}");
    assert_eq!(own, None, "it goes when there is no other guard");
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

    // Of its two roles and the boundary that is left, which could not take itself away, in the guard's stack; and nothing else.
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

/// Somebody tidies the account up while she works. The new guard has another role than the stack was made with.
#[test]
fn a_guard_that_was_deleted_is_made_anew_while_the_learner_works_and_removes_the_lab_in_its_time() {
    let home = Home::new();
    let served = Served::start(&home);
    let account = Account::of(&served);
    let untouched = account.everything();
    served.build(&home);
    let first = account.stack("-guard").unwrap();
    account.delete_by_hand(&first);
    let mut screen = home.screen_with(&served.variables, &["resume"], 24, 80);
    screen.until("the new guard", |_| {
        let guard = account.stack("-guard");
        guard.is_some_and(|guard| account.roles_of(&guard)[1].is_some())
    });
    screen.kill();
    let stack = account.stack("-lab").unwrap();
    let guard = account.stack("-guard").unwrap();
    assert_ne!(account.roles_of(&stack)[0], account.roles_of(&guard)[1]);

    let advance = ["practice", "advance", "8h"];
    let (code, out, err) = outcome(&mut served.efslab(&home, &advance));
    assert_eq!(code, 0, "{out}{err}");
    let mut left = account.everything();
    assert!(left.remove(&guard), "{left:?}");
    assert_eq!(left, untouched);
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
