//! The AWS SDK, and nothing but the SDK: sessions, the stack, listings, error classes.
//!
//! It answers in the engine's vocabulary (`engine::event`). Neither ssh nor the practice account may enter: a practice
//! account is just another endpoint here.

pub mod address;
pub mod changes;
pub mod deeds;
pub mod failure;
pub mod guard;
pub mod inventory;
pub mod machines;
mod networks;
mod orphans;
pub mod preflight;
pub mod remains;
pub mod role;
pub mod search;
pub mod session;
pub mod sights;
pub mod stack;
mod things;

pub use session::{Account, Cloud};
