//! One mount as it is stored, and its part that others may see.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{MountClass, MountSummary, TokenKind};

/// The lifetime of tokens and leases where nobody says otherwise: 768 hours, as Vault.
pub const SYSTEM_LEASE_TTL: Duration = Duration::from_secs(768 * 3_600);

/// The lifetimes of tokens and leases of the whole system: `default_lease_ttl` and `max_lease_ttl`
/// of the configuration. A mount's tuning goes before them, also where it is longer, as in Vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTtl {
    /// Where nobody asks for another.
    pub default: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for LeaseTtl {
    fn default() -> Self {
        Self {
            default: SYSTEM_LEASE_TTL,
            max: SYSTEM_LEASE_TTL,
        }
    }
}

impl MountConfig {
    /// The lifetimes that hold, where the system's are these.
    #[must_use]
    pub fn lease_ttl(&self, system: LeaseTtl) -> LeaseTtl {
        let or = |own: Duration, system| if own.is_zero() { system } else { own };
        LeaseTtl {
            default: or(self.default_lease_ttl, system.default),
            max: or(self.max_lease_ttl, system.max),
        }
    }
}

/// A mount's tuning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountConfig {
    /// Zero = the system's.
    pub default_lease_ttl: Duration,
    /// Zero = the system's.
    pub max_lease_ttl: Duration,
    /// Kept for clients that send it; there is no cache that could serve old data.
    pub force_no_cache: bool,
    /// What kind of token logins make.
    pub token_type: TokenKind,
    /// `unauth` shows the mount to callers without a token.
    pub listing_visibility: String,
    /// Request members whose values are not hashed in audit entries.
    pub audit_non_hmac_request_keys: Vec<String>,
    /// Response members whose values are not hashed in audit entries.
    pub audit_non_hmac_response_keys: Vec<String>,
    /// Headers that the backend may see.
    pub passthrough_request_headers: Vec<String>,
    /// Headers that the backend may set.
    pub allowed_response_headers: Vec<String>,
    /// Lockout of principals after failed logins, where it differs from the default.
    pub user_lockout: Option<UserLockoutConfig>,
}

/// `user_lockout_config` of a mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLockoutConfig {
    /// Failures in a row that lock the principal.
    pub threshold: u32,
    /// How long the lock holds.
    pub duration: Duration,
    /// A failure older than this is forgotten.
    pub counter_reset: Duration,
    /// No lockout at all.
    pub disable: bool,
}

impl Default for UserLockoutConfig {
    fn default() -> Self {
        Self {
            threshold: 5,
            duration: Duration::from_secs(15 * 60),
            counter_reset: Duration::from_secs(15 * 60),
            disable: false,
        }
    }
}

/// The classes as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredClass {
    /// Below `auth/`.
    Auth,
    /// Anywhere else.
    Secret,
}

impl From<StoredClass> for MountClass {
    fn from(class: StoredClass) -> Self {
        match class {
            StoredClass::Auth => Self::Auth,
            StoredClass::Secret => Self::Secret,
        }
    }
}

/// A mount as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountEntry {
    /// `auth/userpass/` or `kv/`: no leading slash, one at the end.
    pub path: String,
    /// The catalog's name.
    pub kind: String,
    /// Auth method or secrets engine.
    pub class: StoredClass,
    /// For people.
    pub description: String,
    /// Unique, never reused, stable under moves.
    pub accessor: String,
    /// Names the mount's slice of storage; stable under moves.
    pub uuid: String,
    /// Tuning.
    pub config: MountConfig,
    /// Engine options (`version`).
    pub options: BTreeMap<String, String>,
    /// Local to one cluster of several.
    pub local: bool,
    /// Kept for clients that send it; everything is encrypted.
    pub seal_wrap: bool,
}

impl MountEntry {
    /// What backends and entries of audit may know.
    #[must_use]
    pub fn summary(&self, system: LeaseTtl) -> MountSummary {
        let lease_ttl = self.config.lease_ttl(system);
        MountSummary {
            accessor: self.accessor.clone(),
            kind: self.kind.clone(),
            path: self.path.clone(),
            local: self.local,
            default_lease_ttl: lease_ttl.default,
            max_lease_ttl: lease_ttl.max,
        }
    }

    /// Whether clients may take the mount away.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(
            self.path.as_str(),
            "sys/" | "identity/" | "cubbyhole/" | "auth/token/" | "publish/"
        )
    }
}
