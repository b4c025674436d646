//! One virtual host while it is powered on: its namespace, packages, console, and the shells of its users.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bashkit::{BashBuilder, ExecutionLimits, SessionLimits};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cron::Crond;
use super::descriptors;
use super::disks::Disks;
use super::logins::Logins;
use super::processes::{Birth, Process, Processes};
use super::users::User;
use super::{
    HostSpec, Surroundings, commands, heredoc, image, jobs, patience, scripts, shorthand, signals,
    timing, typed, umask,
};
use crate::practice::clock::{Activity, Clock};
use crate::practice::storage::{Access, Errno, Files, Identity, MountTable, Patience, Tree, View};

/// What GetConsoleOutput keeps at most.
const CONSOLE_BYTES: usize = 64 * 1024;

/// PATH of a login of Amazon Linux.
const USER_PATH: &str = "/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin";
/// PATH of the boot, and of whoever becomes root.
const ROOT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin";

/// Output that one call of a shell may leave in memory before it is cut.
const KEPT_OUTPUT: usize = 16 * 1024 * 1024;
/// Output that one command may send over a connection, which keeps nothing of it.
const SENT_OUTPUT: usize = 1024 * 1024 * 1024;
/// Memory for what flows between the commands of a script.
const IN_FLIGHT: u64 = 256 * 1024 * 1024;
/// Rounds of loops that one line typed at a prompt may take. What is typed can be interrupted, and nobody gets near. What
/// a script does that is run there without ever running a command cannot, and ends so: at some twenty microseconds a
/// round without optimisation (measured), and a tenth of it with.
const PROMPT_LOOPS: usize = 20_000_000;
/// Subshells inside each other. Each doubles what a fork bomb starts: this many keep it to a second or so.
const SUBSHELLS: usize = 9;
/// Operations the parser may take: enough for the 16 KiB of user data many times over.
const PARSER_OPERATIONS: usize = 5_000_000;
/// Wall time for parsing; the machine may be busy.
const PARSER_TIME: Duration = Duration::from_mins(1);
/// As good as for ever: whoever started a script ends it.
const NO_TIMEOUT: Duration = Duration::from_secs(u32::MAX as u64);

/// One virtual host while it is powered on. Commands reach everything through it.
pub struct Host {
    /// What it was launched with.
    pub spec: HostSpec,
    /// Account time.
    pub clock: Clock,
    /// The account around it.
    pub surroundings: Arc<dyn Surroundings>,
    /// All trees (for mounting shares).
    pub files: Files,
    /// Its mounts.
    pub mounts: Arc<MountTable>,
    /// Its block devices.
    pub disks: Disks,
    /// The shells that run on it.
    pub processes: Processes,
    /// Who is logged in.
    pub logins: Logins,
    /// What runs crontabs, if it does.
    pub crond: Crond,
    /// Falls when the power goes.
    pub(in crate::practice) power: CancellationToken,
    /// Everything that runs on it: the boot, connections, sessions.
    pub(in crate::practice) tasks: TaskTracker,
    powered_on: Timestamp,
    console: Mutex<VecDeque<u8>>,
}

/// What a shell is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A login with a terminal.
    Interactive,
    /// `ssh host command`, cron, user data.
    Batch,
}

/// Who runs a command of ours, and where: given to every command when a shell is made.
#[derive(Clone)]
pub struct Seat {
    /// The host.
    pub host: Arc<Host>,
    /// The user.
    pub user: User,
    /// What the shell is for.
    pub session: Session,
    /// The work of this shell: awake while it computes; commands sleep and wait through it.
    pub activity: Arc<Activity>,
    /// The shell, as the host lists it.
    pub process: Arc<Process>,
}

impl Seat {
    /// The namespace as this user sees it; reading and writing take account time.
    #[must_use]
    pub fn view(&self) -> View {
        self.host.view(&self.user).timed(self.patience())
    }

    /// The namespace as another user sees it; it takes the time of this shell.
    #[must_use]
    pub fn view_of(&self, user: &User) -> View {
        self.host.view(user).timed(self.patience())
    }

    /// The same, taking no time but that of waiting for a mount that holds its users up.
    #[must_use]
    pub fn patient_view(&self) -> View {
        self.host.view(&self.user).patient(self.patience())
    }

    fn patience(&self) -> Arc<dyn Patience> {
        Arc::new(Patient {
            activity: Arc::clone(&self.activity),
            clock: self.host.clock.clone(),
        })
    }
}

/// How a shell waits.
struct Patient {
    activity: Arc<Activity>,
    clock: Clock,
}

#[async_trait]
impl Patience for Patient {
    async fn turn(&self) {
        patience::give_way(&self.clock).await;
    }

    async fn sleep(&self, time: Duration) {
        self.activity.sleep(time).await;
    }

    async fn wait(&self, at_most: Option<Duration>, event: BoxFuture<'_, ()>) -> bool {
        match at_most {
            Some(time) => self.activity.wait_at_most(time, event).await.is_some(),
            None => {
                self.activity.wait(event).await;
                true
            }
        }
    }
}

impl Host {
    /// A host with this disk, powered on at this instant; `console` is what its console has shown before.
    pub(super) fn new(
        spec: HostSpec,
        clock: Clock,
        surroundings: Arc<dyn Surroundings>,
        files: Files,
        disk: Arc<Tree>,
        console: String,
    ) -> Self {
        let powered_on = clock.now();
        let disks = Disks::new(&spec.instance_type, &surroundings.disks(&spec.instance_id));
        let size = disks
            .all()
            .first()
            .map_or(image::DISK_BYTES, |root| root.bytes);
        let root = image::root_mount_of(spec.edition, disk, &disks.root_partition(), size);
        Self {
            spec,
            clock,
            surroundings,
            files,
            mounts: Arc::new(MountTable::new(root)),
            disks,
            processes: Processes::default(),
            logins: Logins::default(),
            crond: Crond::default(),
            power: CancellationToken::new(),
            tasks: TaskTracker::new(),
            powered_on,
            console: Mutex::new(console.into_bytes().into()),
        }
    }

    /// Its name: `ip-10-0-1-12`.
    #[must_use]
    pub fn hostname(&self) -> String {
        let [a, b, c, d] = self.spec.private_address.octets();
        format!("ip-{a}-{b}-{c}-{d}")
    }

    /// Its name in the domain of the VPC: `ip-10-0-1-12.ec2.internal`.
    #[must_use]
    pub fn domain_name(&self) -> String {
        // https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
        match self.spec.region.as_str() {
            "us-east-1" => format!("{}.ec2.internal", self.hostname()),
            region => format!("{}.{region}.compute.internal", self.hostname()),
        }
    }

    /// The namespace as this user sees it.
    #[must_use]
    pub fn view(&self, user: &User) -> View {
        self.seen_by(user.identity.clone())
    }

    /// The namespace as root sees it.
    #[must_use]
    pub fn root(&self) -> View {
        self.seen_by(Identity::ROOT)
    }

    fn seen_by(&self, identity: Identity) -> View {
        let clock = self.clock.clone();
        let mounts = Arc::clone(&self.mounts);
        View::new(mounts, identity, Arc::new(move || clock.now()))
    }

    /// Returns when everything that was written so far is on the learner's own disk; why it is not, otherwise.
    pub async fn settle(&self) -> Result<(), String> {
        let files = self.files.clone();
        // That disk may be slow.
        match tokio::task::spawn_blocking(move || files.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(why.to_string()),
            Err(why) => Err(why.to_string()),
        }
    }

    /// A configured shell of this user: filesystem, environment, all commands, limits. Used for logins, exec, sudo, cron.
    #[must_use]
    pub fn shell(
        self: &Arc<Self>,
        user: &User,
        session: Session,
        activity: Arc<Activity>,
    ) -> BashBuilder {
        self.shell_in(None, user, session, activity)
    }

    /// The same in another directory than where such a shell begins.
    #[must_use]
    pub fn shell_in(
        self: &Arc<Self>,
        directory: Option<&str>,
        user: &User,
        session: Session,
        activity: Arc<Activity>,
    ) -> BashBuilder {
        let command = match session {
            Session::Interactive => "-bash",
            Session::Batch => "bash",
        };
        let process = self.begin(user, command, None);
        if let Some(directory) = directory {
            process.stand(directory);
        }
        self.shell_of(user, session, activity, process)
    }

    /// Lists a shell of this user, before it is made.
    #[must_use]
    pub fn begin(&self, user: &User, command: &str, terminal: Option<u32>) -> Arc<Process> {
        let birth = Birth {
            user: user.name.clone(),
            terminal,
            command: command.to_owned(),
            directory: self.beginning(user),
        };
        self.processes.begin(birth, self.clock.now())
    }

    /// Where a shell of this user begins: at home, if he can stand there.
    fn beginning(&self, user: &User) -> String {
        let view = self.view(user);
        let enters = match view.stat(&user.home) {
            Ok(attr) => attr.is_dir() && view.check(&user.home, Access::Execute).is_ok(),
            // Held up: whether one can stand there is found out by whoever does something there.
            Err(why) => why == Errno::Io,
        };
        if enters {
            user.home.clone()
        } else {
            "/".to_owned()
        }
    }

    /// As [`Host::shell`], for a shell that is listed already.
    #[must_use]
    pub fn shell_of(
        self: &Arc<Self>,
        user: &User,
        session: Session,
        activity: Arc<Activity>,
        process: Arc<Process>,
    ) -> BashBuilder {
        let cwd = process.directory();
        let seat = Seat {
            host: Arc::clone(self),
            user: user.clone(),
            session,
            activity,
            process,
        };
        let view = seat.view();
        let builder = umask::register(bashkit::Bash::builder(), &view);
        let mut builder = view
            .clone()
            .serve_shell(builder)
            .rootfs(false)
            .username(&user.name)
            .hostname(self.domain_name())
            .cwd(cwd)
            .limits(limits(session))
            .session_limits(SessionLimits::unlimited());
        for (name, value) in self.environment(user, session) {
            builder = builder.env(name, value);
        }
        let builder = match session {
            Session::Interactive => heredoc::register(builder),
            Session::Batch => builder,
        };
        let builder = patience::register(commands::register(builder, &seat, &view), &self.clock);
        let builder = jobs::register(builder, &seat);
        let builder = match session {
            Session::Interactive => typed::register(builder, &seat),
            Session::Batch => builder,
        };
        let builder = scripts::register(builder, &seat);
        let builder = descriptors::register(builder, &seat);
        let builder = timing::register(builder, &self.clock);
        let builder = signals::register(builder, &seat);
        match session {
            Session::Interactive => shorthand::register(builder),
            Session::Batch => builder,
        }
    }

    fn environment(&self, user: &User, session: Session) -> Vec<(&'static str, String)> {
        let identity = &user.identity;
        let path = if identity.is_root() {
            ROOT_PATH
        } else {
            USER_PATH
        };
        let mut variables = vec![
            ("HOME", user.home.clone()),
            ("USER", user.name.clone()),
            ("LOGNAME", user.name.clone()),
            ("SHELL", user.shell.clone()),
            ("PATH", path.to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            // The shell takes these from its environment; its defaults are those of the first user.
            ("HOSTNAME", self.domain_name()),
            ("UID", identity.uid.to_string()),
            ("EUID", identity.uid.to_string()),
        ];
        if session == Session::Interactive {
            variables.push(("TERM", "xterm-256color".to_owned()));
            // `\w`, as this shell shows `~` for the home only there.
            variables.push(("PS1", r"[\u@\h \w]\$ ".to_owned()));
            // How bashkit keeps `shopt -s expand_aliases`, which every interactive shell has.
            variables.push(("SHOPT_expand_aliases", "1".to_owned()));
        }
        variables
    }

    /// Whether a package is installed (`nfs-utils`).
    #[must_use]
    pub fn has_package(&self, name: &str) -> bool {
        let installed = self.root().read_text(image::PACKAGES).unwrap_or_default();
        installed.lines().any(|line| line == name)
    }

    /// Notes that a package is installed (kept on its disk).
    pub fn add_package(&self, name: &str) {
        if self.has_package(name) {
            return;
        }
        if let Err(why) = self
            .root()
            .append(image::PACKAGES, format!("{name}\n").as_bytes())
        {
            tracing::warn!(%why, name, host = self.spec.instance_id, "an installed package was not noted");
        }
    }

    /// Notes that a package is not installed any more.
    pub fn remove_package(&self, name: &str) {
        let root = self.root();
        let installed = root.read_text(image::PACKAGES).unwrap_or_default();
        let left: Vec<&str> = installed
            .lines()
            .filter(|line| *line != name)
            .flat_map(|line| [line, "\n"])
            .collect();
        if let Err(why) = root.write(image::PACKAGES, left.concat().as_bytes()) {
            tracing::warn!(%why, name, host = self.spec.instance_id, "a removed package was not noted");
        }
    }

    /// Shown on the serial console and kept.
    pub fn console(&self, text: &str) {
        let mut console = self.shown();
        console.extend(text.as_bytes());
        let excess = console.len().saturating_sub(CONSOLE_BYTES);
        console.drain(..excess);
    }

    /// A line of the kernel or the init system on the console, with the seconds since power on.
    pub fn console_line(&self, text: &str) {
        let mut line = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(line, "[{:>12.6}] {text}", self.uptime().as_secs_f64());
        self.console(&line);
    }

    /// What the console has shown, the latest 64 KiB.
    #[must_use]
    pub fn console_text(&self) -> String {
        let bytes: Vec<u8> = self.shown().iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn shown(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the power came on.
    #[must_use]
    pub fn powered_on(&self) -> Timestamp {
        self.powered_on
    }

    /// Seconds since power on, in account time.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        let up = self.clock.now().duration_since(self.powered_on);
        Duration::try_from(up).unwrap_or_default()
    }
}

fn limits(session: Session) -> ExecutionLimits {
    let limits = ExecutionLimits::cli()
        .max_work_units(u64::MAX)
        .max_aggregate_input_bytes(u64::MAX)
        .max_live_intermediate_bytes(IN_FLIGHT)
        .max_subshell_depth(SUBSHELLS)
        .max_parser_operations(PARSER_OPERATIONS)
        .parser_timeout(PARSER_TIME)
        .timeout(NO_TIMEOUT);
    match session {
        Session::Interactive => limits
            .max_stdout_bytes(KEPT_OUTPUT)
            .max_stderr_bytes(KEPT_OUTPUT)
            .max_loop_iterations(PROMPT_LOOPS)
            .max_total_loop_iterations(PROMPT_LOOPS),
        Session::Batch => limits
            .max_stdout_bytes(SENT_OUTPUT)
            .max_stderr_bytes(SENT_OUTPUT),
    }
}
