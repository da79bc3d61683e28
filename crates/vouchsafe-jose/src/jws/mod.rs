//! JWS in compact serialization (RFC 7515 §3.1, §5): sign bytes, verify bytes.
//!
//! A token passes three stages, each with its own type: text, [`UnverifiedJws`] (shape and header
//! checked, signature not), [`VerifiedJws`] (signature checked). The payload leaves this crate only
//! in the third, or under a name that says that it was not verified. What the payload means is the
//! business of [`crate::jwt`].

mod compact;
mod error;
mod header;
mod sign;
mod verify;

pub(crate) use compact::{Compact, decode_parts};
pub use error::{JwsError, JwsPart};
pub use header::{HeaderOf, JwsHeader};
pub use sign::{JwsSigner, SignError};
pub use verify::{UnverifiedJws, VerifiedJws, verify};
