//! crond: runs what crontabs say at the minutes they say, in account time. It never makes time move: between two minutes
//! it rests, and time gets there because of something else. What the files look like is in `table` and `schedule`.

pub mod schedule;
pub mod table;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bashkit::ExecOptions;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use self::schedule::Schedule;
use self::table::Job;
use super::batch;
use super::commands::system::journal;
use super::exhausted;
use super::host::{Host, Session};
use super::threads::on_its_own;
use super::users::{Accounts, User};
use crate::practice::clock::Activity;

/// Written at the first start since power on: what is to run at boot has run.
const BOOTED: &str = "/run/cron.reboot";
/// With this program on the disk output is mailed, else it goes to the journal.
const MAILER: &str = "/usr/sbin/sendmail";
/// Of a job's output no more is kept; cron has no limit, and a machine has no end of disk.
const OUTPUT_MAX: usize = 64 * 1024;
/// Jobs of a host that run at once; a t3.micro would have run out of memory.
const RUNNING_MAX: usize = 100;
/// How far back crond looks for what was due when time has moved by more than a minute at once.
const LOOK_BACK_MINUTES: i64 = 35 * 24 * 60;

/// The crond of a host.
#[derive(Debug, Default)]
pub struct Crond {
    /// Ends the one that runs.
    running: Mutex<Option<CancellationToken>>,
    /// Held by every job that runs.
    jobs: Arc<()>,
}

impl Crond {
    fn replace(&self, next: Option<CancellationToken>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *running, next) {
            before.cancel();
        }
    }
}

/// Starts crond on a host; one that runs already ends.
pub fn start(host: &Arc<Host>) {
    let stop = host.power.child_token();
    host.crond.replace(Some(stop.clone()));
    let root = host.root();
    let pid = 1720;
    let say = |text: &str| journal::log(host, &format!("crond[{pid}]"), text);
    say("(CRON) STARTUP (1.5.7)");
    if root.stat(MAILER).is_err() {
        say("(CRON) INFO (Syslog will be used instead of sendmail.)");
    }
    let (jobs, wrong) = table::load(host);
    for (user, sentence) in wrong {
        say(&format!("({user}) {sentence}"));
    }
    if root.stat(BOOTED).is_ok() {
        say("(CRON) INFO (@reboot jobs will be run at computer's startup.)");
    } else {
        if let Err(why) = root.write_with_mode(BOOTED, b"", 0o000) {
            tracing::debug!(%why, "a boot was not noted for cron");
        }
        for job in jobs {
            if job.schedule == Schedule::AtBoot {
                begin(host, job);
            }
        }
    }
    // Awake until it rests, so that no time passes before.
    let activity = host.clock.activity();
    let host = Arc::clone(host);
    let tasks = host.tasks.clone();
    tasks.spawn(watch(host, stop, activity));
}

/// Ends it; jobs that run go on.
pub fn stop(host: &Host) {
    host.crond.replace(None);
}

async fn watch(host: Arc<Host>, stop: CancellationToken, mut activity: Activity) {
    let mut last = minute(host.clock.now());
    loop {
        let next = last.saturating_add(1).saturating_mul(60);
        let now = host.clock.now();
        let rest = Timestamp::from_second(next)
            .ok()
            .and_then(|at| Duration::try_from(at.duration_since(now)).ok())
            .unwrap_or_default();
        let Some(awake) = stop.run_until_cancelled(activity.rest(rest)).await else {
            return;
        };
        // Stopped at the very minute.
        if stop.is_cancelled() {
            return;
        }
        activity = awake;
        let now = minute(host.clock.now());
        if now <= last {
            continue;
        }
        let (jobs, _) = table::load(&host);
        for job in jobs {
            // Once, however often it was due meanwhile: time that is moved by hand goes by at once.
            if was_due(&job.schedule, last.max(now - LOOK_BACK_MINUTES), now) {
                begin(&host, job);
            }
        }
        last = now;
    }
}

/// Minutes since 1970.
fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// Whether it was due after the one minute and until the other.
fn was_due(schedule: &Schedule, after: i64, until: i64) -> bool {
    (after + 1..=until).rev().any(|minute| {
        Timestamp::from_second(minute * 60)
            .is_ok_and(|at| schedule.is_due(at.to_zoned(TimeZone::UTC).datetime()))
    })
}

/// Starts a job; it goes on by itself.
fn begin(host: &Arc<Host>, job: Job) {
    let Some(user) = Accounts::read(&host.root()).user(&job.user) else {
        journal::log(
            host,
            "crond[1720]",
            &format!("({}) ORPHAN (no passwd entry)", job.user),
        );
        return;
    };
    let running = Arc::clone(&host.crond.jobs);
    if Arc::strong_count(&running) > RUNNING_MAX + 1 {
        journal::log(
            host,
            "crond[1720]",
            "(CRON) CAN'T FORK (do_command): Resource temporarily unavailable",
        );
        return;
    }
    let activity = Arc::new(host.clock.activity());
    let (host, power) = (Arc::clone(host), host.power.clone());
    let tasks = host.tasks.clone();
    let work = async move {
        run(&host, &job, &user, activity).await;
        drop(running);
    };
    tasks.spawn(on_its_own("cron", power.run_until_cancelled_owned(work)));
}

async fn run(host: &Arc<Host>, job: &Job, user: &User, activity: Arc<Activity>) {
    let process = host.begin(user, "/usr/sbin/CROND -n", None);
    let who = format!("CROND[{}]", process.pid);
    let say = |what: &str, text: &str| {
        journal::log(host, &who, &format!("({}) {what} ({text})", user.name));
    };
    let (command, input) = job.command();
    say("CMD", &job.line);
    let home = job.variable("HOME").unwrap_or(&user.home);
    let mut builder = host
        .shell_of(
            user,
            Session::Batch,
            Arc::clone(&activity),
            Arc::clone(&process),
        )
        .env("SHELL", "/bin/sh")
        .env("PATH", "/usr/bin:/bin");
    if host.view(user).stat(home).is_ok_and(|attr| attr.is_dir()) {
        builder = builder.cwd(home);
    }
    for (name, value) in &job.environment {
        // crontab(5): a crontab cannot say who its user is.
        if !matches!(name.as_str(), "LOGNAME" | "USER") {
            builder = builder.env(name, value);
        }
    }
    let mut shell = builder.build();
    let options = ExecOptions::new()
        .arg0(job.variable("SHELL").unwrap_or("/bin/sh"))
        .stdin(input.unwrap_or_default());
    let output = Arc::new(Mutex::new(Vec::new()));
    let sink = || {
        let output = Arc::clone(&output);
        move |bytes: Vec<u8>| {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            let room = OUTPUT_MAX.saturating_sub(output.len());
            output.extend(bytes.iter().take(room));
            std::future::ready(Ok(()))
        }
    };
    let signalled = async move { process.signalled().await };
    let done = batch::run(
        &mut shell,
        &activity,
        &command,
        options,
        &|_| sink(),
        signalled,
    )
    .await;
    let mut output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
    if let Err(why) = done {
        output.extend(format!("/bin/sh: {}\n", exhausted::told(&why).0).as_bytes());
    }
    let output = String::from_utf8_lossy(&output);
    let to = job.variable("MAILTO").unwrap_or(&user.name);
    if !output.is_empty() && !to.is_empty() {
        if host.root().stat(MAILER).is_ok() {
            mail(host, user, to, &job.line, &output);
        } else {
            for line in output.lines() {
                say("CMDOUT", line);
            }
        }
    }
    say("CMDEND", &job.line);
}

/// Puts what a job has said into a mailbox of this host.
fn mail(host: &Host, user: &User, to: &str, line: &str, output: &str) {
    let name = host.domain_name();
    let from = &user.name;
    let now = host.clock.now().to_zoned(TimeZone::UTC);
    let text = format!(
        "From {from}@{name}  {}\nFrom: \"(Cron Daemon)\" <{from}@{name}>\nTo: {to}@{name}\n\
         Subject: Cron <{from}@{}> {line}\nDate: {}\n\n{}\n",
        now.strftime("%a %b %e %H:%M:%S %Y"),
        host.hostname(),
        now.strftime("%a, %e %b %Y %H:%M:%S +0000"),
        // A line that begins a message is told from one that does not by this.
        output.replace("\nFrom ", "\n>From "),
    );
    let root = host.root();
    let Some(reader) = Accounts::read(&root).user(to) else {
        journal::log(
            host,
            "postfix/local[1800]",
            &format!("to=<{to}@{name}>, status=bounced (unknown user: \"{to}\")"),
        );
        return;
    };
    let path = format!("/var/spool/mail/{to}");
    let put = root.make_dirs("/var/spool/mail").and_then(|()| {
        if root.stat(&path).is_ok() {
            return root.append(&path, text.as_bytes());
        }
        root.write_with_mode(&path, text.as_bytes(), 0o600)?;
        let mail = Accounts::read(&root).group("mail");
        root.set_owner(&path, Some(reader.identity.uid), mail, false)
    });
    if let Err(why) = put {
        tracing::debug!(%why, path, "mail of cron was lost");
    }
}
