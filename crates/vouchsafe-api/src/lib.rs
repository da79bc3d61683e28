//! Wire types and HTTP client of the Vault-compatible API.
//!
//! The client sends one [`Request`] to one server and hands back the [`Response`], whatever its
//! status; [`Envelope`] reads the answer's common shape. It knows the protocol (vault-core.md §1,
//! §2, §3, §8, §9) and nothing about a terminal, a configuration file or the environment: addresses,
//! tokens and certificates are arguments.
//!
//! Invariants:
//! - A token is sent to the configured host alone: a redirect to another host is refused.
//! - A response is read up to a limit, and never further.
//! - No token appears in an error or in `Debug` output.

mod address;
mod client;
mod envelope;
mod error;
mod request;
mod response;
mod retry;
mod tls;
mod token;
mod transfer;

pub use address::{Address, AddressError};
pub use client::{
    Client, Config, INLINE_LOGIN_PREFIX, REDIRECTS_MAX, RESPONSE_BYTES_MAX, RETRIES_DEFAULT,
    Redirects, TIMEOUT_DEFAULT,
};
pub use envelope::{Auth, Envelope, WrapInfo};
pub use error::{ApiError, ClientError, TransportFault};
pub use request::{Credential, Method, PathError, Request};
pub use response::Response;
pub use retry::RETRY_WAIT;
pub use tls::{ServerVerification, TlsConfig};
pub use token::Token;
pub use transfer::{Download, PIECE_TIMEOUT, TRANSFER_TIMEOUT};
