//! A named key: its settings, its pairs in order, and what follows from both at a given time.

use serde::{Deserialize, Serialize};
use vouchsafe_jose::Algorithm;

use super::{KeyPair, UnixSeconds};

/// The algorithms that a named key can have, in the order of the discovery document.
pub const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
];
/// The shortest rotation period.
pub const ROTATION_PERIOD_SECONDS_MIN: u64 = 60;
/// The longest verification TTL, in rotation periods.
pub const VERIFICATION_PERIODS_MAX: u64 = 10;
/// The most pairs of one named key. Rotation alone leaves at most [`VERIFICATION_PERIODS_MAX`] and
/// three; the rest is room for forced rotations and for settings that were shortened.
pub const PAIRS_MAX: usize = 32;

/// A named key as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedKey {
    /// What new pairs sign with.
    pub algorithm: Algorithm,
    /// How long a pair signs.
    pub rotation_period_seconds: u64,
    /// How long a pair stays published after it has signed its last token, and so the longest that
    /// a token can live.
    pub verification_ttl_seconds: u64,
    /// Which roles' client ids tokens are issued for; `*` is all of them.
    pub allowed_client_ids: Vec<String>,
    /// In the order of `active_from`. Empty until the key is used.
    pub(super) pairs: Vec<KeyPair>,
}

/// What a pair is for at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Published, will sign.
    Pending,
    /// Signs.
    Active,
    /// Signs no more; its tokens still verify.
    Retiring,
    /// Is no longer published.
    Gone,
}

impl State {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
}

impl NamedKey {
    /// The settings of the key that always exists, called `default`, before anybody used it.
    #[must_use]
    pub fn default_key() -> Self {
        Self {
            allowed_client_ids: vec!["*".to_owned()],
            ..Self::with_default_settings()
        }
    }

    /// A key without pairs, with Vault's defaults: RS256, a day and a day, nobody allowed.
    #[must_use]
    pub const fn with_default_settings() -> Self {
        const DAY_SECONDS: u64 = 86_400;
        Self {
            algorithm: Algorithm::Rs256,
            rotation_period_seconds: DAY_SECONDS,
            verification_ttl_seconds: DAY_SECONDS,
            allowed_client_ids: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// The pairs in the order in which they sign.
    #[must_use]
    pub fn pairs(&self) -> &[KeyPair] {
        &self.pairs
    }

    /// Whether tokens may be issued for a client id.
    #[must_use]
    pub fn allows(&self, client_id: &str) -> bool {
        self.allowed_client_ids
            .iter()
            .any(|allowed| allowed == "*" || allowed == client_id)
    }

    /// The pair that signs at `now`, by its place in [`Self::pairs`].
    ///
    /// Before the first pair's time (a clock that stepped back) it is the first pair.
    #[must_use]
    pub fn active(&self, now: UnixSeconds) -> Option<usize> {
        let started = self.pairs.iter().rposition(|pair| pair.active_from <= now);
        started.or_else(|| (!self.pairs.is_empty()).then_some(0))
    }

    /// When the pair leaves the key set, where that is known: it has a successor.
    #[must_use]
    pub fn expires_at(&self, index: usize) -> Option<UnixSeconds> {
        let pair = self.pairs.get(index)?;
        pair.expires_at.or_else(|| {
            let successor = self.pairs.get(index + 1)?;
            let last_token_expires = successor.active_from.plus(self.verification_ttl_seconds);
            Some(last_token_expires.max(pair.needed_until.unwrap_or_default()))
        })
    }

    /// The pairs with what they are for at `now`.
    pub fn states(&self, now: UnixSeconds) -> impl Iterator<Item = (&KeyPair, State)> {
        let active = self.active(now).unwrap_or(0);
        self.pairs.iter().enumerate().map(move |(index, pair)| {
            let state = match index.cmp(&active) {
                std::cmp::Ordering::Greater => State::Pending,
                std::cmp::Ordering::Equal => State::Active,
                std::cmp::Ordering::Less if self.expires_at(index).is_some_and(|at| at > now) => {
                    State::Retiring
                }
                std::cmp::Ordering::Less => State::Gone,
            };
            (pair, state)
        })
    }

    /// The pairs that are in the key set at `now`.
    pub fn published(&self, now: UnixSeconds) -> impl Iterator<Item = &KeyPair> {
        self.states(now)
            .filter(|(pair, state)| *state != State::Gone && pair.published.is_some())
            .map(|(pair, _)| pair)
    }

    /// Whether something should be written: the next pair is missing, or a pair is gone.
    #[must_use]
    pub fn is_due(&self, now: UnixSeconds) -> bool {
        let Some(active) = self.active(now) else {
            return false;
        };
        let next_is_missing = active + 1 == self.pairs.len() && self.pairs.len() < PAIRS_MAX;
        next_is_missing || self.states(now).any(|(_, state)| state == State::Gone)
    }

    /// Times after `now` at which the key set changes or a new pair is about to be published.
    pub(super) fn changes(&self, now: UnixSeconds) -> impl Iterator<Item = UnixSeconds> {
        let expiries = (0..self.pairs.len()).filter_map(|index| self.expires_at(index));
        let activations = self.pairs.iter().map(|pair| pair.active_from);
        expiries.chain(activations).filter(move |at| *at > now)
    }
}
