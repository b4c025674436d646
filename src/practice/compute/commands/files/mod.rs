//! Commands about files, owners and users: ls, stat, chown, cp -a, id, useradd, sudo ….

use bashkit::BashBuilder;

use crate::practice::compute::host::Seat;

/// Registers them.
pub fn register(builder: BashBuilder, _seat: &Seat) -> BashBuilder {
    builder
}
