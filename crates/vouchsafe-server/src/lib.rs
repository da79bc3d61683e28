//! The HTTP edge: bytes in, [`Request`](vouchsafe_logical::Request) out; outcome in, bytes out.
//!
//! `logical.rs` is the file of a request's way; `decode.rs` and `encode.rs` are its two halves,
//! `stream.rs` the bodies that are too large to hold, `error.rs` the
//! only place that knows status codes, `listen.rs` the sockets, `tls.rs` what is between
//! sockets and bytes. There is one wildcard route, so there is no router and no framework: hyper is all
//! that is needed.

mod begun;
mod decode;
mod encode;
mod error;
mod forwarded;
mod inline_login;
pub mod limit;
mod listen;
mod logical;
mod oidcpub;
mod origin;
mod published;
mod pvlt;
mod stream;
mod tls;

pub use forwarded::Forwarding;
pub use limit::Limits;
pub use listen::{Listener, Serving};
pub use logical::{Edge, MetricsAccess};
pub use published::Purpose;
pub use tls::{ClientCertificates, PEM_BYTES_MAX, Tls, TlsError, TlsFiles, TlsVersion};
