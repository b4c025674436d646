//! Jobs: what a shell has left in the background and what goes on when its line, or its session, has ended. Each runs in
//! a shell of its own with the variables of the one that started it. Which commands become jobs is in `detach`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bashkit::hooks::HookAction;
use bashkit::parser::{Command, Parser};
use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecOptions, ExecResult, async_trait};
use tokio::sync::watch;

use super::detach::{LAST, Which, detached, with_last};
use super::host::{Seat, Session};
use super::processes::Process;
use super::threads::on_its_own;
use super::{batch, exhausted, signals};

/// Names that cannot be typed as one word without quotes.
const LAUNCH: &str = "job in the background";
const CONTROL: &str = "jobs of the terminal";
const REPORT: &str = "jobs that have ended";
/// What asks for jobs.
const CONTROLS: &[&str] = &["bg", "disown", "fg", "jobs", "wait"];
/// Status of `wait` for what is no job (bash(1)).
const NO_JOB: i32 = 127;

/// Has lines leave jobs behind.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let jobs = Jobs::default();
    let which = match seat.session {
        Session::Interactive => Which::All,
        Session::Batch => Which::Redirected,
    };
    let (reader, killer) = (jobs.clone(), jobs.clone());
    builder
        .before_exec(Box::new(move |mut input| {
            input.script = reader.line(input.script, which);
            HookAction::Continue(input)
        }))
        .before_tool(Box::new(move |mut event| {
            if event.name == "kill" {
                killer.name_numbers(&mut event.args);
            }
            HookAction::Continue(event)
        }))
        .builtin(
            LAUNCH,
            Box::new(Launch {
                seat: seat.clone(),
                jobs: jobs.clone(),
            }),
        )
        .builtin(REPORT, Box::new(Report(jobs.clone())))
        .builtin(
            CONTROL,
            Box::new(Control {
                seat: seat.clone(),
                jobs,
            }),
        )
}

/// The jobs of one shell.
#[derive(Clone, Default)]
struct Jobs(Arc<Mutex<Vec<Job>>>);

#[derive(Clone)]
struct Job {
    number: usize,
    pid: u32,
    text: String,
    process: Weak<Process>,
    ended: watch::Receiver<Option<batch::Ended>>,
}

impl Job {
    /// `[1]+  Running                 sleep 5 &`
    fn line(&self, sign: char) -> String {
        let (state, tail) = match *self.ended.borrow() {
            None => ("Running".to_owned(), " &"),
            Some(batch::Ended {
                signal: Some(signals::KILL),
                ..
            }) => ("Killed".to_owned(), ""),
            Some(batch::Ended {
                signal: Some(signals::INTERRUPT),
                ..
            }) => ("Interrupt".to_owned(), ""),
            Some(batch::Ended {
                signal: Some(signals::HANG_UP),
                ..
            }) => ("Hangup".to_owned(), ""),
            Some(batch::Ended {
                signal: Some(_), ..
            }) => ("Terminated".to_owned(), ""),
            Some(batch::Ended { status: 0, .. }) => ("Done".to_owned(), ""),
            Some(batch::Ended { status, .. }) => (format!("Exit {status}"), ""),
        };
        format!("[{}]{sign}  {state:<24}{}{tail}\n", self.number, self.text)
    }

    fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the shell runs for a line.
    fn line(&self, script: String, which: Which) -> String {
        let (some, ended) = {
            let jobs = self.lock();
            (!jobs.is_empty(), jobs.iter().any(Job::has_ended))
        };
        let script = match some {
            true if controls(&script) => format!("'{CONTROL}' {}", script.trim_start()),
            true if script.contains("$!") => with_last(&script),
            _ => detached(script, which, LAUNCH),
        };
        if which == Which::All && ended && Parser::new(&script).parse().is_ok() {
            format!("'{REPORT}' $?\n{script}")
        } else {
            script
        }
    }

    /// The lines of all jobs, or of those that have ended; these are told of but once.
    fn lines(&self, only_ended: bool) -> String {
        let mut jobs = self.lock();
        let last = jobs.len();
        let mut text = String::new();
        for (at, job) in jobs.iter().enumerate() {
            let sign = match last - at {
                1 => '+',
                2 => '-',
                _ => ' ',
            };
            if job.has_ended() || !only_ended {
                text.push_str(&job.line(sign));
            }
        }
        jobs.retain(|job| !job.has_ended());
        text
    }

    /// `%2`, `%+`, `%sleep` or the number of a process; nothing means the last.
    fn find(&self, name: Option<&str>) -> Option<Job> {
        let jobs = self.lock();
        let found = match name {
            None | Some("%" | "%%" | "%+") => jobs.last(),
            Some("%-") => jobs.iter().rev().nth(1).or(jobs.last()),
            Some(name) => jobs.iter().find(|job| match name.strip_prefix('%') {
                Some(name) => name.parse().map_or_else(
                    |_| job.text.starts_with(name),
                    |number: usize| job.number == number,
                ),
                None => name.parse() == Ok(job.pid),
            }),
        };
        found.cloned()
    }

    fn forget(&self, pid: u32) {
        self.lock().retain(|job| job.pid != pid);
    }

    /// Replaces the names of jobs by the numbers of their processes.
    fn name_numbers(&self, args: &mut [String]) {
        for arg in args.iter_mut().filter(|arg| arg.starts_with('%')) {
            if let Some(job) = self.find(Some(arg)) {
                *arg = job.pid.to_string();
            }
        }
    }
}

/// Whether a line does nothing but ask for jobs.
fn controls(script: &str) -> bool {
    let Ok(parsed) = Parser::new(script).parse() else {
        return false;
    };
    let [Command::Simple(simple)] = parsed.commands.as_slice() else {
        return false;
    };
    let name = simple.name.to_string();
    CONTROLS.contains(&name.as_str()) && script.trim_start().starts_with(&name)
}

/// Starts a job.
struct Launch {
    seat: Seat,
    jobs: Jobs,
}

#[async_trait]
impl Builtin for Launch {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let text = ctx.args.first().cloned().unwrap_or_default();
        let host = &self.seat.host;
        if host.processes.is_full() {
            return Ok(ExecResult::err(
                "-bash: fork: retry: Resource temporarily unavailable\n".to_owned(),
                1,
            ));
        }
        let parent = &self.seat.process;
        let process = host.begin(&self.seat.user, &text, parent.terminal);
        let pid = process.pid;
        // From here on it is awake.
        let activity = Arc::new(host.clock.activity());
        let builder = host
            .shell_of(
                &self.seat.user,
                Session::Batch,
                Arc::clone(&activity),
                Arc::clone(&process),
            )
            .cwd(ctx.cwd.clone());
        let builder = ctx
            .env
            .iter()
            .fold(builder, |builder, (name, value)| builder.env(name, value));
        let script = format!("{}{text}", inherited(ctx.variables, ctx.env));
        let screen = parent.terminal.is_some().then(|| Arc::downgrade(parent));
        let (end, ended) = watch::channel(None);
        let weak = Arc::downgrade(&process);
        let work = async move {
            let mut shell = builder.build();
            let sink = |_| {
                let (screen, activity) = (screen.clone(), Arc::clone(&activity));
                move |bytes: Vec<u8>| {
                    let (screen, activity) = (screen.clone(), Arc::clone(&activity));
                    async move {
                        if let Some(screen) = screen.as_ref().and_then(Weak::upgrade) {
                            let text = String::from_utf8_lossy(&bytes).into_owned();
                            activity.idle(screen.show_in_order(&text)).await;
                        }
                        Ok(())
                    }
                }
            };
            let own = Arc::clone(&process);
            let signalled = async move { own.signalled().await };
            let options = ExecOptions::new();
            let done = batch::run(&mut shell, &activity, &script, options, &sink, signalled).await;
            let done = match done {
                Ok(done) => done,
                Err(why) => {
                    let (line, status) = exhausted::told(&why);
                    // It is shown, or there is nobody who could see it.
                    let _ = sink(true)(format!("bash: {line}\n").into_bytes()).await;
                    batch::Ended {
                        status,
                        signal: None,
                    }
                }
            };
            drop(shell);
            drop(process);
            end.send_replace(Some(done));
        };
        let power = host.power.clone();
        host.tasks
            .spawn(on_its_own("job", power.run_until_cancelled_owned(work)));
        ctx.variables.insert(LAST.to_owned(), pid.to_string());
        let number = {
            let mut jobs = self.jobs.lock();
            let number = jobs.last().map_or(1, |job| job.number + 1);
            jobs.push(Job {
                number,
                pid,
                text,
                process: weak,
                ended,
            });
            number
        };
        let told = match self.seat.session {
            Session::Interactive => format!("[{number}] {pid}\n"),
            Session::Batch => String::new(),
        };
        Ok(ExecResult {
            stderr: told.into(),
            ..ExecResult::default()
        })
    }
}

/// What gives another shell the variables of this one that are not exported.
fn inherited(variables: &HashMap<String, String>, env: &HashMap<String, String>) -> String {
    // What every shell has of its own, and what bashkit keeps there.
    const OWN: &[&str] = &[
        "COLUMNS",
        "DIRSTACK",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HOSTNAME",
        "HOSTTYPE",
        "IFS",
        "LINENO",
        "LINES",
        "MACHTYPE",
        "OLDPWD",
        "OPTARG",
        "OPTERR",
        "OPTIND",
        "OSTYPE",
        "PIPESTATUS",
        "PPID",
        "PS1",
        "PS2",
        "PS4",
        "PWD",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SHLVL",
        "UID",
    ];
    let mut text = String::new();
    for (name, value) in variables {
        let is_name = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let own = OWN.contains(&name.as_str())
            || ["_", "BASH", "SHOPT"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
        if is_name && !own && !env.contains_key(name) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}='{}'", value.replace('\'', r"'\''"));
        }
    }
    text
}

/// Says which jobs have ended, and leaves `$?` as it was.
struct Report(Jobs);

#[async_trait]
impl Builtin for Report {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let status = ctx.args.first().and_then(|status| status.parse().ok());
        Ok(ExecResult {
            stderr: self.0.lines(true).into(),
            exit_code: status.unwrap_or_default(),
            ..ExecResult::default()
        })
    }
}

/// `jobs`, `fg`, `wait`, `disown` and `bg`
struct Control {
    seat: Seat,
    jobs: Jobs,
}

impl Control {
    async fn wait(&self, job: &Job) -> i32 {
        let mut ended = job.ended.clone();
        let waiting = async {
            let ended = ended.wait_for(Option::is_some).await.ok()?;
            ended.map(|ended| ended.status)
        };
        let status = self.seat.activity.wait(waiting).await;
        self.jobs.forget(job.pid);
        // Without an end: the power has gone.
        status.unwrap_or(NO_JOB)
    }
}

#[async_trait]
impl Builtin for Control {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let (name, args) = match ctx.args.split_first() {
            Some((name, args)) => (name.as_str(), args),
            None => return Ok(ExecResult::default()),
        };
        if name == "jobs" {
            return Ok(ExecResult::ok(self.jobs.lines(false)));
        }
        let named: Vec<&str> = args
            .iter()
            .map(String::as_str)
            .filter(|arg| !arg.starts_with('-'))
            .collect();
        if name == "wait" && named.is_empty() {
            let all = self.jobs.lock().clone();
            for job in &all {
                self.wait(job).await;
            }
            return Ok(ExecResult::default());
        }
        let names = if named.is_empty() {
            vec![None]
        } else {
            named.into_iter().map(Some).collect()
        };
        let mut result = ExecResult::default();
        for one in names {
            let Some(job) = self.jobs.find(one) else {
                let what = one.map_or_else(|| "current".to_owned(), str::to_owned);
                let what = format!("-bash: {name}: {what}: no such job\n");
                return Ok(ExecResult::err(
                    what,
                    if name == "wait" { NO_JOB } else { 1 },
                ));
            };
            match name {
                "fg" => {
                    self.seat.process.show(&format!("{}\n", job.text));
                    let mut interrupt = Interrupt(Some(job.process.clone()));
                    result.exit_code = self.wait(&job).await;
                    interrupt.0 = None;
                }
                "wait" => result.exit_code = self.wait(&job).await,
                "disown" => self.jobs.forget(job.pid),
                _ => {}
            }
        }
        Ok(result)
    }
}

/// Ctrl-C while a job has the terminal.
struct Interrupt(Option<Weak<Process>>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(process) = self.0.as_ref().and_then(Weak::upgrade) {
            process.signal(signals::INTERRUPT);
        }
    }
}
