//! `bound_claims`: what further claims of a token must be.
//!
//! Each configured claim must match. It matches where any configured value equals any value that
//! the token has; a single value is a list of one. The kinds must agree: `true` is not `"true"`, and
//! `3` is not `"3"`. With globs, strings match by pattern and nothing else matches at all.
//!
//! Pure: claims in, a verdict out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vouchsafe_logical::field::{FromField, Kind, conversion_error, kind_of};
use vouchsafe_logical::{Data, Error};

use super::claim;
use vouchsafe_logical::glob;

/// How configured strings are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClaimsType {
    /// To the byte.
    #[default]
    String,
    /// `*` stands for any run of characters.
    Glob,
}

impl ClaimsType {
    /// Parses the API's word.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" | "string" => Ok(Self::String),
            "glob" => Ok(Self::Glob),
            other => Err(Error::invalid(format!(
                "invalid 'bound_claims_type': {other}; expected `string` or `glob`"
            ))),
        }
    }

    /// The API's word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Glob => "glob",
        }
    }
}

/// The configured claims as they were written. As a field, `k=v` (repeated for more claims or more
/// values of one), a list of such, an object, or the JSON text of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct BoundClaims(pub(super) Data);

impl FromField for BoundClaims {
    const KIND: Kind = Kind::Object;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let fault = || {
            conversion_error(
                name,
                "expected an object, e.g. {\"groups\": [\"developers\"]}, or `claim=value`",
            )
        };
        let pairs = |items: &mut dyn Iterator<Item = &str>| {
            let mut claims = Data::new();
            for item in items {
                let (claim, value) = item.split_once('=').ok_or_else(fault)?;
                add(&mut claims, claim.trim(), value.trim());
            }
            Ok(Self(claims))
        };
        match value {
            Some(Value::Object(claims)) => Ok(Self(claims.clone())),
            Some(Value::String(text)) if text.trim_start().starts_with('{') => {
                serde_json::from_str(text).map(Self).map_err(|_| fault())
            }
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Self::default()),
            Some(Value::String(text)) => pairs(&mut std::iter::once(text.as_str())),
            Some(Value::Array(items)) => {
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                pairs(&mut texts.ok_or_else(fault)?.into_iter())
            }
            _ => Err(fault()),
        }
    }
}

/// A claim that is given twice has two values.
fn add(claims: &mut Data, claim: &str, value: &str) {
    let value = Value::from(value);
    match claims.get_mut(claim) {
        None => {
            claims.insert(claim.to_owned(), value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::from(vec![first.take(), value]),
    }
}

/// Why a token's claims do not match. Names the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mismatch<'r> {
    Missing(&'r str),
    /// It is of a kind that never matches.
    Kind(&'r str, &'static str),
    Value(&'r str),
}

impl Mismatch<'_> {
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "claim_missing",
            Self::Kind(..) | Self::Value(_) => "claim_mismatch",
        }
    }
}

impl std::fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(claim) => write!(f, "claim {claim:?} is missing"),
            Self::Kind(claim, kind) => write!(
                f,
                "claim {claim:?}: received claim is not a string, bool, int or list: it is {kind}"
            ),
            Self::Value(claim) => write!(
                f,
                "claim {claim:?} does not match any associated bound claim values"
            ),
        }
    }
}

impl BoundClaims {
    /// Checks that every configured value can match.
    ///
    /// # Errors
    /// A value that is neither a scalar nor a list of scalars, or no string among globs.
    pub(super) fn check(&self, kind: ClaimsType) -> Result<(), Error> {
        for (claim, value) in &self.0 {
            for value in as_list(value) {
                match value {
                    Value::String(_) => {}
                    Value::Bool(_) | Value::Number(_) if kind == ClaimsType::String => {}
                    other => {
                        return Err(Error::invalid(format!(
                            "claim is not a string or list: the bound value of {claim:?} is {}",
                            kind_of(other)
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a token's claims are as configured.
    pub(super) fn judge<'r>(
        &'r self,
        kind: ClaimsType,
        claims: &Map<String, Value>,
    ) -> Result<(), Mismatch<'r>> {
        for (name, bound) in &self.0 {
            let found = claim::find(claims, name).ok_or(Mismatch::Missing(name))?;
            if matches!(found, Value::Null | Value::Object(_)) {
                return Err(Mismatch::Kind(name, kind_of(found)));
            }
            let equals = |bound: &Value, found: &Value| match (kind, bound, found) {
                (ClaimsType::Glob, Value::String(pattern), Value::String(text)) => {
                    glob::matches(pattern, text)
                }
                (ClaimsType::Glob, ..) => false,
                (ClaimsType::String, Value::Number(a), Value::Number(b)) => same_number(a, b),
                (ClaimsType::String, a, b) => is_scalar(b) && a == b,
            };
            let found = as_list(found);
            if !as_list(bound)
                .iter()
                .any(|bound| found.iter().any(|found| equals(bound, found)))
            {
                return Err(Mismatch::Value(name));
            }
        }
        Ok(())
    }
}

const fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_))
}

/// By value: `3` and `3.0` are one number, `3` and `3.5` are two.
fn same_number(a: &serde_json::Number, b: &serde_json::Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bound(value: Value) -> BoundClaims {
        BoundClaims::from_field("bound_claims", Some(&value)).unwrap()
    }

    #[track_caller]
    fn check(kind: ClaimsType, configured: Value, claims: Value, expected: &str) {
        let Value::Object(claims) = claims else {
            panic!("an object")
        };
        let configured = bound(configured);
        configured.check(kind).unwrap();
        let found = match configured.judge(kind, &claims) {
            Ok(()) => "match",
            Err(Mismatch::Missing(_)) => "missing",
            Err(Mismatch::Kind(..)) => "kind",
            Err(Mismatch::Value(_)) => "value",
        };
        assert_eq!(found, expected, "{configured:?} on {claims:?}");
    }

    #[test]
    fn any_configured_value_equals_any_received_one() {
        let strings = |configured, claims, expected| {
            check(ClaimsType::String, configured, claims, expected);
        };
        strings(json!({"a": "x"}), json!({"a": "x"}), "match");
        strings(json!({"a": "x"}), json!({"a": ["z", "x"]}), "match");
        strings(json!({"a": ["x", "y"]}), json!({"a": "y"}), "match");
        strings(json!({"a": ["x", "y"]}), json!({"a": ["y", "z"]}), "match");
        strings(json!({"a": ["x", "y"]}), json!({"a": ["z"]}), "value");
        strings(json!({"a": "x"}), json!({"a": []}), "value");
        strings(json!({"a": []}), json!({"a": "x"}), "value");
        strings(json!({"a": "x"}), json!({"a": ""}), "value");
        strings(json!({"a": "x"}), json!({"a": "X"}), "value");
        strings(json!({"a": "*"}), json!({"a": "x"}), "value");
        strings(json!({"a": "x"}), json!({"b": "x"}), "missing");
        strings(json!({"a": "x", "b": "y"}), json!({"a": "x"}), "missing");
        strings(
            json!({"a": "x", "b": "y"}),
            json!({"a": "x", "b": "z"}),
            "value",
        );
        strings(json!({"/n/x": "1"}), json!({"n": {"x": "1"}}), "match");
        strings(json!({"/n/x": "1"}), json!({"n": "x"}), "missing");
        strings(json!({"/l/1": "b"}), json!({"l": ["a", "b"]}), "match");
    }

    #[test]
    fn kinds_are_never_confused() {
        let received = [
            json!("1"),
            json!(1),
            json!(true),
            json!(["1"]),
            json!([1]),
            json!([true]),
        ];
        for (place, configured) in [json!("1"), json!(1), json!(true)].iter().enumerate() {
            for (other, claim) in received.iter().enumerate() {
                let expected = if place == other % 3 { "match" } else { "value" };
                let configured = json!({"a": configured});
                check(
                    ClaimsType::String,
                    configured,
                    json!({"a": claim}),
                    expected,
                );
            }
        }
        for claim in [json!(null), json!({}), json!({"a": "x"})] {
            for configured in [json!("x"), json!(["null", "{}", ""])] {
                let configured = json!({"a": configured});
                check(ClaimsType::String, configured, json!({"a": claim}), "kind");
            }
        }
        check(
            ClaimsType::String,
            json!({"a": "x"}),
            json!({"a": [null, {}, ["x"]]}),
            "value",
        );
    }

    #[test]
    fn numbers_are_compared_by_value_and_not_cut_off() {
        for (configured, claim, expected) in [
            (json!(3), json!(3), "match"),
            (json!(3), json!(3.0), "match"),
            (json!(3.5), json!(3.5), "match"),
            (json!(3), json!(3.7), "value"),
            (json!(-1), json!(u64::MAX), "value"),
            (
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_992_i64),
                "value",
            ),
        ] {
            check(
                ClaimsType::String,
                json!({"a": configured}),
                json!({"a": claim}),
                expected,
            );
        }
    }

    #[test]
    fn globs_are_about_strings_alone() {
        let globs = |configured, claims, expected| {
            check(ClaimsType::Glob, configured, claims, expected);
        };
        globs(
            json!({"a": "refs/heads/*"}),
            json!({"a": "refs/heads/x/y"}),
            "match",
        );
        globs(
            json!({"a": "refs/heads/*"}),
            json!({"a": "refs/heads/"}),
            "match",
        );
        globs(
            json!({"a": "refs/heads/*"}),
            json!({"a": "refs/tags/x"}),
            "value",
        );
        globs(json!({"a": "v?"}), json!({"a": "v1"}), "value");
        globs(json!({"a": "*"}), json!({"a": ""}), "match");
        globs(json!({"a": "*"}), json!({"a": 7}), "value");
        globs(json!({"a": "*"}), json!({"a": true}), "value");
        globs(json!({"a": "*"}), json!({"a": ["x"]}), "match");
        globs(json!({"a": "*"}), json!({"a": []}), "value");
        globs(json!({"a": "*"}), json!({"a": null}), "kind");
        globs(json!({"a": "*"}), json!({"a": {}}), "kind");
        for value in [json!(1), json!(true), json!([1]), json!(["a", true])] {
            let refused = bound(json!({"a": value})).check(ClaimsType::Glob);
            assert!(refused.is_err(), "{value}");
        }
        for value in [json!(null), json!({}), json!([[]]), json!([null])] {
            let refused = bound(json!({"a": value})).check(ClaimsType::String);
            assert!(refused.is_err(), "{value}");
        }
    }

    #[test]
    fn every_form_that_a_command_line_sends_is_understood() {
        let one = json!({"groups": "developers"});
        for form in [
            json!("groups=developers"),
            json!(["groups=developers"]),
            json!({"groups": "developers"}),
            json!("{\"groups\":\"developers\"}"),
        ] {
            assert_eq!(bound(form), bound(one.clone()));
        }
        assert_eq!(
            bound(json!(["a=1", "b=x=y,z", "a=2", "a=3"])),
            bound(json!({"a": ["1", "2", "3"], "b": "x=y,z"}))
        );
        assert_eq!(bound(json!("")), BoundClaims::default());
        for form in [
            json!("groups"),
            json!(["groups"]),
            json!([1]),
            json!(1),
            json!("{"),
        ] {
            let refused = BoundClaims::from_field("bound_claims", Some(&form));
            assert!(refused.is_err(), "{form}");
        }
    }
}
