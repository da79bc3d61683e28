//! Rate limit quotas as they are stored, and which of them a request counts against.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bucket::Limit;

/// The most quotas: a request looks at all of them.
pub(crate) const QUOTAS_MAX: usize = 256;
/// The longest name of a quota, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// The most requests of an interval that can be a limit.
pub(crate) const RATE_MAX: u64 = 1_000_000_000;
/// The longest interval, and the longest block: a day.
pub(crate) const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The most exempt paths.
pub(crate) const EXEMPT_PATHS_MAX: usize = 128;

/// Paths that no quota counts, unless `sys/quotas/config` says otherwise: Vault's. The doors before
/// the pipeline (health, seal status, unsealing) are never counted.
pub(crate) const EXEMPT_PATHS: &[&str] = &[
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
];

/// Everything of quotas that is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// By name.
    pub(crate) rules: BTreeMap<String, Rule>,
    pub(crate) config: Config,
}

/// `sys/quotas/config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Whether refused requests leave entries in the audit log.
    pub(crate) audits_refusals: bool,
    /// Whether answers tell what is left of the limit.
    pub(crate) shows_headers: bool,
    /// Paths that are not counted; one that ends in `*` stands for all that begin so.
    pub(crate) exempt_paths: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            audits_refusals: false,
            shows_headers: false,
            exempt_paths: EXEMPT_PATHS.iter().map(|path| (*path).to_owned()).collect(),
        }
    }
}

impl Config {
    /// Whether a path is not counted.
    pub(crate) fn exempts(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.exempt_paths.iter().any(|exempt| covers(exempt, path))
    }
}

fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => pattern.trim_end_matches('/') == path,
    }
}

/// One quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// Tells a quota from one that was there before it.
    pub(crate) id: u64,
    /// Empty: everything. Else a mount (`auth/jwt/`), a path in one, or the beginning of paths in one
    /// with `*` at its end.
    pub(crate) path: String,
    /// Only logins with this role; empty: everything.
    pub(crate) role: String,
    /// Requests in an interval, as sent.
    pub(crate) rate: f64,
    pub(crate) interval: Duration,
    pub(crate) block_interval: Duration,
}

/// How closely a quota fits a request: of several, the closest counts. In Vault's order: a role, a
/// path, the beginning of paths, a mount, everything; of two beginnings, the longer.
pub(crate) type Fit = (bool, u8, usize);

impl Rule {
    /// How closely it fits, if at all. `role` is that of a login.
    pub(crate) fn fit(&self, path: &str, role: Option<&str>) -> Option<Fit> {
        // Without regard to case, since methods take a role's name so.
        let is_role = |role: &str| role.eq_ignore_ascii_case(&self.role);
        if !self.role.is_empty() && !role.is_some_and(is_role) {
            return None;
        }
        let trimmed = path.trim_end_matches('/');
        let own = self.path.as_str();
        let rank = match own.strip_suffix('*') {
            _ if own.is_empty() => 0,
            Some(beginning) if path.starts_with(beginning) => 2,
            Some(_) => return None,
            None if own.ends_with('/') && path.starts_with(own) => 1,
            None if own == trimmed => 3,
            None => return None,
        };
        Some((!self.role.is_empty(), rank, own.len()))
    }

    /// The limit. Less than one request in an interval is one in a longer one.
    pub(crate) fn limit(&self) -> Limit {
        let (requests, interval) = if self.rate < 1.0 {
            (1, self.interval.div_f64(self.rate))
        } else {
            (self.rate.round() as u64, self.interval)
        };
        Limit {
            requests,
            interval,
            block: self.block_interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, role: &str) -> Rule {
        Rule {
            id: 0,
            path: path.to_owned(),
            role: role.to_owned(),
            rate: 1.0,
            interval: Duration::from_secs(1),
            block_interval: Duration::ZERO,
        }
    }

    #[test]
    fn the_closest_quota_counts() {
        let in_order = [
            rule("", ""),
            rule("auth/jwt/", ""),
            rule("auth/jwt/lo*", ""),
            rule("auth/jwt/logi*", ""),
            rule("auth/jwt/login", ""),
            rule("auth/jwt/", "ci"),
        ];
        let fits: Vec<_> = in_order
            .iter()
            .map(|rule| rule.fit("auth/jwt/login", Some("ci")))
            .collect();
        assert!(fits.iter().all(Option::is_some), "{fits:?}");
        assert!(fits.is_sorted(), "{fits:?}");
    }

    #[test]
    fn a_quota_fits_its_paths_and_no_others() {
        for (path, request, fits) in [
            ("", "sys/mounts", true),
            ("kv/", "kv/a", true),
            ("kv/", "kvb/a", false),
            ("kv/a", "kv/a", true),
            ("kv/a", "kv/a/", true),
            ("kv/a", "kv/ab", false),
            ("kv/a", "kv/a/b", false),
            ("kv/a*", "kv/ab/c", true),
            ("kv/a*", "kv/b", false),
        ] {
            assert_eq!(
                rule(path, "").fit(request, None).is_some(),
                fits,
                "{path} {request}"
            );
        }
        for (role, fits) in [
            (None, false),
            (Some("other"), false),
            (Some("ci"), true),
            (Some("CI"), true),
        ] {
            assert_eq!(
                rule("auth/jwt/", "ci")
                    .fit("auth/jwt/login", role)
                    .is_some(),
                fits
            );
        }
    }

    #[test]
    fn a_fraction_is_one_request_in_a_longer_interval() {
        let limit = Rule {
            rate: 0.25,
            ..rule("", "")
        }
        .limit();
        assert_eq!(
            (limit.requests, limit.interval),
            (1, Duration::from_secs(4))
        );
        let limit = Rule {
            rate: 2.5,
            ..rule("", "")
        }
        .limit();
        assert_eq!(
            (limit.requests, limit.interval),
            (3, Duration::from_secs(1))
        );
    }

    #[test]
    fn exempt_paths_are_whole_or_beginnings() {
        let config = Config {
            exempt_paths: vec!["sys/health".to_owned(), "kv/open*".to_owned()],
            ..Config::default()
        };
        for (path, exempt) in [
            ("sys/health", true),
            ("sys/health/", true),
            ("sys/healthy", false),
            ("kv/open/a", true),
            ("kv/ope", false),
        ] {
            assert_eq!(config.exempts(path), exempt, "{path}");
        }
    }
}
