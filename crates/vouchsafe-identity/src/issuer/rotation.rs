//! How a named key changes: pairs are made, published, put to work and retired.
//!
//! Each function takes the time, what being published now means (`None` where no role uses the key)
//! and spare material, and changes the key in place. One that returns an error leaves the key half
//! changed: the caller throws it away, and reads it again if it tries again.

use std::fmt;

use vouchsafe_jose::Algorithm;

use super::{
    KeyPair, NamedKey, PAIRS_MAX, Publication, ROTATION_PERIOD_SECONDS_MIN, Spares, UnixSeconds,
};

/// Why a named key was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// Generate a pair of this algorithm and try again.
    SpareMissing(Algorithm),
    /// The next pair would sign before every cache has it.
    TooEarly {
        /// The rotation period that was asked for.
        rotation_period_seconds: u64,
        /// The next pair's id.
        key_id: String,
        /// When every cache has it.
        known_from: UnixSeconds,
        /// The shortest period that would do at this moment.
        shortest_seconds: u64,
    },
}

impl From<Algorithm> for ChangeError {
    fn from(missing: Algorithm) -> Self {
        Self::SpareMissing(missing)
    }
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpareMissing(algorithm) => write!(f, "a spare {algorithm} key is missing"),
            Self::TooEarly {
                rotation_period_seconds,
                key_id,
                known_from,
                shortest_seconds,
            } => {
                write!(
                    f,
                    "a rotation_period of {rotation_period_seconds} seconds would let the next key \
                     `{key_id}` sign while verifiers may still cache a key set without it (until \
                     {known_from}); use at least {shortest_seconds} seconds, or try again after \
                     that time, or rotate the key, which is always possible"
                )
            }
        }
    }
}

impl std::error::Error for ChangeError {}

/// What a forced rotation did, as far as somebody should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The pair that signs now.
    pub key_id: String,
    /// When every cache has it, if that is later than now.
    pub unknown_until: Option<UnixSeconds>,
    /// When the pair that signed before leaves the key set.
    pub old_expires_at: UnixSeconds,
    /// Pairs that had to leave early.
    pub dropped: Vec<Dropped>,
}

/// What a change of algorithm did, as far as somebody should be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlgorithmChanged {
    /// When the first pair of the new algorithm signs, if that is later than now.
    pub signs_from: Option<UnixSeconds>,
    /// Pairs that had to leave early.
    pub dropped: Vec<Dropped>,
}

/// A pair that left the key set early because there are at most [`PAIRS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The `kid`.
    pub key_id: String,
    /// When it would have left.
    pub expires_at: UnixSeconds,
}

impl NamedKey {
    /// Makes the first two pairs, if there are none: one that signs, one that comes next.
    ///
    /// # Errors
    /// [`ChangeError::SpareMissing`].
    pub fn ensure_pairs(
        &mut self,
        now: UnixSeconds,
        publication: Option<Publication>,
        spares: &mut Spares,
    ) -> Result<(), ChangeError> {
        if !self.pairs.is_empty() {
            return Ok(());
        }
        self.pairs
            .push(KeyPair::new(spares.take(self.algorithm)?, publication, now));
        self.append(now.plus(self.rotation_period_seconds), publication, spares)
    }

    /// Appends a pair that signs from `scheduled` on, or from when every cache has it.
    fn append(
        &mut self,
        scheduled: UnixSeconds,
        publication: Option<Publication>,
        spares: &mut Spares,
    ) -> Result<(), ChangeError> {
        let mut pair = KeyPair::new(spares.take(self.algorithm)?, publication, scheduled);
        pair.active_from = scheduled.max(pair.known_from());
        self.pairs.push(pair);
        Ok(())
    }

    /// Publishes all pairs: a first role uses the key. Returns the pair that signs before every
    /// cache has it, if that is so: a first token can't wait.
    ///
    /// # Errors
    /// [`ChangeError::SpareMissing`].
    pub fn publish(
        &mut self,
        now: UnixSeconds,
        publication: Publication,
        spares: &mut Spares,
    ) -> Result<Option<&KeyPair>, ChangeError> {
        self.ensure_pairs(now, Some(publication), spares)?;
        self.settle(now);
        for pair in &mut self.pairs {
            pair.published = Some(publication);
        }
        let first_pending = self.active(now).map_or(0, |active| active + 1);
        for pair in &mut self.pairs[first_pending..] {
            pair.active_from = pair.active_from.max(publication.known_from);
        }
        let active = self.active(now).and_then(|active| self.pairs.get(active));
        Ok(active.filter(|pair| pair.known_from() > now))
    }

    /// Takes all pairs out of the key set: no role uses the key any more.
    pub fn unpublish(&mut self) {
        for pair in &mut self.pairs {
            pair.published = None;
        }
    }

    /// Fixes when the pairs that have retired leave, and drops those that have left.
    fn settle(&mut self, now: UnixSeconds) {
        let Some(active) = self.active(now) else {
            return;
        };
        for index in 0..active {
            self.pairs[index].expires_at = self.expires_at(index);
        }
        let mut index = 0;
        self.pairs.retain(|pair| {
            let is_gone = index < active && pair.expires_at.is_some_and(|at| at <= now);
            index += 1;
            !is_gone
        });
    }

    /// Does what is due: drops pairs that have left, and appends the next pair.
    ///
    /// A rotation that was missed happens once: the pair that was due signs already, and its
    /// successor gets a whole period of notice. With [`PAIRS_MAX`] pairs none is appended, and the
    /// active pair goes on.
    ///
    /// # Errors
    /// [`ChangeError::SpareMissing`].
    pub fn advance(
        &mut self,
        now: UnixSeconds,
        publication: Option<Publication>,
        spares: &mut Spares,
    ) -> Result<(), ChangeError> {
        self.settle(now);
        let Some(active) = self.active(now) else {
            return Ok(());
        };
        if active + 1 < self.pairs.len() || self.pairs.len() >= PAIRS_MAX {
            return Ok(());
        }
        let period = self.rotation_period_seconds;
        let on_schedule = self.pairs[active].active_from.plus(period);
        let scheduled = if on_schedule > now {
            on_schedule
        } else {
            now.plus(period)
        };
        self.append(scheduled, publication, spares)
    }

    /// Lets the next pair sign at once, whether caches have it or not.
    ///
    /// The old pair stays for the verification TTL, or for `keep_seconds` if they are given, however
    /// long its tokens live.
    ///
    /// # Errors
    /// [`ChangeError::SpareMissing`].
    pub fn rotate(
        &mut self,
        now: UnixSeconds,
        keep_seconds: Option<u64>,
        publication: Option<Publication>,
        spares: &mut Spares,
    ) -> Result<Rotated, ChangeError> {
        self.ensure_pairs(now, publication, spares)?;
        self.advance(now, publication, spares)?;
        let old = self.active(now).unwrap_or(0);
        if self.pairs.len() == old + 1 {
            self.append(now, publication, spares)?;
        }
        let started = now.max(self.pairs[old].active_from);
        let next = &mut self.pairs[old + 1];
        next.active_from = started;
        let key_id = next.key_id().to_owned();
        let unknown_until = Some(next.known_from()).filter(|known_from| *known_from > now);
        let old_expires_at = match keep_seconds {
            Some(seconds) => now.plus(seconds),
            None => self.expires_at(old).unwrap_or(now),
        };
        self.pairs[old].expires_at = Some(old_expires_at);
        for pair in &mut self.pairs[old + 2..] {
            let notice = now.plus(self.rotation_period_seconds);
            pair.active_from = pair.active_from.max(notice).max(pair.known_from());
        }
        self.settle(now);
        let dropped = self.make_room(now);
        self.advance(now, publication, spares)?;
        Ok(Rotated {
            key_id,
            unknown_until,
            old_expires_at,
            dropped,
        })
    }

    /// Drops the retiring pairs that would leave first, until there is room for one more pair.
    fn make_room(&mut self, now: UnixSeconds) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        while self.pairs.len() >= PAIRS_MAX {
            let retiring = self.active(now).unwrap_or(0);
            let first = (0..retiring)
                .filter_map(|index| Some((index, self.expires_at(index)?)))
                .min_by_key(|(_, expires_at)| *expires_at);
            let Some((index, expires_at)) = first else {
                break;
            };
            let key_id = self.pairs.remove(index).key_id().to_owned();
            dropped.push(Dropped { key_id, expires_at });
        }
        dropped
    }

    /// Changes the algorithm: new pairs, of which the first signs as soon as every cache has it. The
    /// next pair of the old algorithm, which never signed, is dropped.
    ///
    /// # Errors
    /// [`ChangeError::SpareMissing`].
    pub fn set_algorithm(
        &mut self,
        now: UnixSeconds,
        algorithm: Algorithm,
        publication: Option<Publication>,
        spares: &mut Spares,
    ) -> Result<AlgorithmChanged, ChangeError> {
        if algorithm == self.algorithm {
            return Ok(AlgorithmChanged::default());
        }
        self.algorithm = algorithm;
        let Some(active) = self.active(now) else {
            return Ok(AlgorithmChanged::default());
        };
        self.pairs.truncate(active + 1);
        self.settle(now);
        let mut dropped = self.make_room(now);
        self.append(now, publication, spares)?;
        dropped.extend(self.make_room(now));
        let first_from = self.pairs.last().map_or(now, |pair| pair.active_from);
        let next_from = first_from.plus(self.rotation_period_seconds);
        self.append(next_from, publication, spares)?;
        let signs_from = Some(first_from).filter(|from| *from > now);
        Ok(AlgorithmChanged {
            signs_from,
            dropped,
        })
    }

    /// Changes rotation period and verification TTL. The next rotation never moves to later.
    ///
    /// A pair that may have signed tokens under a longer verification TTL stays for that.
    ///
    /// # Errors
    /// [`ChangeError::TooEarly`].
    pub fn set_periods(
        &mut self,
        now: UnixSeconds,
        rotation_period_seconds: u64,
        verification_ttl_seconds: u64,
    ) -> Result<(), ChangeError> {
        self.settle(now);
        let old_ttl_seconds = self.verification_ttl_seconds;
        self.rotation_period_seconds = rotation_period_seconds;
        self.verification_ttl_seconds = verification_ttl_seconds;
        let Some(active) = self.active(now) else {
            return Ok(());
        };
        if verification_ttl_seconds < old_ttl_seconds {
            let pair = &mut self.pairs[active];
            pair.needed_until = pair.needed_until.max(Some(now.plus(old_ttl_seconds)));
        }
        let mut latest = now;
        for pair in &mut self.pairs[active + 1..] {
            latest = latest.plus(rotation_period_seconds);
            if latest < pair.active_from {
                pair.active_from = latest;
            }
            latest = pair.active_from;
            if pair.active_from < pair.known_from() {
                let known_from = pair.known_from();
                return Err(ChangeError::TooEarly {
                    rotation_period_seconds,
                    key_id: pair.key_id().to_owned(),
                    known_from,
                    shortest_seconds: known_from.since(now).max(ROTATION_PERIOD_SECONDS_MIN),
                });
            }
        }
        Ok(())
    }
}
