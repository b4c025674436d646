//! Standard output as the screen writes to it: a terminal that is gone takes everything in silence. Nothing that is drawn enters.

use std::io::{self, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

/// Standard output until nobody is behind it any more.
///
/// A terminal whose window was closed answers every write with EIO. Whoever draws, and whoever tidies up afterwards,
/// would each have to expect that; here it is noted once, and the screen ends as on the signal that the closing sends.
#[derive(Debug)]
pub struct Outlet {
    out: Stdout,
    gone: Arc<AtomicBool>,
}

impl Outlet {
    pub(super) fn new() -> Self {
        Self {
            out: io::stdout(),
            gone: Arc::default(),
        }
    }

    /// Tells whether the terminal is gone, from now on.
    pub(super) fn gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.gone)
    }

    fn noted<T>(&self, written: io::Result<T>, instead: T) -> io::Result<T> {
        match written {
            Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                self.gone.store(true, Ordering::SeqCst);
                Ok(instead)
            }
            written => written,
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.noted(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.noted(flushed, ())
    }
}
