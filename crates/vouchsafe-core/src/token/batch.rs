//! Batch tokens: the entry, encrypted into the token.
//!
//! Layout of the bytes after `hvb.`, in unpadded base64url: format (1 byte, 1), nonce (12),
//! ciphertext of the entry's JSON with its tag (16). Additional data is the format byte.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vouchsafe_logical::{Entropy, Error};

use super::entry::TokenEntry;

/// What a batch token begins with.
pub const BATCH_PREFIX: &str = "hvb.";
/// The longest batch token, in bytes.
pub const BATCH_TOKEN_BYTES_MAX: usize = 16 * 1024;
const FORMAT: u8 = 1;

/// The key of batch tokens: random, stored behind the barrier.
pub(crate) struct BatchKey(LessSafeKey);

impl BatchKey {
    /// From the stored 32 bytes.
    ///
    /// # Errors
    /// Another length.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, bytes)
            .map_err(|_| Error::internal("the key of batch tokens is not 32 bytes"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Makes a token of an entry.
    ///
    /// # Errors
    /// An entry that is too large to be carried around.
    pub(crate) fn seal(&self, entry: &TokenEntry, entropy: &dyn Entropy) -> Result<String, Error> {
        let mut nonce = [0u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = serde_json::to_vec(entry)
            .map_err(|_| Error::internal("a token entry can't be encoded"))?;
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from([FORMAT]),
                &mut sealed,
            )
            .map_err(|_| Error::internal("a batch token can't be encrypted"))?;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        let token = format!("{BATCH_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        if token.len() > BATCH_TOKEN_BYTES_MAX {
            return Err(Error::invalid(format!(
                "the batch token would have {} bytes; at most {BATCH_TOKEN_BYTES_MAX} are allowed: use fewer policies or less metadata, or a service token",
                token.len()
            )));
        }
        Ok(token)
    }

    /// The entry in a token, or `None` for anything that this server did not make.
    #[must_use]
    pub(crate) fn open(&self, token: &str) -> Option<TokenEntry> {
        if token.len() > BATCH_TOKEN_BYTES_MAX {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD
            .decode(token.strip_prefix(BATCH_PREFIX)?)
            .ok()?;
        let (header, sealed) = bytes.split_at_mut_checked(1 + NONCE_LEN)?;
        if header.first() != Some(&FORMAT) {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(header.get(1..)?).ok()?;
        let plain = self
            .0
            .open_in_place(nonce, Aad::from([FORMAT]), sealed)
            .ok()?;
        serde_json::from_slice(plain).ok()
    }
}
