//! Takes the terminal for the screen and gives it back, whatever happens. Nothing that is drawn enters.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Whether the terminal is taken. One terminal, so one flag; the panic hook has nothing else to go by.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Panics of other threads while the terminal is taken, told once it is given back.
static UNTOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Whose panic ends the screen.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// The terminal in raw mode on its alternate screen; dropping it gives the terminal back.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    /// Takes the terminal. From now on a panic of this thread first gives it back, and a panic of another thread, which
    /// the screen survives, is told afterwards.
    pub(super) fn take() -> io::Result<Self> {
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        HOOK.call_once(|| {
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |info| on_panic(info, previous.as_ref())));
        });
        enter()?;
        Ok(Self(()))
    }

    /// Gives the terminal back, stops the process group as Ctrl-Z does in a shell, and takes it again afterwards.
    #[expect(
        clippy::unused_self,
        reason = "only who holds the terminal can give it away"
    )]
    pub(super) fn suspend(&self) -> io::Result<()> {
        let gave_back = leave();
        // The whole group, so that the shell also gets its terminal back when something like `cargo run` started us.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        gave_back.and(enter())
    }

    /// Takes the terminal again after someone else stopped and continued the process; a shell has used it meanwhile.
    #[expect(
        clippy::unused_self,
        reason = "only who holds the terminal can give it away"
    )]
    pub(super) fn retake(&self) -> io::Result<()> {
        // crossterm takes raw mode for granted once it was set, so it is given up first.
        disable_raw_mode()?;
        enter()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // There is nowhere left to report a terminal that is gone.
        let _ = leave();
        let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
        for panic in untold.drain(..) {
            let _ = writeln!(
                io::stderr(),
                "a part of efslab failed while the screen was shown: {panic}"
            );
        }
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode()
        .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste));
    if taken.is_err() {
        let _ = leave();
    }
    taken
}

/// Undoes everything, also when a part of it fails; answers the first failure.
fn leave() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = io::stdout();
    let done = [
        execute!(out, DisableBracketedPaste),
        execute!(out, LeaveAlternateScreen),
        execute!(out, Show),
        disable_raw_mode(),
    ];
    done.into_iter().collect()
}

fn on_panic(info: &PanicHookInfo<'_>, previous: &(dyn Fn(&PanicHookInfo<'_>) + Sync + Send)) {
    if TAKEN.load(Ordering::SeqCst) {
        let owner = *OWNER.lock().unwrap_or_else(PoisonError::into_inner);
        if owner != Some(thread::current().id()) {
            UNTOLD
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(info.to_string());
            return;
        }
        let _ = leave();
    }
    previous(info);
}
