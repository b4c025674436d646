//! How long the cleanup of much takes, beside a plain script with boto3, in an account that answers and limits as AWS does:
//! `cargo bench --bench cleanup` prints the table of docs/CLEANUP.md, which says what it needs; nothing is asserted but that
//! it is clean.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a figure that cannot be had ends the measurement"
)]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[allow(dead_code, reason = "each benchmark takes of it what it needs")]
mod served;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use served::{Served, efslab, measuring};

/// Volumes of the lab with many snapshots, and how many of each: EBS takes one of a volume in 15 seconds.
const VOLUMES: usize = 50;
const TIMES: usize = 20;
const LABS: usize = 10;
const VOLUMES_EACH: usize = 20;
/// Deletions a second that the account lets through, once `BURST` are spent. EC2 gives 5, so that a thousand would take
/// minutes for whoever asks; here it is twenty times as much.
const PER_SECOND: usize = 100;
const BURST: usize = 50;

fn main() {
    if !measuring() {
        return;
    }
    let account = Account::serve();
    println!(
        "| what | efslab | script, one by one | ratio | what the limit allows |\n|---|---|---|---|---|"
    );
    let many = ["lab-many".to_owned()];
    account.row(
        "1,000 snapshots and 50 volumes of one lab",
        &many,
        VOLUMES,
        TIMES,
    );
    let labs: Vec<String> = (0..LABS)
        .map(|number| format!("lab-left{number}"))
        .collect();
    account.row(
        "10 labs with 20 snapshots and 20 volumes each",
        &labs,
        VOLUMES_EACH,
        1,
    );
}

/// An account of its own, served by the real program.
struct Account {
    directory: tempfile::TempDir,
    served: Served,
}

impl Account {
    fn serve() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("efs")
            .tempdir_in("/tmp")
            .expect("a directory");
        let faults = directory.path().join("faults.yaml");
        let text = format!(
            "faults:\n- {{fault: latency, delay: 40ms}}\n- {{fault: limit, operation: 'ec2:Delete*', per_second: {PER_SECOND}, burst: {BURST}}}\n"
        );
        std::fs::write(&faults, text).expect("a file");
        let faults = faults.to_str().expect("a path of ours");
        Self {
            served: Served::start(directory.path(), &["--faults", faults]),
            directory,
        }
    }

    /// Makes it all twice, and has either delete it.
    fn row(&self, what: &str, labs: &[String], volumes: usize, times: usize) {
        let ours = self.seconds(labs, volumes, times, || {
            let state = tempfile::tempdir().expect("a directory");
            let url = self.served.variable("AWS_ENDPOINT_URL");
            let mut cleanup = efslab(state.path());
            cleanup.args(["cleanup", "--all", "--yes", "--endpoint-url", url]);
            cleanup
        });
        let plain = self.seconds(labs, volumes, times, || {
            let mut script = script();
            script.arg("delete").args(labs);
            script
        });
        let calls = labs.len() * volumes * (times + 1);
        #[allow(clippy::cast_precision_loss, reason = "thousands")]
        let least = calls.saturating_sub(BURST) as f64 / PER_SECOND as f64;
        println!(
            "| {what} | {ours:.1} s | {plain:.1} s | {:.1} | {least:.1} s |",
            plain / ours
        );
    }

    fn seconds(
        &self,
        labs: &[String],
        volumes: usize,
        times: usize,
        deletes: impl Fn() -> Command,
    ) -> f64 {
        for lab in labs {
            self.done(script().args(["volumes", lab, &volumes.to_string()]));
            for _ in 0..times {
                self.done(script().args(["snapshots", lab]));
                self.done(efslab(self.directory.path()).args(["practice", "advance", "1m"]));
            }
        }
        let began = Instant::now();
        self.done(&mut deletes());
        began.elapsed().as_secs_f64()
    }

    fn done(&self, command: &mut Command) {
        let variables = self.served.variables.iter();
        command.envs(variables.map(|(name, value)| (name, value)));
        let output = command.output().expect("a program");
        assert!(
            output.status.success(),
            "{command:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The script, with a Python that has boto3.
fn script() -> Command {
    let tools = std::env::var("EFSLAB_PEERS").expect("EFSLAB_PEERS, as tests/all.sh sets it");
    let mut script = Command::new(Path::new(&tools).join("python3"));
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/cleanup.py"));
    script
}
