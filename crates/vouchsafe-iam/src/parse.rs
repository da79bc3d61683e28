//! From text to configuration: every table is read to its end, and every fault is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::de::DeTable;
use vouchsafe_logical::{PolicyName, PolicyNames};

use crate::capability::{self, Capabilities};
use crate::config::{ADMIN, DataPolicy, IamConfig, Role, User};
use crate::document::{Placed, Table};
use crate::fault::{Collector, Faults};
use crate::keys::{self, ProviderKeys};
use crate::limits::{IAM_FILE_BYTES_MAX, NAME_BYTES_MAX};
use crate::provider::{Provider, Providers};

/// The only kind of identity provider.
const DIRECT_JWT: &str = "direct-jwt";
/// Stands for every one.
const ANY: &str = "*";
/// What a data policy can be about.
const OPERATIONS: [&str; 11] = [
    ANY,
    "read",
    "write",
    "delete",
    "search",
    "tokenize",
    "detokenize",
    "invalidate_token",
    "encrypt",
    "decrypt",
    "hash",
];
/// What data can be wanted for.
const REASONS: [&str; 11] = [
    ANY,
    "AppFunctionality",
    "Analytics",
    "Notifications",
    "Marketing",
    "ThirdPartyMarketing",
    "FraudPreventionSecurityAndCompliance",
    "AccountManagement",
    "Maintenance",
    "DataSubjectRequest",
    "Other",
];
/// Claims that verification itself reads: what is not in the token must not be made up.
const REGISTERED_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// The names that others may refer to.
struct Known {
    roles: BTreeSet<String>,
    policies: BTreeSet<String>,
}

impl IamConfig {
    /// Reads a whole file.
    ///
    /// # Errors
    /// Every fault that it has.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        if text.len() > IAM_FILE_BYTES_MAX {
            let found = text.len();
            return Err(Faults::whole(format!(
                "the file has {found} bytes; at most {IAM_FILE_BYTES_MAX} are allowed"
            )));
        }
        let mut faults = Collector::new(text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            faults.add("", &error.span().unwrap_or(0..0), error.message());
        }
        // What was recovered from a broken text may be anything: its meaning is not judged.
        faults.finish()?;
        let mut faults = Collector::new(text);
        let config = read(document.get_ref(), &mut faults);
        faults.finish()?;
        Ok(config)
    }
}

fn read(document: &DeTable<'_>, faults: &mut Collector<'_>) -> IamConfig {
    let mut root = Table::root(document);
    for required in ["users", "roles", "policies"] {
        if !root.has(required) {
            faults.add("", &(0..0), format!("the table `{required}` is missing"));
        }
    }
    let [users, roles, policies, idps] =
        ["users", "roles", "policies", "idps"].map(|name| root.table(name, faults));
    root.finish(faults);
    let names = |table: &Option<Table<'_>>, faults: &mut Collector<'_>| match table {
        Some(table) => table
            .tables(faults)
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
        None => BTreeSet::new(),
    };
    // Entries of the wrong type are reported where the tables are read; a name is known all the same.
    let mut silent = Collector::new("");
    let known = Known {
        roles: names(&roles, &mut silent),
        policies: names(&policies, &mut silent),
    };
    IamConfig {
        policies: entries(policies, faults, policy),
        roles: entries(roles, faults, |name, table, faults| {
            Some(Arc::new(role(name, table, &known, faults)?))
        }),
        users: entries(users, faults, |_, table, faults| {
            user(table, &known, faults)
        }),
        providers: providers(idps, &known, faults),
    }
}

/// Reads every entry of a table of tables.
fn entries<T>(
    table: Option<Table<'_>>,
    faults: &mut Collector<'_>,
    mut read: impl FnMut(&str, Table<'_>, &mut Collector<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let Some(table) = table else {
        return BTreeMap::new();
    };
    let mut entries = BTreeMap::new();
    for (name, entry) in table.tables(faults) {
        if let Some(fault) = name_fault(name) {
            faults.add(entry.key(), entry.at(), fault);
        }
        if let Some(value) = read(name, entry, faults) {
            entries.insert(name.to_owned(), value);
        }
    }
    entries
}

fn name_fault(name: &str) -> Option<String> {
    use vouchsafe_logical::path::is_invisible;
    if name == ADMIN {
        return Some(format!("`{ADMIN}` is built in and can't be defined"));
    }
    let printable = !name.chars().any(|c| c.is_control() || is_invisible(c));
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && printable && !name.contains('/');
    (!fits).then(|| format!("a name has 1 to {NAME_BYTES_MAX} bytes, all printable, and no `/`"))
}

fn user(mut table: Table<'_>, known: &Known, faults: &mut Collector<'_>) -> Option<User> {
    let role = table.required_text("role", faults);
    let disabled = table.flag("disabled", faults);
    table.finish(faults);
    let role = role?;
    check_role(&role, known, faults);
    Some(User {
        role: role.value,
        disabled,
    })
}

/// A reference to a role.
fn check_role(role: &Placed<String>, known: &Known, faults: &mut Collector<'_>) {
    if role.value == ADMIN {
        let message = format!("the role `{ADMIN}` is built in and can't be given");
        faults.add(&role.key, &role.at, message);
    } else if !known.roles.contains(&role.value) {
        faults.add(
            &role.key,
            &role.at,
            format!("there is no role {:?}", role.value),
        );
    }
}

fn values(list: Vec<Placed<String>>) -> Vec<String> {
    list.into_iter().map(|element| element.value).collect()
}

fn role(
    name: &str,
    mut table: Table<'_>,
    known: &Known,
    faults: &mut Collector<'_>,
) -> Option<Role> {
    let mut capabilities = Capabilities::default();
    for named in table.list("capabilities", faults).unwrap_or_default() {
        match capability::fault(&named.value) {
            Some(fault) => faults.add(&named.key, &named.at, fault),
            None => capabilities.insert(named.value),
        }
    }
    let policies = table.list("policies", faults).unwrap_or_default();
    for policy in &policies {
        if policy.value != ANY && !known.policies.contains(&policy.value) {
            let message = format!("there is no policy {:?}", policy.value);
            faults.add(&policy.key, &policy.at, message);
        }
    }
    let trusted_roles = table.list("trusted_roles", faults).unwrap_or_default();
    for trusted in &trusted_roles {
        check_role(trusted, known, faults);
    }
    let acl_policies = acl_policies(&mut table, faults);
    let create_entity = table.flag("create_entity", faults);
    table.finish(faults);
    Some(Role {
        name: name.to_owned(),
        capabilities,
        acl_policies,
        create_entity,
        policies: values(policies),
        trusted_roles: values(trusted_roles),
    })
}

/// Names of ACL policies. They are looked up at each request, as those of tokens are, so that one
/// that is not written yet is no fault; `root` is never given by a file.
fn acl_policies(table: &mut Table<'_>, faults: &mut Collector<'_>) -> PolicyNames {
    let mut names = PolicyNames::default();
    for named in table.list("acl_policies", faults).unwrap_or_default() {
        match PolicyName::parse(&named.value) {
            Ok(Some(name)) if name.is_root() => {
                faults.add(
                    &named.key,
                    &named.at,
                    "the policy `root` can't be given by a file",
                );
            }
            Ok(Some(name)) => names.insert(name),
            Ok(None) => faults.add(&named.key, &named.at, "must not be empty"),
            Err(error) => faults.add(&named.key, &named.at, error.to_string()),
        }
    }
    names
}

fn policy(_name: &str, mut table: Table<'_>, faults: &mut Collector<'_>) -> Option<DataPolicy> {
    let kind = table.required_text("policy_type", faults);
    let denies = kind.is_some_and(|kind| match kind.value.as_str() {
        "allow" => false,
        "deny" => true,
        other => {
            let message = format!("{other:?} is no type; expected `allow` or `deny`");
            faults.add(&kind.key, &kind.at, message);
            false
        }
    });
    let mut list = |name, words: &[&str]| {
        if !table.has(name) {
            faults.add(table.key(), table.at(), format!("`{name}` is missing"));
            return Vec::new();
        }
        let found = table.list(name, faults).unwrap_or_default();
        for element in &found {
            let fits = words.is_empty() || words.contains(&element.value.as_str());
            if !fits || element.value.is_empty() {
                let message = format!("{:?} is none; known: {}", element.value, words.join(", "));
                faults.add(&element.key, &element.at, message);
            }
        }
        if found.is_empty() {
            faults.add(&table.path(name), table.at(), "needs one value at least");
        }
        values(found)
    };
    let operations = list("operations", &OPERATIONS);
    let reasons = list("reasons", &REASONS);
    let resources = list("resources", &[]);
    table.finish(faults);
    Some(DataPolicy {
        denies,
        operations,
        reasons,
        resources,
    })
}

fn providers(table: Option<Table<'_>>, known: &Known, faults: &mut Collector<'_>) -> Providers {
    let mut all = Providers::default();
    let Some(table) = table else {
        return all;
    };
    for (name, entry) in table.tables(faults) {
        if let Some(fault) = name_fault(name) {
            faults.add(entry.key(), entry.at(), fault);
        }
        let (key, at) = (entry.key().to_owned(), entry.at().clone());
        let Some(provider) = provider(name, entry, known, faults) else {
            continue;
        };
        let pair = format!("iss {:?} and aud {:?}", provider.issuer, provider.audience);
        if let Err(other) = all.insert(provider) {
            let message = format!("`{other}` has {pair} too; a token could not be told apart");
            faults.add(&key, &at, message);
        }
    }
    all
}

fn provider(
    name: &str,
    mut table: Table<'_>,
    known: &Known,
    faults: &mut Collector<'_>,
) -> Option<Provider> {
    if let Some(kind) = table.required_text("type", faults)
        && kind.value != DIRECT_JWT
    {
        let message = format!("{:?} is no type; expected `{DIRECT_JWT}`", kind.value);
        faults.add(&kind.key, &kind.at, message);
    }
    let disabled = table.flag("disabled", faults);
    let allowed_roles = table.list("allowed_roles", faults).map(|roles| {
        for role in &roles {
            check_role(role, known, faults);
        }
        values(roles).into_iter().collect()
    });
    let roles_map = table.table("roles_map", faults).map(|map| {
        let entries = map.strings(faults).into_iter();
        let checked = entries.map(|(value, role)| {
            check_role(&role, known, faults);
            (value.to_owned(), role.value)
        });
        checked.collect()
    });
    if !table.has("conf") {
        faults.add(table.key(), table.at(), "the table `conf` is missing");
    }
    let conf = table.table("conf", faults);
    table.finish(faults);
    let conf = self::conf(conf?, faults)?;
    Some(Provider {
        name: name.to_owned(),
        disabled,
        issuer: conf.issuer,
        audience: conf.audience,
        keys: conf.keys,
        roles_claim: conf.roles_claim,
        namespace_top_claim: conf.namespace_top_claim,
        extra_claims: conf.extra_claims,
        bound_claims: conf.bound_claims,
        allowed_roles,
        roles_map,
    })
}

/// What `conf` says.
struct Conf {
    issuer: String,
    audience: String,
    keys: ProviderKeys,
    roles_claim: Option<String>,
    namespace_top_claim: Option<String>,
    extra_claims: Map<String, Value>,
    bound_claims: BTreeMap<String, Value>,
}

fn conf(mut table: Table<'_>, faults: &mut Collector<'_>) -> Option<Conf> {
    let issuer = table.required_text("iss", faults);
    let audience = table.required_text("aud", faults);
    let keys = provider_keys(&mut table, faults);
    let mut claim_name = |name| {
        let text = table.text(name, faults)?;
        if text.value.is_empty() {
            faults.add(&text.key, &text.at, "must not be empty");
        }
        Some(text.value)
    };
    let roles_claim = claim_name("roles_claim");
    let namespace_top_claim = claim_name("namespace_top_claim");
    let extra_claims = extra_claims(&mut table, faults);
    let mut bound_claims = BTreeMap::new();
    if let Some(bound) = table.table("bound_claims", faults) {
        for (claim, value) in bound.values(faults) {
            if matches!(&value.value, Value::Array(any_of) if any_of.is_empty()) {
                faults.add(&value.key, &value.at, "an empty list fits no token");
            }
            bound_claims.insert(claim.to_owned(), value.value);
        }
    }
    table.finish(faults);
    Some(Conf {
        issuer: issuer?.value,
        audience: audience?.value,
        keys: keys?,
        roles_claim,
        namespace_top_claim,
        extra_claims,
        bound_claims,
    })
}

/// One of `keys` (which the guide's prose calls `key`) and `jwks_uri`.
fn provider_keys(table: &mut Table<'_>, faults: &mut Collector<'_>) -> Option<ProviderKeys> {
    let given: Vec<&str> = ["keys", "key", "jwks_uri"]
        .into_iter()
        .filter(|name| table.has(name))
        .collect();
    let texts = ["keys", "key", "jwks_uri"].map(|name| table.text(name, faults));
    if given.len() != 1 {
        let message = if given.is_empty() {
            "one of `keys` and `jwks_uri` is missing".to_owned()
        } else {
            format!(
                "`{}` are both given; expected one of them",
                given.join("` and `")
            )
        };
        faults.add(table.key(), table.at(), message);
        return None;
    }
    let [keys, key, jwks_uri] = texts;
    if let Some(uri) = jwks_uri {
        if let Some(fault) = keys::address_fault(&uri.value) {
            faults.add(&uri.key, &uri.at, fault);
        }
        return Some(ProviderKeys::Remote(uri.value));
    }
    let inline = keys.or(key)?;
    match keys::inline(&inline.value) {
        Ok(keys) => Some(keys),
        Err(found) => {
            for fault in found {
                faults.add(&inline.key, &inline.at, fault);
            }
            None
        }
    }
}

fn extra_claims(table: &mut Table<'_>, faults: &mut Collector<'_>) -> Map<String, Value> {
    let Some(text) = table.text("extra_claims", faults) else {
        return Map::new();
    };
    let claims: Map<String, Value> = match serde_json::from_str(&text.value) {
        Ok(claims) => claims,
        Err(error) => {
            let message = format!(
                "is not a JSON object (line {}, column {} of the value)",
                error.line(),
                error.column()
            );
            faults.add(&text.key, &text.at, message);
            return Map::new();
        }
    };
    for name in claims.keys() {
        if REGISTERED_CLAIMS.contains(&name.as_str()) {
            let message = format!("the claim `{name}` is the token's own and can't be added");
            faults.add(&text.key, &text.at, message);
        }
    }
    claims
}
