//! From a preset and the words of the command line to what is written.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::file::{Parameter, Preset, fill, fill_value};
use super::lint::{Finding, lint};
use crate::cli::failure::Failure;
use crate::cli::nearest;

/// Settings that are the issuer's and not the role's.
#[rustfmt::skip]
const ISSUER_SETTINGS: &[&str] = &[
    "allow_http", "audiences", "fetch_public_only", "jwks_ca_pem", "jwks_url", "jwt_supported_algs",
    "jwt_validation_pubkeys", "keys_age_max", "keys_age_min", "keys_cool_down", "keys_stale_max",
    "oidc_discovery_ca_pem", "oidc_discovery_url", "token_audiences", "verify_discovery",
];

/// Settings of a role for workloads.
#[rustfmt::skip]
const ROLE_SETTINGS: &[&str] = &[
    "bound_audiences", "bound_cidrs", "bound_claims", "bound_claims_type", "bound_issuers",
    "bound_subject", "claim_mappings", "clock_skew_leeway", "expiration_leeway", "groups_claim",
    "kept_claims", "max_ttl", "not_before_leeway", "num_uses", "period", "policies", "role_type",
    "token_bound_cidrs", "token_explicit_max_ttl", "token_max_ttl", "token_no_default_policy",
    "token_num_uses", "token_period", "token_policies", "token_ttl", "token_type", "ttl",
    "user_claim", "user_claim_json_pointer",
];

/// What is written for a platform.
#[derive(Debug)]
pub(super) struct Plan {
    /// The issuer as tokens name it.
    pub(super) issuer: String,
    /// Where the issuer's keys come from.
    pub(super) config: Map<String, Value>,
    /// The role.
    pub(super) role: Map<String, Value>,
    /// What is dangerous about them.
    pub(super) findings: Vec<Finding>,
}

impl Plan {
    /// Fills in a preset. Words that are no parameter of it are settings, and stand in the place of
    /// the preset's.
    ///
    /// # Errors
    /// A parameter is missing, or a word is neither.
    pub(super) fn new(preset: &Preset, mut words: Map<String, Value>) -> Result<Self, Failure> {
        let values = parameters(&preset.parameters, &mut words)?;
        let absent = || Failure::local("the preset has a parameter that it does not declare");
        let issuer = fill(&preset.issuer, &values).ok_or_else(absent)?;
        let mut config = Map::new();
        config.insert("oidc_discovery_url".to_owned(), json!(issuer));
        let role = Value::Object(preset.role.clone());
        let Some(Value::Object(mut role)) = fill_value(&role, &values) else {
            return Err(absent());
        };
        for (name, value) in words {
            if ISSUER_SETTINGS.contains(&name.as_str()) {
                config.insert(name, value);
            } else if ROLE_SETTINGS.contains(&name.as_str()) {
                let value = setting(&name, value)?;
                role.insert(name, value);
            } else {
                return Err(unknown(&name, preset));
            }
        }
        // Keys from elsewhere take the place of discovery.
        let has = |name| config.contains_key(name);
        if has("jwks_url") || has("jwt_validation_pubkeys") {
            config.remove("oidc_discovery_url");
        }
        let findings = lint(&issuer, &role, &preset.rules);
        Ok(Self {
            issuer,
            config,
            role,
            findings,
        })
    }
}

fn parameters(
    declared: &[Parameter],
    words: &mut Map<String, Value>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for parameter in declared {
        match words.remove(&parameter.name) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                values.insert(parameter.name.clone(), text.trim().to_owned());
            }
            Some(_) => {
                let name = &parameter.name;
                return Err(Failure::usage(format!("`{name}` must have one value")));
            }
            None => match &parameter.default {
                Some(default) => {
                    values.insert(parameter.name.clone(), default.clone());
                }
                None if parameter.optional => {}
                None => missing.push(parameter),
            },
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let lines = missing
        .iter()
        .map(|p| format!("\n  {}={}\n      {}", p.name, p.example, p.help));
    Err(Failure::Usage {
        message: format!(
            "Missing, with an example each:{}",
            lines.collect::<String>()
        ),
        hint: None,
    })
}

/// A setting of a role as it is sent. `bound_claims` and `claim_mappings` are maps, which the
/// command line writes as `k=v`.
fn setting(name: &str, value: Value) -> Result<Value, Failure> {
    if !matches!(name, "bound_claims" | "claim_mappings") {
        return Ok(value);
    }
    let pairs = match value {
        Value::Array(items) => items,
        Value::String(text) if text.trim_start().starts_with('{') => {
            let object = serde_json::from_str::<Map<String, Value>>(&text);
            return object
                .map(Value::Object)
                .map_err(|fault| Failure::usage(format!("`{name}` is no JSON object: {fault}")));
        }
        Value::String(text) if text.is_empty() => Vec::new(),
        one => vec![one],
    };
    let mut map: Map<String, Value> = Map::new();
    for pair in pairs {
        let text = pair.as_str().unwrap_or_default();
        let Some((claim, value)) = text.split_once('=') else {
            let fault = format!("`{name}` takes CLAIM=VALUE, not `{text}`");
            return Err(Failure::usage(fault));
        };
        let value = Value::from(value);
        match map.get_mut(claim) {
            // The same claim again: one of several values.
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.take(), value]),
            None => drop(map.insert(claim.to_owned(), value)),
        }
    }
    Ok(Value::Object(map))
}

fn unknown(name: &str, preset: &Preset) -> Failure {
    let parameters = preset.parameters.iter().map(|p| p.name.as_str());
    let known = parameters
        .chain(ROLE_SETTINGS.iter().copied())
        .chain(ISSUER_SETTINGS.iter().copied());
    Failure::Usage {
        message: format!(
            "`{name}` is neither a parameter of this preset nor a setting of a role or an issuer"
        ),
        hint: nearest(name, known).map(|near| format!("did you mean `{near}`?")),
    }
}
