//! Tokens that were verified, for as long as that holds.
//!
//! How many are remembered is bounded in number and in memory by one weight: each weighs what it takes,
//! and none less than the share that the largest number leaves it.

use std::mem::size_of;
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use vouchsafe_jose::{Claims, NumericDate};
use vouchsafe_logical::ProvedLogin;

use super::{Unstored, claims};
use crate::token::{TokenEntry, TokenHash};

/// The most tokens that are remembered; the least useful ones leave first.
const REMEMBERED_MAX: usize = 16_384;
/// The most memory that they take, in bytes: so much that usual tokens reach the number first.
const REMEMBERED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a token weighs at least.
const WEIGHT_MIN: usize = REMEMBERED_BYTES_MAX / REMEMBERED_MAX;
/// Parts that are locked by themselves. Each has its share of the bounds.
const SHARDS: usize = 16;
/// A text without its characters, as a member of a set or map.
const TEXT_BYTES: usize = 2 * size_of::<String>();

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
    pub(super) caller: Arc<Unstored>,
}

impl Proof {
    /// About how many bytes of memory it takes.
    fn footprint(&self) -> usize {
        let entry = &self.caller.entry;
        let names = entry.policies.iter().map(|name| name.as_str());
        let facts = entry.meta.iter().flatten();
        let texts = names.chain(facts.flat_map(|(name, fact)| [name.as_str(), fact]));
        let texts: usize = texts.map(|text| TEXT_BYTES + text.len()).sum();
        let alias = self.caller.alias.as_ref().map_or(0, String::len);
        // There is a second entry, with the entity.
        2 * (size_of::<TokenEntry>() + entry.display_name.len() + texts)
            + entry.claims.as_deref().map_or(0, claims::footprint)
            + 2 * alias
            + size_of::<ProvedLogin>()
            + size_of::<Self>()
            + size_of::<Unstored>()
    }
}

/// A proof with what it weighs.
#[derive(Clone)]
struct Weighed {
    proof: Arc<Proof>,
    weight: u64,
}

/// Says what was found out when the proof was put in.
#[derive(Clone)]
struct KnownWeight;

impl Weighter<TokenHash, Weighed> for KnownWeight {
    fn weight(&self, _: &TokenHash, weighed: &Weighed) -> u64 {
        weighed.weight
    }
}

/// Proofs by the keyed hash of their token. The token itself is not kept.
pub(super) struct Remembered {
    proofs: Cache<TokenHash, Weighed, KnownWeight>,
}

impl Remembered {
    pub(super) fn new() -> Self {
        Self::with_shards(SHARDS)
    }

    fn with_shards(shards: usize) -> Self {
        #[expect(clippy::expect_used, reason = "everything that has no default is set")]
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(REMEMBERED_MAX)
            .weight_capacity(REMEMBERED_BYTES_MAX as u64)
            .build()
            .expect("options");
        let hasher = DefaultHashBuilder::default();
        let lifecycle = DefaultLifecycle::default();
        Self {
            proofs: Cache::with_options(options, KnownWeight, hasher, lifecycle),
        }
    }

    pub(super) fn get(&self, hash: &TokenHash) -> Option<Arc<Proof>> {
        self.proofs.get(hash).map(|weighed| weighed.proof)
    }

    /// Remembers a proof, if need be instead of others.
    pub(super) fn insert(&self, hash: TokenHash, proof: Arc<Proof>) {
        let weight = proof.footprint().max(WEIGHT_MIN) as u64;
        self.proofs.insert(hash, Weighed { proof, weight });
    }

    pub(super) fn remove(&self, hash: &TokenHash) {
        self.proofs.remove(hash);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vouchsafe_logical::Timestamp;

    use super::*;
    use crate::iam::access::IamAccess;

    fn hash(number: usize) -> TokenHash {
        TokenHash::from_stored(format!("{number:064}"))
    }

    /// The proof of a token with these claims.
    fn proof(claims: Value) -> Arc<Proof> {
        let Value::Object(claims) = claims else {
            panic!("no object: {claims}")
        };
        let at = |seconds| NumericDate::from_seconds(seconds).unwrap();
        let mut entry = TokenEntry::unstored("app1/ci", "direct-jwt", Timestamp::UNIX_EPOCH);
        entry.claims = Some(Arc::new(claims));
        Arc::new(Proof {
            generation: 1,
            provider: "app1".to_owned(),
            keys: 1,
            window: Window {
                from: at(0),
                until: at(60),
            },
            caller: Arc::new(Unstored::new(entry, IamAccess::Version)),
        })
    }

    #[test]
    fn as_many_tokens_as_the_bound_says_are_remembered_and_one_more_takes_the_place_of_another() {
        let remembered = Remembered::with_shards(1);
        let usual = proof(json!({"iss": "https://idp.example/", "sub": "ci", "exp": 60}));
        assert!(usual.footprint() <= WEIGHT_MIN, "{}", usual.footprint());
        for number in 0..REMEMBERED_MAX {
            remembered.insert(hash(number), Arc::clone(&usual));
        }
        assert_eq!(remembered.proofs.len(), REMEMBERED_MAX);
        assert!((0..REMEMBERED_MAX).all(|number| remembered.get(&hash(number)).is_some()));
        remembered.insert(hash(REMEMBERED_MAX), usual);
        assert_eq!(remembered.proofs.len(), REMEMBERED_MAX);
        assert!(remembered.get(&hash(REMEMBERED_MAX)).is_some());
    }

    /// However many shards there are.
    #[test]
    fn never_more_tokens_are_remembered_than_the_bound_says() {
        let remembered = Remembered::new();
        let usual = proof(json!({}));
        for number in 0..2 * REMEMBERED_MAX {
            remembered.insert(hash(number), Arc::clone(&usual));
        }
        let found = remembered.proofs.len();
        assert!(
            found <= REMEMBERED_MAX && found > REMEMBERED_MAX / 2,
            "{found}"
        );
    }

    #[test]
    fn tokens_with_large_claims_take_the_room_of_several() {
        let remembered = Remembered::with_shards(1);
        let large = proof(json!({"a": "x".repeat(3 * WEIGHT_MIN)}));
        let weight = large.footprint();
        let fit = REMEMBERED_BYTES_MAX / weight;
        assert!(fit < REMEMBERED_MAX / 3, "{fit}");
        for number in 0..fit {
            remembered.insert(hash(number), Arc::clone(&large));
        }
        assert_eq!(remembered.proofs.len(), fit);
        remembered.insert(hash(fit), large);
        assert_eq!(remembered.proofs.len(), fit);
        assert!(remembered.proofs.weight() <= REMEMBERED_BYTES_MAX as u64);
    }

    /// The claims that take most memory for their length, as many as are kept.
    #[test]
    fn the_worst_claims_that_are_kept_are_remembered_too() {
        let maps: Vec<Value> = (0..500).map(|_| json!({"": 1})).collect();
        let worst = proof(json!({ "a": maps }));
        let kept = worst.caller.entry.claims.as_deref().unwrap();
        assert!(claims::kept(kept).is_some());
        let remembered = Remembered::new();
        remembered.insert(hash(0), worst);
        assert!(remembered.get(&hash(0)).is_some());
    }
}
