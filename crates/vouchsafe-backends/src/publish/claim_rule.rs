//! Which JWTs of another issuer stand for a service account: an exact `iss`, and claims.
//!
//! Pure. `*` stands for any run of characters, also none, also `/` and `:`. Every listed claim must
//! match; of a claim that is a list, one element must. `aud` is among the claims, since a token that was
//! made for somebody else must not work here, and `iss` has no `*`: whose keys verify a token is not a
//! matter of patterns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::glob::matches;
use vouchsafe_logical::{Data, Error};

use super::issuer::PublicIssuer;
use super::shortened;

/// The most rules of a service account.
pub(super) const RULES_MAX: usize = 16;
/// The most claims of a rule.
pub(super) const CLAIMS_MAX: usize = 16;
/// The longest name or pattern of a claim, in bytes.
pub(super) const PATTERN_BYTES_MAX: usize = 512;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClaimRule {
    pub(super) iss: String,
    pub(super) claims: BTreeMap<String, String>,
}

fn fault(message: impl Into<String>) -> Error {
    Error::invalid_because("policy_invalid", message)
}

impl ClaimRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// What it lacks, or has that it must not.
    pub(super) fn parse(rule: &Value) -> Result<Self, Error> {
        let Value::Object(rule) = rule else {
            return Err(fault("a rule is not an object with `iss` and `claims`"));
        };
        if let Some(unknown) = rule
            .keys()
            .find(|name| !["iss", "claims"].contains(&&***name))
        {
            return Err(fault(format!(
                "a rule has `{}`; expected `iss` and `claims`",
                shortened(unknown)
            )));
        }
        let iss = rule.get("iss").and_then(Value::as_str).unwrap_or_default();
        PublicIssuer::parse(iss).map_err(|error| fault(format!("`iss` of a rule: {error}")))?;
        let claims = match rule.get("claims") {
            Some(Value::Object(claims)) => patterns(claims)?,
            _ => return Err(fault("a rule needs `claims`, `aud` among them")),
        };
        let audience = claims.get("aud").map(String::as_str).unwrap_or_default();
        if audience.chars().all(|c| c == '*') {
            return Err(fault(
                "`claims` of a rule must name `aud`, and more of it than `*`: a token that was made for somebody else would do",
            ));
        }
        Ok(Self {
            iss: iss.to_owned(),
            claims,
        })
    }

    /// Whether verified claims fulfil the rule.
    pub(super) fn accepts(&self, claims: &Data) -> bool {
        let is = |name: &str, pattern: &str| match claims.get(name) {
            Some(Value::Array(list)) => list.iter().any(|value| matches_value(pattern, value)),
            Some(value) => matches_value(pattern, value),
            None => false,
        };
        claims.get("iss").and_then(Value::as_str) == Some(&self.iss)
            && self.claims.iter().all(|(name, pattern)| is(name, pattern))
    }
}

fn patterns(claims: &Data) -> Result<BTreeMap<String, String>, Error> {
    if claims.len() > CLAIMS_MAX {
        return Err(fault(format!(
            "a rule has {} claims; at most {CLAIMS_MAX} are allowed",
            claims.len()
        )));
    }
    let mut patterns = BTreeMap::new();
    for (name, pattern) in claims {
        let pattern = match pattern {
            Value::String(pattern) => pattern.clone(),
            Value::Bool(_) | Value::Number(_) => pattern.to_string(),
            _ => {
                return Err(fault(format!(
                    "the claim `{}` of a rule is not a text",
                    shortened(name)
                )));
            }
        };
        if name.len().max(pattern.len()) > PATTERN_BYTES_MAX {
            return Err(fault(format!(
                "the claim `{}` of a rule is longer than {PATTERN_BYTES_MAX} bytes",
                shortened(name)
            )));
        }
        patterns.insert(name.clone(), pattern);
    }
    Ok(patterns)
}

fn matches_value(pattern: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => matches(pattern, text),
        Value::Bool(_) | Value::Number(_) => matches(pattern, &value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Data {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn stars_stand_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("repo:org/*", "repo:org/a/b:ref", true),
            ("repo:org/*", "repo:org/", true),
            ("repo:org/*", "repo:organ/a", false),
            ("repo:org/*", "xrepo:org/a", false),
            ("*:main", "repo:a:ref:main", true),
            ("*:main", "repo:a:ref:main2", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("exact", "exact", true),
            ("exact", "exact ", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "anything", true),
            ("a.c", "abc", false),
            ("?", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// The obvious definition, whose cost nobody bounds.
    fn oracle(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|at| oracle(rest, &text[at..])),
            [first, rest @ ..] => text.first() == Some(first) && oracle(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), oracle(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn every_claim_must_match_and_of_a_list_one_element() {
        let rule = ClaimRule::parse(&json!({
            "iss": "https://ci.example",
            "claims": { "aud": "https://pub.example", "sub": "repo:org/*", "protected": true, "run": 7 },
        }))
        .unwrap();
        let good = json!({
            "iss": "https://ci.example", "aud": ["x", "https://pub.example"],
            "sub": "repo:org/a", "protected": true, "run": 7, "more": {},
        });
        assert!(rule.accepts(&object(good.clone())));
        for (name, value) in [
            ("iss", json!("https://ci.example/")),
            ("iss", json!(["https://ci.example"])),
            ("aud", json!("https://pub.example.evil")),
            ("aud", json!([])),
            ("aud", json!({})),
            ("aud", json!([["https://pub.example"]])),
            ("aud", json!(null)),
            ("sub", json!("repo:other/a")),
            ("sub", json!(["nothing"])),
            ("protected", json!(false)),
            ("run", json!(8)),
        ] {
            let mut claims = object(good.clone());
            claims.insert(name.to_owned(), value.clone());
            assert!(!rule.accepts(&claims), "{name} {value}");
            claims.remove(name);
            assert!(!rule.accepts(&claims), "without {name}");
        }
    }

    #[test]
    fn a_rule_that_would_take_anybodys_token_is_refused() {
        let claims = |count: usize| -> Data {
            let mut claims: Data = (1..count).map(|n| (format!("c{n}"), json!("x"))).collect();
            claims.insert("aud".to_owned(), json!("here"));
            claims
        };
        let of = |claims: Value| json!({ "iss": "https://ci.example", "claims": claims });
        assert!(ClaimRule::parse(&of(Value::Object(claims(CLAIMS_MAX)))).is_ok());
        let long = "x".repeat(PATTERN_BYTES_MAX);
        assert!(ClaimRule::parse(&of(json!({ "aud": long }))).is_ok());
        for bad in [
            json!("rule"),
            json!({}),
            json!({ "iss": "https://ci.example" }),
            of(json!({})),
            of(json!({ "sub": "a" })),
            of(json!({ "aud": "*" })),
            of(json!({ "aud": "" })),
            of(json!({ "aud": "**" })),
            of(json!({ "aud": ["a"] })),
            of(json!({ "aud": "a", "sub": null })),
            of(json!({ "aud": format!("{long}x") })),
            of(Value::Object(claims(CLAIMS_MAX + 1))),
            json!({ "iss": "https://*.example", "claims": { "aud": "a" } }),
            json!({ "iss": "http://ci.example", "claims": { "aud": "a" } }),
            json!({ "iss": "*", "claims": { "aud": "a" } }),
            json!({ "iss": "https://ci.example", "claims": { "aud": "a" }, "claim": {} }),
        ] {
            let error = ClaimRule::parse(&bad).expect_err(&bad.to_string());
            assert_eq!(error.reason(), "policy_invalid", "{bad}");
        }
    }
}
