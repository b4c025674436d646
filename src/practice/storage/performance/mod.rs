//! How long reading and writing take, and what is metered of it: pure models, to which account time is passed in. Trees,
//! paths and hosts do not enter here.

mod cache;
mod device;
mod line;
mod meter;
mod share;
mod throughput;

#[cfg(test)]
mod tests;

pub use cache::PageCache;
pub use device::Device;
pub use meter::{MINUTES_KEPT, Meter, Minute};
pub use share::{Request, Share};
pub use throughput::{Mode, Rates, Throughput};
