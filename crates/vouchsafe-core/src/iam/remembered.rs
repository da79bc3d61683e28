//! Tokens that were verified, for as long as that holds.

use std::sync::Arc;

use quick_cache::sync::Cache;
use vouchsafe_jose::{Claims, NumericDate};

use super::Unstored;
use super::access::IamAccess;
use crate::token::{TokenEntry, TokenHash};

/// The most tokens that are remembered; the least useful ones leave first.
const REMEMBERED_MAX: usize = 16_384;

/// How far the clocks of an identity provider and of this server may differ, in seconds, for each of
/// `exp`, `nbf` and `iat`: what clocks without a good source of time differ by. More would keep
/// expired tokens alive.
pub(super) const LEEWAY_SECONDS: u64 = 60;

/// When a token is valid, with the leeway in it.
#[derive(Clone, Copy)]
pub(super) struct Window {
    from: NumericDate,
    until: NumericDate,
}

impl Window {
    /// The window of claims that have an expiry.
    pub(super) fn of(claims: &Claims) -> Option<Self> {
        let until = claims.expires_at()?.plus_seconds(LEEWAY_SECONDS);
        let begin = claims.not_before().max(claims.issued_at());
        let from = begin.map(|begin| begin.minus_seconds(LEEWAY_SECONDS));
        Some(Self {
            from: from.or_else(|| NumericDate::from_seconds(0).ok())?,
            until,
        })
    }

    pub(super) fn contains(&self, now: NumericDate) -> bool {
        self.from <= now && now < self.until
    }
}

/// What was found out about a token, and from what.
pub(super) struct Proof {
    /// Of the IAM file.
    pub(super) generation: u64,
    /// The provider in it.
    pub(super) provider: String,
    /// Of the provider's keys.
    pub(super) keys: u64,
    pub(super) window: Window,
    pub(super) entry: Arc<TokenEntry>,
    pub(super) access: IamAccess,
    pub(super) alias: String,
    pub(super) create_entity: bool,
}

impl Proof {
    pub(super) fn caller(&self) -> Unstored {
        Unstored {
            entry: Arc::clone(&self.entry),
            access: self.access,
            alias: Some(self.alias.clone()),
            create_entity: self.create_entity,
        }
    }
}

/// Proofs by the keyed hash of their token. The token itself is not kept.
pub(super) struct Remembered {
    proofs: Cache<TokenHash, Arc<Proof>>,
}

impl Remembered {
    pub(super) fn new() -> Self {
        Self {
            proofs: Cache::new(REMEMBERED_MAX),
        }
    }

    pub(super) fn get(&self, hash: &TokenHash) -> Option<Arc<Proof>> {
        self.proofs.get(hash)
    }

    pub(super) fn insert(&self, hash: TokenHash, proof: Arc<Proof>) {
        self.proofs.insert(hash, proof);
    }

    pub(super) fn remove(&self, hash: &TokenHash) {
        self.proofs.remove(hash);
    }
}
