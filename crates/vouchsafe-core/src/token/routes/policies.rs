//! Which policies a new token gets.

use vouchsafe_logical::glob;
use vouchsafe_logical::{Error, PolicyName, PolicyNames};

use super::create::root_alone;
use super::role::TokenRole;

/// What bears on the policies of a new token.
pub(super) struct Wanted<'a> {
    /// What the request asks for; absent or empty = what the maker has.
    pub(super) asked: Option<&'a [String]>,
    /// Leave `default` out.
    pub(super) no_default_policy: bool,
    /// The maker's policies.
    pub(super) maker: &'a PolicyNames,
    /// The role.
    pub(super) role: Option<&'a TokenRole>,
    /// Whether the maker has `sudo` here.
    pub(super) has_sudo: bool,
}

/// The policies, or why the request may not have them.
///
/// # Errors
/// A policy that maker or role do not allow.
pub(super) fn of(wanted: &Wanted<'_>) -> Result<PolicyNames, Error> {
    let asked = PolicyNames::parse(wanted.asked.unwrap_or_default())?;
    let mut policies = match wanted.role {
        Some(role) if has_allowed(role) => within_role(wanted, role, asked)?,
        Some(role) if has_disallowed(role) => {
            let asked = if asked.is_empty() {
                wanted.maker.clone()
            } else {
                asked
            };
            not_disallowed(wanted, role, asked)?
        }
        Some(_) | None => of_maker(wanted, asked)?,
    };
    if wanted.no_default_policy {
        policies = without_default(&policies);
    }
    if policies.contains_root() && !wanted.maker.contains_root() {
        return Err(Error::invalid_because(
            "policy_root_refused",
            "root tokens may not be created without parent token being root",
        ));
    }
    if policies.contains(&PolicyName::response_wrapping()) {
        return Err(Error::invalid_because(
            "policy_not_assignable",
            "cannot assign policy \"response-wrapping\"",
        ));
    }
    Ok(root_alone(policies))
}

fn has_allowed(role: &TokenRole) -> bool {
    !role.allowed_policies.is_empty() || !role.allowed_policies_glob.is_empty()
}

fn has_disallowed(role: &TokenRole) -> bool {
    !role.disallowed_policies.is_empty() || !role.disallowed_policies_glob.is_empty()
}

fn with_default(mut policies: PolicyNames, add: bool) -> PolicyNames {
    if add && !policies.contains_root() {
        policies.insert(PolicyName::default_policy());
    }
    policies
}

/// Who asks for no `default` gets none, also when it is among the policies that are asked for.
fn without_default(policies: &PolicyNames) -> PolicyNames {
    let default = PolicyName::default_policy();
    let others = policies.iter().filter(|name| **name != default);
    others.cloned().collect()
}

fn of_maker(wanted: &Wanted<'_>, asked: PolicyNames) -> Result<PolicyNames, Error> {
    if asked.is_empty() {
        return Ok(wanted.maker.clone());
    }
    if wanted.has_sudo {
        return Ok(with_default(asked, !wanted.no_default_policy));
    }
    let beyond = asked.iter().find(|name| !wanted.maker.contains(name));
    if let Some(name) = beyond {
        return Err(Error::invalid_because(
            "policy_beyond_parent",
            format!(
                "child policies must be subset of parent; the calling token does not have {:?}",
                name.as_str()
            ),
        ));
    }
    let parent_has_default = wanted.maker.contains(&PolicyName::default_policy());
    Ok(with_default(
        asked,
        parent_has_default && !wanted.no_default_policy,
    ))
}

fn within_role(
    wanted: &Wanted<'_>,
    role: &TokenRole,
    asked: PolicyNames,
) -> Result<PolicyNames, Error> {
    let policies = if asked.is_empty() {
        role.allowed_policies.clone()
    } else {
        asked
    };
    let allowed = |name: &PolicyName| {
        role.allowed_policies.contains(name)
            || role
                .allowed_policies_glob
                .iter()
                .any(|pattern| glob::matches(pattern, name.as_str()))
            || *name == PolicyName::default_policy()
    };
    if policies.iter().any(|name| !allowed(name)) {
        return Err(Error::invalid_because(
            "policy_beyond_role",
            format!(
                "token policies ({:?}) must be subset of the role's allowed policies ({:?}) or glob policies ({:?})",
                policies.to_strings(),
                role.allowed_policies.to_strings(),
                role.allowed_policies_glob
            ),
        ));
    }
    not_disallowed(wanted, role, policies)
}

fn not_disallowed(
    wanted: &Wanted<'_>,
    role: &TokenRole,
    policies: PolicyNames,
) -> Result<PolicyNames, Error> {
    let default = PolicyName::default_policy();
    let disallowed = |name: &PolicyName| {
        role.disallowed_policies.contains(name)
            || role
                .disallowed_policies_glob
                .iter()
                .any(|pattern| glob::matches(pattern, name.as_str()))
    };
    if let Some(name) = policies.iter().find(|name| disallowed(name)) {
        return Err(Error::invalid_because(
            "policy_disallowed",
            format!(
                "token policy {:?} is disallowed by this role",
                name.as_str()
            ),
        ));
    }
    let add_default =
        !wanted.no_default_policy && !role.token.no_default_policy && !disallowed(&default);
    Ok(with_default(policies, add_default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> PolicyNames {
        PolicyNames::parse(list).expect("plain names")
    }

    #[track_caller]
    fn check(
        asked: &[&str],
        maker: &[&str],
        role: Option<TokenRole>,
        has_sudo: bool,
        expected: Result<&[&str], &str>,
    ) {
        let asked: Vec<String> = asked.iter().map(|&name| name.to_owned()).collect();
        let found = of(&Wanted {
            asked: Some(&asked),
            no_default_policy: false,
            maker: &names(maker),
            role: role.as_ref(),
            has_sudo,
        });
        match expected {
            Ok(expected) => assert_eq!(found.expect("allowed").to_strings(), expected),
            Err(reason) => assert_eq!(found.expect_err("refused").reason(), reason),
        }
    }

    #[test]
    fn nobody_gets_more_than_the_maker_has() {
        check(&[], &["a", "default"], None, false, Ok(&["a", "default"]));
        check(
            &["a"],
            &["a", "default"],
            None,
            false,
            Ok(&["a", "default"]),
        );
        check(&["a"], &["a"], None, false, Ok(&["a"]));
        check(&["b"], &["a"], None, false, Err("policy_beyond_parent"));
        check(&["b"], &["a"], None, true, Ok(&["b", "default"]));
        check(&["root"], &["a"], None, true, Err("policy_root_refused"));
        check(&[" Root "], &["a"], None, true, Err("policy_root_refused"));
        check(&["root", "x"], &["root"], None, true, Ok(&["root"]));
    }

    #[test]
    fn who_asks_for_no_default_policy_gets_none() {
        for asked in [&["a", "default"][..], &["a"], &[]] {
            let asked: Vec<String> = asked.iter().map(|&name| name.to_owned()).collect();
            let found = of(&Wanted {
                asked: Some(&asked),
                no_default_policy: true,
                maker: &names(&["a", "default"]),
                role: None,
                has_sudo: true,
            });
            assert_eq!(found.expect("allowed").to_strings(), ["a"], "{asked:?}");
        }
    }

    #[test]
    fn a_role_bounds_its_tokens() {
        let role = |allowed: &[&str], globs: &[&str], disallowed: &[&str]| {
            Some(TokenRole {
                allowed_policies: names(allowed),
                allowed_policies_glob: globs.iter().map(|&glob| glob.to_owned()).collect(),
                disallowed_policies: names(disallowed),
                ..TokenRole::default()
            })
        };
        check(
            &[],
            &["root"],
            role(&["a"], &[], &[]),
            true,
            Ok(&["a", "default"]),
        );
        check(
            &["b"],
            &["root"],
            role(&["a"], &[], &[]),
            true,
            Err("policy_beyond_role"),
        );
        check(
            &["dev-x"],
            &["p"],
            role(&[], &["dev-*"], &[]),
            false,
            Ok(&["default", "dev-x"]),
        );
        check(
            &["a"],
            &["a"],
            role(&[], &[], &["a"]),
            false,
            Err("policy_disallowed"),
        );
        check(
            &["a"],
            &["a"],
            role(&["a"], &[], &["default"]),
            false,
            Ok(&["a"]),
        );
        check(
            &["root"],
            &["p"],
            role(&[], &["*"], &[]),
            true,
            Err("policy_root_refused"),
        );
    }

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*b", "ba", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob::matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
