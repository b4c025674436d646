//! A lab in an account where things go wrong: it gets over what passes, and leaves nothing all the same.

use std::fs;

use crate::support::{Home, Served, outcome};

/// What programs are to get over. A stuck volume is not among it: that needs somebody's decision.
const PASSING: &str = "seed: 3
faults:
- {fault: throttle, operation: 'cloudformation:Describe*', rate: 0.2, count: 10}
- {fault: unavailable, operation: 'ec2:Describe*', rate: 0.2, count: 10}
- {fault: reset, operation: 'elasticfilesystem:*', count: 2}
- {fault: truncate, operation: 'cloudformation:CreateStack', count: 1}
- {fault: internal-error, operation: 'cloudformation:DeleteStack', count: 1}
- {fault: latency, delay: 10ms, count: 20}
- {fault: slow-interface, delay: 10m}
";

#[test]
fn a_lab_gets_over_faults_that_pass_and_leaves_nothing() {
    let home = Home::new();
    fs::write(home.path("faults.yaml"), PASSING).unwrap();
    let mut run = home.efslab(&["run", "share-files", "--pace", "max"]);
    let (code, out, err) = outcome(run.env("EFSLAB_FAULTS", home.path("faults.yaml")));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Nothing is left."), "{out}");
}

#[test]
fn a_fault_file_that_is_wrong_or_meant_for_another_account_is_refused() {
    let home = Home::new();
    let file = home.path("faults.yaml");
    let file = file.to_str().unwrap();
    let serve = ["practice", "serve", "--faults", file];
    let (code, _, err) = home.run(&serve);
    assert!(
        code == 1 && err.contains("could not read the fault file"),
        "{err}"
    );
    fs::write(file, "faults: [{fault: latency}]").unwrap();
    let (code, _, err) = home.run(&serve);
    assert!(
        code == 1 && err.contains("fault 1: it needs a delay"),
        "{err}"
    );

    fs::write(file, PASSING).unwrap();
    let served = Served::start(&home);
    let run = ["run", "why-efs", "--faults", file];
    let mut elsewhere = served.efslab(&home, &run);
    elsewhere.args(["--target", "practice", "--endpoint-url", served.url()]);
    let (code, _, err) = outcome(&mut elsewhere);
    assert!(
        code == 1 && err.contains("inside this program only"),
        "{err}"
    );
    let (code, _, err) = home.run(&run);
    assert!(
        code == 1 && err.contains("served by another efslab already"),
        "{err}"
    );
}
