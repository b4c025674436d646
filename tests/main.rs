//! The integration tests: one binary, since linking the SDK is slow; one module per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod anywhere;
mod between;
mod blockers;
mod faults;
mod ground;
mod guard;
mod interrupted;
mod killed;
mod kills;
mod lab;
mod older;
mod peers;
mod program;
mod scripts;
mod stacks;
mod support;
mod sweep;
mod textbook;
mod tidy;
mod toolchain;
mod wire;
