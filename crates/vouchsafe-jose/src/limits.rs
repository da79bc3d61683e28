//! Every bound of this crate in one place, with the reason for its value.
//!
//! A bound is checked before the work that it limits. Each has a test at the limit and one past it.

/// Longest compact token that is parsed or produced, in bytes.
///
/// Twice what common HTTP servers take as one header line, so that any token which can arrive as a
/// bearer token fits; small enough that hashing and parsing it is cheap before it is trusted.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Longest decoded JOSE header, in bytes.
///
/// A header holds `alg`, `kid` and `typ`; the rest of the room is for the certificate thumbprints
/// that some issuers add.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;

/// Deepest nesting of objects and arrays in a JOSE header; the header object itself is level 1.
pub const HEADER_DEPTH_MAX: usize = 8;

/// Deepest nesting of objects and arrays in a claims set; the claims object itself is level 1.
///
/// Claims of real issuers nest three or four levels; the bound keeps recursion off the stack limit.
pub const PAYLOAD_DEPTH_MAX: usize = 32;

/// Longest key id (`kid`), in bytes of UTF-8.
pub const KEY_ID_BYTES_MAX: usize = 256;

/// Largest JWK document, in bytes; leaves room for an `x5c` certificate chain, which is ignored.
pub const JWK_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of objects and arrays in a JWK; the JWK object itself is level 1.
pub const JWK_DEPTH_MAX: usize = 8;

/// Largest JWK Set document, in bytes.
pub const JWK_SET_BYTES_MAX: usize = 1024 * 1024;

/// Most keys in a JWK Set, unusable ones included.
///
/// Lookup is a scan, and issuers publish a handful of keys; the bound is well above the largest
/// multi-tenant sets and well below what would make a scan or the parsing of the set noticeable.
pub const JWK_SET_KEYS_MAX: usize = 256;

/// Most keys whose signature check is tried for one token.
///
/// More than one key fits only when a token has no `kid`, when keys have none, or when a set
/// repeats one. The bound keeps a token from costing hundreds of public key operations.
pub const KEYS_TRIED_MAX: usize = 16;

/// Largest PEM document, in bytes; a certificate with a long list of names fits.
pub const PEM_BYTES_MAX: usize = 64 * 1024;

/// Shortest RSA modulus, in bits (RFC 7518 §3.3 and §3.5).
pub const RSA_MODULUS_BITS_MIN: usize = 2048;

/// Longest RSA modulus, in bits; verifying with longer keys costs the verifier too much.
pub const RSA_MODULUS_BITS_MAX: usize = 8192;

/// Longest RSA public exponent, in bits; the cost of a verification grows with it.
pub const RSA_EXPONENT_BITS_MAX: usize = 33;

/// Latest [`NumericDate`](crate::NumericDate), in seconds: the largest integer that every JSON
/// reader keeps exactly (2^53 - 1, RFC 7493 §2.2).
pub const NUMERIC_DATE_SECONDS_MAX: u64 = (1 << 53) - 1;
