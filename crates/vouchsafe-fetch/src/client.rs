//! HTTP clients, one for each set of trust and reach, kept for their connections.
//!
//! A client's connections were made under its own rules, so a request under stricter ones must not
//! find them: whatever decides about a connection is part of the key.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, redirect};
use vouchsafe_logical::FetchError;

use crate::address::{FilteredResolver, Reach};

/// How many clients are kept; the one that was not asked for longest goes first. A client is a few
/// kilobytes and its idle connections; to make one again costs parsing its certificates.
pub const CLIENTS_MAX: usize = 64;

/// The longest text with certificate authorities, in bytes; some hundred certificates.
pub const CA_BYTES_MAX: usize = 256 * 1024;

/// How long a connection is kept without a request. Shorter than most servers' own limit, so that
/// a request seldom meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(20);

/// How many connections without a request are kept to one host.
const IDLE_PER_HOST: usize = 2;

/// Whose certificates are trusted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// No TLS is spoken.
    Plaintext,
    /// The system's certificate authorities.
    System,
    /// These alone, in PEM.
    Only(String),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "Plaintext",
            Self::System => "System",
            Self::Only(_) => "Only(..)",
        })
    }
}

/// What decides about a client's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) trust: Trust,
    pub(crate) reach: Reach,
}

/// The clients in use, the latest last.
#[derive(Default)]
pub(crate) struct Clients(Mutex<Vec<(Rules, Client)>>);

impl Clients {
    /// The client for these rules; made if there is none.
    ///
    /// # Errors
    /// [`FetchError::CertificateAuthority`] for texts that hold no certificates, and where the
    /// system has none.
    pub(crate) fn under(&self, rules: &Rules) -> Result<Client, FetchError> {
        if let Some(client) = self.find(rules) {
            return Ok(client);
        }
        // Made without the lock: it reads files. Two that are made at once do no harm.
        let client = build(rules)?;
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= CLIENTS_MAX {
            clients.remove(0);
        }
        clients.push((rules.clone(), client.clone()));
        Ok(client)
    }

    fn find(&self, rules: &Rules) -> Option<Client> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = clients.iter().rposition(|(known, _)| known == rules)?;
        let entry = clients.remove(place);
        let client = entry.1.clone();
        clients.push(entry);
        Some(client)
    }
}

fn build(rules: &Rules) -> Result<Client, FetchError> {
    let builder = Client::builder()
        .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        // A proxy would resolve names itself, past the filter.
        .no_proxy()
        .dns_resolver(Arc::new(FilteredResolver(rules.reach)))
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST);
    let builder = match &rules.trust {
        Trust::Plaintext => builder.tls_certs_only([]),
        Trust::System => builder.https_only(true),
        Trust::Only(pem) => builder.https_only(true).tls_certs_only(certificates(pem)?),
    };
    builder.build().map_err(|error| {
        let cause = crate::fetcher::root_cause(&error);
        FetchError::CertificateAuthority(format!("no TLS client can be made: {cause}"))
    })
}

fn certificates(pem: &str) -> Result<Vec<Certificate>, FetchError> {
    let fault = |text: String| Err(FetchError::CertificateAuthority(text));
    if pem.len() > CA_BYTES_MAX {
        return fault(format!(
            "the certificate authorities have {} bytes; at most {CA_BYTES_MAX}",
            pem.len()
        ));
    }
    match Certificate::from_pem_bundle(pem.as_bytes()) {
        Ok(certificates) if certificates.is_empty() => {
            fault("the certificate authorities hold no PEM block `CERTIFICATE`".to_owned())
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => fault(format!(
            "the certificate authorities are not usable PEM: {}",
            crate::fetcher::root_cause(&error)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(pem: &str) -> Rules {
        Rules {
            trust: Trust::Only(pem.to_owned()),
            reach: Reach::Any,
        }
    }

    fn fault(pem: &str) -> String {
        Clients::default()
            .under(&rules(pem))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn authorities_that_hold_no_certificate_are_refused() {
        assert!(fault("hello").contains("no PEM block `CERTIFICATE`"));
        assert!(fault("").contains("no PEM block `CERTIFICATE`"));
        let broken = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        assert!(fault(broken).contains("not usable PEM"));
    }

    #[test]
    fn authorities_are_bounded() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let fill = |bytes: usize| format!("{pem}{}", "#".repeat(bytes - pem.len()));
        assert!(
            Clients::default()
                .under(&rules(&fill(CA_BYTES_MAX)))
                .is_ok()
        );
        assert!(fault(&fill(CA_BYTES_MAX + 1)).contains("at most 262144"));
    }

    #[test]
    fn clients_are_kept_up_to_a_limit_and_the_oldest_goes_first() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let clients = Clients::default();
        let nth = |n: usize| rules(&format!("{pem}{}", "#".repeat(n)));
        for n in 0..CLIENTS_MAX {
            clients.under(&nth(n)).unwrap();
        }
        // The first is used again, so the second is now the oldest.
        clients.under(&nth(0)).unwrap();
        clients.under(&nth(CLIENTS_MAX)).unwrap();
        assert_eq!(clients.0.lock().unwrap().len(), CLIENTS_MAX);
        assert!(clients.find(&nth(0)).is_some());
        assert!(clients.find(&nth(1)).is_none());
        assert!(clients.find(&nth(CLIENTS_MAX)).is_some());
    }
}
