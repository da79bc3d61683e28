//! A server with one named key, and verifiers that fetch the key set only when `max-age` is over.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use vouchsafe_jose::{Algorithm, SigningKey};

use crate::issuer::{
    ChangeError, KeyMaterial, KeySet, NamedKey, Promise, Publication, Rotated, Spares, State,
    UnixSeconds,
};

/// How often the server looks for what is due.
const TICK_SECONDS: u64 = 60;

static KEYS: LazyLock<[SigningKey; 2]> = LazyLock::new(|| {
    [Algorithm::EdDsa, Algorithm::Es256].map(|a| SigningKey::generate(a).unwrap())
});

/// Spares of both algorithms that tests use. Only their ids differ: nothing here checks signatures.
pub(super) fn spares(next_id: &mut u64) -> Spares {
    let mut spares = Spares::default();
    for key in KEYS.iter().cycle().take(4) {
        *next_id += 1;
        spares.add(KeyMaterial::new(key, format!("key-{next_id}")).unwrap());
    }
    spares
}

/// A verifier's copy of the key set.
#[derive(Default)]
struct Cache {
    key_ids: HashSet<String>,
    until: UnixSeconds,
}

pub(super) struct World {
    pub(super) now: UnixSeconds,
    pub(super) key: NamedKey,
    pub(super) promise: Promise,
    pub(super) role_ttl_seconds: Option<u64>,
    pub(super) rotations: Vec<(String, UnixSeconds)>,
    next_id: u64,
    next_tick: UnixSeconds,
    caches: Vec<Cache>,
    /// By key id: when the last of its tokens expires.
    tokens: BTreeMap<String, UnixSeconds>,
    /// Keys that an operator was warned about: until when caches may not know them.
    unknown: HashMap<String, UnixSeconds>,
    /// Keys that an operator removed early.
    removed: HashSet<String>,
}

impl World {
    /// A key without roles. `verifiers` have fetched the empty key set, one second after the other.
    pub(super) fn new(period_seconds: u64, ttl_seconds: u64, verifiers: u64) -> Self {
        let now = UnixSeconds(1_767_225_600);
        let mut key = NamedKey::with_default_settings();
        key.algorithm = Algorithm::EdDsa;
        key.rotation_period_seconds = period_seconds;
        key.verification_ttl_seconds = ttl_seconds;
        let mut world = Self {
            now,
            key,
            promise: Promise::default(),
            role_ttl_seconds: None,
            rotations: Vec::new(),
            next_id: 0,
            next_tick: now,
            caches: Vec::new(),
            tokens: BTreeMap::new(),
            unknown: HashMap::new(),
            removed: HashSet::new(),
        };
        for _ in 0..verifiers {
            world.now = world.now.plus(1);
            world.caches.push(Cache::default());
            world.fetch_due();
        }
        let mut spares = spares(&mut world.next_id);
        world
            .key
            .ensure_pairs(world.now, None, &mut spares)
            .unwrap();
        world
    }

    pub(super) fn publication(&self) -> Option<Publication> {
        self.role_ttl_seconds
            .map(|_| self.promise.publication(self.now))
    }

    /// A change of the named key, as a transaction makes it: in full or not at all.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(
            &mut NamedKey,
            UnixSeconds,
            Option<Publication>,
            &mut Spares,
        ) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        let mut key = self.key.clone();
        let mut spares = spares(&mut self.next_id);
        let said = change(&mut key, self.now, self.publication(), &mut spares)?;
        self.key = key;
        self.promise = self.promise.with_changed_keys();
        Ok(said)
    }

    /// The first role of the key, or another TTL of it.
    pub(super) fn set_role(&mut self, ttl_seconds: u64) {
        assert!(ttl_seconds <= self.key.verification_ttl_seconds);
        let is_first = self.role_ttl_seconds.replace(ttl_seconds).is_none();
        if is_first {
            let unknown = self.change(|key, now, publication, spares| {
                let unknown = key.publish(now, publication.unwrap(), spares)?;
                Ok(unknown.map(|pair| (pair.key_id().to_owned(), pair.known_from())))
            });
            self.unknown.extend(unknown.unwrap());
        }
    }

    /// A forced rotation, with what the operator was warned about.
    pub(super) fn rotate(&mut self, keep_seconds: Option<u64>) -> Rotated {
        let old = self.active_id();
        let rotated = self
            .change(|key, now, publication, spares| {
                key.rotate(now, keep_seconds, publication, spares)
            })
            .unwrap();
        if let Some(until) = rotated.unknown_until {
            self.unknown.insert(rotated.key_id.clone(), until);
        }
        if keep_seconds.is_some() {
            self.removed.insert(old);
        }
        self.removed
            .extend(rotated.dropped.iter().map(|dropped| dropped.key_id.clone()));
        rotated
    }

    pub(super) fn active_id(&self) -> String {
        let mut states = self.key.states(self.now);
        let active = states.find(|(_, state)| *state == State::Active);
        active.unwrap().0.key_id().to_owned()
    }

    pub(super) fn count(&self, wanted: State) -> usize {
        self.key
            .states(self.now)
            .filter(|(_, state)| *state == wanted)
            .count()
    }

    /// The server is down: nobody ticks, issues or fetches.
    pub(super) fn down(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds);
    }

    /// The server works, a token is issued at every step, and every token is verified everywhere.
    pub(super) fn work(&mut self, seconds: u64, step_seconds: u64) {
        let end = self.now.plus(seconds);
        while self.now < end {
            self.now = self.now.plus(step_seconds).min(end);
            if self.now >= self.next_tick {
                self.next_tick = self.now.plus(TICK_SECONDS);
                self.tick();
            }
            self.issue();
            self.fetch_due();
            self.verify_all();
        }
    }

    pub(super) fn tick(&mut self) {
        if self.key.is_due(self.now) {
            self.change(NamedKey::advance).unwrap();
        }
    }

    fn issue(&mut self) {
        let Some(role_ttl_seconds) = self.role_ttl_seconds else {
            return;
        };
        let key_id = self.active_id();
        if self
            .rotations
            .last()
            .is_none_or(|(last, _)| *last != key_id)
        {
            self.rotations.push((key_id.clone(), self.now));
        }
        let ttl_seconds = role_ttl_seconds.min(self.key.verification_ttl_seconds);
        let expires_at = self.tokens.entry(key_id).or_default();
        *expires_at = self.now.plus(ttl_seconds).max(*expires_at);
    }

    /// Verifiers whose copy is out of date fetch another.
    fn fetch_due(&mut self) {
        if self.caches.iter().all(|cache| self.now < cache.until) {
            return;
        }
        let set = KeySet::render([&self.key], self.now);
        assert!(set.is_valid(self.now));
        for cache in self
            .caches
            .iter_mut()
            .filter(|cache| self.now >= cache.until)
        {
            let wanted = set.max_age_seconds(self.now);
            self.promise = self
                .promise
                .extended(self.now, wanted)
                .unwrap_or(self.promise);
            let max_age_seconds = wanted.min(self.promise.until.since(self.now));
            cache.until = self.now.plus(max_age_seconds);
            let ids = set.keys().keys().iter().filter_map(|jwk| jwk.key_id());
            cache.key_ids = ids.map(ToString::to_string).collect();
        }
    }

    fn verify_all(&mut self) {
        let now = self.now;
        self.tokens.retain(|_, expires_at| *expires_at > now);
        for (key_id, expires_at) in &self.tokens {
            let warned_until = self.unknown.get(key_id).copied().unwrap_or_default();
            if now < warned_until || self.removed.contains(key_id) {
                continue;
            }
            for cache in &self.caches {
                assert!(
                    cache.key_ids.contains(key_id),
                    "at {now} a verifier that may keep its key set until {} does not have {key_id}, \
                     whose tokens are valid until {expires_at}: {:#?}",
                    cache.until,
                    self.key,
                );
            }
        }
    }
}
