//! What `load` refuses, and that a failed reload changes nothing.

use std::fs;

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
