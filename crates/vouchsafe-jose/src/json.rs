//! Strict JSON for documents that are signed or hold keys (RFC 7515 §4, RFC 7519 §4, RFC 8725).
//!
//! Stricter than RFC 8259 where leniency lets two parsers read one document differently: a repeated
//! member name is refused at every level, numbers outside the range of a double are refused, and
//! nesting is bounded. Member order is kept.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::algorithm::shortened;

/// Why bytes were not accepted as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON, not UTF-8, followed by more text, or with a number out of range.
    #[error("not valid JSON at line {line}, column {column}")]
    Syntax {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1; 0 when the text ended before the first character.
        column: usize,
    },
    /// JSON, but something other than an object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// A member name twice in one object, at any level.
    #[error("member {name:?} appears more than once")]
    DuplicateMember {
        /// The name, cut to 64 characters.
        name: String,
    },
    /// Objects or arrays nested too deeply.
    #[error("nested more than {depth_max} levels deep")]
    TooDeep {
        /// The number of levels that is accepted.
        depth_max: usize,
    },
}

/// Parses one object; `depth_max` counts the object itself as level 1.
pub(crate) fn parse_object(
    bytes: &[u8],
    depth_max: usize,
) -> Result<Map<String, Value>, JsonError> {
    let fault = RefCell::new(None);
    let seed = Strict {
        levels_left: depth_max,
        depth_max,
        fault: &fault,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| {
        deserializer.end()?;
        Ok(value)
    });
    match parsed {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(JsonError::NotAnObject),
        Err(error) => Err(fault.into_inner().unwrap_or(JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        })),
    }
}

/// Builds a [`Value`] and leaves in `fault` what serde's own error type cannot carry.
#[derive(Clone, Copy)]
struct Strict<'f> {
    levels_left: usize,
    depth_max: usize,
    fault: &'f RefCell<Option<JsonError>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&self, fault: JsonError) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    fn one_level_down<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self {
                levels_left,
                ..*self
            }),
            None => Err(self.refuse(JsonError::TooDeep {
                depth_max: self.depth_max,
            })),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // serde_json refuses a number that overflows to infinity; this holds it to that.
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.one_level_down()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.one_level_down()?;
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(self.refuse(JsonError::DuplicateMember {
                    name: shortened(&name),
                }));
            }
            let value = access.next_value_seed(inner)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}
