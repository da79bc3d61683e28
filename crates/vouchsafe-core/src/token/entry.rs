//! A token as it is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::{PolicyNames, Timestamp};

/// Whether a token is stored or carries itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// Stored: can be renewed, revoked, counted.
    Service,
    /// Encrypted into the token itself: nothing is written, nothing can be taken back.
    Batch,
}

impl TokenType {
    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }
}

/// Everything that is known of a token but the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// Looks up and revokes, can't log in.
    pub accessor: String,
    /// For people and audit entries.
    pub display_name: String,
    /// The path that made it: `auth/token/create`, `auth/userpass/login/bob`.
    pub path: String,
    /// Its own policies; `root` alone makes a root token.
    pub policies: PolicyNames,
    /// Facts of the login or of `meta`.
    pub meta: Option<BTreeMap<String, String>>,
    /// Stored or self-contained.
    pub token_type: TokenType,
    /// The entity it stands for.
    pub entity_id: Option<String>,
    /// The login that it comes from. Tokens made by earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<std::sync::Arc<vouchsafe_logical::ProvedLogin>>,
    /// The storage name of the token that made it; none for orphans.
    pub parent: Option<String>,
    /// The token role that made it.
    pub role: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its life as given at creation.
    pub creation_ttl: Duration,
    /// When it ends; `None` = never (root tokens).
    pub expire_at: Option<Timestamp>,
    /// When it was last renewed.
    pub last_renewed_at: Option<Timestamp>,
    /// Hard end of life from creation; zero = none.
    pub explicit_max_ttl: Duration,
    /// The longest life with renewals that its role set; zero = the mount's.
    pub max_ttl: Duration,
    /// Life at each renewal of a periodic token; zero = not periodic.
    pub period: Duration,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// Uses left; zero = not limited.
    pub num_uses: u64,
    /// The last use is being served: no other request may use it, and it is revoked afterwards.
    #[serde(default)]
    pub spent: bool,
    /// Addresses from which it works; empty = everywhere.
    pub bound_cidrs: Vec<IpNet>,
    /// Claims of the login that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<std::sync::Arc<vouchsafe_logical::Data>>,
    /// What the auth method wants to see at renewal.
    pub internal: Value,
    /// The accessor of the mount whose login made it.
    pub mount_accessor: Option<String>,
    /// Whether it is the token that came with initialisation.
    #[serde(default)]
    pub initial_root: bool,
}

impl TokenEntry {
    /// A credential that is no token of ours, in the form of one, as far as entries show it.
    pub(crate) fn unstored(display_name: &str, path: &str, now: Timestamp) -> Self {
        Self {
            accessor: String::new(),
            display_name: display_name.to_owned(),
            path: path.to_owned(),
            policies: PolicyNames::default(),
            meta: None,
            token_type: TokenType::Batch,
            entity_id: None,
            login: None,
            parent: None,
            role: None,
            created_at: now,
            creation_ttl: Duration::ZERO,
            expire_at: None,
            last_renewed_at: None,
            explicit_max_ttl: Duration::ZERO,
            max_ttl: Duration::ZERO,
            period: Duration::ZERO,
            renewable: false,
            num_uses: 0,
            spent: false,
            bound_cidrs: Vec::new(),
            claims: None,
            internal: Value::Null,
            mount_accessor: None,
            initial_root: false,
        }
    }

    /// Whether it may do everything.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.policies.contains_root()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expire_at.is_some_and(|end| end <= now)
    }

    /// Whole seconds of life left, rounded up; 0 = for ever or over.
    #[must_use]
    pub fn remaining_seconds(&self, now: Timestamp) -> u64 {
        let Some(end) = self.expire_at else { return 0 };
        let left = end.duration_since(now);
        let nanos = u64::from(left.subsec_nanos() > 0);
        u64::try_from(left.as_secs()).map_or(0, |seconds| seconds + nanos)
    }

    /// Whether it has no parent that takes it along.
    #[must_use]
    pub const fn is_orphan(&self) -> bool {
        self.parent.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vouchsafe_logical::ProvedLogin;

    use super::*;

    #[test]
    fn an_entry_without_a_login_is_one_of_an_earlier_version() {
        let old = TokenEntry::unstored("bob", "auth/userpass/login/bob", Timestamp::UNIX_EPOCH);
        let mut record = serde_json::to_value(&old).unwrap();
        let fields = record.as_object().unwrap();
        assert!(!fields.contains_key("login"));
        for groups in [None, Some(vec!["devs".to_owned()])] {
            let login = ProvedLogin {
                mount_accessor: "auth_userpass_1".to_owned(),
                name: "bob".to_owned(),
                groups,
            };
            record["login"] = serde_json::to_value(&login).unwrap();
            let entry: TokenEntry = serde_json::from_value(record.clone()).unwrap();
            assert_eq!(entry.login, Some(Arc::new(login)));
        }
        record.as_object_mut().unwrap().remove("login");
        assert_eq!(serde_json::from_value::<TokenEntry>(record).unwrap(), old);
    }
}
