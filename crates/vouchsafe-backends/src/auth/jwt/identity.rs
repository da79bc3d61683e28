//! From claims to a person's or workload's names: alias, metadata and groups.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vouchsafe_logical::CLAIMS_BYTES_MAX;
use vouchsafe_logical::field::kind_of;

use super::check::{Failure, Subject};
use super::claim;
use super::role::ROLE_METADATA;

/// Where Microsoft Entra names claims that did not fit into the token.
const OVERAGE: &str = "_claim_names";

/// The claims that the token of the login keeps; `None` where they are too large.
pub(super) fn kept(subject: &Subject<'_>) -> Option<Map<String, Value>> {
    let all = subject.facts;
    let named = &subject.role.kept_claims;
    let kept = if named.is_empty() {
        all.clone()
    } else {
        let found = named.iter().filter_map(|name| {
            let value = claim::find(all, name)?;
            Some((name.clone(), value.clone()))
        });
        found.collect()
    };
    let bytes = serde_json::to_vec(&kept).map_or(usize::MAX, |json| json.len());
    (bytes <= CLAIMS_BYTES_MAX).then_some(kept)
}

/// The value of the claim that names who logs in.
pub(super) fn user<'s>(subject: &Subject<'s>) -> Result<&'s str, Failure> {
    let name = &*subject.role.user_claim;
    let found = if subject.role.user_claim_json_pointer {
        claim::find(subject.facts, name)
    } else {
        subject.facts.get(name)
    };
    let Some(found) = found else {
        return Err(Failure::new(
            "claim_missing",
            format!("claim {name:?} not found in token"),
        ));
    };
    match found.as_str() {
        None => Err(Failure::new(
            "claim_mismatch",
            format!("claim {name:?} could not be converted to string"),
        )),
        Some("") => Err(Failure::new(
            "claim_missing",
            format!("claim {name:?} is empty"),
        )),
        Some(user) => Ok(user),
    }
}

/// The name of the alias.
pub(super) fn alias(subject: &Subject<'_>) -> Result<String, Failure> {
    let user = user(subject)?;
    reserved(subject.trusted.alias(user), &subject.role.user_claim)
}

fn reserved(alias: Option<String>, name: &str) -> Result<String, Failure> {
    alias.ok_or_else(|| {
        Failure::new(
            "alias_reserved",
            format!("claim {name:?} begins as only aliases of further issuers may"),
        )
    })
}

/// The metadata of token and alias: mapped claims, and the role.
pub(super) fn metadata(subject: &Subject<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let mut metadata = BTreeMap::new();
    for (name, key) in subject.role.claim_mappings.iter().flatten() {
        match claim::find(subject.facts, name) {
            None => {}
            Some(Value::String(text)) => {
                metadata.insert(key.clone(), text.clone());
            }
            Some(_) => {
                return Err(Failure::new(
                    "claim_mismatch",
                    format!("error converting claim '{name}' to string"),
                ));
            }
        }
    }
    metadata.insert(ROLE_METADATA.to_owned(), subject.role_name.to_owned());
    Ok(metadata)
}

/// The names of group aliases.
pub(super) fn groups(subject: &Subject<'_>) -> Result<Vec<String>, Failure> {
    let name = &*subject.role.groups_claim;
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let Some(found) = claim::find(subject.facts, name) else {
        return Err(absent(subject, name));
    };
    let values = match found {
        Value::String(_) => std::slice::from_ref(found),
        Value::Array(values) => values,
        _ => {
            return Err(Failure::new(
                "claim_mismatch",
                format!("{name:?} claim could not be converted to string list"),
            ));
        }
    };
    let mut groups = Vec::with_capacity(values.len());
    for value in values {
        let Some(group) = value.as_str() else {
            return Err(Failure::new(
                "claim_mismatch",
                format!(
                    "a value in groups claim could not be parsed as string: it is {}",
                    kind_of(value)
                ),
            ));
        };
        if !group.is_empty() {
            groups.push(reserved(subject.trusted.alias(group), name)?);
        }
    }
    Ok(groups)
}

fn absent(subject: &Subject<'_>, name: &str) -> Failure {
    let elsewhere = subject.facts.get(OVERAGE).and_then(Value::as_object);
    if elsewhere.is_some_and(|elsewhere| elsewhere.contains_key(name)) {
        return Failure::new(
            "groups_overage",
            format!(
                "failed to fetch groups: {name:?} did not fit into the token (`{OVERAGE}` names \
                 it); have the issuer put fewer groups into it"
            ),
        );
    }
    Failure::new(
        "claim_missing",
        format!("failed to fetch groups: {name:?} claim not found in token"),
    )
}
