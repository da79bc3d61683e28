//! The presets as data: one JSON file for each platform, in `presets/`.
//!
//! A file has a platform's issuer, a role as it should be, what has to be known to fill it in, and
//! the rules that a role for this platform must keep. What the rules mean is in [`super::lint`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Every preset: its name on the command line, and its file.
const FILES: [(&str, &str); 7] = [
    ("azure", include_str!("../../../../presets/azure.json")),
    ("gcp", include_str!("../../../../presets/gcp.json")),
    ("github", include_str!("../../../../presets/github.json")),
    ("gitlab", include_str!("../../../../presets/gitlab.json")),
    (
        "kubernetes",
        include_str!("../../../../presets/kubernetes.json"),
    ),
    (
        "terraform",
        include_str!("../../../../presets/terraform.json"),
    ),
    ("vault", include_str!("../../../../presets/vault.json")),
];

/// The names of all presets, in order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// A platform whose tokens are known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preset {
    /// What it is for.
    pub(super) title: String,
    /// The issuer, with parameters.
    pub(super) issuer: String,
    /// What has to be known.
    pub(super) parameters: Vec<Parameter>,
    /// The role, with parameters.
    pub(super) role: Map<String, Value>,
    /// What a role must keep to.
    pub(super) rules: Vec<Rule>,
}

/// Something that has to be known to trust a platform's tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    /// Its name on the command line, and in braces in the file.
    pub(super) name: String,
    /// What it is and where to find it.
    pub(super) help: String,
    /// A value such as it may have.
    pub(super) example: String,
    /// What it is if nobody says.
    pub(super) default: Option<String>,
    /// Whether what mentions it is left out if nobody says.
    #[serde(default)]
    pub(super) optional: bool,
}

/// A rule, with the reason that a person is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// A stable name.
    pub(super) code: String,
    /// What goes wrong otherwise.
    pub(super) why: String,
    /// What to do.
    pub(super) fix: String,
    /// One of these must be bound so that it names somebody in particular.
    #[serde(default)]
    pub(super) pin: Vec<Pin>,
    /// Where a wildcard is not allowed.
    pub(super) literal: Option<Literal>,
    /// One of these must be bound in some way.
    #[serde(default)]
    pub(super) any_of: Vec<String>,
    /// What must not name the entity.
    #[serde(default)]
    pub(super) user_claim_not: Vec<String>,
    /// What the issuer must not contain.
    #[serde(default)]
    pub(super) issuer_not: Vec<String>,
}

/// A claim that names somebody in particular.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    pub(super) claim: String,
    /// What each value must look like; `*` is any run of characters.
    pub(super) form: Option<String>,
    /// How many segments, separated by `:`, are enough without a wildcard. All, if it is not said.
    pub(super) head: Option<usize>,
}

/// Claims in which a wildcard is not allowed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Literal {
    pub(super) claims: Vec<String>,
    /// Only in as many segments, separated by `:`. Everywhere, if it is not said.
    pub(super) segments: Option<usize>,
}

impl Preset {
    /// The preset of a name.
    pub(super) fn find(name: &str) -> Option<Self> {
        let (_, text) = FILES.iter().find(|(known, _)| *known == name)?;
        // A test parses every file.
        serde_json::from_str(text).ok()
    }
}

/// A text with its parameters filled in; `None` where one of them is left out.
pub(super) fn fill(text: &str, values: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(values.get(name)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// A value with its parameters filled in, at any depth; what mentions one that is left out is left
/// out too.
pub(super) fn fill_value(value: &Value, values: &BTreeMap<String, String>) -> Option<Value> {
    match value {
        Value::String(text) => fill(text, values).map(Value::String),
        Value::Array(items) => {
            let items = items.iter().filter_map(|item| fill_value(item, values));
            Some(Value::Array(items.collect()))
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), fill_value(value, values)?)));
            Some(Value::Object(members.collect()))
        }
        other => Some(other.clone()),
    }
}
