//! From rendered text to claims: strict JSON, and no claim that only the issuer sets.
//!
//! serde_json alone lets the last of two equal keys win. Here a repeated key is an error at every
//! depth, so that a value which a template uses as a key cannot displace a claim beside it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Top-level keys that a template may not set. The first ten, and their order, are Vault's; `jti`
/// is the issuer's as well, or a template could make two tokens share an identifier.
pub const RESERVED_CLAIMS: [&str; 11] = [
    "iat",
    "aud",
    "exp",
    "iss",
    "sub",
    "namespace",
    "nonce",
    "auth_time",
    "at_hash",
    "c_hash",
    "jti",
];

/// How deep claims may nest. Verifiers recurse over them, often with limits of their own.
pub const CLAIM_DEPTH_MAX: usize = 32;

/// What is wrong with the rendered text, and at which byte of it.
pub(super) struct JsonFault {
    pub(super) at: usize,
    pub(super) text: String,
}

/// Reads the claims out of rendered text.
pub(super) fn parse(rendered: &str) -> Result<Map<String, Value>, JsonFault> {
    let start = rendered.trim_ascii_start();
    if !start.is_empty() && !start.starts_with('{') && serde_json::from_str::<Value>(start).is_ok()
    {
        let text = "the result is not a JSON object".to_owned();
        return Err(JsonFault {
            at: rendered.len() - start.len(),
            text,
        });
    }
    let mut deserializer = serde_json::Deserializer::from_str(rendered);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| JsonFault::new(rendered, &error))?;
    match value {
        Value::Object(claims) => Ok(claims),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonFault {
                at: 0,
                text: "the result is not a JSON object".to_owned(),
            })
        }
    }
}

/// The first reserved claim among the keys, if any.
pub(super) fn reserved_key(claims: &Map<String, Value>) -> Option<&'static str> {
    claims
        .keys()
        .find_map(|key| RESERVED_CLAIMS.into_iter().find(|reserved| reserved == key))
}

impl JsonFault {
    fn new(rendered: &str, error: &serde_json::Error) -> Self {
        let line_start: usize = rendered
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = (line_start + error.column().saturating_sub(1)).min(rendered.len());
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let bare = full.strip_suffix(&place).unwrap_or(&full);
        Self {
            at,
            text: in_go_words(bare, rendered, at).into_owned(),
        }
    }
}

/// The wording of Go's parser where it has one, since Vault users know and search for it.
fn in_go_words<'t>(fault: &'t str, rendered: &str, at: usize) -> Cow<'t, str> {
    if fault.starts_with("EOF while parsing") {
        return "unexpected end of JSON input".into();
    }
    let context = match fault {
        "expected value" | "expected ident" => "looking for beginning of value",
        "key must be a string" => "looking for beginning of object key string",
        "expected `:`" => "after object key",
        "expected `,` or `}`" => "after object key:value pair",
        "expected `,` or `]`" => "after array element",
        "trailing characters" => "after top-level value",
        "trailing comma" => "after `,`; a comma must be followed by another member",
        _ => return fault.into(),
    };
    match rendered.get(at..).and_then(|rest| rest.chars().next()) {
        Some(found) => format!("invalid character {found:?} {context}").into(),
        None => "unexpected end of JSON input".into(),
    }
}

/// Any JSON value, without repeated keys and not nested too deep.
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == CLAIM_DEPTH_MAX {
            return Err(E::custom(format!(
                "nested more than {CLAIM_DEPTH_MAX} deep"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self.inner()?)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom("the same key occurs twice in an object"));
            }
            let value = members.next_value_seed(self.inner()?)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
