//! What `load` refuses, that a failed reload changes nothing, and who may shake hands.

use std::fs;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConnection};
use tempfile::TempDir;

use super::*;

struct Pair {
    certificate: String,
    key: String,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Pair {
        certificate: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    }
}

fn files(folder: &TempDir, pair: &Pair) -> TlsFiles {
    let files = TlsFiles {
        cert_file: folder.path().join("cert.pem"),
        key_file: folder.path().join("key.pem"),
        min_version: TlsVersion::default(),
        client_certificates: ClientCertificates::Ignored,
    };
    fs::write(&files.cert_file, &pair.certificate).unwrap();
    fs::write(&files.key_file, &pair.key).unwrap();
    files
}

/// TLS with a certificate of its own, for tests that need just any.
pub(crate) fn tls(folder: &TempDir) -> Tls {
    Tls::load(files(folder, &pair())).unwrap()
}

fn fault(files: TlsFiles) -> String {
    match Tls::load(files) {
        Ok(_) => panic!("these files are refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_pair_is_loaded_in_every_version_and_with_every_demand_on_clients() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    let ca_file = good.cert_file.clone();
    for min_version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        for client_certificates in [
            ClientCertificates::Ignored,
            ClientCertificates::Optional {
                ca_file: ca_file.clone(),
            },
            ClientCertificates::Required {
                ca_file: ca_file.clone(),
            },
        ] {
            let files = TlsFiles {
                min_version,
                client_certificates,
                ..good.clone()
            };
            let tls = Tls::load(files).unwrap();
            assert_eq!(tls.current.load().alpn_protocols, ALPN);
        }
    }
}

#[test]
fn a_fault_names_the_file() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    let absent = folder.path().join("absent.pem");
    let text = fault(TlsFiles {
        cert_file: absent.clone(),
        ..good.clone()
    });
    assert!(
        text.contains("absent.pem") && text.contains("can't read"),
        "{text}"
    );

    let text = fault(TlsFiles {
        cert_file: good.key_file.clone(),
        ..good.clone()
    });
    assert!(
        text.ends_with("key.pem` holds no certificate in PEM"),
        "{text}"
    );

    let text = fault(TlsFiles {
        key_file: good.cert_file.clone(),
        ..good.clone()
    });
    assert!(text.contains("cert.pem` holds no private key"), "{text}");

    let client_certificates = ClientCertificates::Optional { ca_file: absent };
    let text = fault(TlsFiles {
        client_certificates,
        ..good
    });
    assert!(text.contains("absent.pem"), "{text}");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    fs::write(&good.key_file, pair().key).unwrap();
    let text = fault(good);
    assert!(
        text.contains("does not belong to the certificate"),
        "{text}"
    );
}

#[test]
fn a_file_may_have_the_bound_and_no_byte_more() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    let mut text = fs::read_to_string(&good.cert_file).unwrap();
    let bound = usize::try_from(PEM_BYTES_MAX).unwrap();
    text.push_str(&"\n".repeat(bound - text.len()));
    fs::write(&good.cert_file, &text).unwrap();
    Tls::load(good.clone()).map(drop).unwrap();
    fs::write(&good.cert_file, text + "\n").unwrap();
    let text = fault(good);
    assert!(text.contains("more than 1048576 bytes"), "{text}");
}

#[test]
fn a_reload_that_fails_leaves_what_was_in_force() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    let tls = Tls::load(good.clone()).unwrap();
    let before = tls.current.load_full();
    fs::write(&good.key_file, pair().key).unwrap();
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&before, &tls.current.load_full()));

    let fresh = pair();
    files(&folder, &fresh);
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&before, &tls.current.load_full()));
}

/// A client that trusts the certificate in a file, and shows a pair of its own.
fn client(
    trusted: &Path,
    own: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(trusted).unwrap());
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    config
}

/// Shakes hands in memory; returns the protocol that was agreed on.
fn shake(tls: &Tls, client: ClientConfig) -> Result<Vec<u8>, rustls::Error> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(tls.current.load_full())?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        server.read_tls(&mut &sent[..]).unwrap();
        server.process_new_packets()?;
        let mut sent = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut sent).unwrap();
        }
        client.read_tls(&mut &sent[..]).unwrap();
        client.process_new_packets()?;
    }
    Ok(server.alpn_protocol().unwrap_or_default().to_vec())
}

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS12, &version::TLS13];

#[test]
fn http_2_is_preferred_and_old_versions_are_refused() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    let shake_with = |min_version, versions: &[&'static SupportedProtocolVersion]| {
        let tls = Tls::load(TlsFiles {
            min_version,
            ..good.clone()
        })
        .unwrap();
        shake(&tls, client(&good.cert_file, None, versions))
    };
    let only_1_2 = &BOTH[..1];
    assert_eq!(shake_with(TlsVersion::V1_2, BOTH).unwrap(), b"h2");
    assert_eq!(shake_with(TlsVersion::V1_2, only_1_2).unwrap(), b"h2");
    assert_eq!(shake_with(TlsVersion::V1_3, BOTH).unwrap(), b"h2");
    assert!(shake_with(TlsVersion::V1_3, only_1_2).is_err());
}

#[test]
fn a_client_shows_the_certificate_that_is_demanded() {
    let folder = TempDir::new().unwrap();
    let good = files(&folder, &pair());
    let (known, stranger) = (pair(), pair());
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, &known.certificate).unwrap();
    let optional = ClientCertificates::Optional {
        ca_file: ca_file.clone(),
    };
    let required = ClientCertificates::Required { ca_file };
    // Without a certificate, with the right one, with another.
    let cases = [
        (ClientCertificates::Ignored, [true, true, true]),
        (optional, [true, true, false]),
        (required, [false, true, false]),
    ];
    for (client_certificates, expected) in cases {
        let shown = [None, Some(&known), Some(&stranger)];
        let tls = Tls::load(TlsFiles {
            client_certificates,
            ..good.clone()
        })
        .unwrap();
        let taken = shown.map(|own| shake(&tls, client(&good.cert_file, own, BOTH)).is_ok());
        assert_eq!(taken, expected, "{:?}", tls.files().client_certificates);
    }
}
