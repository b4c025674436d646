//! A shell that a command runs (sudo, timeout, find -exec): its output goes where the command's goes, as it comes. What is
//! run and as whom stays outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bashkit::{Bash, CommandOutput, ExecOptions, ExecResult};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::practice::clock::{Activity, Clock};
use crate::practice::compute::exhausted;
use crate::practice::compute::host::Seat;
use crate::practice::compute::processes::Process;
use crate::practice::compute::threads::on_its_own;

/// Pieces of output that wait for whoever takes them.
const CHUNKS: usize = 16;

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// Where output goes: at once where something listens, or kept until the command ends.
pub enum Output<'a> {
    /// Standard output and standard error of a running command.
    Live(&'a CommandOutput, &'a CommandOutput),
    /// The screen of a terminal, past its shell.
    Screen(&'a Process),
    /// Kept.
    Kept(Mutex<[Vec<u8>; 2]>),
}

impl Output<'_> {
    /// Writes to standard output.
    pub async fn out(&self, bytes: &[u8]) -> bashkit::Result<()> {
        match self {
            Self::Live(out, _) => out.write_all(bytes).await,
            Self::Screen(process) => {
                process.show_in_order(&String::from_utf8_lossy(bytes)).await;
                Ok(())
            }
            Self::Kept(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept[0].extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Writes to standard error.
    pub async fn err(&self, bytes: &[u8]) -> bashkit::Result<()> {
        match self {
            Self::Live(_, err) => err.write_all(bytes).await,
            Self::Screen(process) => {
                process.show_in_order(&String::from_utf8_lossy(bytes)).await;
                Ok(())
            }
            Self::Kept(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept[1].extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// A line on standard error; the status that goes with it.
    pub async fn complain(&self, line: &str, status: i32) -> bashkit::Result<i32> {
        self.err(format!("{line}\n").as_bytes()).await?;
        Ok(status)
    }

    /// What was kept, with the status.
    pub fn finish(self, status: i32) -> ExecResult {
        let [out, err] = match self {
            Self::Live(..) | Self::Screen(_) => [Vec::new(), Vec::new()],
            Self::Kept(kept) => kept.into_inner().unwrap_or_else(PoisonError::into_inner),
        };
        ExecResult {
            stdout: out.into(),
            stderr: err.into(),
            exit_code: status,
            ..ExecResult::default()
        }
    }
}

/// Ends what a shell computes when nobody waits for it any more. Until it has ended no time passes: what it slept for
/// must not come about.
struct Interrupt {
    shell: Option<Arc<AtomicBool>>,
    clock: Clock,
    awake: Arc<Mutex<Option<Activity>>>,
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(shell) = &self.shell {
            let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
            *awake = Some(self.clock.activity());
            shell.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs a script in a shell, as part of what this seat does, and gives the shell back with its status. Dropped, it ends
/// the script.
pub async fn execute(
    seat: &Seat,
    bash: Bash,
    script: String,
    options: ExecOptions,
    output: &Output<'_>,
) -> bashkit::Result<(Bash, i32)> {
    execute_tracked(seat, bash, script, options, output, &TaskTracker::new()).await
}

/// The same for somebody who waits, after he has dropped it, until all that the script held is given back.
pub async fn execute_tracked(
    seat: &Seat,
    mut bash: Bash,
    script: String,
    options: ExecOptions,
    output: &Output<'_>,
    running: &TaskTracker,
) -> bashkit::Result<(Bash, i32)> {
    let ending = Arc::new(Mutex::new(None));
    let mut unfinished = Interrupt {
        shell: Some(bash.cancellation_token()),
        clock: seat.host.clock.clone(),
        awake: Arc::clone(&ending),
    };
    let (sender, mut receiver) = mpsc::channel::<(Stream, Vec<u8>)>(CHUNKS);
    let (activity, clock) = (Arc::clone(&seat.activity), seat.host.clock.clone());
    // From here until the shell runs, and from its end until somebody takes notice, no time passes.
    let awake = clock.activity();
    let work = async move {
        // Dropped last.
        let _ending = ending;
        let pass = |stream: Stream| {
            let sender = sender.clone();
            move |bytes: Vec<u8>| {
                let sender = sender.clone();
                async move {
                    let sent = sender.send((stream, bytes)).await;
                    sent.map_err(|_| bashkit::Error::Cancelled)
                }
            }
        };
        let execution = bash
            .execute(&script)
            .options(options)
            .stdout_fn(pass(Stream::Out))
            .stderr_fn(pass(Stream::Err));
        let run = async {
            drop(awake);
            let ended = execution.await;
            (ended, clock.activity())
        };
        let (ended, awake) = activity.compute(run).await;
        (bash, ended, awake)
    };
    let pump = async {
        while let Some((stream, bytes)) = receiver.recv().await {
            match stream {
                Stream::Out => output.out(&bytes).await?,
                Stream::Err => output.err(&bytes).await?,
            }
        }
        bashkit::Result::Ok(())
    };
    let (done, pumped) = futures::join!(on_its_own("shell", running.track_future(work)), pump);
    pumped?;
    unfinished.shell = None;
    let Some((bash, ended, _awake)) = done else {
        return Err(bashkit::Error::Cancelled);
    };
    let status = match ended {
        Ok(result) => result.exit_code,
        Err(bashkit::Error::Cancelled) => return Err(bashkit::Error::Cancelled),
        Err(why) => {
            let (line, status) = exhausted::told(&why);
            output.complain(&format!("bash: {line}"), status).await?
        }
    };
    Ok((bash, status))
}
