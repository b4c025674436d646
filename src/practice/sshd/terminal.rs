//! A login with a terminal: keys go in, screen bytes come out. While the shell waits for a key account time is not held
//! up; output that the client does not take holds the shell up.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bashkit::terminal::{Terminal, TerminalActivity, TerminalStatus};
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, Sig};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::command::{cooked, finish};
use super::completion::{Completion, columns, complete, line_to};
use super::{Setting, size};
use crate::practice::clock::Activity;
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::logins::Stay;
use crate::practice::compute::processes::Process;
use crate::practice::compute::users::User;
use crate::practice::storage::View;

/// Output that waits for the client before the shell does.
const UNSENT_MAX: usize = 256 * 1024;
/// Keys that wait for the first prompt; what comes after is lost.
const AHEAD_MAX: usize = 64 * 1024;
/// Keys that wait for a program or a prompt; what comes after is lost.
const KEYS_MAX: usize = 1024 * 1024;
/// Lines of a session that are kept in the history file.
const HISTORY_MAX: usize = 500;
/// Ctrl-C and Ctrl-D.
const INTERRUPT: [u8; 1] = *b"\x03";
/// What the shell writes when Ctrl-C ended a command.
const INTERRUPTED: &[u8] = b"^C\r\n";
const END: &[u8] = b"\x04";
/// Keys that end a line, or the input: what comes after them may be for what runs then.
const ENTER: [u8; 3] = *b"\r\n\x04";
const TAB: u8 = b'\t';
const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Runs a login shell on the channel, from the message of the day to its exit status.
pub async fn log_in(host: Arc<Host>, user: User, setting: Setting, channel: Channel<Msg>) {
    let (read, write) = channel.split();
    let activity = Arc::new(host.clock.activity());
    let stay = Stay::begin(&host, &user.name, setting.from);
    let process = host.begin(&user, "-bash", Some(stay.terminal));
    let mut builder = host.shell_of(
        &user,
        Session::Interactive,
        Arc::clone(&activity),
        Arc::clone(&process),
    );
    for (name, value) in setting.environment {
        builder = builder.env(name, value);
    }
    let (term, size) = setting.terminal.unwrap_or_default();
    if !term.is_empty() {
        builder = builder.env("TERM", term);
    }
    let terminal = Terminal::with_size(builder, size);
    let mut login = Login {
        host: Arc::clone(&host),
        unsent: greeting(&host, &user),
        writer: Box::pin(write.make_writer()),
        terminal,
        read,
        activity,
        process,
        keys: VecDeque::new(),
        was_tab: false,
        home: user.home.clone(),
        view: host.view(&user),
        history: Vec::new(),
    };
    let power = host.power.clone();
    let session = async {
        login.source_profile(&host, &user).await?;
        login.run().await
    };
    let ended = tokio::select! {
        () = power.cancelled() => None,
        ended = session => ended,
    };
    login.process.desert();
    login.keep_history(&host, &user);
    drop(stay);
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

/// The way to the client's screen.
type Writer = Pin<Box<dyn AsyncWrite + Send>>;

/// Sends what the client takes now.
fn send(writer: &mut Writer, unsent: &mut Vec<u8>, cx: &mut Context<'_>) -> std::io::Result<()> {
    while !unsent.is_empty() {
        match writer.as_mut().poll_write(cx, unsent) {
            Poll::Ready(sent) => drop(unsent.drain(..sent?)),
            Poll::Pending => break,
        }
    }
    Ok(())
}

struct Login {
    host: Arc<Host>,
    terminal: Terminal,
    read: ChannelReadHalf,
    writer: Writer,
    /// Screen bytes that the client has not taken yet.
    unsent: Vec<u8>,
    activity: Arc<Activity>,
    process: Arc<Process>,
    /// Keys that wait until the shell, or the program that reads them, has seen what was typed before.
    keys: VecDeque<Vec<u8>>,
    /// The key before was a Tab: the next one shows the choices.
    was_tab: bool,
    home: String,
    view: View,
    /// Lines that were run.
    history: Vec<String>,
}

/// What the shell does while something is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// Runs; what it writes is sent.
    Runs,
    /// Runs; what it writes is kept back.
    RunsUnseen,
    /// Is held up by the client, who does not take what it has written.
    Held,
    /// Waits for a key.
    Waits,
}

/// What happened.
enum Event {
    /// The client said something; `None`: it has gone.
    Message(Option<ChannelMsg>),
    /// The shell waits for a key or has ended.
    Still(TerminalStatus),
    /// A program waits for a key, and there are some, or is to be interrupted.
    Wanted,
    /// A shell that waited goes on (a `read -t` whose time is up), or one must wait, or need no more.
    Changed,
}

impl Login {
    /// Goes on until the shell ends, with its status, or the client (`None`).
    async fn run(&mut self) -> Option<i32> {
        loop {
            if let TerminalStatus::Exited(status) = self.work().await? {
                self.drain().await?;
                return Some(status);
            }
            self.note_history();
            self.host.files.hasten();
            if let Some(status) = self.idle().await? {
                self.drain().await?;
                return Some(status);
            }
        }
    }

    /// Lets the shell run until it waits for a key or ends. `None`: the client has gone.
    async fn work(&mut self) -> Option<TerminalStatus> {
        let activity = Arc::clone(&self.activity);
        loop {
            let event = if self.unsent.len() < UNSENT_MAX {
                activity.compute(self.next(Shell::Runs)).await?
            } else {
                // The client is in no hurry, and account time is not held up by it.
                activity.idle(self.next(Shell::Held)).await?
            };
            match event {
                Event::Message(message) => {
                    if !self.receive(message?) {
                        return None;
                    }
                }
                Event::Still(TerminalStatus::Idle) if !self.keys.is_empty() => self.press(),
                Event::Still(status) => return Some(status),
                Event::Wanted => self.feed(),
                Event::Changed => {}
            }
        }
    }

    /// Takes what the client sends; `false` when it has gone.
    fn receive(&mut self, message: ChannelMsg) -> bool {
        let data = match message {
            ChannelMsg::Data { data } => data,
            // A file that was typed to its end: as if by hand.
            ChannelMsg::Eof => END.into(),
            message => return pass(&self.terminal, &message),
        };
        let mut keys = &data[..];
        if self.runs()
            && let Some(at) = keys.iter().rposition(|key| [*key] == INTERRUPT)
        {
            // As a terminal does, which forgets what was typed before it.
            self.keys.clear();
            self.interrupt();
            keys = &keys[at + 1..];
        }
        self.type_ahead(keys);
        true
    }

    /// Whether a command runs.
    fn runs(&self) -> bool {
        matches!(self.terminal.activity(), TerminalActivity::Running { .. })
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        self.process.keyboard.forget();
        self.terminal.send(INTERRUPT);
    }

    /// Has keys wait, line by line, for whoever reads them: that is known when the shell has seen those before.
    fn type_ahead(&mut self, keys: &[u8]) {
        // In a sequence, or in what is pasted in brackets, nothing is a key of its own.
        if keys.contains(&ESCAPE) {
            self.wait_for_turn(keys);
            return;
        }
        for line in keys.split_inclusive(|key| ENTER.contains(key) || [*key] == INTERRUPT) {
            let (line, last) = match line.split_last() {
                Some((last, line)) if [*last] == INTERRUPT => (line, Some(*last)),
                _ => (line, None),
            };
            let mut parts = line.split(|key| *key == TAB).peekable();
            while let Some(part) = parts.next() {
                self.wait_for_turn(part);
                if parts.peek().is_some() {
                    self.wait_for_turn(&[TAB]);
                }
            }
            self.wait_for_turn(last.as_slice());
        }
    }

    fn wait_for_turn(&mut self, keys: &[u8]) {
        let waiting: usize = self.keys.iter().map(Vec::len).sum();
        if !keys.is_empty() && waiting + keys.len() <= KEYS_MAX {
            self.keys.push_back(keys.to_vec());
        }
    }

    /// Gives the next of the keys that wait to the program that reads them.
    fn feed(&mut self) {
        let Some(keys) = self.keys.pop_front() else {
            return;
        };
        if keys == INTERRUPT {
            self.interrupt();
        } else {
            let shown = self.process.keyboard.press(&keys);
            self.unsent.extend(shown);
        }
    }

    /// Lets the next of the keys that wait do what it does.
    fn press(&mut self) {
        let Some(keys) = self.keys.pop_front() else {
            return;
        };
        let at_prompt = matches!(
            self.terminal.activity(),
            TerminalActivity::Prompt | TerminalActivity::ContinuationPrompt
        );
        if keys != [TAB] || !at_prompt {
            self.was_tab = false;
            self.terminal.send(&keys);
            return;
        }
        let (row, column) = self.terminal.cursor();
        let width = self.terminal.size().cols;
        let rows = self.terminal.screen_rows();
        let line = line_to(
            &rows,
            usize::from(row),
            usize::from(column),
            usize::from(width),
        );
        let directory = self.process.directory();
        let again = std::mem::replace(&mut self.was_tab, true);
        match complete(&self.view, &self.home, &directory, &line) {
            Completion::Keys(text) => {
                self.terminal.send(&text);
            }
            Completion::Choices(names) if again => {
                self.unsent.extend(b"\r\n");
                self.unsent
                    .extend(columns(&names, usize::from(width)).into_bytes());
                self.unsent.extend(line.into_bytes());
            }
            Completion::Choices(_) | Completion::Nothing => self.unsent.push(BELL),
        }
    }

    /// Waits for a key while nothing runs; what is unsent is sent meanwhile. `Some(Some(status))`: the shell ended.
    async fn idle(&mut self) -> Option<Option<i32>> {
        let activity = Arc::clone(&self.activity);
        match activity.idle(self.next(Shell::Waits)).await? {
            Event::Message(message) => self.receive(message?).then_some(None),
            Event::Still(TerminalStatus::Exited(status)) => Some(Some(status)),
            Event::Still(TerminalStatus::Idle) | Event::Wanted | Event::Changed => Some(None),
        }
    }

    /// Waits for what happens next, sends what is unsent meanwhile and lets the shell run unless it is held. Whatever
    /// the shell writes it writes while it is polled here, so there is no need to look now and then. `None`: the client
    /// has gone.
    async fn next(&mut self, shell: Shell) -> Option<Event> {
        let Self {
            terminal,
            read,
            writer,
            unsent,
            process,
            keys,
            ..
        } = self;
        let mut message = pin!(read.wait());
        let mut wanted = pin!(process.keyboard.wanted());
        std::future::poll_fn(|cx| {
            process.watch(cx.waker());
            if let Poll::Ready(message) = message.as_mut().poll(cx) {
                return Poll::Ready(Some(Event::Message(message)));
            }
            if send(writer, unsent, cx).is_err() {
                return Poll::Ready(None);
            }
            if shell == Shell::Held {
                return if unsent.len() < UNSENT_MAX {
                    Poll::Ready(Some(Event::Changed))
                } else {
                    Poll::Pending
                };
            }
            let status = pin!(terminal.run_until_idle()).poll(cx);
            if shell != Shell::RunsUnseen {
                unsent.extend(cooked(process.take_live().as_bytes()));
                unsent.extend(with_last_words(terminal.take_output(), process));
                if send(writer, unsent, cx).is_err() {
                    return Poll::Ready(None);
                }
            }
            // Whoever writes waits for those who read.
            if unsent.len() < UNSENT_MAX {
                process.look();
            }
            if status.is_pending() && !keys.is_empty() {
                let interrupted = keys.front().is_some_and(|keys| *keys == INTERRUPT);
                if interrupted || wanted.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Some(Event::Wanted));
                }
            }
            match (shell, status) {
                (Shell::Waits, Poll::Ready(TerminalStatus::Idle)) => Poll::Pending,
                (_, Poll::Ready(status)) => Poll::Ready(Some(Event::Still(status))),
                (Shell::Waits, Poll::Pending) => Poll::Ready(Some(Event::Changed)),
                (_, Poll::Pending) if unsent.len() >= UNSENT_MAX => {
                    Poll::Ready(Some(Event::Changed))
                }
                (_, Poll::Pending) => Poll::Pending,
            }
        })
        .await
    }

    fn collect(&mut self) {
        self.unsent.extend(self.terminal.take_output());
    }

    /// Sends all that is left. `None`: the client has gone.
    async fn drain(&mut self) -> Option<()> {
        self.collect();
        let activity = Arc::clone(&self.activity);
        let Self {
            read,
            writer,
            unsent,
            ..
        } = self;
        let gone = async { while !matches!(read.wait().await, None | Some(ChannelMsg::Close)) {} };
        let sent = async {
            tokio::select! {
                sent = writer.write_all(unsent) => sent.ok(),
                () = gone => None,
            }
        };
        activity.idle(sent).await
    }

    /// Runs the files of a login, unless they are as in the image: then there is nothing in them to run. Ctrl-C ends
    /// them; other keys wait for the prompt. `None`: the client has gone.
    async fn source_profile(&mut self, host: &Host, user: &User) -> Option<()> {
        let view = host.view(user);
        let read = |path: &str| view.read(path).unwrap_or_default();
        let changed = [".bash_profile", ".bashrc"].iter().any(|name| {
            read(&format!("{}/{name}", user.home)) != read(&format!("/etc/skel/{name}"))
        });
        let more = view
            .list("/etc/profile.d")
            .is_ok_and(|files| !files.is_empty());
        if !changed && !more {
            return Some(());
        }
        self.terminal
            .send(". /etc/profile; [ ! -f ~/.bash_profile ] || . ~/.bash_profile\r");
        let mut ahead = Vec::new();
        let activity = Arc::clone(&self.activity);
        while let Event::Message(message) = activity.compute(self.next(Shell::RunsUnseen)).await? {
            match message? {
                ChannelMsg::Data { data } => {
                    let interrupt = data.iter().rposition(|key| [*key] == INTERRUPT);
                    if interrupt.is_some() {
                        // As a terminal does, which forgets what was typed before it.
                        ahead.clear();
                        self.terminal.send(INTERRUPT);
                    }
                    let room = AHEAD_MAX.saturating_sub(ahead.len());
                    let keys = data.iter().skip(interrupt.map_or(0, |at| at + 1));
                    ahead.extend(keys.take(room));
                }
                ChannelMsg::Eof => ahead.extend(END),
                message => {
                    if !pass(&self.terminal, &message) {
                        return None;
                    }
                }
            }
        }
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
        self.type_ahead(&ahead);
        Some(())
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

/// What the shell has written, and, where it says that it was interrupted, what the program says to that.
fn with_last_words(mut output: Vec<u8>, process: &Process) -> Vec<u8> {
    let said = output
        .windows(INTERRUPTED.len())
        .rposition(|part| part == INTERRUPTED);
    if let Some(said) = said {
        let words = cooked(process.take_last_words().as_bytes());
        let after = said + INTERRUPTED.len();
        output.splice(after..after, words);
    }
    output
}

/// Passes on what the client sends that is no key; `false` when it has gone.
fn pass(terminal: &Terminal, message: &ChannelMsg) -> bool {
    match message {
        ChannelMsg::WindowChange {
            col_width,
            row_height,
            ..
        } => {
            terminal.resize(size(*col_width, *row_height));
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
