//! Shares that people bring one after the other, until there are enough.

use std::time::Duration;

use vouchsafe_logical::{Entropy, EntropyExt, Error, Timestamp};
use vouchsafe_storage::seal::{Share, shamir};
use zeroize::Zeroizing;

/// After this long an attempt that nobody finished is forgotten, so that the first shares of an
/// abandoned one do not lie in memory for ever.
pub(super) const ATTEMPT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// One attempt to put a key together.
pub(super) struct Attempt {
    /// Names the attempt; those who bring shares say which one they mean.
    pub(super) nonce: String,
    begun_at: Timestamp,
    shares: Vec<Share>,
}

impl Attempt {
    pub(super) fn begin(entropy: &dyn Entropy, now: Timestamp) -> Self {
        Self {
            nonce: entropy.uuid(),
            begun_at: now,
            shares: Vec::new(),
        }
    }

    /// How many different shares there are.
    pub(super) const fn progress(&self) -> usize {
        self.shares.len()
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(self.begun_at)).unwrap_or_default();
        age >= ATTEMPT_LIFETIME
    }

    /// Takes a share, if it is not there yet.
    pub(super) fn add(&mut self, share: Share) {
        if !self.shares.iter().any(|held| held.ct_eq(&share)) {
            self.shares.push(share);
        }
    }

    /// The key, once there are `threshold` shares. The shares are used up.
    ///
    /// # Errors
    /// Shares that don't belong together.
    pub(super) fn key(&mut self, threshold: u8) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        if self.shares.len() < usize::from(threshold) {
            return Ok(None);
        }
        let shares = std::mem::take(&mut self.shares);
        match &shares[..] {
            // A key that was never split is its own share.
            [whole] if threshold <= 1 => Ok(Some(Zeroizing::new(whole.expose().to_vec()))),
            shares => shamir::combine(shares).map(Some).map_err(|fault| {
                Error::invalid_because(
                    "unseal_key_invalid",
                    format!("unable to combine the shares: {fault}"),
                )
            }),
        }
    }
}
