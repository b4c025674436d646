//! How long the cleanup of much takes, beside a plain script with boto3, in an account that answers and limits as AWS does:
//! `cargo bench --bench cleanup` prints the table of docs/CLEANUP.md, which says what it needs; nothing is asserted but that
//! it is clean.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a figure that cannot be had ends the measurement"
)]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const EFSLAB: &str = env!("CARGO_BIN_EXE_efslab");
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
    // `cargo test --benches` and the like only want to know that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
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
    serving: Child,
    variables: Vec<(String, String)>,
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
        let mut serving = efslab(directory.path())
            .args(["practice", "serve", "--pace", "max", "--faults"])
            .arg(&faults)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let out = serving.stdout.take().expect("its output");
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let variables = lines.take(4).filter_map(|line| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Self {
            variables: variables.collect(),
            serving,
            directory,
        }
    }

    /// Makes it all twice, and has either delete it.
    fn row(&self, what: &str, labs: &[String], volumes: usize, times: usize) {
        let ours = self.seconds(labs, volumes, times, || {
            let state = tempfile::tempdir().expect("a directory");
            let url = &self.variables[0].1;
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
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("a program");
        assert!(
            output.status.success(),
            "{command:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// The program, with a state directory of its own.
fn efslab(directory: &Path) -> Command {
    let mut command = Command::new(EFSLAB);
    command.env("EFSLAB_STATE_DIR", directory.join("state"));
    command
}

/// The script, with a Python that has boto3.
fn script() -> Command {
    let tools = std::env::var("EFSLAB_PEERS").expect("EFSLAB_PEERS, as tests/all.sh sets it");
    let mut script = Command::new(Path::new(&tools).join("python3"));
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/cleanup.py"));
    script
}
