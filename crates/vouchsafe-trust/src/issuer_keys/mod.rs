//! The keys of one issuer: fetched, kept, fetched again, and used to verify.
//!
//! One fetch at a time: who finds the keys in need of one either makes it or waits for who does.
//! Each pause is stamped before its request is sent, so that to break off a request gains nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use vouchsafe_jose::{AlgorithmSet, Jwk, JwkSet, JwsError, UnverifiedJwt, VerifiedJwt};
use vouchsafe_logical::{Clock, Fetch, Timestamp};

use crate::discovery::ProviderMetadata;
use crate::refusal::Refusal;
use crate::schedule::{self, Freshness, KeyRules, Life, RETRY_AFTER_FAILURE};
use crate::source::{Endpoint, FetchRules, KeySource};
use crate::together::together;

mod retrieve;

/// Gives every key set of the process a number of its own, so that what was proved with one is not
/// taken for proved with another, of another issuer or configuration.
static GENERATIONS: AtomicU64 = AtomicU64::new(1);

/// The keys of one issuer, and what they verify.
pub struct IssuerKeys {
    source: KeySource,
    fetch_rules: FetchRules,
    key_rules: KeyRules,
    current: ArcSwapOption<Snapshot>,
    /// Held by who fetches.
    flight: tokio::sync::Mutex<()>,
    pauses: Mutex<Pauses>,
    /// Whether the keys were used since they were fetched: idle ones are not kept fresh.
    used: AtomicBool,
}

/// Since when no request is sent, and why.
#[derive(Default)]
struct Pauses {
    /// A token caused a fetch.
    forced_at: Option<Timestamp>,
    /// A fetch was begun and has not succeeded since.
    tried_at: Option<Timestamp>,
    failure: Option<Refusal>,
}

/// What is known of an issuer at one time. Replaced as a whole.
struct Snapshot {
    generation: u64,
    /// The keys of all endpoints together.
    keys: JwkSet,
    metadata: Option<Document<ProviderMetadata>>,
    /// By endpoint; `None` where one has not been reached yet.
    sets: Vec<Option<Document<JwkSet>>>,
}

/// A document with its life.
#[derive(Clone)]
struct Document<T> {
    content: Arc<T>,
    life: Life,
}

impl<T> Document<T> {
    fn is_alive(&self, now: Timestamp) -> bool {
        self.life.freshness(now) < Freshness::Dead
    }
}

impl Snapshot {
    fn freshness(&self, now: Timestamp) -> Freshness {
        let of_set = |set: &Option<Document<JwkSet>>| {
            set.as_ref()
                .map_or(Freshness::Stale, |set| set.life.freshness(now))
        };
        // Keys of the configuration have no sets and no age.
        self.sets
            .iter()
            .map(of_set)
            .max()
            .unwrap_or(Freshness::Fresh)
    }
}

/// How the keys of an issuer are, for whoever looks after the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// How many keys can be used.
    pub keys: usize,
    /// See [`IssuerKeys::generation`].
    pub generation: u64,
    /// When the oldest of them were fetched; `None` for keys of the configuration.
    pub fetched_at: Option<Timestamp>,
    /// Why the latest fetch failed, if it did.
    pub failure: Option<String>,
}

/// Why keys are fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// There are none, or they are old.
    Age,
    /// A token was not verified by those that are there.
    Token,
}

impl IssuerKeys {
    /// Keys that nobody has fetched yet, under the default rules of caching.
    #[must_use]
    pub fn new(source: KeySource, fetch_rules: FetchRules) -> Self {
        Self::with_rules(source, fetch_rules, KeyRules::default())
    }

    /// Keys that nobody has fetched yet.
    #[must_use]
    pub fn with_rules(source: KeySource, fetch_rules: FetchRules, key_rules: KeyRules) -> Self {
        let fixed = match &source {
            KeySource::Fixed(keys) => Some(Arc::new(Snapshot {
                generation: GENERATIONS.fetch_add(1, Ordering::Relaxed),
                keys: keys.clone(),
                metadata: None,
                sets: Vec::new(),
            })),
            KeySource::Jwks(_) | KeySource::Discovery(_) => None,
        };
        Self {
            source,
            fetch_rules,
            key_rules,
            current: ArcSwapOption::new(fixed),
            flight: tokio::sync::Mutex::new(()),
            pauses: Mutex::default(),
            used: AtomicBool::new(false),
        }
    }

    /// Verifies who signed a token. Fetches keys where there are none or they are old, and once
    /// more where the token names a key that is not there, or its signature is not by the key that
    /// it names; see [`KeyRules::cool_down`].
    ///
    /// # Errors
    /// Why the token is not verified, or why there are no keys.
    pub async fn verify(
        &self,
        token: UnverifiedJwt<'_>,
        allowed: AlgorithmSet,
        fetch: &dyn Fetch,
        clock: &dyn Clock,
    ) -> Result<VerifiedJwt, Refusal> {
        let verified = self.verify_noting(token, allowed, fetch, clock).await;
        verified.map(|(token, _)| token)
    }

    /// The same, with the [`Self::generation`] of the keys that verified it: what is remembered of a
    /// token holds as long as that is the generation of the keys. To ask for it before or after could
    /// be to ask for that of others.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub async fn verify_noting(
        &self,
        token: UnverifiedJwt<'_>,
        allowed: AlgorithmSet,
        fetch: &dyn Fetch,
        clock: &dyn Clock,
    ) -> Result<(VerifiedJwt, u64), Refusal> {
        // Nobody is asked about a token that would be refused whatever the answer.
        if !allowed.contains(token.algorithm()) {
            let found = token.algorithm();
            return Err(JwsError::AlgorithmNotAllowed { found, allowed }.into());
        }
        let snapshot = self.usable(fetch, clock).await?;
        let (token, error) = match token.try_verify(&snapshot.keys, allowed) {
            Ok(verified) => return Ok((verified, snapshot.generation)),
            Err(refused) => refused,
        };
        if !newer_keys_may_verify(&error) {
            return Err(error.into());
        }
        match self.newer_than(&snapshot, fetch, clock).await {
            Some(newer) => Ok((token.verify(&newer.keys, allowed)?, newer.generation)),
            None => Err(error.into()),
        }
    }

    /// Fetches the keys unless they are there and fresh, as a configuration is checked.
    ///
    /// # Errors
    /// They can't be fetched; the text names the host and the fault.
    pub async fn load(&self, fetch: &dyn Fetch, clock: &dyn Clock) -> Result<(), Refusal> {
        self.usable(fetch, clock).await.map(|_| ())
    }

    /// Says that the keys are in use, where what they verified is remembered and they are not asked
    /// again: else [`Self::refresh_if_due`] would take them for idle, and their rotation would not be
    /// noticed.
    pub fn note_use(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Fetches keys that are in use and will soon be old. To be called now and then.
    ///
    /// # Errors
    /// A fetch was due and failed. The keys that are there stay in use.
    pub async fn refresh_if_due(
        &self,
        fetch: &dyn Fetch,
        clock: &dyn Clock,
    ) -> Result<(), Refusal> {
        let Some(snapshot) = self.current.load_full() else {
            return Ok(());
        };
        let is_due = snapshot.freshness(clock.now()) > Freshness::Fresh;
        if !is_due || !self.used.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Ok(_flight) = self.flight.try_lock() else {
            return Ok(());
        };
        self.renew(Cause::Age, fetch, clock).await
    }

    /// A number that is another one whenever the keys are others, and that no other [`IssuerKeys`]
    /// of this process has; 0 while there are none.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.current
            .load()
            .as_ref()
            .map_or(0, |snapshot| snapshot.generation)
    }

    /// The discovery document, where there is one and it was fetched.
    #[must_use]
    pub fn metadata(&self) -> Option<Arc<ProviderMetadata>> {
        let current = self.current.load();
        let metadata = current.as_ref()?.metadata.as_ref()?;
        Some(Arc::clone(&metadata.content))
    }

    /// How the keys are.
    #[must_use]
    pub fn state(&self) -> KeyState {
        let current = self.current.load();
        let snapshot = current.as_ref();
        let fetched = snapshot.into_iter().flat_map(|snapshot| &snapshot.sets);
        KeyState {
            keys: snapshot.map_or(0, |snapshot| snapshot.keys.keys().len()),
            generation: snapshot.map_or(0, |snapshot| snapshot.generation),
            fetched_at: fetched.flatten().map(|set| set.life.fetched_at()).min(),
            failure: self.pauses().failure.as_ref().map(Refusal::to_string),
        }
    }

    /// Keys that may be used now.
    async fn usable(&self, fetch: &dyn Fetch, clock: &dyn Clock) -> Result<Arc<Snapshot>, Refusal> {
        self.note_use();
        let current = self.current.load_full();
        let freshness = current
            .as_ref()
            .map_or(Freshness::Dead, |snapshot| snapshot.freshness(clock.now()));
        let flight = match (current, freshness) {
            (Some(snapshot), Freshness::Fresh | Freshness::Due) => return Ok(snapshot),
            // Somebody is fetching; until then the keys that are there will do.
            (Some(snapshot), Freshness::Stale) => match self.flight.try_lock() {
                Ok(flight) => flight,
                Err(_) => return Ok(snapshot),
            },
            _ => self.flight.lock().await,
        };
        let outcome = self.renew(Cause::Age, fetch, clock).await;
        drop(flight);
        match (self.current.load_full(), outcome) {
            (Some(snapshot), _) => Ok(snapshot),
            (None, Err(refusal)) => Err(refusal),
            (None, Ok(())) => Err(Refusal::keys("keys_unavailable", "the issuer has no keys")),
        }
    }

    /// Keys that were fetched after `seen`, because of a token that `seen` did not verify.
    async fn newer_than(
        &self,
        seen: &Arc<Snapshot>,
        fetch: &dyn Fetch,
        clock: &dyn Clock,
    ) -> Option<Arc<Snapshot>> {
        if matches!(self.source, KeySource::Fixed(_)) {
            return None;
        }
        let _flight = self.flight.lock().await;
        let others = |current: &Arc<Snapshot>| current.generation != seen.generation;
        if let Some(newer) = self.current.load_full().filter(others) {
            return Some(newer);
        }
        // A failure leaves the old keys in use, and the token refused for what they said.
        let _ = self.renew(Cause::Token, fetch, clock).await;
        self.current.load_full().filter(others)
    }

    /// Fetches what there is to fetch, unless a pause forbids it, and replaces what is known. To be
    /// called by who holds the flight.
    async fn renew(
        &self,
        cause: Cause,
        fetch: &dyn Fetch,
        clock: &dyn Clock,
    ) -> Result<(), Refusal> {
        let now = clock.now();
        let previous = self.current.load_full();
        let is_fresh = |snapshot: &Arc<Snapshot>| snapshot.freshness(now) == Freshness::Fresh;
        if cause == Cause::Age && previous.as_ref().is_some_and(is_fresh) {
            return Ok(());
        }
        if !self.begin(cause, now) {
            // What has died meanwhile is dropped all the same.
            self.replace(previous.as_deref(), None, Vec::new(), now);
            return Err(self.latest_failure());
        }
        let (metadata, sets) = self.retrieve(previous.as_deref(), cause, fetch, now).await;
        let failure = metadata
            .as_ref()
            .and_then(|metadata| metadata.as_ref().err())
            .or_else(|| sets.iter().find_map(|set| set.as_ref().err()))
            .cloned();
        let metadata = metadata.and_then(Result::ok);
        let sets = sets.into_iter().map(Result::ok).collect();
        self.replace(previous.as_deref(), metadata, sets, now);
        let mut pauses = self.pauses();
        pauses.failure.clone_from(&failure);
        match failure {
            Some(failure) => Err(failure),
            None => {
                pauses.tried_at = None;
                self.used.store(cause == Cause::Token, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Whether a fetch may be begun; then it counts as begun.
    fn begin(&self, cause: Cause, now: Timestamp) -> bool {
        let mut pauses = self.pauses();
        let tried = schedule::is_over(pauses.tried_at, RETRY_AFTER_FAILURE, now);
        let forced = schedule::is_over(pauses.forced_at, self.key_rules.cool_down, now);
        if !tried || (cause == Cause::Token && !forced) {
            return false;
        }
        pauses.tried_at = Some(now);
        if cause == Cause::Token {
            pauses.forced_at = Some(now);
        }
        true
    }

    /// Puts what was fetched in the place of what was known; what was not fetched lives on.
    fn replace(
        &self,
        previous: Option<&Snapshot>,
        metadata: Option<Document<ProviderMetadata>>,
        sets: Vec<Option<Document<JwkSet>>>,
        now: Timestamp,
    ) {
        let known = |place: usize| {
            let set = previous?.sets.get(place)?.clone();
            set.filter(|set| set.is_alive(now))
        };
        let places = sets.len().max(previous.map_or(0, |known| known.sets.len()));
        let mut fetched = sets.into_iter();
        let sets: Vec<_> = (0..places)
            .map(|place| fetched.next().flatten().or_else(|| known(place)))
            .collect();
        if sets.iter().all(Option::is_none) {
            self.current.store(None);
            return;
        }
        let alive = sets.iter().flatten();
        let keys: JwkSet = alive
            .flat_map(|set| set.content.keys().iter().cloned())
            .collect::<Vec<Jwk>>()
            .into_iter()
            .collect();
        let generation = match previous {
            Some(previous) if previous.keys == keys => previous.generation,
            _ => GENERATIONS.fetch_add(1, Ordering::Relaxed),
        };
        let metadata = metadata.or_else(|| previous?.metadata.clone());
        self.current.store(Some(Arc::new(Snapshot {
            generation,
            keys,
            metadata: metadata.filter(|metadata| metadata.is_alive(now)),
            sets,
        })));
    }

    fn latest_failure(&self) -> Refusal {
        self.pauses().failure.clone().unwrap_or_else(|| {
            Refusal::keys(
                "keys_unavailable",
                "the keys of the issuer were just asked for; try again later",
            )
        })
    }

    fn pauses(&self) -> MutexGuard<'_, Pauses> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuerKeys")
            .field("source", &self.source)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Whether a token that was refused so may have been signed by a key that is not known yet.
const fn newer_keys_may_verify(error: &JwsError) -> bool {
    matches!(
        error,
        JwsError::KeyNotFound { .. }
            | JwsError::KeyAlgorithmMismatch { .. }
            | JwsError::SignatureMismatch
    )
}
