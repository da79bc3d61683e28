//! Named keys that are parsed and ready to sign.

use std::sync::{Arc, OnceLock};

use vouchsafe_identity::issuer::{NamedKey, UnixSeconds};
use vouchsafe_jose::{JwsSigner, KeyId};
use vouchsafe_logical::{Error, record};

use super::Oidc;
use super::records::{DEFAULT_KEY, key_record};

/// A named key with a signer for each pair, which is parsed when it first signs.
pub(super) struct ReadyKey {
    pub(super) named_key: NamedKey,
    signers: Vec<OnceLock<Arc<JwsSigner>>>,
}

impl ReadyKey {
    fn new(named_key: NamedKey) -> Self {
        let signers = named_key.pairs().iter().map(|_| OnceLock::new()).collect();
        Self { named_key, signers }
    }

    /// The signer whose turn it is. `None` where the key has no pairs.
    pub(super) fn signer(&self, now: UnixSeconds) -> Result<Option<&Arc<JwsSigner>>, Error> {
        let Some(active) = self.named_key.active(now) else {
            return Ok(None);
        };
        let (Some(pair), Some(slot)) =
            (self.named_key.pairs().get(active), self.signers.get(active))
        else {
            return Ok(None);
        };
        if slot.get().is_none() {
            let internal = |fault: String| Error::internal(fault);
            let key = pair
                .material
                .signing_key()
                .map_err(|error| internal(error.to_string()))?;
            let key_id = KeyId::new(pair.key_id()).map_err(|error| internal(error.to_string()))?;
            // Two requests may both parse it; one of the equal signers stays.
            drop(slot.set(Arc::new(JwsSigner::new(key, key_id, None))));
        }
        Ok(slot.get())
    }
}

impl Oidc {
    /// A named key, parsed, as fresh as its record.
    pub(super) async fn ready_key(&self, name: &str) -> Result<Option<Arc<ReadyKey>>, Error> {
        let found = self
            .keys
            .load(&self.view, &key_record(name), |key, value| {
                record::decode(key, value).map(ReadyKey::new)
            })
            .await?;
        Ok(match found {
            Some((_, ready)) => Some(ready),
            None if name == DEFAULT_KEY => Some(Arc::new(ReadyKey::new(NamedKey::default_key()))),
            None => None,
        })
    }
}
