//! How long reading and writing take, and what is metered of it: pure models, to which account time is passed in. Trees,
//! paths and hosts do not enter here.

mod cache;
mod device;
mod known;
mod line;
mod meter;
mod operation;
mod share;
mod throughput;

#[cfg(test)]
mod tests;

pub use cache::PageCache;
pub use device::Device;
pub use meter::{MINUTES_KEPT, Meter, Minute, Standing, Tally};
pub use operation::{LARGEST, Request};
pub use share::Share;
pub use throughput::{Mode, Rates, Throughput};
