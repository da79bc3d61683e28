//! What is asked for, judged before anything is resolved or connected: the URL's form, its scheme,
//! and an address that stands in it.

use std::net::IpAddr;

use reqwest::Url;
use vouchsafe_logical::fetch::{Addresses, Plaintext};
use vouchsafe_logical::{FetchError, FetchRequest};

use crate::address::{Reach, check_literal};

/// A URL that may be requested, and the addresses at which.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    /// Host and port, for messages.
    pub(crate) host: String,
    pub(crate) reach: Reach,
}

impl Target {
    /// Judges a request's URL under its rules.
    ///
    /// # Errors
    /// [`FetchError::Url`], [`FetchError::Plaintext`] or [`FetchError::Address`].
    pub(crate) fn of(request: &FetchRequest) -> Result<Self, FetchError> {
        let url = parse(&request.url)?;
        let name = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let reach = reach(&url, &host, request)?;
        // The client asks no resolver for an address. `Url` has turned every spelling of one
        // (`0x7f.1`, `2130706433`, `[::ffff:7f00:1]`) into the canonical one.
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            check_literal(address, reach).map_err(|refused| match reach {
                Reach::Loopback => plaintext_refused(&host),
                Reach::Any | Reach::Public => FetchError::Address(refused.to_string()),
            })?;
        }
        Ok(Self { url, host, reach })
    }
}

/// The error of a URL without TLS that leads to another machine.
pub(crate) fn plaintext_refused(host: &str) -> FetchError {
    FetchError::Plaintext(format!(
        "{host}: `http` is refused; expected `https`, unless the address is a loopback address"
    ))
}

fn parse(text: &str) -> Result<Url, FetchError> {
    let url = Url::parse(text)
        .map_err(|error| FetchError::Url(format!("{text:?} is not an absolute URL: {error}")))?;
    // The text itself may hold a password here, so it is not repeated.
    if !url.username().is_empty() || url.password().is_some() {
        let host = url.host_str().unwrap_or_default();
        return Err(FetchError::Url(format!(
            "the URL of {host} has user information, which is not sent"
        )));
    }
    if !matches!(url.scheme(), "https" | "http") {
        return Err(FetchError::Url(format!(
            "{text:?} has the scheme `{}`; expected `https`",
            url.scheme()
        )));
    }
    if url.fragment().is_some() {
        return Err(FetchError::Url(format!(
            "{text:?} has a fragment, which no server sees"
        )));
    }
    Ok(url)
}

fn reach(url: &Url, host: &str, request: &FetchRequest) -> Result<Reach, FetchError> {
    let secure = url.scheme() == "https" || request.plaintext == Plaintext::Allowed;
    match (secure, request.addresses) {
        (true, Addresses::Any) => Ok(Reach::Any),
        (true, Addresses::Public) => Ok(Reach::Public),
        (false, Addresses::Any) if request.plaintext == Plaintext::Refused => {
            Err(FetchError::Plaintext(format!(
                "{host}: `http` is refused; expected `https`, since who names this address is elsewhere"
            )))
        }
        (false, Addresses::Any) => Ok(Reach::Loopback),
        // No address is both.
        (false, Addresses::Public) => Err(plaintext_refused(host)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(url: &str, plaintext: Plaintext, addresses: Addresses) -> Result<Reach, &'static str> {
        let request = FetchRequest {
            plaintext,
            addresses,
            ..FetchRequest::get(url)
        };
        Target::of(&request)
            .map(|target| target.reach)
            .map_err(|error| error.reason())
    }

    #[test]
    fn only_an_absolute_url_without_secrets_is_requested() {
        for url in [
            "",
            "issuer.example",
            "/keys",
            "https://",
            "ftp://issuer.example/",
            "file:///etc/passwd",
            "data:application/json,{}",
            "https://user@issuer.example/",
            "https://:password@issuer.example/",
            "https://issuer.example/#keys",
        ] {
            let found = judge(url, Plaintext::Allowed, Addresses::Any);
            assert_eq!(found, Err("fetch_url_invalid"), "{url}");
        }
    }

    #[test]
    fn the_message_repeats_no_password() {
        let request = FetchRequest::get("https://me:hunter2@issuer.example/");
        let text = Target::of(&request).unwrap_err().to_string();
        assert!(
            text.contains("issuer.example") && !text.contains("hunter2"),
            "{text}"
        );
    }

    #[test]
    fn http_needs_loopback_or_the_operators_word() {
        let loopback = |url| judge(url, Plaintext::Loopback, Addresses::Any);
        for url in [
            "http://127.0.0.1:8200/",
            "http://[::1]/",
            "http://0x7f.1/",
            "http://localhost/",
        ] {
            assert_eq!(loopback(url), Ok(Reach::Loopback), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://8.8.8.8/",
        ] {
            assert_eq!(loopback(url), Err("fetch_plaintext_refused"), "{url}");
        }
        for url in ["http://127.0.0.1/", "http://localhost/", "http://10.0.0.1/"] {
            let refused = judge(url, Plaintext::Refused, Addresses::Any);
            assert_eq!(refused, Err("fetch_plaintext_refused"), "{url}");
        }
        let secure = judge("https://127.0.0.1/", Plaintext::Refused, Addresses::Any);
        assert_eq!(secure, Ok(Reach::Any));
        let allowed = judge("http://10.0.0.1/", Plaintext::Allowed, Addresses::Any);
        assert_eq!(allowed, Ok(Reach::Any));
    }

    #[test]
    fn an_internal_address_in_the_url_is_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "017700000001",
            "0.0.0.0",
            "10.1.2.3",
            "169.254.169.254",
            "[::1]",
            "[::]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a00:1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::]",
            "[fd00:ec2::254]",
        ] {
            let url = format!("https://{host}/latest/meta-data");
            let found = judge(&url, Plaintext::Allowed, Addresses::Public);
            assert_eq!(found, Err("fetch_address_refused"), "{url}");
        }
        let public = judge("https://8.8.8.8/", Plaintext::Loopback, Addresses::Public);
        assert_eq!(public, Ok(Reach::Public));
    }
}
