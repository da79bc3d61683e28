//! Tokens: what they may be, how long they live, where they are kept.

mod batch;
mod entry;
mod hash;
mod lifetime;
mod revoke;
mod routes;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

pub use batch::{BATCH_PREFIX, BATCH_TOKEN_BYTES_MAX};
pub use entry::{TokenEntry, TokenType};
pub use hash::TokenHash;
pub use lifetime::{Bounds, Lifetime, lifetime};
pub(crate) use routes::{ROUTES, sweep_now};
pub(crate) use store::SERVICE_TOKEN_BYTES;
pub use store::{Found, SERVICE_PREFIX, TOKEN_BYTES_MAX, TokenStore, UsesLeft, end_of_life};
pub use sweep::{SWEEP_BATCH_MAX, Swept};
