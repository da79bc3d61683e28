//! Rate limit quotas (`sys/quotas/*`): how many requests one client address may make in a while.
//!
//! A request is counted against the one quota that fits it most closely, before anybody looks at its
//! credential, and refused with 429 when there is no room. Each node counts for itself: what is
//! counted is not worth a write.
//!
//! Invariants:
//! - What is remembered of clients is bounded ([`CLIENTS_MAX`]): a flood of addresses displaces the
//!   addresses that are seldom seen, itself first, and costs no more memory.
//! - IPv6 addresses count by their /64, which is what one client is given.

mod bucket;
mod change;
mod rule;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;
use vouchsafe_logical::metric::{Counter, Metrics};
use vouchsafe_logical::{Error, ErrorKind, Request, Timestamp, View};

use crate::setting::Setting;
pub use bucket::Taken;
use bucket::{Client, Limit};
pub(crate) use change::NewRule;
use rule::Stored;
pub(crate) use rule::{Config, Rule};

/// Clients that are remembered, all quotas together: some ten megabytes.
pub(crate) const CLIENTS_MAX: usize = 65_536;

/// Requests that quotas refused.
static VIOLATIONS: Counter<1> = Counter::new(
    "vouchsafe_quota_violations_total",
    "Requests that a rate limit quota refused, by the quota's name.",
    ["name"],
);

/// The quotas of a running core.
pub(crate) struct Quotas {
    setting: Setting<Stored, InForce>,
    clients: Cache<(u64, u128), Arc<Mutex<Client>>>,
}

/// The stored quotas with their limits.
struct InForce {
    quotas: BTreeMap<String, (Rule, Limit)>,
    config: Config,
}

/// A request that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What became of it.
    pub taken: Taken,
    /// Whether the answer tells what is left.
    pub shows_headers: bool,
    /// Whether a refusal leaves an entry in the audit log.
    pub(crate) audits_refusals: bool,
}

impl Quotas {
    /// Reads the stored quotas.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn open(root: &View) -> Result<Self, Error> {
        Ok(Self {
            setting: Setting::open(root.sub("core/"), "quotas", InForce::of).await?,
            clients: Cache::new(CLIENTS_MAX),
        })
    }

    /// Counts a request. `None`: no quota fits it.
    pub(crate) fn count(
        &self,
        request: &Request,
        is_login: bool,
        now: Timestamp,
        metrics: &Metrics,
    ) -> Option<Counted> {
        let in_force = self.setting.in_force();
        let path = request.path.as_str();
        if in_force.quotas.is_empty() || in_force.config.exempts(path) {
            return None;
        }
        let role = if is_login {
            request.data.get("role")
        } else {
            None
        };
        let role = role.and_then(|role| role.as_str());
        let fitting = in_force
            .quotas
            .iter()
            .filter_map(|(name, (rule, limit))| Some((rule.fit(path, role)?, name, rule, limit)));
        let (_, name, rule, limit) = fitting.max_by_key(|(fit, ..)| *fit)?;
        let taken = self.take(rule, limit, request, now);
        if !taken.allowed {
            metrics.increment(&VIOLATIONS, [name]);
        }
        Some(Counted {
            taken,
            shows_headers: in_force.config.shows_headers,
            audits_refusals: in_force.config.audits_refusals,
        })
    }

    fn take(&self, rule: &Rule, limit: &Limit, request: &Request, now: Timestamp) -> Taken {
        let address = request.remote.map_or(0, |remote| network(remote.ip()));
        let begun = || Ok::<_, Infallible>(Arc::default());
        let Ok(client) = self.clients.get_or_insert_with(&(rule.id, address), begun);
        let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
        limit.take(&mut client, now)
    }

    /// Some node wrote these keys.
    pub(crate) async fn invalidate(&self, keys: &[String]) {
        self.setting.invalidate(keys).await;
    }

    /// Anything may have been written.
    pub(crate) async fn invalidate_all(&self) {
        self.setting.invalidate_all().await;
    }
}

impl InForce {
    fn of(stored: Stored) -> Self {
        let with_limit = |(name, rule): (String, Rule)| {
            let limit = rule.limit();
            (name, (rule, limit))
        };
        Self {
            quotas: stored.rules.into_iter().map(with_limit).collect(),
            config: stored.config,
        }
    }
}

impl Counted {
    /// The refusal, if there was no room.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Error> {
        let message = || {
            format!(
                "request path {:?}: rate limit quota exceeded",
                request.path.as_str()
            )
        };
        (!self.taken.allowed).then(|| Error::new(ErrorKind::RateLimited, "rate_limited", message()))
    }
}

/// What counts as one client.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address) & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client_and_an_ipv4_address_too() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("0.0.0.1"), of("::1"));
    }

    /// Ten times as many addresses as are remembered.
    #[tokio::test]
    async fn a_flood_of_addresses_costs_bounded_memory() {
        let store = Arc::new(vouchsafe_testing::MemoryStore::default());
        let quotas = Quotas::open(&View::new(store, "")).await.unwrap();
        let limit = Limit {
            requests: 1,
            interval: Duration::from_secs(1),
            block: Duration::ZERO,
        };
        let rule = 0;
        for address in 0..10 * CLIENTS_MAX as u128 {
            let begun = || Ok::<_, Infallible>(Arc::default());
            let Ok(client) = quotas.clients.get_or_insert_with(&(rule, address), begun);
            limit.take(&mut client.lock().unwrap(), Timestamp::UNIX_EPOCH);
        }
        assert!(
            quotas.clients.len() <= CLIENTS_MAX,
            "{}",
            quotas.clients.len()
        );
    }

    /// Another node's change holds as soon as its key is heard of.
    #[tokio::test]
    async fn nodes_follow_each_other() {
        let view = View::new(Arc::new(vouchsafe_testing::MemoryStore::default()), "");
        let ours = Quotas::open(&view).await.unwrap();
        let theirs = Quotas::open(&view).await.unwrap();
        let new = NewRule {
            id: 1,
            name: "q".to_owned(),
            path: String::new(),
            role: String::new(),
            rate: 1.0,
            interval: Duration::from_secs(1),
            block_interval: Duration::ZERO,
        };
        let no_mounts = crate::mount::MountTable::default();
        theirs.put(new, &no_mounts).await.unwrap();
        assert!(ours.rule("q").is_none());
        ours.invalidate(&["core/audit".to_owned()]).await;
        assert!(ours.rule("q").is_none(), "another key says nothing");
        ours.invalidate(&["core/quotas".to_owned()]).await;
        assert!(ours.rule("q").is_some());
        theirs.remove("q").await.unwrap();
        ours.invalidate_all().await;
        assert!(ours.rule("q").is_none());
    }
}
