//! A login with a terminal: keys go in, screen bytes come out. While the shell waits for a key account time is not held
//! up; output that the client does not take holds the shell up.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bashkit::terminal::{Terminal, TerminalStatus};
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, Sig};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::command::{cooked, finish};
use super::{Setting, size};
use crate::practice::clock::Activity;
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::users::User;

/// Output that waits for the client before the shell does.
const UNSENT_MAX: usize = 256 * 1024;
/// How often the output of a running command is looked at: a sixtieth of a second is one frame.
const TICK: Duration = Duration::from_millis(16);
/// Lines of a session that are kept in the history file.
const HISTORY_MAX: usize = 500;
/// Ctrl-C and Ctrl-D.
const INTERRUPT: &[u8] = b"\x03";
const END: &[u8] = b"\x04";

/// Runs a login shell on the channel, from the message of the day to its exit status.
pub async fn log_in(host: Arc<Host>, user: User, setting: Setting, channel: Channel<Msg>) {
    let (read, write) = channel.split();
    let activity = Arc::new(host.clock.activity());
    let mut builder = host.shell(&user, Session::Interactive, Arc::clone(&activity));
    for (name, value) in setting.environment {
        builder = builder.env(name, value);
    }
    let (term, size) = setting.terminal.unwrap_or_default();
    if !term.is_empty() {
        builder = builder.env("TERM", term);
    }
    let terminal = Terminal::with_size(builder, size);
    let mut login = Login {
        unsent: greeting(&host, &user),
        writer: Box::pin(write.make_writer()),
        terminal,
        read,
        activity,
        history: Vec::new(),
    };
    login.source_profile(&host, &user).await;
    let power = host.power.clone();
    let ended = tokio::select! {
        () = power.cancelled() => None,
        ended = login.run() => ended,
    };
    login.keep_history(&host, &user);
    if let Some(status) = ended {
        finish(&write, status).await;
    }
}

/// What is shown before the first prompt.
fn greeting(host: &Host, user: &User) -> Vec<u8> {
    let view = host.view(user);
    if view.stat(&format!("{}/.hushlogin", user.home)).is_ok() {
        return Vec::new();
    }
    cooked(&view.read("/etc/motd").unwrap_or_default())
}

struct Login {
    terminal: Terminal,
    read: ChannelReadHalf,
    writer: std::pin::Pin<Box<dyn AsyncWrite + Send>>,
    /// Screen bytes that the client has not taken yet.
    unsent: Vec<u8>,
    activity: Arc<Activity>,
    /// Lines that were run.
    history: Vec<String>,
}

/// What happened while the shell was idle.
enum Woken {
    Message(Option<ChannelMsg>),
    /// Something ran on, or wrote.
    Shell,
    Exited(i32),
}

impl Login {
    /// Goes on until the shell ends, with its status, or the client (`None`).
    async fn run(&mut self) -> Option<i32> {
        loop {
            match self.work().await? {
                TerminalStatus::Exited(status) => {
                    self.drain().await?;
                    return Some(status);
                }
                TerminalStatus::Idle => {}
            }
            self.note_history();
            if let Some(status) = self.idle().await? {
                self.drain().await?;
                return Some(status);
            }
        }
    }

    /// Lets the shell run until it waits for a key or ends. `None`: the client has gone.
    async fn work(&mut self) -> Option<TerminalStatus> {
        loop {
            self.collect();
            let Self {
                terminal,
                read,
                writer,
                unsent,
                ..
            } = self;
            let may_run = unsent.len() < UNSENT_MAX;
            tokio::select! {
                biased;
                message = read.wait() => {
                    if !pass(terminal, message?) {
                        return None;
                    }
                }
                sent = writer.write(unsent), if !unsent.is_empty() => {
                    unsent.drain(..sent.ok()?);
                }
                status = terminal.run_until_idle(), if may_run => {
                    self.collect();
                    return Some(status);
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Waits for a key while nothing runs; what is unsent is sent meanwhile. `Some(Some(status))`: the shell ended.
    async fn idle(&mut self) -> Option<Option<i32>> {
        let activity = Arc::clone(&self.activity);
        let Self {
            terminal,
            read,
            writer,
            unsent,
            ..
        } = self;
        let mut message = pin!(read.wait());
        let woken = std::future::poll_fn(|cx| {
            if let Poll::Ready(message) = message.as_mut().poll(cx) {
                return Poll::Ready(Some(Woken::Message(message)));
            }
            while !unsent.is_empty() {
                match writer.as_mut().poll_write(cx, unsent) {
                    Poll::Ready(Ok(sent)) => drop(unsent.drain(..sent)),
                    Poll::Ready(Err(_)) => return Poll::Ready(None),
                    Poll::Pending => break,
                }
            }
            // A `read -t` whose time is up goes on without a key.
            let status = pin!(terminal.run_until_idle()).poll(cx);
            unsent.extend(terminal.take_output());
            match status {
                Poll::Ready(TerminalStatus::Exited(status)) => {
                    Poll::Ready(Some(Woken::Exited(status)))
                }
                Poll::Ready(TerminalStatus::Idle) if unsent.is_empty() => Poll::Pending,
                Poll::Ready(TerminalStatus::Idle) => {
                    // It wrote something and waits again: that is to be sent, unless the client takes nothing now.
                    match writer.as_mut().poll_write(cx, unsent) {
                        Poll::Ready(Ok(sent)) => {
                            drop(unsent.drain(..sent));
                            cx.waker().wake_by_ref();
                            Poll::Pending
                        }
                        Poll::Ready(Err(_)) => Poll::Ready(None),
                        Poll::Pending => Poll::Pending,
                    }
                }
                Poll::Pending => Poll::Ready(Some(Woken::Shell)),
            }
        });
        match activity.idle(woken).await? {
            Woken::Message(message) => pass(&self.terminal, message?).then_some(None),
            Woken::Shell => Some(None),
            Woken::Exited(status) => Some(Some(status)),
        }
    }

    fn collect(&mut self) {
        self.unsent.extend(self.terminal.take_output());
    }

    /// Sends all that is left. `None`: the client has gone.
    async fn drain(&mut self) -> Option<()> {
        self.collect();
        let Self {
            read,
            writer,
            unsent,
            ..
        } = self;
        let gone = async { while !matches!(read.wait().await, None | Some(ChannelMsg::Close)) {} };
        tokio::select! {
            sent = writer.write_all(unsent) => sent.ok(),
            () = gone => None,
        }
    }

    /// Runs the files of a login, unless they are as in the image: then there is nothing in them to run.
    async fn source_profile(&mut self, host: &Host, user: &User) {
        let view = host.view(user);
        let read = |path: &str| view.read(path).unwrap_or_default();
        let changed = [".bash_profile", ".bashrc"].iter().any(|name| {
            read(&format!("{}/{name}", user.home)) != read(&format!("/etc/skel/{name}"))
        });
        let more = view
            .list("/etc/profile.d")
            .is_ok_and(|files| !files.is_empty());
        if !changed && !more {
            return;
        }
        self.terminal
            .send(". /etc/profile; [ ! -f ~/.bash_profile ] || . ~/.bash_profile\r");
        self.terminal.run_until_idle().await;
        let screen = self.terminal.take_output();
        let said = self
            .terminal
            .take_transcript()
            .pop()
            .map(|record| record.output)
            .unwrap_or_default();
        self.unsent.extend(cooked(said.as_bytes()));
        // The prompt after it, and not the one it was typed at.
        let prompt = screen
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        self.unsent.extend(prompt);
    }

    fn note_history(&mut self) {
        for record in self.terminal.take_transcript() {
            if self.history.last() != Some(&record.command) {
                self.history.push(record.command);
            }
        }
        let excess = self.history.len().saturating_sub(HISTORY_MAX);
        self.history.drain(..excess);
    }

    /// Appends the lines of this session to ~/.bash_history, as a shell does when it ends.
    fn keep_history(&mut self, host: &Host, user: &User) {
        self.note_history();
        if self.history.is_empty() {
            return;
        }
        let text = self.history.join("\n") + "\n";
        let (view, path) = (host.view(user), format!("{}/.bash_history", user.home));
        let kept = if view.stat(&path).is_ok() {
            view.append(&path, text.as_bytes())
        } else {
            view.write_with_mode(&path, text.as_bytes(), 0o600)
        };
        if let Err(why) = kept {
            tracing::debug!(%why, path, "a history was not kept");
        }
    }
}

/// Passes on what the client sends; `false` when it has gone.
fn pass(terminal: &Terminal, message: ChannelMsg) -> bool {
    match message {
        ChannelMsg::Data { data } => {
            terminal.send(&data);
        }
        // A file that was typed to its end: as if by hand.
        ChannelMsg::Eof => {
            terminal.send(END);
        }
        ChannelMsg::WindowChange {
            col_width,
            row_height,
            ..
        } => {
            terminal.resize(size(col_width, row_height));
        }
        ChannelMsg::Signal { signal: Sig::INT } => {
            terminal.send(INTERRUPT);
        }
        ChannelMsg::Signal {
            signal: Sig::HUP | Sig::KILL | Sig::TERM,
        }
        | ChannelMsg::Close => return false,
        _ => {}
    }
    true
}
