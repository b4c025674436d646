//! Commands about the machine, its mounts, its network and its account: mount, df, nc, curl, cfn-signal, dnf, systemctl ….

use bashkit::BashBuilder;

use crate::practice::compute::host::Seat;

/// Registers them.
pub fn register(builder: BashBuilder, _seat: &Seat) -> BashBuilder {
    builder
}
