//! `seal "..."`: who keeps the unseal key.
//!
//! Keys and tokens are named by where they are (`file:///path`, `env://NAME`), and read when the
//! server starts, so that the configuration can be read, copied and checked without one.

use std::fmt;
use std::path::PathBuf;

use vouchsafe_logical::Secret;
use vouchsafe_policy::hcl::{Key, Object};
use vouchsafe_storage::seal::static_key::STATIC_KEY_ID_BYTES_MAX;

use super::fault::Faults;
use super::stanza::{Stanza, Vocabulary, server_address};

/// Who keeps the unseal key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum SealStanza {
    /// People, in shares.
    #[default]
    Shamir,
    /// A key from a file or the environment.
    Static {
        /// Wraps.
        current: NamedKey,
        /// Opens what it wrapped before the current one came.
        previous: Option<NamedKey>,
    },
    /// The transit engine of another server.
    Transit(TransitStanza),
}

/// A key with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedKey {
    pub(crate) id: String,
    pub(crate) source: SecretSource,
}

/// `seal "transit"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransitStanza {
    pub(crate) address: String,
    /// `None`: the environment's token.
    pub(crate) token: Option<SecretSource>,
    pub(crate) namespace: String,
    pub(crate) mount_path: String,
    pub(crate) key_name: String,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) renews_token: bool,
}

/// Where a secret is.
#[derive(Clone)]
pub(crate) enum SecretSource {
    File(PathBuf),
    Environment(String),
    /// In the configuration itself: tokens only, as Vault has it.
    Literal(Secret<String>),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file://{}", path.display()),
            Self::Environment(name) => write!(f, "env://{name}"),
            Self::Literal(_) => f.write_str("(a secret)"),
        }
    }
}

impl PartialEq for SecretSource {
    /// Two literals are never told apart: that would be a comparison of secrets.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Environment(a), Self::Environment(b)) => a == b,
            (Self::Literal(_), Self::Literal(_)) => true,
            _ => false,
        }
    }
}

impl Eq for SecretSource {}

/// The types of seal.
pub(super) const SEALS: &[&str] = &["shamir", "static", "transit"];

const SHAMIR: Vocabulary = Vocabulary {
    stanza: "`seal \"shamir\"`",
    keys: &[],
    refused: &[],
};

const STATIC: Vocabulary = Vocabulary {
    stanza: "`seal \"static\"`",
    keys: &[
        "current_key",
        "current_key_id",
        "previous_key",
        "previous_key_id",
    ],
    refused: &[("disabled", "this version does not migrate seals")],
};

const TRANSIT: Vocabulary = Vocabulary {
    stanza: "`seal \"transit\"`",
    keys: &[
        "address",
        "disable_renewal",
        "key_name",
        "mount_path",
        "namespace",
        "tls_ca_cert",
        "token",
    ],
    refused: &[
        ("disabled", "this version does not migrate seals"),
        (
            "key_id_prefix",
            "the engine's own ciphertext names the version of its key",
        ),
        (
            "tls_client_cert",
            "the token proves who asks; this version sends no client certificate",
        ),
        (
            "tls_client_key",
            "the token proves who asks; this version sends no client certificate",
        ),
        (
            "tls_server_name",
            "the certificate must be for the host of `address`",
        ),
        (
            "tls_skip_verify",
            "whoever answers would get the unseal key; name the authority with `tls_ca_cert`",
        ),
    ],
};

/// Reads a seal's stanza.
pub(super) fn seal(
    file: &str,
    kind: &Key,
    content: &Object,
    faults: &mut Faults,
) -> Option<SealStanza> {
    match kind.text.as_str() {
        "static" => static_keys(&mut Stanza::open(file, content, &STATIC, faults), faults),
        "transit" => transit(&mut Stanza::open(file, content, &TRANSIT, faults), faults),
        _ => {
            Stanza::open(file, content, &SHAMIR, faults);
            Some(SealStanza::Shamir)
        }
    }
}

fn static_keys(stanza: &mut Stanza<'_>, faults: &mut Faults) -> Option<SealStanza> {
    let current = named_key(stanza, "current_key", faults);
    let has_previous = stanza.has("previous_key") || stanza.has("previous_key_id");
    let previous = has_previous.then(|| named_key(stanza, "previous_key", faults));
    let current = current?;
    let previous = match previous {
        Some(previous) => Some(previous?),
        None => None,
    };
    if previous.as_ref().is_some_and(|key| key.id == current.id) {
        stanza.fault(
            "`previous_key_id` is the same as `current_key_id`; expected another id for each key",
            faults,
        );
        return None;
    }
    Some(SealStanza::Static { current, previous })
}

fn named_key(stanza: &mut Stanza<'_>, name: &str, faults: &mut Faults) -> Option<NamedKey> {
    let why = "a static key has an id and a place, such as `file:///etc/vouchsafe/unseal.key`";
    let id_name = format!("{name}_id");
    let id = stanza.required_text(&id_name, why, faults);
    let key = stanza.required_text(name, why, faults);
    let id = id.and_then(|(id, found)| match id.len() {
        0..=STATIC_KEY_ID_BYTES_MAX => Some(id.to_owned()),
        bytes => {
            let expected = format!("at most {STATIC_KEY_ID_BYTES_MAX} bytes");
            found.fault(&id_name, &format!("{bytes} bytes long"), &expected, faults)
        }
    });
    let (text, found) = key?;
    let Some(source) = source(text) else {
        // Not quoted: somebody may have written the key itself.
        let expected =
            "`file:///path` or `env://NAME`: what is in the configuration is in every copy of it";
        return found.fault(name, "no place of a key", expected, faults);
    };
    Some(NamedKey { id: id?, source })
}

fn source(text: &str) -> Option<SecretSource> {
    let file = text.strip_prefix("file://").filter(|path| !path.is_empty());
    let variable = text.strip_prefix("env://").filter(|name| !name.is_empty());
    file.map(|path| SecretSource::File(path.into()))
        .or_else(|| variable.map(|name| SecretSource::Environment(name.to_owned())))
}

fn transit(stanza: &mut Stanza<'_>, faults: &mut Faults) -> Option<SealStanza> {
    let why = "where the transit engine is, such as `https://vault.example.com:8200`";
    let address = stanza.required_text("address", why, faults);
    let key_name = stanza.required_text("key_name", "the key of the transit engine", faults);
    let mount_path = stanza.required_text("mount_path", "where the engine is, `transit/`", faults);
    let token = stanza.text("token", faults);
    let namespace = stanza.text("namespace", faults);
    let ca_file = stanza.text("tls_ca_cert", faults);
    let disable_renewal = stanza.boolean("disable_renewal", faults).unwrap_or(false);
    let address = address.and_then(|(text, found)| {
        server_address(text).or_else(|| {
            let expected = "a URL of scheme and host, such as `https://vault.example.com:8200`";
            found.fault("address", "no address of a server", expected, faults)
        })
    });
    let name = key_name.and_then(|(text, found)| {
        if text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Some(text.to_owned());
        }
        let expected = "letters, digits, `-`, `_` and `.`";
        found.fault("key_name", &found.shown(), expected, faults)
    });
    let path = |(text, _): (&str, _)| text.trim_matches('/').to_owned();
    Some(SealStanza::Transit(TransitStanza {
        address: address?,
        token: token.map(|(text, _)| {
            source(text).unwrap_or_else(|| SecretSource::Literal(Secret::new(text.to_owned())))
        }),
        namespace: namespace.map(path).unwrap_or_default(),
        mount_path: mount_path.map(path)?,
        key_name: name?,
        ca_file: ca_file.map(|(text, _)| text.into()),
        renews_token: !disable_renewal,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, good};
    use super::*;

    const LEAST: &str = "storage \"inmem\" {}\nlistener \"tcp\" { tls_disable = true }\n";

    fn seal_of(text: &str) -> SealStanza {
        good(&format!("{LEAST}seal {text}")).seal
    }

    fn fault_of(text: &str) -> String {
        bad(&format!("{LEAST}seal {text}"))
    }

    #[test]
    fn static_keys_are_named_by_where_they_are() {
        let key = |id: &str, source| NamedKey {
            id: id.to_owned(),
            source,
        };
        let text = r#""static" { current_key_id = "b" current_key = "file:///etc/k" }"#;
        let current = key("b", SecretSource::File("/etc/k".into()));
        let previous = None;
        assert_eq!(seal_of(text), SealStanza::Static { current, previous });
        let text = r#""static" {
            current_key_id = "b" current_key = "file:///etc/k"
            previous_key_id = "a" previous_key = "env://OLD"
        }"#;
        let current = key("b", SecretSource::File("/etc/k".into()));
        let previous = Some(key("a", SecretSource::Environment("OLD".to_owned())));
        assert_eq!(seal_of(text), SealStanza::Static { current, previous });
    }

    #[test]
    fn transit_takes_what_vault_takes() {
        let text = r#""transit" {
            address = "https://vault:8200/" token = "hvs.secret" key_name = "autounseal"
            mount_path = "transit/" namespace = "ns1/" tls_ca_cert = "/etc/ca.pem"
            disable_renewal = "true"
        }"#;
        let seal = seal_of(text);
        assert!(!format!("{seal:?}").contains("hvs.secret"));
        let SealStanza::Transit(transit) = seal else {
            panic!("a transit seal");
        };
        assert_eq!(transit.address, "https://vault:8200");
        assert_eq!(
            (transit.mount_path.as_str(), transit.namespace.as_str()),
            ("transit", "ns1")
        );
        assert!(!transit.renews_token);
    }

    #[test]
    fn faults_of_a_seal_name_the_key_and_never_its_value() {
        for (text, expected) in [
            (r#""static" {}"#, "`current_key_id` is missing"),
            (
                r#""static" { current_key_id = "a" current_key = "c2VjcmV0" }"#,
                "`current_key` is no place of a key; expected `file:///path` or `env://NAME`",
            ),
            (
                r#""static" { current_key_id = "a" current_key = "env://A" previous_key_id = "a" previous_key = "env://B" }"#,
                "`previous_key_id` is the same as `current_key_id`",
            ),
            (
                r#""static" { curent_key = "env://A" }"#,
                "unknown key `curent_key` in `seal \"static\"`; did you mean `current_key`?",
            ),
            (
                r#""transit" { address = "vault:8200" key_name = "k" mount_path = "t" }"#,
                "`address` is no address of a server",
            ),
            (
                r#""transit" { address = "https://v" key_name = "a/b" mount_path = "t" }"#,
                "`key_name` is `a/b`; expected letters",
            ),
            (
                r#""transit" { tls_skip_verify = true }"#,
                "`tls_skip_verify` in `seal \"transit\"` is not supported: whoever answers would get",
            ),
        ] {
            let fault = fault_of(text);
            assert!(fault.contains(expected), "{text}\n  said {fault}");
            assert!(!fault.contains("c2VjcmV0"));
        }
        let long = "x".repeat(STATIC_KEY_ID_BYTES_MAX);
        let text =
            |id: &str| format!(r#""static" {{ current_key_id = "{id}" current_key = "env://A" }}"#);
        seal_of(&text(&long));
        let fault = fault_of(&text(&format!("{long}x")));
        assert!(
            fault.contains("`current_key_id` is 256 bytes long"),
            "{fault}"
        );
        let two = format!("{}\nseal \"shamir\" {{}}", text("a"));
        assert!(fault_of(&two).contains("a second `seal`; a server has one"));
    }
}
