//! Fakes for tests: a clock that tests move, dice that repeat, servers of others, a store and a system in memory, and
//! what happens in the middle of a call.
//!
//! Dev-only. Nothing here is used by shipped code.
#![expect(clippy::expect_used, reason = "a fake that can't go on ends the test")]

mod clock;
mod counting;
mod entropy;
mod fetcher;
mod interrupts;
mod store;
mod system;

pub use clock::ManualClock;
pub use counting::{CountingStore, Reads};
pub use entropy::SeededEntropy;
pub use fetcher::FakeFetcher;
pub use interrupts::{InterruptedStore, Interrupts, Moment, at_once};
pub use store::MemoryStore;
pub use system::TestSystem;
