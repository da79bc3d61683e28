//! Changes of the mount table: enable, disable, tune, move.

use std::collections::BTreeMap;
use std::time::Duration;

use vouchsafe_logical::{EntropyExt, Error, MountClass, TokenKind};

use super::entry::{MountConfig, MountEntry, StoredClass, UserLockoutConfig};
use super::table::Mounts;

/// The most mounts of one server. The table is one record, which every change writes as a whole and
/// every node reads: with descriptions of a few words, this many are less than a mebibyte.
pub(super) const MOUNTS_MAX: usize = 1_000;
/// Paths that clients may not mount at or below.
const RESERVED: &[&str] = &[
    "sys/",
    "identity/",
    "cubbyhole/",
    "auth/token/",
    "audit/",
    "publish/",
];

/// Kinds of which there is one mount, which every server has: what is published has one owner.
const SINGLE_KINDS: &[&str] = &["publish"];

/// A mount that somebody asks for.
pub struct NewMount {
    /// The path as sent, without `auth/`.
    pub path: String,
    /// The kind.
    pub kind: String,
    /// The class.
    pub class: MountClass,
    /// For people.
    pub description: String,
    /// Tuning.
    pub config: MountConfig,
    /// Engine options.
    pub options: BTreeMap<String, String>,
    /// Kept as sent.
    pub local: bool,
    /// Kept as sent.
    pub seal_wrap: bool,
}

/// Changes of a mount's tuning; absent members stay.
#[derive(Default)]
pub struct Tuning {
    /// Zero resets to the system's.
    pub default_lease_ttl: Option<Duration>,
    /// Zero resets to the system's.
    pub max_lease_ttl: Option<Duration>,
    /// For people.
    pub description: Option<String>,
    /// `unauth`, `hidden` or empty.
    pub listing_visibility: Option<String>,
    /// See [`MountConfig`].
    pub audit_non_hmac_request_keys: Option<Vec<String>>,
    /// See [`MountConfig`].
    pub audit_non_hmac_response_keys: Option<Vec<String>>,
    /// See [`MountConfig`].
    pub passthrough_request_headers: Option<Vec<String>>,
    /// See [`MountConfig`].
    pub allowed_response_headers: Option<Vec<String>>,
    /// Kind of login tokens.
    pub token_type: Option<TokenKind>,
    /// Engine options; merged.
    pub options: Option<BTreeMap<String, String>>,
    /// Lockout of principals.
    pub user_lockout: Option<UserLockoutConfig>,
}

/// A mount's whole path, from the path that a client sent.
///
/// # Errors
/// An empty path, or characters that no path has.
pub(crate) fn full_path(class: MountClass, sent: &str) -> Result<String, Error> {
    let trimmed = sent.trim_matches('/');
    if trimmed.is_empty() {
        return Err(Error::invalid(
            "missing mount path; expected e.g. `team-a/approle`",
        ));
    }
    if let Err(fault) = vouchsafe_logical::RequestPath::parse(trimmed) {
        return Err(Error::invalid(format!("mount path {trimmed:?}: {fault}")));
    }
    Ok(match class {
        MountClass::Auth => format!("auth/{trimmed}/"),
        MountClass::Secret => format!("{trimmed}/"),
    })
}

impl Mounts {
    /// Mounts an auth method or secrets engine.
    ///
    /// # Errors
    /// An unknown kind, a path that is taken or reserved, or one that contains or lies in another.
    pub async fn enable(&self, new: NewMount) -> Result<(), Error> {
        let path = full_path(new.class, &new.path)?;
        check_new_path(new.class, &path)?;
        let class = match new.class {
            MountClass::Auth => StoredClass::Auth,
            MountClass::Secret => StoredClass::Secret,
        };
        let entropy = &*self.ports.entropy;
        let prefix = if new.class == MountClass::Auth {
            "auth_"
        } else {
            ""
        };
        let (mut kind, mut options) = (new.kind, new.options);
        if let Some(real) = self
            .named(&kind, new.class)
            .and_then(|named| named.stands_for)
        {
            real.kind.clone_into(&mut kind);
            options.insert(real.option.to_owned(), real.value.to_owned());
        }
        let entry = MountEntry {
            path: path.clone(),
            accessor: format!("{prefix}{kind}_{}", entropy.hex(8)),
            uuid: entropy.uuid(),
            kind,
            class,
            description: new.description,
            config: new.config,
            options,
            local: new.local,
            seal_wrap: new.seal_wrap,
        };
        if self.kind(&entry).is_none() {
            return Err(Error::invalid_because(
                "unknown_kind",
                format!(
                    "plugin not found in the catalog: {}; this server has: {}",
                    entry.kind,
                    self.kinds(new.class).join(", ")
                ),
            ));
        }
        if SINGLE_KINDS.contains(&entry.kind.as_str()) {
            return Err(Error::invalid_because(
                "mounted_once",
                format!(
                    "the engine `{}` is mounted once, from the start",
                    entry.kind
                ),
            ));
        }
        self.change(|entries| {
            check_free(entries, &path)?;
            if entries.len() >= MOUNTS_MAX {
                return Err(Error::invalid(format!(
                    "there are {MOUNTS_MAX} mounts already"
                )));
            }
            entries.push(entry.clone());
            Ok(())
        })
        .await
    }

    /// Unmounts, and returns what was mounted. Absent is fine: `None`. A mount of the other class
    /// counts as absent: who may unmount engines may not unmount auth methods by their whole path.
    ///
    /// # Errors
    /// The mount is built in.
    pub async fn disable(
        &self,
        class: StoredClass,
        path: &str,
    ) -> Result<Option<MountEntry>, Error> {
        self.change(|entries| {
            let is_meant = |entry: &MountEntry| entry.path == path && entry.class == class;
            let Some(place) = entries.iter().position(is_meant) else {
                return Ok(None);
            };
            if entries[place].is_built_in() {
                return Err(Error::invalid(format!(
                    "mount {path:?} is built in and stays"
                )));
            }
            Ok(Some(entries.remove(place)))
        })
        .await
    }

    /// Changes a mount's tuning.
    ///
    /// # Errors
    /// No such mount, or a default lifetime over the longest one.
    pub async fn tune(&self, path: &str, tuning: &Tuning) -> Result<(), Error> {
        self.change(|entries| {
            let Some(entry) = entries.iter_mut().find(|entry| entry.path == path) else {
                return Err(Error::invalid(format!("no mount at {path:?}")));
            };
            apply(entry, tuning)
        })
        .await
    }

    /// Moves a mount to another path; storage, accessor and tokens stay its own.
    ///
    /// # Errors
    /// As [`Mounts::enable`], and where nothing is mounted at `from`.
    pub async fn remount(&self, from: &str, to: &str) -> Result<(), Error> {
        self.change(|entries| {
            let Some(place) = entries.iter().position(|entry| entry.path == from) else {
                return Err(Error::invalid(format!("no matching mount at {from:?}")));
            };
            if entries[place].is_built_in() {
                return Err(Error::invalid(format!("cannot remount {from:?}")));
            }
            let class = entries[place].class;
            if (class == StoredClass::Auth) != to.starts_with("auth/") {
                return Err(Error::invalid(format!(
                    "cannot move {from:?} to {to:?}: one is an auth method, the other is not"
                )));
            }
            check_new_path(class.into(), to)?;
            let mut entry = entries.remove(place);
            check_free(entries, to)?;
            entry.path = to.to_owned();
            entries.push(entry);
            Ok(())
        })
        .await
    }

    /// The names of the kinds that can be mounted in a class.
    #[must_use]
    pub fn kinds(&self, class: MountClass) -> Vec<&'static str> {
        self.catalog
            .iter()
            .filter(|kind| kind.class == class)
            .map(|kind| kind.name)
            .collect()
    }

    /// Stores the mounts that every server has, where they are missing.
    ///
    /// # Errors
    /// The store's.
    pub async fn ensure_built_in(&self) -> Result<(), Error> {
        let built_in = [
            (
                "sys/",
                "system",
                "system endpoints used for control, policy and debugging",
            ),
            ("identity/", "identity", "identity store"),
            (
                "cubbyhole/",
                "cubbyhole",
                "per-token private secret storage",
            ),
            ("auth/token/", "token", "token based credentials"),
            (
                "publish/",
                "publish",
                "public discovery documents of private issuers",
            ),
        ];
        let entropy = &*self.ports.entropy;
        self.change(|entries| {
            for (path, kind, description) in built_in {
                if entries.iter().any(|entry| entry.path == path) {
                    continue;
                }
                let is_auth = path.starts_with("auth/");
                let prefix = if is_auth { "auth_" } else { "" };
                let mut config = MountConfig {
                    passthrough_request_headers: match path {
                        "identity/" => vec!["Authorization".to_owned()],
                        "sys/" => vec!["Accept".to_owned()],
                        _ => Vec::new(),
                    },
                    ..MountConfig::default()
                };
                if is_auth {
                    config.token_type = TokenKind::DefaultService;
                }
                entries.push(MountEntry {
                    path: path.to_owned(),
                    kind: kind.to_owned(),
                    class: if is_auth {
                        StoredClass::Auth
                    } else {
                        StoredClass::Secret
                    },
                    description: description.to_owned(),
                    accessor: format!("{prefix}{kind}_{}", entropy.hex(8)),
                    uuid: entropy.uuid(),
                    config,
                    options: BTreeMap::new(),
                    local: path == "cubbyhole/",
                    seal_wrap: path == "sys/",
                });
            }
            Ok(())
        })
        .await
    }
}

fn check_new_path(class: MountClass, path: &str) -> Result<(), Error> {
    if RESERVED.iter().any(|reserved| path.starts_with(reserved)) {
        return Err(Error::invalid(format!("path {path:?} is reserved")));
    }
    if class == MountClass::Secret && path.starts_with("auth/") {
        return Err(Error::invalid(format!(
            "path {path:?} is for auth methods; secrets engines are mounted elsewhere"
        )));
    }
    Ok(())
}

fn check_free(entries: &[MountEntry], path: &str) -> Result<(), Error> {
    for entry in entries {
        if entry.path == path {
            let shown = path.strip_prefix("auth/").unwrap_or(path);
            return Err(Error::invalid_because(
                "path_in_use",
                format!("path is already in use at {shown}"),
            ));
        }
        if path.starts_with(&entry.path) || entry.path.starts_with(path) {
            return Err(Error::invalid_because(
                "path_in_use",
                format!("existing mount at {}", entry.path),
            ));
        }
    }
    Ok(())
}

fn apply(entry: &mut MountEntry, tuning: &Tuning) -> Result<(), Error> {
    let config = &mut entry.config;
    let default = tuning.default_lease_ttl.unwrap_or(config.default_lease_ttl);
    let max = tuning.max_lease_ttl.unwrap_or(config.max_lease_ttl);
    if !max.is_zero() && default > max {
        return Err(Error::invalid(
            "default_lease_ttl cannot be greater than max_lease_ttl",
        ));
    }
    config.default_lease_ttl = default;
    config.max_lease_ttl = max;
    if let Some(visibility) = &tuning.listing_visibility {
        if !matches!(visibility.as_str(), "" | "hidden" | "unauth") {
            return Err(Error::invalid(format!(
                "invalid listing_visibility {visibility:?}; expected `unauth` or `hidden`"
            )));
        }
        config.listing_visibility.clone_from(visibility);
    }
    let set = |place: &mut Vec<String>, value: &Option<Vec<String>>| {
        if let Some(value) = value {
            place.clone_from(value);
        }
    };
    set(
        &mut config.audit_non_hmac_request_keys,
        &tuning.audit_non_hmac_request_keys,
    );
    set(
        &mut config.audit_non_hmac_response_keys,
        &tuning.audit_non_hmac_response_keys,
    );
    set(
        &mut config.passthrough_request_headers,
        &tuning.passthrough_request_headers,
    );
    set(
        &mut config.allowed_response_headers,
        &tuning.allowed_response_headers,
    );
    if let Some(kind) = tuning.token_type {
        config.token_type = kind;
    }
    if let Some(lockout) = &tuning.user_lockout {
        config.user_lockout = Some(lockout.clone());
    }
    if let Some(description) = &tuning.description {
        entry.description.clone_from(description);
    }
    if let Some(options) = &tuning.options {
        entry.options.extend(options.clone());
    }
    Ok(())
}
