//! A live terminal: `ssh -tt` over the multiplexed connection, in a pty of this computer.

use std::io::{Read as _, Write};
use std::thread;

use portable_pty::{Child, ChildKiller, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::sync::mpsc;

use super::SshError;
use super::link::Link;

/// What a terminal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// The session ended; why, in a few words.
    Ended(String),
}

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
}

impl From<Size> for PtySize {
    fn from(size: Size) -> Self {
        Self {
            rows: size.rows.max(2),
            cols: size.columns.max(2),
            pixel_width: 0,
            pixel_height: 0,
        }
    }
}

/// A shell on a machine. Dropping it ends the session, and nothing is typed into it by that.
pub struct Terminal {
    input: std::sync::mpsc::Sender<Vec<u8>>,
    pty: Box<dyn MasterPty + Send>,
    killer: Box<dyn ChildKiller + Send + Sync>,
}

impl Terminal {
    /// Opens a login shell over `link`. Output goes to `said`; when the channel is full the machine is made to wait.
    ///
    /// # Errors
    /// When no pty can be had or ssh cannot be started.
    pub fn open(link: &Link, size: Size, said: mpsc::Sender<Said>) -> Result<Self, SshError> {
        let mut command = CommandBuilder::new("ssh");
        command.args(link.terminal_arguments());
        command.env("TERM", "xterm-256color");
        Self::start(command, size, said)
    }

    /// Runs `command` in a pty.
    fn start(
        command: CommandBuilder,
        size: Size,
        said: mpsc::Sender<Said>,
    ) -> Result<Self, SshError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            SshError::Command(format!("{what}: {error}"))
        };
        let pair = native_pty_system()
            .openpty(size.into())
            .map_err(|error| failed("no pty", &error))?;
        let child = pair
            .slave
            .spawn_command(command)
            .map_err(|error| failed("ssh did not start", &error))?;
        drop(pair.slave);
        let killer = child.clone_killer();
        let reader = pair
            .master
            .try_clone_reader()
            .map_err(|error| failed("no pty reader", &error))?;
        let writer = pair
            .master
            .take_writer()
            .map_err(|error| failed("no pty writer", &error))?;
        let (input, typed) = std::sync::mpsc::channel();
        let (alive, gone) = std::sync::mpsc::channel();
        spawn("terminal output", move || {
            read(reader, child, &said);
            drop(alive);
        })?;
        spawn("terminal input", move || write(writer, &typed, &gone))?;
        Ok(Self {
            input,
            pty: pair.master,
            killer,
        })
    }

    /// Types these bytes. `false`: the session has ended.
    #[must_use]
    pub fn type_in(&self, bytes: Vec<u8>) -> bool {
        self.input.send(bytes).is_ok()
    }

    /// Tells the machine the new size.
    pub fn resize(&self, size: Size) {
        // A session that has ended has no size.
        let _ = self.pty.resize(size.into());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.killer.kill();
    }
}

/// Starts a named thread: portable ptys are blocking files.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), SshError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| SshError::Command(format!("no thread: {error}")))
}

/// Reads until nothing holds the other side of the pty any more, told or not: what ssh still prints must not make it wait.
fn read(
    mut reader: Box<dyn std::io::Read + Send>,
    mut child: Box<dyn Child + Send + Sync>,
    said: &mpsc::Sender<Said>,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut heard = true;
    // A pty whose other side is closed reports EIO, an ordinary file end; both mean that ssh has gone.
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        heard = heard
            && said
                .blocking_send(Said::Bytes(buffer[..length].to_vec()))
                .is_ok();
    }
    let why = match child.wait() {
        Ok(status) if status.success() => "you logged out".to_owned(),
        Ok(status) if status.exit_code() == 255 => "the connection is closed".to_owned(),
        Ok(status) => format!("the shell ended with status {}", status.exit_code()),
        Err(error) => format!("ssh is gone: {error}"),
    };
    let _ = said.blocking_send(Said::Ended(why));
}

/// Types until the terminal is closed. Then the writer is kept until `gone` says that nobody reads the pty any more:
/// portable-pty's writer presses Enter and Ctrl-D when it is dropped, which would run whatever half a command line the
/// learner has typed. (It is the ssh master that reads, and it does so a little longer than the client lives.)
fn write(
    mut writer: Box<dyn Write + Send>,
    typed: &std::sync::mpsc::Receiver<Vec<u8>>,
    gone: &std::sync::mpsc::Receiver<()>,
) {
    while let Ok(bytes) = typed.recv() {
        if writer
            .write_all(&bytes)
            .and_then(|()| writer.flush())
            .is_err()
        {
            break;
        }
    }
    // Nothing is ever sent: this waits for the other end to be dropped.
    let _ = gone.recv();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program in a terminal reads after `typed` was typed into it and the terminal was closed. The program
    /// survives the closing, as the ssh master does, and ends once nothing has come for a second (`min 0 time 10`).
    fn received(typed: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("received");
        let mut command = CommandBuilder::new("sh");
        command.args([
            "-c",
            "trap '' HUP; stty raw -echo min 0 time 10; printf ready; exec cat >\"$0\"",
        ]);
        command.arg(&file);
        let (said, mut heard) = mpsc::channel(16);
        let size = Size {
            rows: 24,
            columns: 80,
        };
        let terminal = Terminal::start(command, size, said).unwrap();
        let mut printed = Vec::new();
        while !printed.ends_with(b"ready") {
            match heard.blocking_recv() {
                Some(Said::Bytes(bytes)) => printed.extend(bytes),
                other => panic!("{other:?} after {printed:?}"),
            }
        }
        assert!(terminal.type_in(typed.as_bytes().to_vec()));
        drop(terminal);
        while heard.blocking_recv().is_some() {}
        std::fs::read_to_string(&file).unwrap()
    }

    #[test]
    fn closing_a_terminal_presses_no_key() {
        assert_eq!(received("rm -r work"), "rm -r work");
    }

    #[test]
    fn a_closed_terminal_ends_its_program_and_both_threads() {
        let (said, mut heard) = mpsc::channel(16);
        let mut command = CommandBuilder::new("sleep");
        command.arg("1000");
        let size = Size {
            rows: 24,
            columns: 80,
        };
        drop(Terminal::start(command, size, said).unwrap());
        assert!(matches!(heard.blocking_recv(), Some(Said::Ended(_))));
        assert_eq!(heard.blocking_recv(), None);

        let (input, typed) = std::sync::mpsc::channel();
        let (alive, gone) = std::sync::mpsc::channel();
        let writer = thread::spawn(move || write(Box::new(std::io::sink()), &typed, &gone));
        drop((input, alive));
        writer.join().unwrap();
    }
}
