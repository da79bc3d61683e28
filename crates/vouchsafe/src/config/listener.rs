//! `listener "tcp"`: where requests come in, over which TLS, within which bounds.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use vouchsafe_policy::hcl::{Object, Value, ValueKind};
use vouchsafe_server::limit::{BODIES_BYTES_MAX, BODY_BYTES_MAX, REQUEST_TIMEOUT};
use vouchsafe_server::{
    ClientCertificates, Forwarding, MetricsAccess, Purpose, TlsFiles, TlsVersion,
};

use super::ListenerConfig;
use super::fault::Faults;
use super::stanza::{Found, Stanza, Vocabulary};
use super::telemetry;

/// Where a listener listens that isn't told.
const ADDRESS: &str = "127.0.0.1:8200";
/// The largest `max_request_size`, in bytes: what all bodies together may have.
pub(super) const MAX_REQUEST_SIZE_MAX: usize = BODIES_BYTES_MAX;
/// The longest `max_request_duration`.
pub(super) const MAX_REQUEST_DURATION_MAX: Duration = Duration::from_secs(3_600);
/// The most own proxies that can be skipped.
pub(super) const HOP_SKIPS_MAX: usize = 32;
/// The most entries of `x_forwarded_for_authorized_addrs`.
pub(super) const AUTHORIZED_ADDRS_MAX: usize = 256;

const VOCABULARY: Vocabulary = Vocabulary {
    stanza: "`listener \"tcp\"`",
    keys: &[
        "address",
        "max_request_duration",
        "max_request_size",
        "purpose",
        "telemetry",
        "tls_cert_file",
        "tls_client_ca_file",
        "tls_disable",
        "tls_key_file",
        "tls_min_version",
        "tls_require_and_verify_client_cert",
        "x_forwarded_for_authorized_addrs",
        "x_forwarded_for_hop_skips",
        "x_forwarded_for_reject_not_authorized",
        "x_forwarded_for_reject_not_present",
    ],
    refused: &[
        ("cluster_address", "this version has no clusters"),
        ("custom_response_headers", "the server's headers are fixed"),
        (
            "proxy_protocol_behavior",
            "use `x_forwarded_for_authorized_addrs`",
        ),
        (
            "tls_cipher_suites",
            "the secure ones are always on, and no others",
        ),
        (
            "tls_disable_client_certs",
            "leave `tls_client_ca_file` out instead",
        ),
        ("tls_max_version", "the newest version is always spoken"),
        (
            "tls_prefer_server_cipher_suites",
            "the server always prefers its own order",
        ),
    ],
};

/// Reads a listener.
pub(super) fn listener(file: &str, object: &Object, faults: &mut Faults) -> Option<ListenerConfig> {
    let mut stanza = Stanza::open(file, object, &VOCABULARY, faults);
    let address = address(&mut stanza, faults);
    let tls = tls(&mut stanza, faults);
    let purpose = stanza.word(
        "purpose",
        &[("api", Purpose::Api), ("publish", Purpose::Publish)],
        faults,
    );
    let max_request_size = stanza
        .number("max_request_size", 1..=MAX_REQUEST_SIZE_MAX, faults)
        .unwrap_or(BODY_BYTES_MAX);
    let max_request_duration = stanza
        .duration(
            "max_request_duration",
            Duration::from_secs(1)..=MAX_REQUEST_DURATION_MAX,
            faults,
        )
        .unwrap_or(REQUEST_TIMEOUT);
    let forwarding = forwarding(&mut stanza, faults);
    let metrics = stanza.take("telemetry");
    let metrics = metrics.map_or_else(MetricsAccess::default, |found| {
        telemetry::of_listener(found, faults)
    });
    Some(ListenerConfig {
        address: address?,
        tls: tls?,
        purpose: purpose.unwrap_or_default(),
        max_request_size,
        max_request_duration,
        forwarding,
        metrics,
    })
}

fn address(stanza: &mut Stanza<'_>, faults: &mut Faults) -> Option<SocketAddr> {
    let Some(found) = stanza.take("address") else {
        return ADDRESS.parse().ok();
    };
    let expected = "HOST:PORT, such as `0.0.0.0:8200`";
    let ValueKind::String(text) = &found.value.kind else {
        return found.fault("address", &found.shown(), expected, faults);
    };
    match text.to_socket_addrs().map(|mut addresses| addresses.next()) {
        Ok(Some(address)) => Some(address),
        Ok(None) | Err(_) => found.fault("address", &found.shown(), expected, faults),
    }
}

/// `Some(None)` for plain HTTP, `None` after a fault.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it could be read"
)]
fn tls(stanza: &mut Stanza<'_>, faults: &mut Faults) -> Option<Option<TlsFiles>> {
    let is_disabled = stanza.boolean("tls_disable", faults).unwrap_or(false);
    let version = stanza.word(
        "tls_min_version",
        &[("tls12", TlsVersion::V1_2), ("tls13", TlsVersion::V1_3)],
        faults,
    );
    let is_required = stanza.take("tls_require_and_verify_client_cert");
    let client_ca = stanza.text("tls_client_ca_file", faults);
    if is_disabled {
        for name in ["tls_cert_file", "tls_key_file"] {
            // Written for the day when TLS is switched on; read, so that a mistake shows now.
            stanza.text(name, faults);
        }
        return Some(None);
    }
    let why = "a listener needs `tls_cert_file` and `tls_key_file`, or `tls_disable = true`";
    let cert_file = stanza.required_text("tls_cert_file", why, faults);
    let key_file = stanza.required_text("tls_key_file", why, faults);
    let client_certificates =
        client_certificates(client_ca.map(|(text, _)| text), is_required, faults)?;
    Some(Some(TlsFiles {
        cert_file: cert_file?.0.into(),
        key_file: key_file?.0.into(),
        min_version: version.unwrap_or_default(),
        client_certificates,
    }))
}

fn client_certificates(
    ca_file: Option<&str>,
    is_required: Option<Found<'_>>,
    faults: &mut Faults,
) -> Option<ClientCertificates> {
    const NAME: &str = "tls_require_and_verify_client_cert";
    let ca_file = ca_file.map(PathBuf::from);
    let Some(found) = is_required else {
        return Some(ca_file.map_or(ClientCertificates::Ignored, |ca_file| {
            ClientCertificates::Optional { ca_file }
        }));
    };
    match (&found.value.kind, ca_file) {
        (ValueKind::Bool(true), Some(ca_file)) => Some(ClientCertificates::Required { ca_file }),
        (ValueKind::Bool(true), None) => {
            let expected = "`tls_client_ca_file` beside it, which says whose certificates count";
            found.fault(NAME, "`true`", expected, faults)
        }
        (ValueKind::Bool(false), Some(ca_file)) => Some(ClientCertificates::Optional { ca_file }),
        (ValueKind::Bool(false), None) => Some(ClientCertificates::Ignored),
        _ => found.fault(NAME, &found.shown(), "`true` or `false`", faults),
    }
}

fn forwarding(stanza: &mut Stanza<'_>, faults: &mut Faults) -> Forwarding {
    let usual = Forwarding::default();
    let authorized = stanza
        .take("x_forwarded_for_authorized_addrs")
        .and_then(|found| networks(found, faults));
    Forwarding {
        authorized: authorized.unwrap_or_default(),
        hop_skips: stanza
            .number("x_forwarded_for_hop_skips", 0..=HOP_SKIPS_MAX, faults)
            .unwrap_or(usual.hop_skips),
        reject_not_authorized: stanza
            .boolean("x_forwarded_for_reject_not_authorized", faults)
            .unwrap_or(usual.reject_not_authorized),
        reject_not_present: stanza
            .boolean("x_forwarded_for_reject_not_present", faults)
            .unwrap_or(usual.reject_not_present),
    }
}

/// Addresses and CIDR blocks: a list, or a text with commas.
fn networks(found: Found<'_>, faults: &mut Faults) -> Option<Vec<IpNet>> {
    const NAME: &str = "x_forwarded_for_authorized_addrs";
    const EXPECTED: &str = "addresses or CIDR blocks, such as `10.0.0.0/8`";
    let one = std::slice::from_ref(found.value);
    let values = match &found.value.kind {
        ValueKind::List(values) => &values[..],
        _ => one,
    };
    let mut networks = Vec::new();
    for value in values {
        let found = Found { value, ..found };
        let Value {
            kind: ValueKind::String(text),
            ..
        } = value
        else {
            return found.fault(NAME, &found.shown(), EXPECTED, faults);
        };
        for text in text.split(',').map(str::trim) {
            match network(text) {
                Some(network) => networks.push(network),
                None => return found.fault(NAME, &format!("`{text}`"), EXPECTED, faults),
            }
        }
    }
    if networks.len() > AUTHORIZED_ADDRS_MAX {
        let expected = format!("at most {AUTHORIZED_ADDRS_MAX} entries");
        return found.fault(NAME, &networks.len().to_string(), &expected, faults);
    }
    Some(networks)
}

fn network(text: &str) -> Option<IpNet> {
    let host = || text.parse::<IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(host)
}
