//! What the tests share: a private state directory, the real binary, and a terminal to drive it in.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use efslab::lesson::schema::{Action, Lesson};
use jiff::Timestamp;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The program under test.
const EFSLAB: &str = env!("CARGO_BIN_EXE_efslab");

/// The program that is run: `EFSLAB_UNDER_TEST` names another one than was built for the tests, one built for release.
pub fn program() -> PathBuf {
    let other = std::env::var_os("EFSLAB_UNDER_TEST");
    other.map_or_else(|| PathBuf::from(EFSLAB), PathBuf::from)
}

/// Far beyond what anything takes: a test that waits this long has failed, it is not slow.
const PATIENCE: Duration = Duration::from_mins(4);

/// A learner's computer: a state directory and a runtime directory of its own.
pub struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        // Below /tmp, whatever TMPDIR says: control sockets need short paths.
        let directory = tempfile::Builder::new()
            .prefix("efs")
            .tempdir_in("/tmp")
            .unwrap();
        fs::create_dir(directory.path().join("run")).unwrap();
        Self { directory }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("EFSLAB_STATE_DIR", self.path("state")),
            ("XDG_RUNTIME_DIR", self.path("run")),
            ("HOME", self.path("")),
        ]
    }

    /// A shell that runs `script`, in which `$EFSLAB` is the program; without anything of the developer's own AWS.
    pub fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        self.set_up(&mut shell);
        shell.env("EFSLAB", program());
        shell
    }

    /// The program with these arguments, without anything of the developer's own AWS.
    pub fn efslab(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.set_up(&mut command);
        command
    }

    fn set_up(&self, command: &mut Command) {
        command.envs(self.variables());
        for (name, _) in std::env::vars() {
            if name.starts_with("AWS_") || name.starts_with("EFSLAB_") && name != "EFSLAB_STATE_DIR"
            {
                command.env_remove(name);
            }
        }
    }

    /// Runs it to its end; answers exit code, standard output and standard error.
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        outcome(&mut self.efslab(arguments))
    }

    /// Starts it in a terminal of this size.
    pub fn screen(&self, arguments: &[&str], rows: u16, columns: u16) -> Screen {
        self.screen_with(&[], arguments, rows, columns)
    }

    /// The same, with these variables too.
    pub fn screen_with(
        &self,
        variables: &[(String, String)],
        arguments: &[&str],
        rows: u16,
        columns: u16,
    ) -> Screen {
        self.in_terminal(&program(), variables, arguments, rows, columns)
    }

    /// Starts it in a terminal within a terminal, which ends with `kill` as a window does that is closed.
    pub fn window(&self, arguments: &[&str], rows: u16, columns: u16) -> Screen {
        let line = format!("exec {} {}", program().display(), arguments.join(" "));
        let arguments = ["-qfc", &line, "/dev/null"];
        self.in_terminal(Path::new("script"), &[], &arguments, rows, columns)
    }

    fn in_terminal(
        &self,
        program: &Path,
        variables: &[(String, String)],
        arguments: &[&str],
        rows: u16,
        columns: u16,
    ) -> Screen {
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("PATH", std::env::var("PATH").unwrap());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        Screen::start(command, rows, columns)
    }

    /// Processes that still name this home on their command line: ssh masters, terminals, the program itself.
    pub fn processes(&self) -> Vec<String> {
        let mark = self.directory.path().to_str().unwrap().to_owned();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(line) = fs::read(entry.path().join("cmdline")) else {
                continue;
            };
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&mark) {
                found.push(line);
            }
        }
        found
    }

    /// Running programs that have this home for their state.
    pub fn programs(&self) -> Vec<String> {
        let mark = format!("EFSLAB_STATE_DIR={}\0", self.path("state").display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let read = |file| fs::read(entry.path().join(file)).unwrap_or_default();
            let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            if line.starts_with(program().to_str().unwrap())
                && String::from_utf8_lossy(&read("environ")).contains(&mark)
            {
                found.push(line);
            }
        }
        found
    }

    /// Waits until no process is left; answers those that are, if any stay.
    pub fn processes_at_the_end(&self) -> Vec<String> {
        let began = Instant::now();
        loop {
            let found = [self.processes(), self.programs()].concat();
            if found.is_empty() || began.elapsed() > PATIENCE {
                return found;
            }
            thread::yield_now();
        }
    }

    /// Files below a directory of this home.
    pub fn files(&self, below: &str) -> Vec<PathBuf> {
        fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, found);
                }
                found.push(path);
            }
        }
        let mut found = Vec::new();
        walk(&self.path(below), &mut found);
        found
    }
}

/// A served practice account and the variables it printed.
pub struct Served {
    child: process::Child,
    pub variables: Vec<(String, String)>,
}

impl Served {
    pub fn start(home: &Home) -> Self {
        Self::paced(home, "max")
    }

    pub fn paced(home: &Home, pace: &str) -> Self {
        Self::serve(home, &["practice", "serve", "--pace", pace])
    }

    /// One in which things go wrong as this file says.
    pub fn troubled(home: &Home, faults: &Path) -> Self {
        Self::paced_and_troubled(home, "max", faults)
    }

    pub fn paced_and_troubled(home: &Home, pace: &str, faults: &Path) -> Self {
        let faults = faults.to_str().unwrap();
        Self::serve(
            home,
            &["practice", "serve", "--pace", pace, "--faults", faults],
        )
    }

    fn serve(home: &Home, arguments: &[&str]) -> Self {
        let mut child = home
            .efslab(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let variables = (0..4)
            .map(|_| {
                let line = lines.next().unwrap().unwrap();
                let (name, value) = line
                    .strip_prefix("export ")
                    .unwrap()
                    .split_once('=')
                    .unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect();
        Self { child, variables }
    }

    /// What a variable is set to.
    pub fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(one, _)| one == name);
        &found.unwrap().1
    }

    /// What of its memory has been in use at most, in bytes.
    pub fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    pub fn url(&self) -> &str {
        self.variable("AWS_ENDPOINT_URL")
    }

    /// The way to this account, for the SDK.
    pub fn config(&self) -> SdkConfig {
        let credentials = Credentials::new(
            self.variable("AWS_ACCESS_KEY_ID"),
            self.variable("AWS_SECRET_ACCESS_KEY"),
            None,
            None,
            "test",
        );
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(self.url())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// The program, with the way to this account.
    pub fn efslab(&self, home: &Home, arguments: &[&str]) -> Command {
        let mut command = home.efslab(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Builds the lab at its first stage, and keeps it.
    pub fn build(&self, home: &Home) {
        let build = ["run", "share-files", "--keep", "--target", "practice"];
        let mut build = self.efslab(home, &build);
        let (code, out, err) = outcome(build.args(["--endpoint-url", self.url()]));
        assert_eq!(code, 0, "{out}{err}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}

/// The time that `practice advance` tells.
pub fn time_of(advance: &mut Command) -> Timestamp {
    let (code, out, err) = outcome(advance);
    assert_eq!(code, 0, "{out}{err}");
    let mut words = out.split_whitespace();
    words.find_map(|word| word.parse().ok()).unwrap()
}

/// Exit code, standard output, standard error.
pub fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// A program in a terminal, as a person has it before her.
pub struct Screen {
    parser: vt100::Parser,
    output: mpsc::Receiver<Vec<u8>>,
    input: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _pty: Box<dyn MasterPty + Send>,
}

impl Screen {
    fn start(command: CommandBuilder, rows: u16, columns: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let input = pair.master.take_writer().unwrap();
        let (told, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if told.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let one = |value| NonZeroU16::new(value).unwrap();
        Self {
            parser: vt100::Parser::new(one(rows), one(columns), 0),
            output,
            input,
            child,
            _pty: pair.master,
        }
    }

    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            if wanted(&self.text()) {
                return;
            }
            let left = PATIENCE.saturating_sub(began.elapsed());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(why) => panic!(
                    "waited in vain ({why:?}) for {what}; the screen shows:\n{}",
                    self.text()
                ),
            }
        }
    }

    /// Whether the screen becomes as wanted before the program has written `times` times.
    #[track_caller]
    pub fn within(&mut self, times: usize, wanted: impl Fn(&str) -> bool) -> bool {
        for _ in 0..times {
            if wanted(&self.text()) {
                return true;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(why) => panic!(
                    "nothing was written ({why:?}); the screen shows:\n{}",
                    self.text()
                ),
            }
        }
        wanted(&self.text())
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        self.until(&format!("`{text}`"), |screen| screen.contains(text));
    }

    /// Ends it as nothing can be prepared for.
    pub fn kill(mut self) {
        let pid = self.child.process_id().unwrap();
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        let _ = self.child.wait();
    }

    /// Waits for its end; answers the exit code and what is left on the screen.
    pub fn end(mut self) -> (u32, String) {
        let status = self.child.wait().unwrap();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_secs(2)) {
            self.parser.process(&bytes);
        }
        (status.exit_code(), self.text())
    }
}

/// Whether the header says so: a narrow one abbreviates, as soon as it has to say when the lab removes itself.
pub fn is_at_step(text: &str, number: usize, of: usize) -> bool {
    text.contains(&format!("step {number} of {of}")) || text.contains(&format!("{number}/{of} "))
}

/// A step as the header names it; a narrow one abbreviates.
pub struct Place {
    /// `share-files 2/8`
    pub name: String,
    spelled: String,
    title: String,
    /// `r` builds first, and answers once the stack stands.
    pub builds: bool,
    /// `r` lets the machines answer each other first, and answers the question once that is measured.
    pub measures: bool,
}

impl Place {
    pub fn of(lesson: &Lesson, number: usize) -> Self {
        let (now, of) = (number + 1, lesson.steps.len());
        Self {
            name: format!("{} {now}/{of}", lesson.id),
            spelled: format!("step {now} of {of}"),
            builds: (lesson.steps[number].solution.iter())
                .any(|action| matches!(action, Action::Build { .. })),
            measures: lesson.steps[number]
                .solution
                .contains(&Action::Causality {}),
            title: lesson.steps[number].title.chars().take(20).collect(),
        }
    }

    pub fn is_on(&self, text: &str) -> bool {
        (text.contains(&self.spelled) || text.contains(&self.name)) && text.contains(&self.title)
    }
}
