//! JSON Web Tokens (RFC 7519) signed as JWS.
//!
//! Two steps, kept apart: [`verify`] says who signed the claims and that they are well-formed;
//! [`ClaimRules::verify`] says whether registered claims fit a place and a time. Both are pure.
//! [`DecodedJwt`] is for people who want to see what is in a token, and proves nothing.

mod claim_rules;
mod claims;
mod decode;
mod numeric_date;
mod verify;

pub use claim_rules::{ClaimRules, ClaimsError};
pub use claims::Claims;
pub use decode::DecodedJwt;
pub use numeric_date::{NumericDate, NumericDateError};
pub use verify::{JwtError, UnverifiedJwt, VerifiedJwt, verify};
