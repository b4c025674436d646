//! Foreign tools as judges: cfn-lint of the template, shellcheck of the scripts, the `aws` command of the practice account.
//!
//! `tests/all.sh` installs them and runs these; a plain `cargo test` leaves them out.

mod regions;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use efslab::lesson::catalog::Catalog;
use efslab::practice::faults::SERVICES;

use crate::support::{Home, Served, outcome};

/// A tool of the Python environment.
pub fn tool(name: &str) -> Command {
    let tools =
        std::env::var("EFSLAB_PEERS").expect("run tests/all.sh, which installs the foreign tools");
    Command::new(PathBuf::from(tools).join(name))
}

#[test]
#[ignore = "needs cfn-lint, which tests/all.sh installs"]
fn cfn_lint_finds_nothing_in_the_template() {
    let home = Home::new();
    for stage in ["share", "alarms", "backup", "guard"] {
        let (code, template, err) = home.run(&["template", "--stage", stage]);
        assert_eq!(code, 0, "{err}");
        fs::write(home.path("template.yaml"), template).unwrap();
        let (code, out, err) = outcome(tool("cfn-lint").arg(home.path("template.yaml")));
        assert_eq!((code, out.trim()), (0, ""), "{stage}: {err}");
    }
}

#[test]
#[ignore = "needs moto, which tests/all.sh installs"]
fn the_guards_state_machine_does_the_same_on_a_foreign_engine() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/guard_on_moto.py");
    let (code, out, err) = outcome(tool("python3").arg(script));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("of its neighbours are there"), "{out}");
}

#[test]
#[ignore = "needs shellcheck, which tests/all.sh installs"]
fn shellcheck_finds_nothing_in_the_scripts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts: Vec<_> = fs::read_dir(root.join("assets/scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    scripts.push(root.join("tests/all.sh"));
    scripts.push(root.join(".ci/run"));
    assert!(scripts.len() > 3);
    let (code, out, err) = outcome(Command::new("shellcheck").args(&scripts));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
}

impl Served {
    fn aws(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = tool("aws");
        command.args(arguments).args(["--output", "text"]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        outcome(&mut command)
    }
}

#[test]
#[ignore = "needs the aws command, which tests/all.sh installs"]
fn the_aws_command_looks_at_a_lab_that_another_program_built() {
    let home = Home::new();
    let served = Served::start(&home);
    served.build(&home);

    let (code, out, err) = served.aws(&["sts", "get-caller-identity", "--query", "Account"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.trim().len(), 12, "{out}");
    // As the lessons say it, in a shell that is set up for the learner's own account.
    let mut shell = home.shell(
        "eval \"$($EFSLAB practice env)\" && exec \"$AWS\" sts get-caller-identity --query Account --output text",
    );
    shell
        .env("AWS", tool("aws").get_program())
        .env("AWS_PROFILE", "work");
    let (_, by_hand, err) = outcome(&mut shell);
    assert_eq!(by_hand, out, "{err}");
    let (_, out, err) = served.aws(&[
        "cloudformation",
        "describe-stacks",
        "--query",
        "Stacks[].StackStatus",
    ]);
    // The guard's and the lab's.
    assert_eq!(
        out.split_whitespace().collect::<Vec<_>>(),
        ["CREATE_COMPLETE", "CREATE_COMPLETE"],
        "{err}"
    );
    update_by_hand(&home, &served);
    let query = "Reservations[].Instances[].State.Name";
    let (_, out, err) = served.aws(&["ec2", "describe-instances", "--query", query]);
    assert_eq!(
        out.split_whitespace().collect::<Vec<_>>(),
        ["running", "running"],
        "{err}"
    );
    let (_, out, err) = served.aws(&[
        "efs",
        "describe-file-systems",
        "--query",
        "FileSystems[].NumberOfMountTargets",
    ]);
    assert_eq!(out.trim(), "2", "{err}");

    // The account's own ssh_config and the learner's ssh reach an instance by its public address.
    let config = &["practice", "ssh-config"];
    let (code, text, err) = outcome(&mut served.efslab(&home, config));
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("Host "), "{text}");

    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 0, "{out}{err}");
    let (_, out, err) = served.aws(&[
        "cloudformation",
        "describe-stacks",
        "--query",
        "Stacks[].StackStatus",
    ]);
    assert_eq!(out.trim(), "", "{err}");
}

#[test]
#[ignore = "needs boto3 and the aws command, which tests/all.sh installs"]
fn boto3_and_the_aws_command_use_every_operation_and_every_waiter_in_scope() {
    let home = Home::new();
    let served = Served::start(&home);
    let told = script(&served, "story.py");
    for tool in ["boto", "aws"] {
        let told = &told[tool];
        let none = serde_json::json!([]);
        assert_eq!(told["unused operations"], none, "{tool}");
        assert_eq!(told["unused waiters"], none, "{tool}");
        // So that a scope which shrinks to nothing does not pass.
        assert!(told["operations"].as_u64().unwrap() >= 151, "{told}");
        assert!(told["waiters"].as_u64().unwrap() >= 28, "{told}");
    }
    let used = told["aws"]["commands"].as_array().unwrap();
    let used: BTreeSet<&str> = used.iter().map(|one| one.as_str().unwrap()).collect();
    let shown = commands_of_lessons(&used);
    assert!(shown.len() >= 20, "{shown:?}");
    let unused: Vec<_> = shown
        .iter()
        .filter(|one| !used.contains(one.as_str()))
        .collect();
    assert_eq!(unused, Vec::<&String>::new());
    // By the names that requests are signed for, which are nearly IAM's.
    let services = told["services"].as_array().unwrap().iter();
    let services: BTreeSet<&str> = services.map(|name| name.as_str().unwrap()).collect();
    let served = SERVICES.map(|name| {
        if name == "cloudwatch" {
            "monitoring"
        } else {
            name
        }
    });
    assert_eq!(services, BTreeSet::from(served));
    // Members of answers that the services' models do not have.
    assert_eq!(told["strangers"], serde_json::json!([]));
}

/// Brings the lab to its last stage with the commands that the lesson shows for that: the new role needs the guard's boundary.
fn update_by_hand(home: &Home, served: &Served) {
    let lessons = Catalog::embedded().unwrap();
    let lesson = lessons.lesson("backup").unwrap();
    let commands = |id: &str| {
        let step = lesson.steps.iter().find(|step| step.id == id).unwrap();
        step.commands.join("\n")
    };
    let wait = "aws cloudformation wait change-set-create-complete --change-set-name backup --stack-name {stack}";
    let script = [&commands("propose"), wait, &commands("update")].join("\n");
    let (code, out, err) = served.aws(&[
        "cloudformation",
        "describe-stacks",
        "--query",
        "Stacks[].StackName",
    ]);
    assert_eq!(code, 0, "{err}");
    let named = |end: &str| {
        let mut names = out.split_whitespace();
        names.find(|name| name.ends_with(end)).unwrap().to_owned()
    };
    let script = script.replace("{stack}", &named("-lab"));
    let script = script.replace("{guard}", &named("-guard"));
    let script = format!(
        "set -e\ncd ~\nefslab() {{ \"$EFSLAB\" \"$@\"; }}\naws() {{ \"$AWS\" \"$@\"; }}\n{script}"
    );
    let mut shell = home.shell(&script);
    shell.env("AWS", tool("aws").get_program());
    shell.envs(served.variables.iter().map(|(name, value)| (name, value)));
    let (code, out, err) = outcome(&mut shell);
    assert_eq!(code, 0, "{out}{err}");
}

/// The `aws` commands that lessons and their documents show: service, command, and what is waited for. Words that only
/// follow the word `aws` are none.
fn commands_of_lessons(used: &BTreeSet<&str>) -> BTreeSet<String> {
    let services: BTreeSet<_> = used
        .iter()
        .filter_map(|one| one.split(' ').next())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let texts = ["lessons", "docs", "assets/scripts"].map(|one| fs::read_dir(root.join(one)));
    let texts = texts.into_iter().flat_map(Result::unwrap);
    let mut found = BTreeSet::new();
    for text in texts.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()) {
        let bare = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c == '=')
            .collect();
        for place in 0..words.len() {
            if words[place].trim_start_matches(bare) != "aws" {
                continue;
            }
            let rest = words[place + 1..]
                .iter()
                .map(|word| word.trim_matches(bare));
            let rest: Vec<&str> = rest.take(3).collect();
            if !rest.first().is_some_and(|one| services.contains(one)) || rest.len() < 3 {
                continue;
            }
            let parts = if rest[1] == "wait" { 3 } else { 2 };
            found.insert(rest[..parts].join(" "));
        }
    }
    found
}

/// What a script of this directory prints, run against the account.
fn script(served: &Served, name: &str) -> serde_json::Value {
    let mut python = tool("python");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    python.arg("-B").arg(path.join(name));
    python.envs(served.variables.iter().map(|(name, value)| (name, value)));
    python
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env_remove("AWS_PROFILE");
    let (code, out, err) = outcome(&mut python);
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn bad_requests_are_refused_with_the_codes_of_the_services_models() {
    let home = Home::new();
    let served = Served::start(&home);
    let told = script(&served, "codes.py");
    assert_eq!(told["wrong"], serde_json::json!([]));
    assert!(told["requests"].as_u64().unwrap() >= 90, "{told}");
    // As many as models name: those of CloudFormation, EFS, CloudWatch, IAM and Systems Manager.
    assert!(told["named"].as_u64().unwrap() >= 10, "{told}");
}
