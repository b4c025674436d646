//! A session without a login: one command line, or commands from standard input. Input is read to its end first by those
//! that read it; output flows as it comes, and waits when the client does not take it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bashkit::ExecOptions;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};

use super::Setting;
use crate::practice::clock::Activity;
use crate::practice::compute::batch;
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::threads::on_its_own;
use crate::practice::compute::users::User;
use crate::practice::compute::{exhausted, scripts, signals, stdin};

/// Input that a command may be given; what comes after is lost.
const INPUT_MAX: usize = 256 * 1024 * 1024;
/// Status of a session that got no shell: what OpenSSH ends with when it cannot fork.
const NO_SHELL: i32 = 254;
/// `SSH_EXTENDED_DATA_STDERR`
const STDERR: u32 = 1;

/// Runs `line`, or what comes over standard input, and ends the channel with its status.
pub async fn run(
    host: Arc<Host>,
    user: User,
    setting: Setting,
    channel: Channel<Msg>,
    line: Option<String>,
) {
    let (read, write) = channel.split();
    let write = Arc::new(write);
    let power = host.power.clone();
    let told = Arc::clone(&write);
    let machine = Arc::clone(&host);
    let work = power.run_until_cancelled_owned(async move {
        session(&host, &user, &setting, read, &write, line).await
    });
    match on_its_own("session", work).await {
        Some(Some(Some(status))) => {
            // A machine in AWS does not end with the learner's program: whoever has heard of the end finds what was done.
            if let Err(why) = machine.settle().await {
                tracing::warn!(%why, "what a command has written is not on disk");
            }
            finish(&told, status).await;
        }
        // The power, or the client, has gone.
        Some(_) => {}
        None => finish(&told, NO_SHELL).await,
    }
}

/// Tells the status and closes.
pub async fn finish(write: &ChannelWriteHalf<Msg>, status: i32) {
    let status = u32::try_from(status & 0xff).unwrap_or_default();
    // A client that is gone hears nothing of it.
    let _ = write.exit_status(status).await;
    let _ = write.eof().await;
    let _ = write.close().await;
}

/// Answers with the status; `None` when the client has gone.
async fn session(
    host: &Arc<Host>,
    user: &User,
    setting: &Setting,
    mut read: ChannelReadHalf,
    write: &Arc<ChannelWriteHalf<Msg>>,
    line: Option<String>,
) -> Option<i32> {
    let activity = Arc::new(host.clock.activity());
    let command = line.as_ref().map(|line| format!("bash -c {line}"));
    let process = host.begin(user, command.as_deref().unwrap_or("-bash"), None);
    let mut builder = host.shell_of(
        user,
        Session::Batch,
        Arc::clone(&activity),
        Arc::clone(&process),
    );
    for (name, value) in &setting.environment {
        builder = builder.env(name, value);
    }
    let with_terminal = setting.terminal.is_some();
    if let Some((term, size)) = &setting.terminal {
        builder = builder
            .env("TERM", term)
            .env("COLUMNS", size.cols.to_string())
            .env("LINES", size.rows.to_string());
        for descriptor in 0..=2 {
            builder = builder.tty(descriptor, true);
        }
    }
    let mut shell = builder.build();
    let mut options = ExecOptions::new();
    let script = match line {
        Some(line) => match scripts::of_input(&line) {
            Some(operands) if !with_terminal => {
                options = options.positional(operands);
                String::from_utf8_lossy(&activity.idle(input(&mut read)).await?).into_owned()
            }
            _ => {
                if !with_terminal && stdin::is_read_by(&line) {
                    options = options.stdin(activity.idle(input(&mut read)).await?);
                }
                line
            }
        },
        None => String::from_utf8_lossy(&activity.idle(input(&mut read)).await?).into_owned(),
    };
    let (power, own) = (host.power.clone(), Arc::clone(&process));
    let gone = Arc::new(AtomicBool::new(false));
    let left = Arc::clone(&gone);
    let signalled = async move {
        tokio::select! {
            signal = process.signalled() => signal,
            () = power.cancelled() => signals::KILL,
            gone = until_interrupted(&mut read, with_terminal) => {
                left.store(gone, Ordering::Relaxed);
                if gone { signals::HANG_UP } else { signals::INTERRUPT }
            }
        }
    };
    let sink = |error: bool| {
        let kind = error.then_some(STDERR);
        sink(write, &activity, kind, with_terminal)
    };
    match batch::run(&mut shell, &activity, &script, options, &sink, signalled).await {
        Ok(_) if gone.load(Ordering::Relaxed) => None,
        Ok(ended) => {
            let words = own.take_last_words();
            if !words.is_empty() {
                // As below.
                let _ = sink(true)(words.into_bytes()).await;
            }
            Some(ended.status)
        }
        Err(error) => {
            // Nobody hears it if the client has just gone.
            let (line, status) = exhausted::told(&error);
            let _ = sink(true)(format!("bash: {line}\n").into_bytes()).await;
            Some(status)
        }
    }
}

/// All of the client's input; `None` when it goes first.
async fn input(read: &mut ChannelReadHalf) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match read.wait().await? {
            ChannelMsg::Data { data } => {
                let room = INPUT_MAX.saturating_sub(bytes.len());
                bytes.extend(data.iter().take(room));
            }
            ChannelMsg::Eof => return Some(bytes),
            ChannelMsg::Close | ChannelMsg::Signal { .. } => return None,
            _ => {}
        }
    }
}

/// Waits for Ctrl-C, a signal, or (`true`) the end of the channel.
async fn until_interrupted(read: &mut ChannelReadHalf, with_terminal: bool) -> bool {
    loop {
        match read.wait().await {
            None | Some(ChannelMsg::Close) => return true,
            Some(ChannelMsg::Signal { .. }) => return false,
            Some(ChannelMsg::Data { data }) if with_terminal && data.contains(&0x03) => {
                return false;
            }
            Some(_) => {}
        }
    }
}

type Sent = futures::future::BoxFuture<'static, bashkit::Result<()>>;

/// Sends bytes to the client, on standard error with `kind`; a terminal has but one stream, and lines end with CR LF.
/// A client that does not take them holds up the command, but not account time.
fn sink(
    write: &Arc<ChannelWriteHalf<Msg>>,
    activity: &Arc<Activity>,
    kind: Option<u32>,
    with_terminal: bool,
) -> impl FnMut(Vec<u8>) -> Sent + Send + 'static {
    let (write, activity) = (Arc::clone(write), Arc::clone(activity));
    move |bytes| {
        let (write, activity) = (Arc::clone(&write), Arc::clone(&activity));
        Box::pin(async move {
            let send = async {
                match kind {
                    _ if with_terminal => write.data_bytes(cooked(&bytes)).await,
                    None => write.data_bytes(bytes).await,
                    Some(kind) => write.extended_data_bytes(kind, bytes).await,
                }
            };
            let sent = activity.idle(send).await;
            sent.map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe).into())
        })
    }
}

/// Text as a terminal gets it.
pub fn cooked(bytes: &[u8]) -> Vec<u8> {
    let mut cooked = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    for byte in bytes {
        if *byte == b'\n' {
            cooked.push(b'\r');
        }
        cooked.push(*byte);
    }
    cooked
}
