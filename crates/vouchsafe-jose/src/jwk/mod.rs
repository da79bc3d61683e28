//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2): keys and key sets as JSON.
//!
//! Reading is strict about what the key is and lenient about what surrounds it: unknown members are
//! ignored, a member of the wrong form is an error. A set skips the keys it cannot use and says why.
//! Writing produces the canonical numbers, in the member order of Vault's documents.

mod error;
mod members;
mod private;
mod public;
mod set;
mod thumbprint;

pub use error::{JwkError, JwkSetError};
pub(crate) use members::Members;
pub use public::Jwk;
pub use set::{JwkSet, SkippedKey};
pub use thumbprint::Thumbprint;
