//! How the client proves who it is and checks who the server is.
//!
//! Certificates and keys arrive as PEM text: reading files is the caller's.

use std::fmt;

use reqwest::{Certificate, ClientBuilder, Identity};

use crate::address::Address;
use crate::error::ClientError;

/// Whether the server's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerVerification {
    /// Check it against the roots.
    #[default]
    Required,
    /// Accept any certificate.
    ///
    /// # Security
    ///
    /// Whoever sits on the wire reads the token. For test servers only.
    Skipped,
}

/// The client's TLS settings. The default trusts the system's roots.
#[derive(Clone, Default)]
pub struct TlsConfig {
    /// Roots in PEM, each text with one or more certificates. When any is given, the system's are
    /// not used.
    pub roots: Vec<Vec<u8>>,
    /// The client's certificate chain and private key, both in PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether the server's certificate is checked.
    pub verification: ServerVerification,
    /// The name to ask for and to check, when it is not the address's host.
    pub server_name: Option<String>,
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TlsConfig")
            .field("roots", &self.roots.len())
            .field("identity", &self.identity.is_some())
            .field("verification", &self.verification)
            .field("server_name", &self.server_name)
            .finish()
    }
}

impl TlsConfig {
    /// Puts the settings into an HTTP client.
    ///
    /// With a [`TlsConfig::server_name`] this resolves the address's host, which blocks.
    pub(crate) fn apply(
        &self,
        address: &Address,
        mut builder: ClientBuilder,
    ) -> Result<ClientBuilder, ClientError> {
        let fault = |what: &str, error: reqwest::Error| {
            ClientError::Configuration(format!("{what} is not usable PEM: {error}"))
        };
        if self.verification == ServerVerification::Skipped {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let mut roots = Vec::new();
        for pem in &self.roots {
            roots.extend(
                Certificate::from_pem_bundle(pem)
                    .map_err(|error| fault("the CA certificate", error))?,
            );
        }
        if !self.roots.is_empty() {
            if roots.is_empty() {
                let text = "the CA certificate holds no PEM block `CERTIFICATE`";
                return Err(ClientError::Configuration(text.to_owned()));
            }
            builder = builder.tls_certs_only(roots);
        }
        if let Some((certificate, key)) = &self.identity {
            let pem = [key.as_slice(), b"\n", certificate.as_slice()].concat();
            let identity = Identity::from_pem(&pem)
                .map_err(|error| fault("the client certificate or key", error))?;
            builder = builder.identity(identity);
        }
        if let Some(name) = &self.server_name {
            let sockets = address.socket_addresses().map_err(|error| {
                ClientError::Configuration(format!("host `{}`: {error}", address.host()))
            })?;
            builder = builder.resolve_to_addrs(name, &sockets);
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_without_a_certificate_is_refused() {
        let config = TlsConfig {
            roots: vec![b"hello".to_vec()],
            ..TlsConfig::default()
        };
        let address = Address::parse("https://127.0.0.1:8200").unwrap();
        let error = config.apply(&address, ClientBuilder::new()).unwrap_err();
        assert!(
            error.to_string().contains("no PEM block `CERTIFICATE`"),
            "{error}"
        );
    }

    #[test]
    fn debug_output_holds_no_key() {
        let config = TlsConfig {
            identity: Some((b"cert".to_vec(), b"hunter2".to_vec())),
            ..TlsConfig::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
