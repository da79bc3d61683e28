//! Which command lists what there is instead of something that there is not.
//!
//! The names themselves are never said: whether a token may list them is the server's to decide, when
//! the command is run.

use vouchsafe_api::ApiError;

/// Collections with paths of their own, and the command that lists each.
const COLLECTIONS: &[(&str, &str)] = &[
    ("auth/token/roles", "list auth/token/roles"),
    ("identity/entity/id", "list identity/entity/id"),
    ("identity/entity/name", "list identity/entity/name"),
    ("identity/group/id", "list identity/group/id"),
    ("identity/group/name", "list identity/group/name"),
    ("identity/oidc/key", "list identity/oidc/key"),
    ("identity/oidc/role", "list identity/oidc/role"),
    ("publish/services", "list publish/services"),
    ("sys/audit", "audit list"),
    ("sys/auth", "auth list"),
    ("sys/loggers", "read sys/loggers"),
    ("sys/mounts", "secrets list"),
    ("sys/policies/acl", "policy list"),
    ("sys/policy", "policy list"),
    ("sys/quotas/rate-limit", "list sys/quotas/rate-limit"),
];

/// What auth methods keep in collections, whatever they are mounted as.
const OF_AUTH_METHODS: &[&str] = &["issuer", "role", "users"];

/// What refusals call the things that they do not find, by the request's path where it is told there,
/// and the command that lists them.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "identity/oidc/",
        "cannot find key \"",
        "list identity/oidc/key",
    ),
    ("identity/oidc/token/", "key \"", "list identity/oidc/key"),
    ("identity/oidc/token/", "role \"", "list identity/oidc/role"),
    (
        "auth/token/create/",
        "unknown role ",
        "list auth/token/roles",
    ),
    ("sys/loggers/", "logger \"", "read sys/loggers"),
];

/// The command, without the program's name, that lists the siblings of what is missing at a path.
pub(crate) fn of_siblings(path: &str) -> Option<String> {
    let (collection, name) = path.trim_matches('/').rsplit_once('/')?;
    if name.is_empty() {
        return None;
    }
    let known = COLLECTIONS.iter().find(|(path, _)| *path == collection);
    if let Some((_, command)) = known {
        return Some((*command).to_owned());
    }
    let last = collection.rsplit('/').next()?;
    let of_method = collection.starts_with("auth/") && OF_AUTH_METHODS.contains(&last);
    of_method.then(|| format!("list {collection}"))
}

/// The command, without the program's name, that lists what a refusal did not find.
pub(crate) fn of_refusal(path: &str, error: &ApiError) -> Option<String> {
    let begins = |beginning: &str| {
        error
            .errors
            .iter()
            .any(|error| error.starts_with(beginning))
    };
    let named = REFUSALS
        .iter()
        .find(|(below, beginning, _)| path.starts_with(below) && begins(beginning));
    if let Some((_, _, command)) = named {
        return Some((*command).to_owned());
    }
    let missing = error.status == 404
        || error.mentions("does not exist")
        || error.mentions("not found")
        || error.mentions("could not be found");
    if !missing || error.status >= 500 {
        return None;
    }
    // A login, and what lies below a role, name the role beyond the last part of the path.
    let part_of_role = || {
        let (mount, rest) = path.strip_prefix("auth/")?.split_once("/role/")?;
        let is_one = rest.contains('/') && error.mentions("role ");
        is_one.then(|| format!("list auth/{mount}/role"))
    };
    let login = || {
        let mount = path.strip_suffix("/login")?;
        let is_one = mount.starts_with("auth/") && error.mentions("role \"");
        is_one.then(|| format!("list {mount}/role"))
    };
    of_siblings(path).or_else(part_of_role).or_else(login)
}

/// The command, without the program's name, that lists what a warning did not find.
pub(crate) fn of_warning(warning: &str) -> Option<&'static str> {
    let is_policy = warning.starts_with("Policy \"") && warning.ends_with("\" does not exist");
    is_policy.then_some("policy list")
}

#[cfg(test)]
mod tests {
    use vouchsafe_api::Method;

    use super::*;

    #[test]
    fn what_is_missing_has_a_command_that_lists_its_siblings() {
        for (path, command) in [
            ("sys/policies/acl/nope", "policy list"),
            ("sys/auth/nope/", "auth list"),
            ("identity/oidc/role/nope", "list identity/oidc/role"),
            ("auth/team/jwt/role/nope", "list auth/team/jwt/role"),
            ("auth/userpass/users/nope", "list auth/userpass/users"),
            ("publish/services/nope", "list publish/services"),
        ] {
            assert_eq!(of_siblings(path).as_deref(), Some(command), "{path}");
        }
        for path in [
            "secret/data/x",
            "x",
            "",
            "identity/oidc/role",
            "secret/role/x",
        ] {
            assert_eq!(of_siblings(path), None, "{path}");
        }
    }

    #[track_caller]
    fn check(path: &str, status: u16, message: &str, command: &str) {
        let error = ApiError {
            method: Method::Get,
            url: String::new(),
            namespace: String::new(),
            status,
            errors: vec![message.to_owned()],
            raw: None,
        };
        assert_eq!(of_refusal(path, &error).unwrap_or_default(), command);
    }

    #[test]
    fn a_refusal_that_names_something_missing_has_one_too() {
        let roles = "list identity/oidc/role";
        let keys = "list identity/oidc/key";
        check("identity/oidc/token/r", 400, "role \"r\" not found", roles);
        check("identity/oidc/token/r", 400, "key \"k\" not found", keys);
        check("identity/oidc/role/r", 400, "cannot find key \"k\"", keys);
        check(
            "auth/token/create/r",
            400,
            "unknown role r",
            "list auth/token/roles",
        );
        let missing = "role \"r\" does not exist";
        check(
            "auth/approle/role/r/secret-id",
            400,
            missing,
            "list auth/approle/role",
        );
        let login = "role \"r\" could not be found";
        check("auth/jwt/login", 400, login, "list auth/jwt/role");
        check(
            "sys/loggers/x",
            400,
            "logger \"x\" not found",
            "read sys/loggers",
        );
    }

    #[test]
    fn other_refusals_have_none() {
        check("identity/oidc/role/r", 400, "ttl must be positive", "");
        check(
            "auth/jwt/login",
            400,
            "claim \"sub\" not found in token",
            "",
        );
        check("secret/data/x", 404, "", "");
        check("identity/oidc/role/r", 500, "not found", "");
    }
}
