//! Configurations that are taken, and each way to be refused, with the words.

use std::fs;

use tempfile::TempDir;
use vouchsafe_server::limit::{BODY_BYTES_MAX, REQUEST_TIMEOUT};
use vouchsafe_server::{ClientCertificates, TlsVersion};

use super::root::LEASE_TTL_MAX;
use super::*;

/// A storage and a listener, on one line, so that what follows begins at line 2.
const LEAST: &str = "storage \"inmem\" {} listener \"tcp\" { tls_disable = true }\n";

fn read(name: &str, text: &str) -> Result<Config, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let folder = format!("{}/", folder.path().display());
    load(&[path]).map_err(|faults| faults.to_string().replace(&folder, ""))
}

pub(super) fn good(text: &str) -> Config {
    read("c.hcl", text).unwrap()
}

pub(super) fn bad(text: &str) -> String {
    read("c.hcl", text).unwrap_err()
}

/// The faults of a listener whose keys begin at line 3.
fn bad_listener(keys: &str) -> String {
    bad(&format!(
        "storage \"inmem\" {{}}\nlistener \"tcp\" {{\n{keys}\n}}"
    ))
}

fn listener(keys: &str) -> ListenerConfig {
    let text = format!("storage \"inmem\" {{}}\nlistener \"tcp\" {{\n{keys}\n}}");
    good(&text).listeners.remove(0)
}

#[test]
fn the_least_configuration_has_the_defaults() {
    let config = good(LEAST);
    assert_eq!(config.storage, Storage::InMemory);
    assert_eq!((config.api_addr, config.disable_mlock), (None, false));
    assert_eq!(
        (config.log_level, config.log_format),
        (LogLevel::Info, LogFormat::Standard)
    );
    let [listener] = &config.listeners[..] else {
        panic!("one listener");
    };
    assert_eq!(listener.address.to_string(), "127.0.0.1:8200");
    assert_eq!(listener.tls, None);
    assert_eq!(listener.max_request_size, BODY_BYTES_MAX);
    assert_eq!(listener.max_request_duration, REQUEST_TIMEOUT);
    assert_eq!(listener.forwarding, Forwarding::default());
    assert_eq!(listener.purpose, Purpose::Api);
}

#[test]
fn a_listener_for_publishing_stands_beside_one_for_the_api() {
    let publish = "listener \"tcp\" {\ntls_disable = true\npurpose = \"publish\"\n}";
    let api =
        "listener \"tcp\" {\ntls_disable = true\npurpose = \"api\"\naddress = \"127.0.0.1:1\"\n}";
    let config = good(&format!("storage \"inmem\" {{}}\n{publish}\n{api}"));
    let purposes: Vec<Purpose> = config.listeners.iter().map(|it| it.purpose).collect();
    assert_eq!(purposes, [Purpose::Publish, Purpose::Api]);
    // Alone, nobody could unseal the server.
    let fault = bad(&format!("storage \"inmem\" {{}}\n{publish}"));
    assert!(fault.contains("expected one for the API too"), "{fault}");
    let fault = bad_listener("tls_disable = true\npurpose = \"metrics\"");
    assert!(fault.contains("one of `api`, `publish`"), "{fault}");
}

const WHOLE: &str = r#"
ui            = false
disable_mlock = true
api_addr      = "https://vault.example.com:8200/"
log_level     = "DEBUG"
log_format    = "json"
default_lease_ttl = "12h"
max_lease_ttl     = 172800
telemetry {
  prometheus_retention_time = "30s"
  disable_hostname          = true
}
audit "file" "log/a" {
  description = "for people"
  options {
    file_path = "/var/log/vouchsafe/audit.log"
    log_raw   = false
  }
}
audit "stdout" "out" {}
seal "shamir" {}
storage "file" {
  path          = "/var/lib/vouchsafe"
  check_on_open = true
}
listener "tcp" {
  address              = "127.0.0.1:8300"
  tls_cert_file        = "/etc/cert.pem"
  tls_key_file         = "/etc/key.pem"
  tls_min_version      = "tls13"
  tls_client_ca_file   = "/etc/ca.pem"
  max_request_size     = 1048576
  max_request_duration = "30s"
  x_forwarded_for_authorized_addrs      = ["10.0.0.0/8", "192.0.2.1"]
  x_forwarded_for_hop_skips             = 1
  x_forwarded_for_reject_not_authorized = false
  x_forwarded_for_reject_not_present    = "false"
}
listener "tcp" {
  address     = "[::1]:8301"
  tls_disable = 1
}
"#;

#[test]
fn every_key_is_honoured() {
    let config = good(WHOLE);
    assert_eq!(
        config.storage,
        Storage::File {
            path: "/var/lib/vouchsafe".into(),
            check: vouchsafe_storage::Check::Always,
        }
    );
    assert_eq!(
        config.api_addr.as_deref(),
        Some("https://vault.example.com:8200")
    );
    assert_eq!(
        (config.log_level, config.log_format),
        (LogLevel::Debug, LogFormat::Json)
    );
    assert!(config.disable_mlock);
    let lease_ttl = LeaseTtl {
        default: Duration::from_secs(12 * 3_600),
        max: Duration::from_secs(48 * 3_600),
    };
    assert_eq!(config.lease_ttl, lease_ttl);
    assert_eq!(config.prometheus, PrometheusFormat::Served);
    let options = [
        ("file_path", "/var/log/vouchsafe/audit.log"),
        ("log_raw", "false"),
    ];
    let log = DeclaredDevice {
        path: "log/a".to_owned(),
        kind: "file".to_owned(),
        description: "for people".to_owned(),
        options: options
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
        local: false,
    };
    let out = DeclaredDevice {
        path: "out".to_owned(),
        kind: "stdout".to_owned(),
        ..DeclaredDevice::default()
    };
    assert_eq!(config.audit_devices, [log, out]);
    let [first, second] = &config.listeners[..] else {
        panic!("two listeners");
    };
    assert_eq!(first.address.to_string(), "127.0.0.1:8300");
    let expected = TlsFiles {
        cert_file: "/etc/cert.pem".into(),
        key_file: "/etc/key.pem".into(),
        min_version: TlsVersion::V1_3,
        client_certificates: ClientCertificates::Optional {
            ca_file: "/etc/ca.pem".into(),
        },
    };
    assert_eq!(first.tls, Some(expected));
    assert_eq!(first.max_request_size, 1_048_576);
    assert_eq!(first.max_request_duration, Duration::from_secs(30));
    let authorized = ["10.0.0.0/8", "192.0.2.1/32"].map(|net| net.parse().unwrap());
    let expected = Forwarding {
        authorized: authorized.into(),
        hop_skips: 1,
        reject_not_authorized: false,
        reject_not_present: false,
    };
    assert_eq!(first.forwarding, expected);
    assert_eq!(
        (second.address.to_string().as_str(), &second.tls),
        ("[::1]:8301", &None)
    );
}

#[test]
fn json_says_the_same() {
    for listeners in [
        r#"{"tcp": {"tls_disable": true}}"#,
        r#"{"tcp": [{"tls_disable": true}]}"#,
        r#"[{"tcp": {"tls_disable": true}}]"#,
    ] {
        let text = format!(r#"{{"storage": {{"inmem": {{}}}}, "listener": {listeners}}}"#);
        assert_eq!(read("c.json", &text).unwrap(), good(LEAST), "{text}");
    }
    let text = r#"{"storage": {"inmem": {}}, "listener": {"tcp": {"tls_disabel": true}}}"#;
    let fault = read("c.json", text).unwrap_err();
    assert!(fault.contains("c.json:1:"), "{fault}");
    assert!(fault.contains("did you mean `tls_disable`?"), "{fault}");
}

#[test]
fn audit_and_telemetry_may_be_written_in_json() {
    let text = r#"{
        "storage": {"inmem": {}},
        "listener": {"tcp": {"tls_disable": true}},
        "telemetry": {"prometheus_retention_time": 0},
        "audit": {"file": {"a": {"options": {"file_path": "/a", "log_raw": true}}}, "stdout": [{"b": [{}]}]}
    }"#;
    let config = read("c.json", text).unwrap();
    assert_eq!(config.prometheus, PrometheusFormat::Refused);
    let devices: Vec<_> = config
        .audit_devices
        .iter()
        .map(|device| (device.kind.as_str(), device.path.as_str()))
        .collect();
    assert_eq!(devices, [("file", "a"), ("stdout", "b")]);
    assert_eq!(config.audit_devices[0].options["log_raw"], "true");
}

#[test]
fn the_longest_lifetime_bounds_the_default_one() {
    let lease_ttl = |text: &str| good(&format!("{LEAST}{text}")).lease_ttl;
    let hours = |default: u64, max: u64| LeaseTtl {
        default: Duration::from_secs(default * 3_600),
        max: Duration::from_secs(max * 3_600),
    };
    assert_eq!(lease_ttl(""), hours(768, 768));
    assert_eq!(lease_ttl("max_lease_ttl = \"1h\""), hours(1, 1));
    assert_eq!(lease_ttl("max_lease_ttl = \"1000h\""), hours(768, 1_000));
    assert_eq!(lease_ttl("default_lease_ttl = \"1h\""), hours(1, 768));
    let longest = LEASE_TTL_MAX.as_secs();
    let text = |seconds: u64| format!("{LEAST}max_lease_ttl = {seconds}");
    good(&text(longest));
    assert!(bad(&text(longest + 1)).contains("expected a duration"));
}

#[test]
fn a_listener_says_who_sees_its_metrics() {
    let metrics =
        |keys: &str| listener(&format!("tls_disable = true\ntelemetry {{\n{keys}\n}}")).metrics;
    assert_eq!(
        listener("tls_disable = true").metrics,
        MetricsAccess::WithToken
    );
    assert_eq!(metrics(""), MetricsAccess::WithToken);
    let open = "unauthenticated_metrics_access = true";
    assert_eq!(metrics(open), MetricsAccess::Everybody);
    let closed = format!("{open}\ndisallow_metrics = true");
    assert_eq!(metrics(&closed), MetricsAccess::Nobody);
    let fault =
        bad_listener("tls_disable = true\ntelemetry {\nunauthenticated_metric_access = true\n}");
    assert!(
        fault.contains("did you mean `unauthenticated_metrics_access`?"),
        "{fault}"
    );
}

#[test]
fn a_folder_is_read_as_one_in_the_order_of_names() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("1.hcl", "storage \"inmem\" {}\nlog_level = \"warn\"");
    write("2.json", r#"{"listener": {"tcp": {"tls_disable": true}}}"#);
    write("notes.txt", "no configuration");
    let config = load(&[folder.path()]).unwrap();
    assert_eq!(
        (config.log_level, config.listeners.len()),
        (LogLevel::Warn, 1)
    );

    write("3.hcl", "log_level = \"info\"\nstorage \"inmem\" {}");
    let faults = load(&[folder.path()]).unwrap_err().to_string();
    assert!(
        faults.contains("3.hcl:1:1: `log_level` is set twice; the first is at "),
        "{faults}"
    );
    assert!(
        faults.contains("3.hcl:2:9: a second `storage`; a server has one"),
        "{faults}"
    );

    let files = ["1.hcl", "2.json"].map(|name| folder.path().join(name));
    assert_eq!(load(&files).unwrap(), config);
}

#[test]
fn as_many_files_as_the_bound_and_not_one_more() {
    let folder = TempDir::new().unwrap();
    let write = |number: usize, text: &str| {
        fs::write(folder.path().join(format!("{number}.hcl")), text).unwrap();
    };
    write(0, LEAST);
    (1..source::FILES_MAX).for_each(|number| write(number, ""));
    load(&[folder.path()]).unwrap();
    write(source::FILES_MAX, "");
    let faults = load(&[folder.path()]).unwrap_err().to_string();
    assert_eq!(
        faults,
        "the configuration has 65 files; expected at most 64"
    );
}

#[test]
fn what_is_no_configuration_is_refused() {
    let folder = TempDir::new().unwrap();
    let faults = load(&[folder.path()]).unwrap_err().to_string();
    assert!(
        faults.contains("has no file that ends in `.hcl` or `.json`"),
        "{faults}"
    );
    let faults = load(&[folder.path().join("absent.hcl")])
        .unwrap_err()
        .to_string();
    assert!(faults.contains("absent.hcl`: No such file"), "{faults}");
    let fault = bad("storage \"inmem\" {");
    assert!(
        fault.starts_with("c.hcl:1:18: unexpected end of the text; expected"),
        "{fault}"
    );
    let comment = "#".repeat(vouchsafe_policy::hcl::TEXT_BYTES_MAX - LEAST.len());
    good(&format!("{LEAST}{comment}"));
    let fault = bad(&format!("{LEAST}{comment}#"));
    assert!(
        fault.contains("1048577 bytes; expected a text of at most 1 MiB"),
        "{fault}"
    );
}

#[test]
fn each_fault_of_the_top_level_is_told_with_its_place() {
    let cases = [
        (
            "log_levle = \"info\"",
            "2:1: unknown key `log_levle` in the configuration; did you mean `log_level`?",
        ),
        (
            "frobnicate = 1",
            "2:1: unknown key `frobnicate` in the configuration; expected one of `api_addr`, ",
        ),
        (
            "telemetry {\n  statsd_address = \"x\"\n}",
            "3:3: `statsd_address` in `telemetry` is not supported: metrics are fetched from `sys/metrics`",
        ),
        (
            "telemetry { disable_hostnam = true }",
            "2:13: unknown key `disable_hostnam` in `telemetry`; did you mean `disable_hostname`?",
        ),
        (
            "telemetry {}\ntelemetry {}",
            "3:1: a second `telemetry`; a server has one",
        ),
        (
            "telemetry = 1",
            "2:13: `telemetry` is `1`; expected a stanza",
        ),
        (
            "telemetry { prometheus_retention_time = \"?\" }",
            "2:41: `prometheus_retention_time` is `?`; expected a duration",
        ),
        (
            "audit \"file\" { options { file_path = \"/a\" } }",
            "2:16: `audit` is malformed; expected a stanza with type and name",
        ),
        (
            "audit \"file\" \"a\" { options { file_path = \"a\" } }",
            "2:1: `audit \"file\" \"a\"`: ",
        ),
        (
            "audit \"file\" \"a\" {}",
            "2:1: `audit \"file\" \"a\"`: file_path is required",
        ),
        (
            "audit \"fil\" \"a\" {}",
            "2:1: `audit \"fil\" \"a\"`: unknown backend type: \"fil\"",
        ),
        (
            "audit \"stdout\" \"a\" { options { log_row = true } }",
            "2:1: `audit \"stdout\" \"a\"`: ",
        ),
        (
            "audit \"file\" \"a\" { file_path = \"/a\" }",
            "2:20: `file_path` in `audit` is not supported: it belongs into `options { ... }`",
        ),
        (
            "audit \"stdout\" \"a\" {}\naudit \"stdout\" \"a\" {}",
            "3:1: a second audit device `a`",
        ),
        (
            "cluster_addr = \"x\"",
            "2:1: `cluster_addr` in the configuration is not supported: this version has no clusters",
        ),
        (
            "ui = true",
            "2:6: `ui` is `true`; expected `false`: this version has no web interface",
        ),
        (
            "seal \"awskms\" {}",
            "2:6: seal type `awskms` is not supported by this version; expected one of `shamir`, `static`, `transit`",
        ),
        (
            "seal \"shamir\" { key = 1 }",
            "2:17: unknown key `key` in `seal \"shamir\"`; expected none",
        ),
        (
            "storage \"inmem\" {}",
            "2:9: a second `storage`; a server has one",
        ),
        (
            "listener \"unix\" {}",
            "2:10: listener type `unix` is not supported by this version; expected one of `tcp`",
        ),
        (
            "listener = 5",
            "2:12: `listener` is `5`; expected a stanza with its type, such as `listener \"tcp\" { ... }`",
        ),
        (
            "listener { address = \"x\" }",
            "`listener` is without a type; expected a stanza with its type",
        ),
        (
            "listener \"tcp\" \"second\" {}",
            "2:16: `listener` has more than one label; expected its type only",
        ),
        (
            "listener \"tcp\" { tls_disable = true }",
            "2:10: a second listener at `127.0.0.1:8200`",
        ),
        (
            "log_level = \"loud\"",
            "2:13: `log_level` is `loud`; expected one of `trace`, `debug`, `info`, `warn`, `error`",
        ),
        (
            "log_format = \"xml\"",
            "2:14: `log_format` is `xml`; expected one of `standard`, `json`",
        ),
        (
            "log_level = 3",
            "2:13: `log_level` is a number; expected a string",
        ),
        (
            "disable_mlock = \"maybe\"",
            "2:17: `disable_mlock` is `maybe`; expected `true` or `false`",
        ),
        (
            "api_addr = \"vault:8200\"",
            "2:12: `api_addr` is no address that clients could use; expected a URL",
        ),
        (
            "api_addr = \"https://u:p@host\"",
            "2:12: `api_addr` is no address that clients could use",
        ),
        (
            "api_addr = \"https://host/path\"",
            "2:12: `api_addr` is no address that clients could use",
        ),
        (
            "default_lease_ttl = \"769h\"",
            "2:21: `default_lease_ttl` is `769h`; expected at most `max_lease_ttl`, which is `768h`",
        ),
        (
            "default_lease_ttl = \"2h\"\nmax_lease_ttl = \"1h\"",
            "2:21: `default_lease_ttl` is `2h`; expected at most `max_lease_ttl`, which is `1h`",
        ),
        (
            "default_lease_ttl = 0",
            "2:21: `default_lease_ttl` is `0`; expected a duration such as `90s`, from 1s",
        ),
        (
            "max_lease_ttl = \"?\"",
            "2:17: `max_lease_ttl` is `?`; expected a duration",
        ),
    ];
    for (text, expected) in cases {
        let fault = bad(&format!("{LEAST}{text}"));
        assert!(
            fault.contains(expected),
            "{text}\n  said {fault}\n  expected {expected}"
        );
    }
}

#[test]
fn each_fault_of_a_listener_is_told_with_its_place() {
    const PLAIN: &str = "tls_disable = true ";
    let cases = [
        (
            "adress = \"x\"",
            "3:20: unknown key `adress` in `listener \"tcp\"`; did you mean `address`?",
        ),
        (
            "tls_max_version = \"tls13\"",
            "`tls_max_version` in `listener \"tcp\"` is not supported: the newest version is always spoken",
        ),
        (
            "address = \"8200\"",
            "3:30: `address` is `8200`; expected HOST:PORT",
        ),
        ("address = 8200", "`address` is `8200`; expected HOST:PORT"),
        (
            "tls_min_version = \"tls11\"",
            "`tls_min_version` is `tls11`; expected one of `tls12`, `tls13`",
        ),
        (
            "max_request_size = 0",
            "`max_request_size` is `0`; expected a number from 1 to 268435456",
        ),
        (
            "max_request_size = 268435457",
            "`max_request_size` is `268435457`; expected a number from 1 to 268435456",
        ),
        (
            "max_request_size = []",
            "`max_request_size` is a list; expected a number",
        ),
        (
            "max_request_duration = \"999ms\"",
            "`max_request_duration` is `999ms`; expected a duration such as `90s`, from 1s to 3600s",
        ),
        (
            "max_request_duration = 3601",
            "`max_request_duration` is `3601`; expected a duration",
        ),
        (
            "x_forwarded_for_authorized_addrs = \"10.0.0.0/8,proxy\"",
            "`x_forwarded_for_authorized_addrs` is `proxy`; expected addresses or CIDR blocks",
        ),
        (
            "x_forwarded_for_authorized_addrs = [7]",
            "`x_forwarded_for_authorized_addrs` is `7`; expected addresses",
        ),
        (
            "x_forwarded_for_hop_skips = 33",
            "`x_forwarded_for_hop_skips` is `33`; expected a number from 0 to 32",
        ),
        (
            "x_forwarded_for_hop_skips = -1",
            "`x_forwarded_for_hop_skips` is `-1`; expected a number from 0 to 32",
        ),
        (
            "tls_disable = false",
            "3:20: `tls_disable` is set twice; the first is at c.hcl:3:15",
        ),
    ];
    for (keys, expected) in cases {
        let fault = bad_listener(&format!("{PLAIN}{keys}"));
        assert!(
            fault.contains(expected),
            "{keys}\n  said {fault}\n  expected {expected}"
        );
    }
}

#[test]
fn numbers_are_taken_up_to_their_bounds() {
    let bounds = listener(
        "tls_disable = true max_request_size = \"268435456\" max_request_duration = \"1h\" \
         x_forwarded_for_hop_skips = 32",
    );
    assert_eq!(bounds.max_request_size, listener::MAX_REQUEST_SIZE_MAX);
    assert_eq!(
        bounds.max_request_duration,
        listener::MAX_REQUEST_DURATION_MAX
    );
    assert_eq!(bounds.forwarding.hop_skips, listener::HOP_SKIPS_MAX);
    let least = listener("tls_disable = true max_request_size = 1 max_request_duration = 1");
    assert_eq!(least.max_request_size, 1);
    assert_eq!(least.max_request_duration, Duration::from_secs(1));
}

#[test]
fn as_many_listeners_and_addresses_as_the_bounds_and_not_one_more() {
    let stanza = "listener \"tcp\" { address = \"127.0.0.1:0\" tls_disable = true }\n";
    let text = |count| format!("storage \"inmem\" {{}}\n{}", stanza.repeat(count));
    assert_eq!(good(&text(LISTENERS_MAX)).listeners.len(), LISTENERS_MAX);
    let fault = bad(&text(LISTENERS_MAX + 1));
    assert_eq!(fault, "c.hcl:18:10: more than 16 listeners");

    let keys = |count: usize| {
        let addresses = vec!["10.0.0.1"; count].join(",");
        format!("tls_disable = true x_forwarded_for_authorized_addrs = \"{addresses}\"")
    };
    let most = listener(&keys(listener::AUTHORIZED_ADDRS_MAX));
    assert_eq!(
        most.forwarding.authorized.len(),
        listener::AUTHORIZED_ADDRS_MAX
    );
    let fault = bad_listener(&keys(listener::AUTHORIZED_ADDRS_MAX + 1));
    assert!(
        fault.contains("is 257; expected at most 256 entries"),
        "{fault}"
    );
}

#[test]
fn faults_are_told_in_the_order_of_the_text() {
    let text = "storage \"consul\" {}\nlistener \"tcp\" {\n  tls_dissable = true\n}\nentropy {}\n";
    let faults = bad(text);
    let places: Vec<_> = faults
        .lines()
        .skip(1)
        .map(|line| line.trim().split(": ").next().unwrap())
        .collect();
    let expected = [
        "c.hcl:1:9",
        "c.hcl:2:16",
        "c.hcl:2:16",
        "c.hcl:3:3",
        "c.hcl:5:1",
    ];
    assert_eq!(places, expected, "{faults}");
}

#[test]
fn tls_is_on_unless_switched_off_and_wants_its_files() {
    let fault = bad_listener("");
    assert!(
        fault.starts_with("the configuration has 2 faults\n"),
        "{fault}"
    );
    for name in ["tls_cert_file", "tls_key_file"] {
        let expected = format!("c.hcl:2:16: `{name}` is missing: a listener needs");
        assert!(fault.contains(&expected), "{fault}");
    }
    let files = "tls_cert_file = \"c\" tls_key_file = \"k\"";
    let tls = listener(files).tls.unwrap();
    assert_eq!(tls.min_version, TlsVersion::V1_2);
    assert_eq!(tls.client_certificates, ClientCertificates::Ignored);
    assert_eq!(listener(&format!("{files} tls_disable = true")).tls, None);

    let required = format!("{files} tls_require_and_verify_client_cert = true");
    let fault = bad_listener(&required);
    assert!(
        fault.contains("expected `tls_client_ca_file` beside it"),
        "{fault}"
    );
    let tls = listener(&format!("{required} tls_client_ca_file = \"ca\""))
        .tls
        .unwrap();
    let expected = ClientCertificates::Required {
        ca_file: "ca".into(),
    };
    assert_eq!(tls.client_certificates, expected);
}

#[test]
fn what_is_missing_is_told_all_at_once() {
    let faults = bad("");
    assert_eq!(
        faults,
        "the configuration has 2 faults\n  \
         the configuration has no `storage`; expected `storage \"file\" { path = \"...\" }`\n  \
         the configuration has no `listener`; expected `listener \"tcp\" { ... }`"
    );
    let fault = bad("storage \"file\" {}\nlistener \"tcp\" { tls_disable = true }");
    assert_eq!(
        fault,
        "c.hcl:1:16: `path` is missing: the folder where everything is kept"
    );
    let fault = bad("storage \"file\" { path = \"\" }\nlistener \"tcp\" { tls_disable = true }");
    assert_eq!(fault, "c.hcl:1:25: `path` is empty; expected a text");
    let fault = bad("storage \"consul\" {}\nlistener \"tcp\" { tls_disable = true }");
    assert_eq!(
        fault,
        "c.hcl:1:9: storage type `consul` is not supported by this version; expected one of `file`, `inmem`"
    );
}
