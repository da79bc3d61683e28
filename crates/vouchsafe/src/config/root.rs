//! The top level: which stanzas and keys there are, and what is missing.

use std::time::Duration;

use vouchsafe_core::LeaseTtl;
use vouchsafe_policy::hcl::{Item, Key, Object, Value, ValueKind};
use vouchsafe_server::Purpose;
use vouchsafe_storage::Check;

use super::fault::Faults;
use super::source::Source;
use super::stanza::{Found, Stanza, Vocabulary, server_address};
use super::{
    Config, LISTENERS_MAX, ListenerConfig, LogFormat, LogLevel, SealStanza, Storage, audit, iam,
    listener, seal, single, telemetry,
};

/// The longest system-wide lifetime of tokens and leases: ten years.
pub(super) const LEASE_TTL_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

const VOCABULARY: Vocabulary = Vocabulary {
    stanza: "the configuration",
    keys: &[
        "api_addr",
        "audit",
        "default_lease_ttl",
        "disable_mlock",
        "iam",
        "listener",
        "log_format",
        "log_level",
        "max_lease_ttl",
        "seal",
        "storage",
        "telemetry",
        "ui",
    ],
    refused: &[
        ("backend", "it is called `storage`"),
        ("cluster_addr", "this version has no clusters"),
        (
            "cluster_name",
            "the cluster's name is made when it is initialised",
        ),
        ("disable_cache", "no cache is ever older than storage"),
        ("disable_clustering", "this version has no clusters"),
        (
            "enable_response_header_hostname",
            "the server's headers are fixed",
        ),
        ("entropy", "randomness comes from the operating system"),
        ("ha_storage", "this version has no clusters"),
        ("hsm", "seals are `shamir`, `static` and `transit`"),
        ("license_path", "there is no licence to install"),
        ("log_file", "the log goes to standard error"),
        (
            "pid_file",
            "let the service manager know the process, as contrib/ shows",
        ),
        (
            "plugin_directory",
            "auth methods and secrets engines are built in",
        ),
        (
            "raw_storage_endpoint",
            "storage can't be reached around the barrier",
        ),
        (
            "service_registration",
            "this version registers itself nowhere",
        ),
        (
            "user_lockout",
            "tune it for each auth method: `vouchsafe auth tune`",
        ),
    ],
};

const STORAGES: &[&str] = &["file", "inmem"];
const LISTENERS: &[&str] = &["tcp"];

/// A stanza with a type, such as `listener "tcp"`.
struct Typed<'a> {
    file: &'a str,
    kind: &'a Key,
    content: &'a Object,
}

/// Puts the configuration together from all files.
pub(super) fn config(sources: &[Source], mut faults: Faults) -> Result<Config, Faults> {
    let mut attributes = Stanza::empty();
    let (mut storages, mut listeners, mut seals) = (Vec::new(), Vec::new(), Vec::new());
    let (mut audits, mut telemetries, mut iams) = (Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        let file = source.name.as_str();
        for item in &source.content.items {
            let name = item.key.text.as_str();
            let stanzas = match name {
                "storage" => &mut storages,
                "listener" => &mut listeners,
                "seal" => &mut seals,
                "audit" => {
                    audit::collect(file, item, &mut audits, &mut faults);
                    continue;
                }
                "iam" => {
                    single::collect(file, item, &mut iams, &mut faults);
                    continue;
                }
                "telemetry" => {
                    single::collect(file, item, &mut telemetries, &mut faults);
                    continue;
                }
                _ if VOCABULARY.keys.contains(&name) => {
                    attributes.add(&item.key, file, &item.value, &mut faults);
                    continue;
                }
                _ => {
                    VOCABULARY.refuse(file, &item.key, &mut faults);
                    continue;
                }
            };
            typed(file, item, stanzas, &mut faults);
        }
    }
    let seal = seal(&seals, &mut faults);
    let storage = storage(&storages, &mut faults);
    let listeners = all_listeners(&listeners, &mut faults);
    harmless(&mut attributes, &mut faults);
    let lease_ttl = lease_ttl(&mut attributes, &mut faults);
    let audit_devices = audit::devices(&audits, &mut faults);
    let iam = iam::iam(&iams, &mut faults);
    let prometheus = telemetry::telemetry(&telemetries, &mut faults);
    let api_addr = api_addr(&mut attributes, &mut faults);
    let disable_mlock = attributes.boolean("disable_mlock", &mut faults);
    let log_level = attributes.word("log_level", LOG_LEVELS, &mut faults);
    let log_format = attributes.word("log_format", LOG_FORMATS, &mut faults);
    match (storage, seal) {
        (Some(storage), Some(seal)) if faults.is_empty() => Ok(Config {
            storage,
            seal,
            listeners,
            api_addr,
            log_level: log_level.unwrap_or_default(),
            log_format: log_format.unwrap_or_default(),
            disable_mlock: disable_mlock.unwrap_or(false),
            lease_ttl,
            audit_devices,
            iam,
            prometheus,
        }),
        _ => Err(faults),
    }
}

const LOG_LEVELS: &[(&str, LogLevel)] = &[
    ("trace", LogLevel::Trace),
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
];

const LOG_FORMATS: &[(&str, LogFormat)] =
    &[("standard", LogFormat::Standard), ("json", LogFormat::Json)];

/// Brings the ways of writing typed stanzas to one: HCL's labels, and objects by type in JSON, alone
/// or in lists.
fn typed<'a>(file: &'a str, item: &'a Item, into: &mut Vec<Typed<'a>>, faults: &mut Faults) {
    let name = &item.key.text;
    match (&item.labels[..], &item.value.kind) {
        ([kind], ValueKind::Object(content)) => into.push(Typed {
            file,
            kind,
            content,
        }),
        ([], _) => by_type(file, name, &item.value, into, faults),
        ([_, extra, ..], _) => faults.at(
            file,
            extra.position,
            format_args!("`{name}` has more than one label; expected its type only"),
        ),
        ([_], _) => {}
    }
}

fn by_type<'a>(
    file: &'a str,
    name: &str,
    value: &'a Value,
    into: &mut Vec<Typed<'a>>,
    faults: &mut Faults,
) {
    let found = Found { file, value };
    let expected = format!(
        "a stanza with its type, such as `{name} \"{}\" {{ ... }}`",
        example(name)
    );
    let kinds = match &value.kind {
        ValueKind::Object(kinds) => kinds,
        ValueKind::List(values) => {
            for value in values {
                by_type(file, name, value, into, faults);
            }
            return;
        }
        _ => {
            found.fault::<()>(name, &found.shown(), &expected, faults);
            return;
        }
    };
    for item in &kinds.items {
        let kind = &item.key;
        let inner = match &item.value.kind {
            ValueKind::List(values) => &values[..],
            _ => std::slice::from_ref(&item.value),
        };
        for value in inner {
            if let ValueKind::Object(content) = &value.kind {
                into.push(Typed {
                    file,
                    kind,
                    content,
                });
            } else {
                found.fault::<()>(name, "without a type", &expected, faults);
                return;
            }
        }
    }
}

fn example(name: &str) -> &'static str {
    match name {
        "storage" => "file",
        "seal" => "shamir",
        _ => "tcp",
    }
}

/// Whether a type is one of those that there are; a fault otherwise.
fn is_known(stanza: &Typed<'_>, name: &str, known: &[&str], faults: &mut Faults) -> bool {
    let kind = stanza.kind.text.as_str();
    let is_known = known.contains(&kind);
    if !is_known {
        let known = known.join("`, `");
        faults.at(
            stanza.file,
            stanza.kind.position,
            format_args!(
                "{name} type `{kind}` is not supported by this version; expected one of `{known}`"
            ),
        );
    }
    is_known
}

fn seal(seals: &[Typed<'_>], faults: &mut Faults) -> Option<SealStanza> {
    let [stanza, more @ ..] = seals else {
        return Some(SealStanza::default());
    };
    for second in more {
        let message = "a second `seal`; a server has one";
        faults.at(second.file, second.kind.position, message);
    }
    if !is_known(stanza, "seal", seal::SEALS, faults) {
        return None;
    }
    seal::seal(stanza.file, stanza.kind, stanza.content, faults)
}

fn storage(storages: &[Typed<'_>], faults: &mut Faults) -> Option<Storage> {
    const FILE: Vocabulary = Vocabulary {
        stanza: "`storage \"file\"`",
        keys: &["path", "check_on_open"],
        refused: &[],
    };
    const IN_MEMORY: Vocabulary = Vocabulary {
        stanza: "`storage \"inmem\"`",
        keys: &[],
        refused: &[],
    };
    let [stanza, more @ ..] = storages else {
        faults.general(
            "the configuration has no `storage`; expected `storage \"file\" { path = \"...\" }`",
        );
        return None;
    };
    for second in more {
        let message = "a second `storage`; a server has one";
        faults.at(second.file, second.kind.position, message);
    }
    if !is_known(stanza, "storage", STORAGES, faults) {
        return None;
    }
    if stanza.kind.text == "inmem" {
        Stanza::open(stanza.file, stanza.content, &IN_MEMORY, faults);
        return Some(Storage::InMemory);
    }
    let mut stanza = Stanza::open(stanza.file, stanza.content, &FILE, faults);
    let (path, _) = stanza.required_text("path", "the folder where everything is kept", faults)?;
    let check = match stanza.boolean("check_on_open", faults) {
        Some(true) => Check::Always,
        Some(false) | None => Check::Small,
    };
    Some(Storage::File {
        path: path.into(),
        check,
    })
}

fn all_listeners(stanzas: &[Typed<'_>], faults: &mut Faults) -> Vec<ListenerConfig> {
    if stanzas.is_empty() {
        faults.general("the configuration has no `listener`; expected `listener \"tcp\" { ... }`");
    }
    if let Some(over) = stanzas.get(LISTENERS_MAX) {
        let message = format!("more than {LISTENERS_MAX} listeners");
        faults.at(over.file, over.kind.position, message);
    }
    let mut listeners: Vec<ListenerConfig> = Vec::new();
    for stanza in stanzas.iter().take(LISTENERS_MAX) {
        if !is_known(stanza, "listener", LISTENERS, faults) {
            continue;
        }
        let Some(listener) = listener::listener(stanza.file, stanza.content, faults) else {
            continue;
        };
        let address = listener.address;
        if address.port() != 0 && listeners.iter().any(|other| other.address == address) {
            let message = format!("a second listener at `{address}`");
            faults.at(stanza.file, stanza.kind.position, message);
        }
        listeners.push(listener);
    }
    if !listeners.is_empty() && listeners.iter().all(|it| it.purpose == Purpose::Publish) {
        faults
            .general("every `listener` has `purpose = \"publish\"`; expected one for the API too");
    }
    listeners
}

/// Keys that may be written as long as they ask for what is so anyway.
fn harmless(attributes: &mut Stanza<'_>, faults: &mut Faults) {
    if let Some(ui) = attributes.take("ui")
        && ui.value.kind != ValueKind::Bool(false)
    {
        let expected = "`false`: this version has no web interface";
        ui.fault::<()>("ui", &ui.shown(), expected, faults);
    }
}

/// The lifetimes where no mount has its own. Vault's rule: the default may not be over the longest,
/// which is 768 h where it isn't told.
fn lease_ttl(attributes: &mut Stanza<'_>, faults: &mut Faults) -> LeaseTtl {
    let usual = LeaseTtl::default();
    let bounds = || Duration::from_secs(1)..=LEASE_TTL_MAX;
    let told = attributes.peek("default_lease_ttl");
    let default = attributes.duration("default_lease_ttl", bounds(), faults);
    let max = attributes.duration("max_lease_ttl", bounds(), faults);
    let max = max.unwrap_or(usual.max);
    let lease_ttl = LeaseTtl {
        default: default.unwrap_or_else(|| usual.default.min(max)),
        max,
    };
    if lease_ttl.default > max
        && let Some(found) = told
    {
        let expected = format!("at most `max_lease_ttl`, which is {}", duration_text(max));
        found.fault::<()>("default_lease_ttl", &found.shown(), &expected, faults);
    }
    lease_ttl
}

fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds.is_multiple_of(3_600) {
        format!("`{}h`", seconds / 3_600)
    } else {
        format!("`{seconds}s`")
    }
}

fn api_addr(attributes: &mut Stanza<'_>, faults: &mut Faults) -> Option<String> {
    let (text, found) = attributes.text("api_addr", faults)?;
    server_address(text).or_else(|| {
        let expected = "a URL of scheme and host, such as `https://vouchsafe.example.com:8200`";
        // Not quoted: somebody may have written a password into it.
        let no_address = "no address that clients could use";
        found.fault("api_addr", no_address, expected, faults)
    })
}
