//! The key set of all named keys in use (RFC 7517 §5), and how long a cache may keep it (RFC 9111).

use vouchsafe_jose::{Jwk, JwkSet};

use super::{NamedKey, UnixSeconds};

/// The longest `max-age` of the key set. Ten minutes are long enough that a verifier's fetches are
/// nothing beside its requests, and short enough that an operator can wait for a new key to spread.
pub const MAX_AGE_SECONDS_MAX: u64 = 600;
/// The shortest `max-age` that is aimed at, however near the next change: verifiers that come back in
/// the same second for nothing help nobody.
pub const MAX_AGE_SECONDS_MIN: u64 = 10;
/// The `max-age` of a key set without keys, which a first role will soon fill.
pub const MAX_AGE_EMPTY_SECONDS: u64 = MAX_AGE_SECONDS_MIN;

/// `max-age` is at most this share of the shortest rotation period. A promise covers two `max-age`,
/// so that the next pair, which is published a period ahead, is known in time with room to spare.
const PERIODS_PER_MAX_AGE: u64 = 4;

/// A rendered key set.
#[derive(Clone, Debug)]
pub struct KeySet {
    json: Vec<u8>,
    keys: JwkSet,
    /// When it is no longer the key set.
    valid_until: Option<UnixSeconds>,
    /// When it changes or is about to, in order.
    changes: Vec<UnixSeconds>,
    shortest_period_seconds: Option<u64>,
}

impl KeySet {
    /// The set of what is published at `now` of the given named keys, in the given order.
    #[must_use]
    pub fn render<'a>(
        named_keys: impl IntoIterator<Item = &'a NamedKey>,
        now: UnixSeconds,
    ) -> Self {
        let mut json = br#"{"keys":["#.to_vec();
        let mut keys = Vec::new();
        let mut changes = Vec::new();
        let mut valid_until: Option<UnixSeconds> = None;
        let mut shortest_period_seconds: Option<u64> = None;
        for named_key in named_keys {
            let mut is_used = false;
            for pair in named_key.published(now) {
                is_used = true;
                if !json.ends_with(b"[") {
                    json.push(b',');
                }
                let public = pair.material.public().get();
                json.extend_from_slice(public.as_bytes());
                keys.extend(Jwk::parse(public.as_bytes()));
            }
            if is_used {
                let period = named_key.rotation_period_seconds;
                shortest_period_seconds =
                    Some(shortest_period_seconds.map_or(period, |shortest| shortest.min(period)));
                changes.extend(named_key.changes(now));
                let expiries = (0..named_key.pairs().len()).filter_map(|i| named_key.expires_at(i));
                valid_until = expiries.filter(|at| *at > now).chain(valid_until).min();
            }
        }
        json.extend_from_slice(b"]}");
        changes.sort_unstable();
        let keys = keys.into_iter().collect();
        Self {
            json,
            keys,
            valid_until,
            changes,
            shortest_period_seconds,
        }
    }

    /// The document.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The keys, ready to verify with.
    #[must_use]
    pub const fn keys(&self) -> &JwkSet {
        &self.keys
    }

    /// Whether this is still the key set, if no record has changed.
    #[must_use]
    pub fn is_valid(&self, now: UnixSeconds) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }

    /// How long a cache should be allowed to keep the set from `now` on, if promises allow it.
    #[must_use]
    pub fn max_age_seconds(&self, now: UnixSeconds) -> u64 {
        let Some(shortest_period_seconds) = self.shortest_period_seconds else {
            return MAX_AGE_EMPTY_SECONDS;
        };
        let passed = self.changes.partition_point(|at| *at <= now);
        let to_change = self
            .changes
            .get(passed)
            .map_or(u64::MAX, |at| at.since(now));
        to_change
            .max(MAX_AGE_SECONDS_MIN)
            .min(shortest_period_seconds / PERIODS_PER_MAX_AGE)
            .min(MAX_AGE_SECONDS_MAX)
    }
}
