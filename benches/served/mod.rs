//! What the benchmarks share: the real program, an account that it serves, and how much memory a process takes. Figures and
//! tables are each benchmark's own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Whether figures are wanted: `cargo test --benches` and the like only want to know that it compiles.
pub fn measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The program, which keeps to this directory.
pub fn efslab(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_efslab"));
    command
        .env("EFSLAB_STATE_DIR", directory.join("state"))
        .env("HOME", directory)
        .env("XDG_RUNTIME_DIR", directory);
    command
}

/// A process that ends with this.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("a program that can be started"))
    }

    pub fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Bytes of memory that it has resident.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let status = status.expect("a Linux kernel");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.expect("its memory") * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// An account that the program serves.
pub struct Served {
    /// The way to it, as an environment has it.
    pub variables: Vec<(String, String)>,
    pub running: Running,
}

impl Served {
    /// `practice serve`, as fast as can be, with these arguments more.
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut serve = efslab(directory);
        serve.args(["practice", "serve", "--pace", "max"]);
        let mut running = Running::start(serve.args(arguments).stdout(Stdio::piped()));
        let out = running.0.stdout.take().expect("its output");
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let variables = lines.take(4).filter_map(|line| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Self {
            variables: variables.collect(),
            running,
        }
    }

    /// One of the variables.
    pub fn variable(&self, name: &str) -> &str {
        let mut variables = self.variables.iter();
        let found = variables.find_map(|(it, value)| (it == name).then_some(value));
        found.expect("a variable that it prints")
    }
}
