//! TLS of a listener: certificate, key and client CA from PEM files, and their reload.
//!
//! What a handshake needs is one value that is replaced whole. Connections that are open keep the one
//! they began with, so a reload disturbs none; a reload that fails leaves the old one in force.
//!
//! Invariants:
//! - TLS 1.2 is the oldest version (RFC 9325 §3.1.1); aws-lc-rs is the only provider.
//! - A certificate is never in force with a key that is not its own.
//! - Errors name files, never what is in them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio_rustls::TlsAcceptor;

/// The largest PEM file, in bytes: some hundreds of certificates.
pub const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// Protocols that are offered to clients (RFC 7301), the preferred one first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The oldest version of TLS that a listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246) and newer.
    #[default]
    V1_2,
    /// TLS 1.3 (RFC 8446) only.
    V1_3,
}

impl TlsVersion {
    const fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        static SINCE_1_2: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
        static SINCE_1_3: [&SupportedProtocolVersion; 1] = [&version::TLS13];
        match self {
            Self::V1_2 => &SINCE_1_2,
            Self::V1_3 => &SINCE_1_3,
        }
    }
}

/// Whose certificates a listener takes from its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// None is asked for.
    Ignored,
    /// One is asked for, and must be signed by this CA if it is sent.
    Optional {
        /// PEM file with the CA's certificates.
        ca_file: PathBuf,
    },
    /// A client without one that this CA signed is refused in the handshake.
    Required {
        /// PEM file with the CA's certificates.
        ca_file: PathBuf,
    },
}

/// What TLS is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file with the server's certificate, followed by its chain.
    pub cert_file: PathBuf,
    /// PEM file with the private key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key_file: PathBuf,
    /// The oldest version.
    pub min_version: TlsVersion,
    /// What clients must show.
    pub client_certificates: ClientCertificates,
}

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("can't read `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
    /// A file is larger than [`PEM_BYTES_MAX`].
    #[error("`{}` has more than {PEM_BYTES_MAX} bytes; expected a PEM file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file holds nothing of the kind that was expected.
    #[error("`{}` holds no {expected} in PEM", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// A file's content can't be used.
    #[error("`{}` can't be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key don't belong together.
    #[error(
        "the key in `{}` does not belong to the certificate in `{}`",
        key_file.display(),
        cert_file.display()
    )]
    KeyMismatch {
        /// The certificate's file.
        cert_file: PathBuf,
        /// The key's file.
        key_file: PathBuf,
    },
    /// The provider refuses the combination.
    #[error("TLS can't be set up: {0}")]
    Refused(rustls::Error),
}

/// The TLS of a listener.
pub struct Tls {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that is missing, too large or not what it should be; a key of another certificate.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(server_config(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the files anew; handshakes that begin later use what they hold now.
    ///
    /// # Errors
    /// As [`Tls::load`]; then nothing changes.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(server_config(&self.files)?));
        Ok(())
    }

    /// The files that it is made from.
    #[must_use]
    pub const fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// What does the next handshake.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

fn server_config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&files.cert_file)?;
    let key = private_key(&files.key_file)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(files.min_version.supported())
        .map_err(TlsError::Refused)?
        .with_client_cert_verifier(client_verifier(&files.client_certificates)?)
        .with_single_cert(chain, key)
        .map_err(|error| pair_fault(error, files))?;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn pair_fault(error: rustls::Error, files: &TlsFiles) -> TlsError {
    let unusable = |path: &Path, reason: String| TlsError::Unusable {
        path: path.to_owned(),
        reason,
    };
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch {
            cert_file: files.cert_file.clone(),
            key_file: files.key_file.clone(),
        },
        rustls::Error::InvalidCertificate(fault) => unusable(
            &files.cert_file,
            format!("its certificate is invalid: {fault:?}"),
        ),
        // What the provider says of a key that it can't parse tells no more.
        rustls::Error::General(_) => unusable(
            &files.key_file,
            "its private key is of no known kind; expected RSA, ECDSA or Ed25519".to_owned(),
        ),
        other => TlsError::Refused(other),
    }
}

fn client_verifier(clients: &ClientCertificates) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let (ca_file, is_required) = match clients {
        ClientCertificates::Ignored => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientCertificates::Optional { ca_file } => (ca_file, false),
        ClientCertificates::Required { ca_file } => (ca_file, true),
    };
    let unusable = |reason: String| TlsError::Unusable {
        path: ca_file.clone(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca_file)? {
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if is_required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder.build().map_err(|error| unusable(error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Unusable {
            path: path.to_owned(),
            reason: format!("it is not PEM: {error}"),
        })?;
    if chain.is_empty() {
        return Err(TlsError::Missing {
            path: path.to_owned(),
            expected: "certificate",
        });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    // The text of the parser's error could quote the key, so it is not shown.
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| TlsError::Missing {
        path: path.to_owned(),
        expected: "private key without a passphrase",
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(PEM_BYTES_MAX + 1).read_to_end(&mut content))
        .map_err(|error| TlsError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
    if content.len() as u64 > PEM_BYTES_MAX {
        return Err(TlsError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(content)
}

#[cfg(test)]
pub(crate) mod tests;
