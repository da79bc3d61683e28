//! Changes of quotas: what can be one, and what is in its way.

use std::time::Duration;

use vouchsafe_logical::{Access, Error, MountClass};

use super::Quotas;
use super::rule::{
    Config, EXEMPT_PATHS_MAX, INTERVAL_MAX, NAME_BYTES_MAX, QUOTAS_MAX, RATE_MAX, Rule,
};
use crate::mount::MountTable;

/// A quota that somebody asks for.
pub(crate) struct NewRule {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) role: String,
    pub(crate) rate: f64,
    pub(crate) interval: Duration,
    pub(crate) block_interval: Duration,
}

impl Quotas {
    /// Makes a quota, or replaces the one of its name; either begins to count at zero.
    ///
    /// # Errors
    /// Values out of bounds, a path that no mount has, another quota for the same; the store's.
    pub(crate) async fn put(&self, new: NewRule, mounts: &MountTable) -> Result<(), Error> {
        check_bounds(&new)?;
        let path = normalized(&new.path, mounts)?;
        check_role(&new.role, &path, mounts)?;
        let rule = Rule {
            id: new.id,
            path,
            role: new.role,
            rate: new.rate,
            interval: new.interval,
            block_interval: new.block_interval,
        };
        self.setting
            .change(|stored| {
                let same = |other: &Rule| other.path == rule.path && other.role == rule.role;
                let rules = &mut stored.rules;
                if let Some((name, _)) = rules
                    .iter()
                    .find(|(name, other)| **name != new.name && same(other))
                {
                    return Err(invalid(format!(
                        "quota rule with similar properties exists under the name {name:?}"
                    )));
                }
                if rules.len() >= QUOTAS_MAX && !rules.contains_key(&new.name) {
                    return Err(invalid(format!("there are {QUOTAS_MAX} quotas already")));
                }
                rules.insert(new.name.clone(), rule.clone());
                Ok(())
            })
            .await
    }

    /// Removes a quota. Absent is fine.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Error> {
        self.setting
            .change(|stored| {
                stored.rules.remove(name);
                Ok(())
            })
            .await
    }

    /// A quota.
    pub(crate) fn rule(&self, name: &str) -> Option<Rule> {
        let in_force = self.setting.in_force();
        in_force.quotas.get(name).map(|(rule, _)| rule.clone())
    }

    /// The names of all quotas.
    pub(crate) fn names(&self) -> Vec<String> {
        self.setting.in_force().quotas.keys().cloned().collect()
    }

    /// What holds for all quotas.
    pub(crate) fn config(&self) -> Config {
        self.setting.in_force().config.clone()
    }

    /// Changes what holds for all quotas.
    ///
    /// # Errors
    /// Too many exempt paths; the store's.
    pub(crate) async fn configure(&self, change: impl Fn(&mut Config)) -> Result<(), Error> {
        self.setting
            .change(|stored| {
                change(&mut stored.config);
                if stored.config.exempt_paths.len() > EXEMPT_PATHS_MAX {
                    return Err(invalid(format!(
                        "rate_limit_exempt_paths has more than {EXEMPT_PATHS_MAX} paths"
                    )));
                }
                Ok(())
            })
            .await
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_because("quota_invalid", message)
}

fn check_bounds(new: &NewRule) -> Result<(), Error> {
    if new.name.len() > NAME_BYTES_MAX {
        return Err(invalid(format!(
            "the quota's name has more than {NAME_BYTES_MAX} bytes"
        )));
    }
    if !(new.rate > 0.0 && new.rate <= RATE_MAX as f64) {
        return Err(invalid(format!(
            "'rate' is invalid: {}; expected a number over 0, at most {RATE_MAX}",
            new.rate
        )));
    }
    let second = Duration::from_secs(1);
    if !(second..=INTERVAL_MAX).contains(&new.interval) {
        return Err(invalid(format!(
            "'interval' is invalid: {}s; expected 1s to 24h",
            new.interval.as_secs_f64()
        )));
    }
    // Less than this many requests in a day are a refusal, not a limit.
    if new.interval.as_secs_f64() / new.rate > INTERVAL_MAX.as_secs_f64() {
        return Err(invalid("'rate' is invalid: less than one request in a day"));
    }
    if new.block_interval > INTERVAL_MAX {
        return Err(invalid(format!(
            "'block_interval' is invalid: {}s; expected at most 24h",
            new.block_interval.as_secs_f64()
        )));
    }
    Ok(())
}

/// The path as it is stored: a mount has a slash at its end, nothing else has.
fn normalized(sent: &str, mounts: &MountTable) -> Result<String, Error> {
    let path = sent.trim_start_matches('/');
    if path.is_empty() {
        return Ok(String::new());
    }
    if let Some((beginning, _)) = path.split_once('*')
        && beginning.len() + 1 != path.len()
    {
        return Err(invalid(format!(
            "path {path:?}: `*` stands at the end only"
        )));
    }
    let folder = format!("{}/", path.trim_end_matches('/'));
    if mounts.at(&folder).is_some() {
        return Ok(folder);
    }
    if mounts.find(path).is_none() {
        return Err(invalid(format!("invalid mount path {sent:?}")));
    }
    Ok(path.trim_end_matches('/').to_owned())
}

/// A role makes sense where logins have one: at an auth method whose login takes the field.
fn check_role(role: &str, path: &str, mounts: &MountTable) -> Result<(), Error> {
    if role.is_empty() {
        return Ok(());
    }
    let has_roles = mounts.at(path).is_some_and(|mount| {
        MountClass::from(mount.entry().class) == MountClass::Auth
            && mount.routes().iter().any(|(route, methods)| {
                matches!(route.access, Access::Login(_))
                    && methods
                        .iter()
                        .flat_map(|method| method.fields.iter().copied().flatten())
                        .any(|field| field.name == "role")
            })
    });
    if has_roles {
        return Ok(());
    }
    Err(invalid(format!(
        "path {path:?} is no auth method whose logins name a role; leave 'role' out"
    )))
}
