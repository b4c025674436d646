//! The commands that bashkit does not bring, or not as Linux has them. One file per command or small family.

use bashkit::BashBuilder;

use super::host::Seat;
use crate::practice::storage::View;

pub mod files;
mod inner;
pub mod system;

pub use self::files::masked;

/// Registers every command for a shell of this seat that opens its files in this view.
#[must_use]
pub fn register(builder: BashBuilder, seat: &Seat, view: &View) -> BashBuilder {
    let (builder, screen) = files::register(builder, seat, view);
    system::register(builder, seat, &screen)
}
