//! What is published for everybody: documents that stay served whatever becomes of the rest.
//!
//! [`Publications`] holds the provider metadata and the key set of each public issuer as bytes. It
//! lies outside the sealed state: made by the composition root, filled by the engine that owns the
//! documents, read by the HTTP edge. A look-up takes no lock and reads no storage, and costs the same
//! for one issuer as for ten thousand. Nothing in here is secret.
//!
//! An issuer is found by its [`Site`]: the host in lower case without port, and the path without a
//! slash at its end. Scheme and port are not looked at, since a proxy in front may have others.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;

/// Below an issuer's path: its metadata (OpenID Connect Discovery 1.0 §4).
pub const PROVIDER_METADATA_PATH: &str = "/.well-known/openid-configuration";
/// Below an issuer's path: its key set. The metadata says so (`jwks_uri`).
pub const KEY_SET_PATH: &str = "/.well-known/jwks.json";

/// Parts of the map that are replaced one by one: a write copies one part of this many.
const SHARDS: usize = 256;

/// Where an issuer's documents are: host and path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site(String);

impl Site {
    /// The site of a host (with or without port) and a path that is empty or begins with a slash.
    #[must_use]
    pub fn new(host: &str, path: &str) -> Self {
        let host = without_port(host);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut text = String::with_capacity(host.len() + path.len());
        // A host has no slash, so host and path can't be confused.
        text.extend(host.chars().map(|c| c.to_ascii_lowercase()));
        text.push_str(path);
        Self(text)
    }

    /// Host and path, joined.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `host:port` without the port, and without the dot that ends a full domain name.
fn without_port(host: &str) -> &str {
    let host = match host.rfind(':') {
        // The colons of an IPv6 address are in brackets.
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        Some(_) | None => host,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// A document as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The bytes.
    pub body: Bytes,
    /// A strong entity tag with its quotes.
    pub etag: Bytes,
}

/// For how long caches may keep what they are sent.
#[derive(Clone, Debug)]
pub enum CacheAge {
    /// `Cache-Control` as it is sent.
    Fixed(Bytes),
    /// This long at most, and never beyond a time (Unix seconds) that somebody moves on.
    Until {
        /// The longest age, in seconds.
        longest_seconds: u64,
        /// The time.
        until: Arc<AtomicU64>,
    },
}

/// The two documents of an issuer, which are replaced together.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The provider metadata.
    pub provider_metadata: Document,
    /// How long caches may keep it.
    pub provider_metadata_age: CacheAge,
    /// The keys.
    pub keys: Keys,
    /// How long caches may keep them.
    pub keys_age: CacheAge,
}

/// The key set of an issuer.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Bytes that were published.
    Published(Document),
    /// Those of an issuer of this server, whatever they are now.
    Own(Arc<OwnIssuer>),
}

/// An issuer of this server whose key set can be published elsewhere. The engine that signs keeps
/// it current, in the write that changes the keys.
#[derive(Debug, Default)]
pub struct OwnIssuer {
    key_set: ArcSwapOption<Document>,
    /// What tokens have in `iss`.
    name: ArcSwap<String>,
    /// How long publications want caches to keep the key set, in seconds; 0 where there are none.
    wanted_seconds: AtomicU64,
    /// Until when caches may keep the key set, in Unix seconds.
    promised_until: Arc<AtomicU64>,
}

impl OwnIssuer {
    /// The key set as it is now; `None` before the engine has said.
    #[must_use]
    pub fn key_set(&self) -> Option<Arc<Document>> {
        self.key_set.load_full()
    }

    /// What tokens have in `iss`; empty before the engine has said.
    #[must_use]
    pub fn name(&self) -> Arc<String> {
        self.name.load_full()
    }

    /// Until when caches may keep the key set, moved on by the engine.
    #[must_use]
    pub fn promised_until(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.promised_until)
    }

    /// Publications want caches to keep the key set for so many seconds.
    pub fn want(&self, seconds: u64) {
        self.wanted_seconds.fetch_max(seconds, Ordering::Relaxed);
    }

    /// For how many seconds publications want caches to keep the key set; 0 where there are none.
    #[must_use]
    pub fn wanted_seconds(&self) -> u64 {
        self.wanted_seconds.load(Ordering::Relaxed)
    }

    /// The issuer's name, key set and promise, as of now.
    pub fn offer(&self, name: &str, key_set: Document, promised_until: u64) {
        // The promise first: a key set must not be sent under a promise that was made for another.
        self.promised_until.store(promised_until, Ordering::Release);
        self.key_set.store(Some(Arc::new(key_set)));
        if **self.name.load() != name {
            self.name.store(Arc::new(name.to_owned()));
        }
    }
}

/// What a request found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is sent.
    pub document: Document,
    /// How long caches may keep it.
    pub age: CacheAge,
}

type Shard = HashMap<Site, Arc<Issuer>>;

/// All public issuers of a server.
pub struct Publications {
    shards: Box<[ArcSwap<Shard>]>,
    hasher: RandomState,
    own: Arc<OwnIssuer>,
}

impl Default for Publications {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            hasher: RandomState::new(),
            own: Arc::default(),
        }
    }
}

impl fmt::Debug for Publications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publications")
            .field("issuers", &self.len())
            .finish_non_exhaustive()
    }
}

impl Publications {
    /// The document at `path` of `host` (with or without port), if there is one.
    #[must_use]
    pub fn find(&self, host: &str, path: &str) -> Option<Found> {
        let (below, wants_keys) = match path.strip_suffix(KEY_SET_PATH) {
            Some(below) => (below, true),
            None => (path.strip_suffix(PROVIDER_METADATA_PATH)?, false),
        };
        // `//.well-known` is not another spelling of `/.well-known`.
        if below.ends_with('/') {
            return None;
        }
        let site = Site::new(host, below);
        let shard = self.shard(&site).load();
        let issuer = shard.get(&site)?;
        if !wants_keys {
            return Some(Found {
                document: issuer.provider_metadata.clone(),
                age: issuer.provider_metadata_age.clone(),
            });
        }
        let document = match &issuer.keys {
            Keys::Published(document) => document.clone(),
            Keys::Own(own) => Document::clone(&*own.key_set()?),
        };
        Some(Found {
            document,
            age: issuer.keys_age.clone(),
        })
    }

    /// Publishes an issuer's documents in place of those that it had.
    pub fn publish(&self, site: &Site, issuer: Issuer) {
        let issuer = Arc::new(issuer);
        self.shard(site).rcu(|shard| {
            let mut shard = Shard::clone(shard);
            shard.insert(site.clone(), Arc::clone(&issuer));
            shard
        });
    }

    /// Publishes nothing at a site from now on.
    pub fn withdraw(&self, site: &Site) {
        self.shard(site).rcu(|shard| {
            let mut shard = Shard::clone(shard);
            shard.remove(site);
            shard
        });
    }

    /// Publishes nothing at all other sites from now on.
    pub fn withdraw_others(&self, stay: &HashSet<Site>) {
        for shard in &self.shards {
            shard.rcu(|shard| {
                let mut shard = Shard::clone(shard);
                shard.retain(|site, _| stay.contains(site));
                shard
            });
        }
    }

    /// How many issuers are published.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    /// Whether nothing is published.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The issuer of identity tokens of this server.
    #[must_use]
    pub const fn own(&self) -> &Arc<OwnIssuer> {
        &self.own
    }

    fn shard(&self, site: &Site) -> &ArcSwap<Shard> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let hash = self.hasher.hash_one(site) as usize;
        &self.shards[hash % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document {
            body: Bytes::copy_from_slice(text.as_bytes()),
            etag: Bytes::from(format!("\"{text}\"")),
        }
    }

    fn issuer(name: &str) -> Issuer {
        let age = || CacheAge::Fixed(Bytes::from_static(b"public, max-age=60"));
        Issuer {
            provider_metadata: document(&format!("{name} metadata")),
            provider_metadata_age: age(),
            keys: Keys::Published(document(&format!("{name} keys"))),
            keys_age: age(),
        }
    }

    fn body(publications: &Publications, host: &str, path: &str) -> Option<String> {
        let found = publications.find(host, path)?;
        Some(String::from_utf8(found.document.body.to_vec()).unwrap())
    }

    #[test]
    fn documents_are_found_by_host_and_path_and_by_nothing_else() {
        let publications = Publications::default();
        publications.publish(&Site::new("a.example", ""), issuer("root"));
        publications.publish(&Site::new("a.example", "/t/one"), issuer("one"));
        publications.publish(&Site::new("[::1]", "/six"), issuer("six"));
        let check = |host: &str, path: &str, expected: Option<&str>| {
            let found = body(&publications, host, path);
            assert_eq!(found.as_deref(), expected, "{host}{path}");
        };
        check("a.example", PROVIDER_METADATA_PATH, Some("root metadata"));
        check("A.Example.:8443", KEY_SET_PATH, Some("root keys"));
        check(
            "a.example",
            "/t/one/.well-known/jwks.json",
            Some("one keys"),
        );
        check("[::1]:80", "/six/.well-known/jwks.json", Some("six keys"));
        check("[::1]", "/six/.well-known/jwks.json", Some("six keys"));
        for (host, path) in [
            ("b.example", KEY_SET_PATH),
            ("b.a.example", KEY_SET_PATH),
            ("", KEY_SET_PATH),
            ("a.example", "/t/two/.well-known/jwks.json"),
            ("a.example", "/t/.well-known/jwks.json"),
            ("a.example", "/t/one/x/.well-known/jwks.json"),
            ("a.example", "//.well-known/jwks.json"),
            ("a.example", "/t/one//.well-known/jwks.json"),
            ("a.example", "/t/one/.well-known/keys"),
            ("a.example", "/t/one/.well-known/jwks.json/"),
            ("a.example/t", "/one/.well-known/jwks.json"),
            ("a.example", ""),
            ("a.example", "/"),
        ] {
            // A host with a slash comes in no request; it would not get at more than its own path.
            if host != "a.example/t" {
                check(host, path, None);
            }
        }
    }

    #[test]
    fn what_is_withdrawn_is_gone_and_the_rest_stays() {
        let publications = Publications::default();
        let sites: Vec<Site> = (0..1_000)
            .map(|n| Site::new(&format!("s{n}.example"), ""))
            .collect();
        for site in &sites {
            publications.publish(site, issuer(site.as_str()));
        }
        assert_eq!(publications.len(), sites.len());
        publications.withdraw(&sites[7]);
        assert_eq!(body(&publications, "s7.example", KEY_SET_PATH), None);
        assert_eq!(publications.len(), sites.len() - 1);
        let stay = HashSet::from([sites[1].clone(), sites[7].clone()]);
        publications.withdraw_others(&stay);
        assert_eq!(publications.len(), 1);
        assert_eq!(
            body(&publications, "s1.example", KEY_SET_PATH).as_deref(),
            Some("s1.example keys")
        );
    }

    #[test]
    fn an_own_issuers_keys_are_those_of_the_moment() {
        let publications = Publications::default();
        let own = Arc::clone(publications.own());
        let published = Issuer {
            keys: Keys::Own(Arc::clone(&own)),
            ..issuer("own")
        };
        publications.publish(&Site::new("own.example", ""), published);
        assert_eq!(body(&publications, "own.example", KEY_SET_PATH), None);
        for keys in ["first", "second"] {
            own.offer("https://own.example", document(keys), 1);
            let found = body(&publications, "own.example", KEY_SET_PATH);
            assert_eq!(found.as_deref(), Some(keys));
        }
    }
}
