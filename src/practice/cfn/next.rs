//! When the next thing is due. What that is does not enter here.

use jiff::Timestamp;

/// The earliest of some times.
#[derive(Debug, Default, Clone, Copy)]
pub struct Next(pub Option<Timestamp>);

impl Next {
    /// This time too.
    pub fn at(&mut self, time: Timestamp) {
        self.0 = Some(self.0.map_or(time, |next| next.min(time)));
    }
}
