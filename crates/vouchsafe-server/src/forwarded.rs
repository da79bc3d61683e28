//! The client's address and the host behind proxies: `X-Forwarded-For` and `X-Forwarded-Host`, believed
//! from those who may say it.
//!
//! The header is what anybody may write, and addresses decide (bound CIDRs) and are recorded (audit).
//! So it counts only from peers that the operator named. The defaults are Vault's: one who may not say
//! it and says it is refused, as is one who should say it and doesn't.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use vouchsafe_logical::Error;

/// The name of the header.
const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// The name of the header in which a proxy says for which host it was asked.
const X_FORWARDED_HOST: &str = "x-forwarded-host";

/// Whose `X-Forwarded-For` counts, and what happens otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// The peers that may say for whom they forward. Empty: the header is not looked at.
    pub authorized: Vec<IpNet>,
    /// How many addresses at the header's end are proxies of the operator's own.
    pub hop_skips: usize,
    /// Whether other peers that send the header are refused; else their header is ignored.
    pub reject_not_authorized: bool,
    /// Whether requests without the header are refused; else the peer counts as the client.
    pub reject_not_present: bool,
}

impl Default for Forwarding {
    fn default() -> Self {
        Self {
            authorized: Vec::new(),
            hop_skips: 0,
            reject_not_authorized: true,
            reject_not_present: true,
        }
    }
}

impl Forwarding {
    /// The address that counts as the client's.
    ///
    /// # Errors
    /// The header is missing, comes from a peer that may not send it, or names no address.
    pub(crate) fn client(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<SocketAddr, Error> {
        if self.authorized.is_empty() {
            return Ok(peer);
        }
        if !headers.contains_key(X_FORWARDED_FOR) {
            return if self.reject_not_present {
                Err(refused(
                    "missing x-forwarded-for header and configured to reject when not present",
                ))
            } else {
                Ok(peer)
            };
        }
        if !self.is_authorized(peer) {
            return if self.reject_not_authorized {
                Err(refused(
                    "client address not authorized for x-forwarded-for and configured to reject connection",
                ))
            } else {
                Ok(peer)
            };
        }
        let client = self.named(headers)?;
        Ok(SocketAddr::new(client, peer.port()))
    }

    /// The host that an authorised peer was asked for: the last one that is named, which that peer
    /// itself wrote. From others it counts for nothing.
    pub(crate) fn host<'h>(&self, peer: SocketAddr, headers: &'h HeaderMap) -> Option<&'h str> {
        if !self.is_authorized(peer) {
            return None;
        }
        let last = headers.get_all(X_FORWARDED_HOST).iter().next_back()?;
        let named = last.to_str().ok()?.rsplit(',').next()?.trim();
        (!named.is_empty()).then_some(named)
    }

    /// Whether a peer is one of the operator's proxies. A socket that takes both families shows an
    /// IPv4 peer as an IPv6 address.
    fn is_authorized(&self, peer: SocketAddr) -> bool {
        let address = peer.ip().to_canonical();
        self.authorized.iter().any(|net| net.contains(&address))
    }

    /// The address before the proxies that are skipped, counted from the end: only there have proxies
    /// that are trusted written.
    fn named(&self, headers: &HeaderMap) -> Result<IpAddr, Error> {
        let malformed = || refused("malformed x-forwarded-for configuration or request");
        let mut chain = Vec::new();
        for value in headers.get_all(X_FORWARDED_FOR) {
            let value = value.to_str().map_err(|_| malformed())?;
            chain.extend(value.split(',').map(str::trim));
        }
        let named = chain
            .iter()
            .rev()
            .nth(self.hop_skips)
            .ok_or_else(malformed)?;
        named.parse().map_err(|_| malformed())
    }
}

fn refused(message: &'static str) -> Error {
    Error::invalid_because("x_forwarded_for_refused", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.7:5000";

    fn behind(proxies: &[&str]) -> Forwarding {
        Forwarding {
            authorized: proxies.iter().map(|net| net.parse().unwrap()).collect(),
            ..Forwarding::default()
        }
    }

    fn headers(values: &[&'static str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| http::HeaderValue::from_static(value));
        values
            .map(|value| (http::HeaderName::from_static(X_FORWARDED_FOR), value))
            .collect()
    }

    fn client(forwarding: &Forwarding, peer: &str, values: &[&'static str]) -> Option<String> {
        let client = forwarding
            .client(peer.parse().unwrap(), &headers(values))
            .ok()?;
        Some(client.to_string())
    }

    #[test]
    fn nobody_is_believed_unless_told() {
        let found = client(&Forwarding::default(), PEER, &["192.0.2.1"]);
        assert_eq!(found.as_deref(), Some(PEER));
    }

    #[test]
    fn an_authorized_peer_names_its_client_last() {
        let proxy = behind(&["10.0.0.0/8"]);
        for values in [
            &["192.0.2.1"][..],
            &["203.0.113.9, 192.0.2.1"],
            &["203.0.113.9", "192.0.2.1"],
        ] {
            assert_eq!(
                client(&proxy, PEER, values).as_deref(),
                Some("192.0.2.1:5000")
            );
        }
        let found = client(&proxy, PEER, &["2001:db8::1"]);
        assert_eq!(found.as_deref(), Some("[2001:db8::1]:5000"));
        let mapped = client(&proxy, "[::ffff:10.0.0.7]:5000", &["192.0.2.1"]);
        assert_eq!(mapped.as_deref(), Some("192.0.2.1:5000"));
    }

    #[test]
    fn a_host_counts_from_an_authorized_peer_only() {
        let check = |proxies: &[&str], peer: &str, values: &[&'static str], expected| {
            let name = http::HeaderName::from_static(X_FORWARDED_HOST);
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(&name, http::HeaderValue::from_static(value));
            }
            let found = behind(proxies).host(peer.parse().unwrap(), &headers);
            assert_eq!(found, expected, "{proxies:?} {peer} {values:?}");
        };
        let proxies = &["10.0.0.0/8"][..];
        check(proxies, PEER, &["a.example"], Some("a.example"));
        check(
            proxies,
            "[::ffff:10.0.0.7]:1",
            &["a.example"],
            Some("a.example"),
        );
        check(
            proxies,
            PEER,
            &["evil.example, a.example"],
            Some("a.example"),
        );
        check(
            proxies,
            PEER,
            &["evil.example", "a.example"],
            Some("a.example"),
        );
        check(proxies, "192.0.2.9:1", &["a.example"], None);
        check(&[], PEER, &["a.example"], None);
        check(proxies, PEER, &[], None);
        check(proxies, PEER, &[""], None);
    }

    #[test]
    fn a_peer_that_is_not_authorized_is_refused_or_ignored() {
        let mut proxy = behind(&["10.1.0.0/16"]);
        assert_eq!(client(&proxy, PEER, &["192.0.2.1"]), None);
        proxy.reject_not_authorized = false;
        assert_eq!(client(&proxy, PEER, &["192.0.2.1"]).as_deref(), Some(PEER));
    }

    #[test]
    fn a_missing_header_is_refused_or_means_the_peer() {
        let mut proxy = behind(&["10.0.0.0/8"]);
        assert_eq!(client(&proxy, PEER, &[]), None);
        proxy.reject_not_present = false;
        assert_eq!(client(&proxy, PEER, &[]).as_deref(), Some(PEER));
    }

    #[test]
    fn own_proxies_are_skipped_up_to_the_first_address_and_not_past_it() {
        let mut proxy = behind(&["10.0.0.0/8"]);
        let chain = ["203.0.113.9, 192.0.2.1, 10.0.0.3"];
        proxy.hop_skips = 1;
        assert_eq!(
            client(&proxy, PEER, &chain).as_deref(),
            Some("192.0.2.1:5000")
        );
        proxy.hop_skips = 2;
        assert_eq!(
            client(&proxy, PEER, &chain).as_deref(),
            Some("203.0.113.9:5000")
        );
        proxy.hop_skips = 3;
        assert_eq!(client(&proxy, PEER, &chain), None);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let proxy = behind(&["10.0.0.0/8"]);
        for value in ["", "somebody", "192.0.2.1:80", "192.0.2.1,"] {
            assert_eq!(client(&proxy, PEER, &[value]), None, "{value:?}");
        }
    }
}
