//! The server's address: an absolute HTTP or HTTPS URL without query, fragment or credentials.

use std::fmt;

use reqwest::Url;

/// Where the server is, such as `https://vault.example.com:8200`.
///
/// A path in the address is a prefix of every request's path, for servers behind a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is not a server's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is not an absolute URL.
    #[error("address `{text}` is not a URL ({fault}); expected one like `https://host:8200`")]
    NotAUrl {
        /// The text as given.
        text: String,
        /// What the URL parser says.
        fault: String,
    },
    /// The scheme is neither `http` nor `https`.
    #[error("address `{text}` has scheme `{scheme}`; expected `http` or `https`")]
    Scheme {
        /// The text as given.
        text: String,
        /// The scheme found.
        scheme: String,
    },
    /// The address carries a user, a query or a fragment, none of which a request can honour.
    #[error("address has a {part}; expected scheme, host, port and path alone")]
    Excess {
        /// Which part is too much. The text is not repeated: it may hold a password.
        part: &'static str,
    },
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// See [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text.trim()).map_err(|fault| AddressError::NotAUrl {
            text: text.to_owned(),
            fault: fault.to_string(),
        })?;
        // `localhost:8200` parses as scheme `localhost`: name the scheme, since it explains itself.
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme().to_owned();
            return Err(AddressError::Scheme {
                text: text.to_owned(),
                scheme,
            });
        }
        let excess = [
            (
                "user or password",
                !url.username().is_empty() || url.password().is_some(),
            ),
            ("query", url.query().is_some()),
            ("fragment", url.fragment().is_some()),
        ];
        match excess.into_iter().find(|(_, present)| *present) {
            Some((part, _)) => Err(AddressError::Excess { part }),
            None => Ok(Self(url)),
        }
    }

    /// The URL to build requests on.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Where the host's name leads. Asks the system's resolver, which blocks.
    pub(crate) fn socket_addresses(&self) -> std::io::Result<Vec<std::net::SocketAddr>> {
        self.0.socket_addrs(|| None)
    }

    /// Whether the connection uses TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, without brackets around an IPv6 address.
    pub fn host(&self) -> &str {
        self.0
            .host_str()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']')
    }

    /// The same address with the other scheme: what to try when the two sides disagree on TLS.
    pub fn with_other_scheme(&self) -> String {
        let text = self.to_string();
        match text.strip_prefix("https://") {
            Some(rest) => format!("http://{rest}"),
            None => text.replacen("http://", "https://", 1),
        }
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_scheme_host_port_and_path() {
        let address = Address::parse(" http://127.0.0.1:8200/gateway/ ").unwrap();
        assert_eq!(address.to_string(), "http://127.0.0.1:8200/gateway");
        assert_eq!(
            address.with_other_scheme(),
            "https://127.0.0.1:8200/gateway"
        );
        assert!(address.is_loopback());
        assert!(!address.is_https());
    }

    #[test]
    fn loopback_is_recognised_in_all_its_spellings() {
        for text in [
            "http://localhost:1",
            "https://[::1]:8200",
            "http://127.8.0.1",
        ] {
            assert!(Address::parse(text).unwrap().is_loopback(), "{text}");
        }
        assert!(
            !Address::parse("https://vault.example.com")
                .unwrap()
                .is_loopback()
        );
    }

    #[test]
    fn a_missing_scheme_is_named() {
        let error = Address::parse("localhost:8200").unwrap_err();
        assert_eq!(
            error.to_string(),
            "address `localhost:8200` has scheme `localhost`; expected `http` or `https`"
        );
        assert!(matches!(
            Address::parse("127.0.0.1:8200"),
            Err(AddressError::NotAUrl { .. })
        ));
    }

    #[test]
    fn an_address_with_credentials_is_refused_without_repeating_them() {
        let error = Address::parse("https://u:hunter2@host").unwrap_err();
        assert_eq!(
            error,
            AddressError::Excess {
                part: "user or password"
            }
        );
        assert!(!error.to_string().contains("hunter2"));
        assert!(Address::parse("https://host/?a=b").is_err());
        assert!(Address::parse("https://host/#a").is_err());
    }
}
