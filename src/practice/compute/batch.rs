//! A shell that runs one script and ends: a command over ssh, a job of cron. A signal ends it early, and its traps run
//! before it goes. Where script and signals come from stays outside.

use std::sync::atomic::Ordering;

use bashkit::{Bash, Error, ExecOptions};
use tokio_util::task::AbortOnDropHandle;

use super::signals::{KILL, Script, last_words};
use crate::practice::clock::Activity;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status.
    pub status: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// Runs a script; `sink` makes where its output (`false`) and its errors go.
pub async fn run<S, F>(
    shell: &mut Bash,
    activity: &Activity,
    line: &str,
    options: ExecOptions,
    sink: &(impl Fn(bool) -> S + Sync),
    signalled: impl Future<Output = i32> + Send + 'static,
) -> Result<Ended, Error>
where
    S: FnMut(Vec<u8>) -> F + Send + 'static,
    F: Future<Output = bashkit::Result<()>> + Send + 'static,
{
    let script = Script::of(shell, line).await;
    let (text, options) = match script {
        Some(script) => (
            script.text,
            options.arg0(script.name).positional(script.args),
        ),
        None => (line.to_owned(), options),
    };
    // Heard while the shell computes and looks up at nothing else.
    let interrupt = shell.cancellation_token();
    let heard = interrupt.clone();
    let mut listener = AbortOnDropHandle::new(tokio::spawn(async move {
        let signal = signalled.await;
        heard.store(true, Ordering::Relaxed);
        signal
    }));
    let ended = {
        let execution = shell
            .execute(&text)
            .options(options)
            .stdout_fn(sink(false))
            .stderr_fn(sink(true));
        tokio::select! {
            ended = activity.compute(execution.into_future()) => Ok(ended),
            signal = &mut listener => Err(signal),
        }
    };
    let signal = match ended {
        Ok(Err(Error::Cancelled)) => (&mut listener).await,
        Ok(ended) => {
            return ended.map(|done| Ended {
                status: done.exit_code,
                signal: None,
            });
        }
        Err(signal) => signal,
    };
    let signal = signal.unwrap_or(KILL);
    let mut status = 128 + signal;
    if signal != KILL {
        interrupt.store(false, Ordering::Relaxed);
        let words = last_words(&shell.shell_state_view().traps, signal);
        let execution = shell
            .execute(&words)
            .stdout_fn(sink(false))
            .stderr_fn(sink(true));
        if let Ok(done) = activity.compute(execution.into_future()).await {
            status = done.exit_code;
        }
    }
    Ok(Ended {
        status,
        signal: Some(signal),
    })
}
