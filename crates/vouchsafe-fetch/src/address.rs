//! Which addresses may be connected to, and a resolver that gives out no others.
//!
//! The HTTP client connects to exactly the addresses that its resolver returns, so to filter here
//! is to filter what is connected to: there is no second look-up that could answer differently.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Which addresses a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every address.
    Any,
    /// This machine's own addresses alone.
    Loopback,
    /// Addresses of the public internet alone.
    Public,
}

impl Reach {
    /// Whether an address may be connected to.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback => address.to_canonical().is_loopback(),
            Self::Public => is_public(address),
        }
    }

    const fn expectation(self) -> &'static str {
        match self {
            Self::Any => "any address",
            Self::Loopback => "a loopback address, since the URL is not https",
            Self::Public => "an address of the public internet",
        }
    }
}

/// Blocks of IPv4 that are not the public internet (IANA special-purpose address registry).
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),       // this host; 0.0.0.0 connects to loopback
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared with the carrier; metadata services of some clouds
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local; metadata services of most clouds
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments; a metadata service
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 88, 99, 0], 24),  // relays of 6to4
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, and broadcast
];

/// The only block of IPv6 from which public addresses are given out.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0], 3);

/// Addresses of NAT64: the last four bytes are an IPv4 address, which is what is reached.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);

/// Blocks inside [`GLOBAL_UNICAST`] that are not the public internet.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0], 23),     // protocol assignments; Teredo, which embeds IPv4
    v6([0x2001, 0xdb8, 0], 32), // documentation
    v6([0x2002, 0, 0], 16),     // 6to4, which embeds IPv4
    v6([0x3fff, 0, 0], 20),     // documentation
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: [u16; 3], prefix: u8) -> Ipv6Net {
    let [a, b, c] = first;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Whether an address belongs to the public internet. An IPv6 form of an IPv4 address is judged as
/// the address that is reached, and refused where that can't be told.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            GLOBAL_UNICAST.contains(&address)
                && !SPECIAL_V6.iter().any(|block| block.contains(&address))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|block| block.contains(&address))
}

/// A name or address that may not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressRefused {
    host: String,
    found: Vec<IpAddr>,
    reach: Reach,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<String> = self.found.iter().map(IpAddr::to_string).collect();
        write!(
            f,
            "{}: refused to connect to {}; expected {}",
            self.host,
            found.join(", "),
            self.reach.expectation()
        )
    }
}

impl std::error::Error for AddressRefused {}

/// Keeps the addresses that may be reached.
///
/// # Errors
/// None is left of those that were found.
fn filter(
    host: &str,
    found: Vec<SocketAddr>,
    reach: Reach,
) -> Result<Vec<SocketAddr>, AddressRefused> {
    let (allowed, refused): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| reach.allows(address.ip()));
    if allowed.is_empty() && !refused.is_empty() {
        return Err(AddressRefused {
            host: host.to_owned(),
            found: refused.iter().map(SocketAddr::ip).collect(),
            reach,
        });
    }
    Ok(allowed)
}

/// Judges an address that stands in the URL itself, for which no resolver is asked.
///
/// # Errors
/// It may not be reached.
pub(crate) fn check_literal(address: IpAddr, reach: Reach) -> Result<(), AddressRefused> {
    filter(
        &address.to_string(),
        vec![SocketAddr::new(address, 0)],
        reach,
    )
    .map(|_| ())
}

/// The system's resolver, less the addresses that may not be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilteredResolver(pub(crate) Reach);

impl Resolve for FilteredResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let host = name.as_str();
            // The port is the URL's; the client puts it in place of this one.
            let found = tokio::net::lookup_host((host, 0)).await?.collect();
            let allowed = filter(host, found, reach)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_special_block_is_refused_to_its_last_address_and_no_further() {
        for (last_outside, first, last, first_outside) in [
            ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            (
                "100.63.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "100.128.0.0",
            ),
            (
                "126.255.255.255",
                "127.0.0.0",
                "127.255.255.255",
                "128.0.0.0",
            ),
            (
                "169.253.255.255",
                "169.254.0.0",
                "169.254.255.255",
                "169.255.0.0",
            ),
            (
                "172.15.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "172.32.0.0",
            ),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            (
                "192.88.98.255",
                "192.88.99.0",
                "192.88.99.255",
                "192.88.100.0",
            ),
            (
                "192.167.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "192.169.0.0",
            ),
            (
                "198.17.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.20.0.0",
            ),
            (
                "198.51.99.255",
                "198.51.100.0",
                "198.51.100.255",
                "198.51.101.0",
            ),
            (
                "203.0.112.255",
                "203.0.113.0",
                "203.0.113.255",
                "203.0.114.0",
            ),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", ""),
            ("", "::", "1fff:ffff::", "2000::"),
            ("2000:ffff::", "2001::", "2001:1ff:ffff::", "2001:200::"),
            (
                "2001:db7:ffff::",
                "2001:db8::",
                "2001:db8:ffff::",
                "2001:db9::",
            ),
            ("2001:ffff::", "2002::", "2002:ffff::", "2003::"),
            ("3ffe:ffff::", "3fff::", "3fff:fff::", "3fff:1000::"),
            ("3fff:ffff::", "4000::", "ffff:ffff::", ""),
        ] {
            for inside in [first, last] {
                assert!(!is_public(address(inside)), "{inside}");
            }
            for outside in [last_outside, first_outside] {
                assert!(
                    outside.is_empty() || is_public(address(outside)),
                    "{outside}"
                );
            }
        }
    }

    #[test]
    fn an_ipv6_form_of_an_internal_address_is_internal() {
        for text in [
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
        for text in [
            "8.8.8.8",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606:4700::1111",
        ] {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(Reach::Loopback.allows(address(text)), "{text}");
        }
        for text in ["0.0.0.0", "10.0.0.1", "::", "8.8.8.8", "::127.0.0.1"] {
            assert!(!Reach::Loopback.allows(address(text)), "{text}");
        }
    }

    #[test]
    fn a_name_with_some_internal_addresses_is_reached_at_the_others_only() {
        let at = |text| SocketAddr::new(address(text), 0);
        let found = vec![at("10.0.0.1"), at("8.8.8.8"), at("::1")];
        let allowed = filter("issuer.example", found, Reach::Public).unwrap();
        assert_eq!(allowed, [at("8.8.8.8")]);

        let error = filter("issuer.example", vec![at("10.0.0.1")], Reach::Public).unwrap_err();
        assert_eq!(
            error.to_string(),
            "issuer.example: refused to connect to 10.0.0.1; expected an address of the public internet"
        );
    }
}
