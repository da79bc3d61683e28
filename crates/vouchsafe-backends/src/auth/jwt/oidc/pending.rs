//! Logins that have begun and wait for their callback.
//!
//! Anybody can begin one, so there are only so many, each for so long; where one too many begins, the
//! oldest goes of the client that has the most. To refuse the new one instead would let a few requests a
//! second keep everybody out, and so would, at some more of them, to drop the oldest of all.
//! They lie in memory: they hold a code verifier, live for minutes, and a write for each would let
//! strangers write.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq;
use vouchsafe_logical::{Entropy, EntropyExt, Secret, Timestamp};

use super::super::config::Config;

/// How many logins may be under way at a mount. Each has at most some 3 KiB.
pub(in super::super) const PENDING_MAX: usize = 4_096;
/// How long a person has to log in at the provider.
pub(in super::super) const PENDING_AGE_MAX: Duration = Duration::from_secs(10 * 60);
/// The longest `client_nonce`, in bytes.
pub(super) const CLIENT_NONCE_BYTES_MAX: usize = 512;

/// How many characters `state` and `nonce` have: 190 bits each.
const RANDOM_CHARACTERS: usize = 32;
/// How many characters a code verifier has (RFC 7636 §4.1: 43 to 128).
const VERIFIER_CHARACTERS: usize = 64;

/// What is looked up: a state takes the same time to be found wherever it first differs.
type Digest = [u8; 32];

/// A login that has begun.
pub(super) struct Pending {
    pub(super) role: String,
    pub(super) redirect_uri: String,
    /// What the ID token must repeat.
    pub(super) nonce: String,
    /// What only the one who began can tell the token endpoint (RFC 7636).
    pub(super) verifier: Secret<String>,
    /// The configuration under which it began: a code of another provider's is not exchanged.
    pub(super) config: Arc<Config>,
    client_nonce: Option<Digest>,
}

impl Pending {
    /// Whether whoever comes back is the one who began, as far as that one gave a nonce.
    pub(super) fn is_begun_by(&self, client_nonce: &str) -> bool {
        self.client_nonce
            .is_none_or(|known| known.ct_eq(&digest_of(client_nonce)).into())
    }
}

/// Who begins a login, and where it shall lead.
pub(super) struct Beginning {
    pub(super) role: String,
    pub(super) redirect_uri: String,
    pub(super) client_nonce: Option<String>,
    pub(super) config: Arc<Config>,
    /// Where the request came from.
    pub(super) address: Option<IpAddr>,
}

/// What goes into the address of the provider.
pub(super) struct Begun {
    pub(super) state: String,
    pub(super) nonce: String,
    /// The code challenge by method `S256` (RFC 7636 §4.2).
    pub(super) challenge: String,
}

/// See the module.
#[derive(Default)]
pub(in super::super) struct PendingLogins(Mutex<Table>);

#[derive(Default)]
struct Table {
    logins: HashMap<Digest, Entry>,
    /// By the number of the beginning, the oldest first.
    order: BTreeMap<u64, Digest>,
    /// The numbers of each client; none has no numbers.
    clients: HashMap<Client, BTreeSet<u64>>,
    next: u64,
}

struct Entry {
    pending: Pending,
    begun_at: Timestamp,
    number: u64,
    client: Client,
}

/// What counts as one client: an IPv4 address, or a /64 of IPv6, of which one person has them all.
type Client = u128;

fn client_of(address: Option<IpAddr>) -> Client {
    match address.map(|address| address.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(address)) => u128::from(address.to_ipv6_mapped()),
        Some(IpAddr::V6(address)) => u128::from(address) & !u128::from(u64::MAX),
    }
}

impl Entry {
    fn is_alive(&self, now: Timestamp) -> bool {
        // A clock that was set back makes nothing old.
        Duration::try_from(now.duration_since(self.begun_at))
            .map_or(true, |age| age <= PENDING_AGE_MAX)
    }
}

impl PendingLogins {
    /// Begins a login.
    pub(super) fn begin(
        &self,
        beginning: Beginning,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Begun {
        let state = entropy.base62(RANDOM_CHARACTERS);
        let nonce = entropy.base62(RANDOM_CHARACTERS);
        let verifier = Secret::new(entropy.base62(VERIFIER_CHARACTERS));
        let begun = Begun {
            challenge: base64url(digest(&SHA256, verifier.expose().as_bytes()).as_ref()),
            state,
            nonce: nonce.clone(),
        };
        let pending = Pending {
            role: beginning.role,
            redirect_uri: beginning.redirect_uri,
            nonce,
            verifier,
            config: beginning.config,
            client_nonce: beginning.client_nonce.as_deref().map(digest_of),
        };
        let client = client_of(beginning.address);
        let state = digest_of(&begun.state);
        self.table().insert(state, client, pending, now);
        begun
    }

    /// Takes a login out: whatever comes of it, nobody finds it again.
    pub(super) fn take(&self, state: &str, now: Timestamp) -> Option<Pending> {
        let entry = self.table().remove(&digest_of(state))?;
        entry.is_alive(now).then_some(entry.pending)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, state: Digest, client: Client, pending: Pending, now: Timestamp) {
        self.make_room(now);
        let number = self.next;
        self.next += 1;
        self.order.insert(number, state);
        self.clients.entry(client).or_default().insert(number);
        self.logins.insert(
            state,
            Entry {
                pending,
                begun_at: now,
                number,
                client,
            },
        );
    }

    fn make_room(&mut self, now: Timestamp) {
        // The oldest are at the front, so this looks at one more than it removes.
        while let Some((&number, state)) = self.order.first_key_value() {
            if self
                .logins
                .get(state)
                .is_some_and(|entry| entry.is_alive(now))
            {
                break;
            }
            self.remove_number(number);
        }
        if self.logins.len() >= PENDING_MAX {
            let oldest = |numbers: &BTreeSet<u64>| numbers.first().copied();
            let of_each = self.clients.values();
            let most = of_each.max_by_key(|numbers| (numbers.len(), Reverse(oldest(numbers))));
            if let Some(number) = most.and_then(oldest) {
                self.remove_number(number);
            }
        }
    }

    fn remove_number(&mut self, number: u64) {
        if let Some(state) = self.order.remove(&number) {
            self.remove(&state);
        }
    }

    fn remove(&mut self, state: &Digest) -> Option<Entry> {
        let entry = self.logins.remove(state)?;
        self.order.remove(&entry.number);
        if let Some(numbers) = self.clients.get_mut(&entry.client) {
            numbers.remove(&entry.number);
            if numbers.is_empty() {
                self.clients.remove(&entry.client);
            }
        }
        Some(entry)
    }
}

fn digest_of(text: &str) -> Digest {
    let mut bytes = Digest::default();
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    bytes
}

/// Unpadded base64url (RFC 4648 §5).
pub(super) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vouchsafe_testing::SeededEntropy;

    use super::*;

    struct World {
        logins: PendingLogins,
        entropy: SeededEntropy,
        config: Arc<Config>,
    }

    impl World {
        fn new() -> Self {
            let config = json!({
                "keys": {}, "supported_algs": [], "bound_issuer": "", "default_role": "",
                "oidc_client_id": "", "oidc_client_secret": "", "oidc_response_mode": "",
                "oidc_response_types": [], "provider_config": {}, "namespace_in_state": true,
            });
            Self {
                logins: PendingLogins::default(),
                entropy: SeededEntropy::default(),
                config: Arc::new(serde_json::from_value(config).unwrap()),
            }
        }

        fn begin(&self, at: i64) -> String {
            self.begin_from("192.0.2.1", at)
        }

        fn begin_from(&self, address: &str, at: i64) -> String {
            let beginning = Beginning {
                role: "r".to_owned(),
                redirect_uri: "http://localhost/".to_owned(),
                client_nonce: Some("n".to_owned()),
                config: Arc::clone(&self.config),
                address: Some(address.parse().unwrap()),
            };
            self.logins.begin(beginning, &self.entropy, time(at)).state
        }

        fn count(&self) -> usize {
            let table = self.logins.table();
            let of_clients: usize = table.clients.values().map(BTreeSet::len).sum();
            assert_eq!(table.logins.len(), table.order.len());
            assert_eq!(table.logins.len(), of_clients);
            assert!(table.clients.values().all(|numbers| !numbers.is_empty()));
            table.logins.len()
        }
    }

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn there_are_never_more_than_there_may_be() {
        let world = World::new();
        let first = world.begin(0);
        for _ in 1..PENDING_MAX {
            world.begin(0);
        }
        assert_eq!(world.count(), PENDING_MAX);
        let last = world.begin(0);
        assert_eq!(world.count(), PENDING_MAX);
        assert!(world.logins.take(&first, time(0)).is_none());
        assert!(world.logins.take(&last, time(0)).is_some());
        assert_eq!(world.count(), PENDING_MAX - 1);
    }

    #[test]
    fn who_begins_too_many_pushes_out_their_own() {
        let world = World::new();
        let others = [
            world.begin_from("192.0.2.2", 0),
            world.begin_from("2001:db8:0:1::1", 0),
        ];
        let first = world.begin(0);
        for _ in 0..2 * PENDING_MAX {
            world.begin(1);
        }
        let newest = world.begin_from("192.0.2.3", 1);
        world.begin(1);
        assert_eq!(world.count(), PENDING_MAX);
        assert!(world.logins.take(&first, time(1)).is_none());
        for state in others.iter().chain([&newest]) {
            assert!(world.logins.take(state, time(1)).is_some());
        }
        assert_eq!(world.count(), PENDING_MAX - 3);
    }

    #[test]
    fn where_all_have_as_many_the_oldest_goes() {
        let world = World::new();
        let from = |n: usize| format!("10.0.{}.{}", n / 256, n % 256);
        let states: Vec<String> = (0..PENDING_MAX)
            .map(|n| world.begin_from(&from(n), 0))
            .collect();
        world.begin_from("192.0.2.1", 0);
        assert!(world.logins.take(&states[0], time(0)).is_none());
        assert!(world.logins.take(&states[1], time(0)).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| client_of(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn what_is_over_goes_when_another_begins_or_when_it_is_asked_for() {
        let world = World::new();
        world.begin(0);
        world.begin(1);
        world.begin(2);
        let edge = 1 + 600;
        world.begin(edge);
        assert_eq!(world.count(), 3, "one was over");
        world.begin(edge + 600);
        assert_eq!(world.count(), 2, "one is as old as may be");
        let late = world.begin(edge + 601);
        assert!(world.logins.take(&late, time(edge + 1_202)).is_none());
        assert_eq!(world.count(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_old_and_the_number_still_holds() {
        let world = World::new();
        let state = world.begin(10_000);
        for _ in 0..PENDING_MAX - 1 {
            world.begin(0);
        }
        assert_eq!(world.count(), PENDING_MAX);
        assert!(world.logins.take(&state, time(0)).is_some());
    }

    /// RFC 7636, Appendix B.
    #[test]
    fn the_challenge_is_that_of_the_specification() {
        let verifier = b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = base64url(digest(&SHA256, verifier).as_ref());
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
