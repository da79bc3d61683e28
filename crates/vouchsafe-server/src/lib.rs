//! The HTTP edge: bytes in, [`Request`](vouchsafe_logical::Request) out; outcome in, bytes out.
//!
//! `logical.rs` is the file of a request's way; `decode.rs` and `encode.rs` are its two halves,
//! `error.rs` the only place that knows status codes, `listen.rs` the sockets. There is one
//! wildcard route, so there is no router and no framework: hyper is all that is needed.

mod decode;
mod encode;
mod error;
pub mod limit;
mod listen;
mod logical;

pub use limit::Limits;
pub use listen::{Listener, Serving};
pub use logical::Edge;
