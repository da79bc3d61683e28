//! JWK thumbprints (RFC 7638; RFC 8037 Appendix A.3 for OKP).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::base64url;
use crate::key::Material;

/// The SHA-256 hash of a key's required members in their canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// RFC 7638 §3: the required members in lexicographic order, without whitespace. Every value is
    /// base64url or a registered name, so nothing needs escaping.
    pub(crate) fn of(material: &Material) -> Self {
        let kty = material.key_type().kty();
        let crv = material.key_type().crv().unwrap_or_default();
        let canonical = match material {
            Material::Rsa { n, e } => {
                let (n, e) = (base64url::encode(n), base64url::encode(e));
                format!(r#"{{"e":"{e}","kty":"{kty}","n":"{n}"}}"#)
            }
            Material::Ec { x, y, .. } => {
                let (x, y) = (base64url::encode(x), base64url::encode(y));
                format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#)
            }
            Material::Ed25519 { x } => {
                let x = base64url::encode(x);
                format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}"}}"#)
            }
        };
        let hash = digest(&SHA256, canonical.as_bytes());
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The hash in base64url, the form in which thumbprints serve as key ids.
impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}
