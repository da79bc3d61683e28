//! Typed inputs: what a route takes, declared once.
//!
//! [`input!`](crate::input) declares a struct whose fields are parsed from the captured path
//! parameters, then the request's data. The same declaration is the route's schema, from which
//! help and OpenAPI are derived. Conversions are as lenient as Vault's (a number may arrive as a
//! string, a list as a comma separated string), because its command line sends only strings.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::backend::Call;
use crate::duration::parse_duration;
use crate::error::Error;

/// The data of a request or an answer: a JSON object in the order in which it arrived.
pub type Data = Map<String, Value>;

/// What kind of value a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true`, `false`, or the same as a string.
    Boolean,
    /// Seconds as an integer, or Go's grammar.
    Duration,
    /// A whole number.
    Integer,
    /// `k=v` pairs as an object, one string or a list of strings.
    KeyValue,
    /// Strings as a list or one comma separated string.
    List,
    /// Any JSON object.
    Object,
    /// A string.
    Text,
    /// Any JSON value.
    Any,
}

/// One declared field of a route's input.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// One or two sentences for a person.
    pub help: &'static str,
}

impl Field {
    /// The name that stands for every name, where the members are not known beforehand.
    pub const ANY: &'static str = "*";
}

/// A struct that [`input!`](crate::input) declared.
pub trait Input: Sized {
    /// The declared fields.
    const FIELDS: &'static [Field];

    /// Parses the fields from a call.
    ///
    /// # Errors
    /// A missing required field or a value of the wrong kind; the message names the field.
    fn parse(call: &Call<'_>) -> Result<Self, Error>;
}

/// A type that a field can have.
pub trait FromField: Sized {
    /// What it takes.
    const KIND: Kind;
    /// Whether a missing value is refused.
    const REQUIRED: bool = true;

    /// Converts a present value, or a missing one (`None`).
    ///
    /// # Errors
    /// What is wrong, without the field's name.
    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error>;
}

/// Names the field that a conversion failed on, in Vault's words.
pub fn conversion_error(name: &str, fault: impl std::fmt::Display) -> Error {
    Error::invalid_because(
        "field_invalid",
        format!("Field validation failed: error converting input for field {name:?}: {fault}"),
    )
}

/// What a JSON value is, in a word, for messages that must not repeat it.
#[must_use]
pub const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn wrong_kind(name: &str, expected: &str, found: &Value) -> Error {
    conversion_error(
        name,
        format_args!("expected {expected}, got {}", kind_of(found)),
    )
}

fn missing(name: &str) -> Error {
    Error::invalid_because("field_missing", format!("missing {name}"))
}

impl<T: FromField> FromField for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        match value {
            None | Some(Value::Null) => Ok(None),
            present => T::from_field(name, present).map(Some),
        }
    }
}

/// Text of a scalar, as Vault's weak decoding makes it.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl FromField for String {
    const KIND: Kind = Kind::Text;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        scalar_text(value).ok_or_else(|| wrong_kind(name, "a string", value))
    }
}

impl FromField for bool {
    const KIND: Kind = Kind::Boolean;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        match value {
            Value::Bool(flag) => Ok(*flag),
            Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
            Value::String(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
                _ => Err(conversion_error(name, "expected `true` or `false`")),
            },
            other => Err(wrong_kind(name, "a boolean", other)),
        }
    }
}

impl FromField for i64 {
    const KIND: Kind = Kind::Integer;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        let parsed = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.is_empty() => Some(0),
            Value::String(text) => text.trim().parse().ok(),
            other => return Err(wrong_kind(name, "a whole number", other)),
        };
        parsed.ok_or_else(|| conversion_error(name, "expected a whole number of 64 bits"))
    }
}

impl FromField for Duration {
    const KIND: Kind = Kind::Duration;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            other => return Err(wrong_kind(name, "a duration", other)),
        };
        parse_duration(&text).map_err(|error| conversion_error(name, error))
    }
}

/// Strings from a list or from one comma separated string; trimmed, empty ones dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommaList(pub Vec<String>);

impl FromField for CommaList {
    const KIND: Kind = Kind::List;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        let items: Vec<String> = match value {
            Value::Array(items) => items
                .iter()
                .map(|item| scalar_text(item).ok_or_else(|| wrong_kind(name, "strings", item)))
                .collect::<Result<_, _>>()?,
            Value::String(text) => text.split(',').map(str::to_owned).collect(),
            other => vec![
                scalar_text(other).ok_or_else(|| wrong_kind(name, "a list of strings", other))?,
            ],
        };
        Ok(Self(
            items
                .into_iter()
                .map(|item| item.trim().to_owned())
                .filter(|item| !item.is_empty())
                .collect(),
        ))
    }
}

/// `k=v` pairs from an object, a string with one pair, or a list of `k=v` strings (which is what the
/// command line sends for a repeated key).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValues(pub BTreeMap<String, String>);

impl FromField for KeyValues {
    const KIND: Kind = Kind::KeyValue;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        let mut pairs = BTreeMap::new();
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let text = scalar_text(value)
                        .ok_or_else(|| wrong_kind(name, "string values", value))?;
                    pairs.insert(key.clone(), text);
                }
            }
            // One pair: a comma belongs to the value, as in Vault.
            Value::String(text) => {
                let items = Some(text.as_str()).filter(|item| !item.trim().is_empty());
                insert_pairs(name, items.into_iter(), &mut pairs)?;
            }
            Value::Array(items) => {
                let texts = items
                    .iter()
                    .map(|item| item.as_str().ok_or_else(|| wrong_kind(name, "`k=v`", item)))
                    .collect::<Result<Vec<_>, _>>()?;
                insert_pairs(name, texts.into_iter(), &mut pairs)?;
            }
            other => return Err(wrong_kind(name, "`k=v` pairs", other)),
        }
        Ok(Self(pairs))
    }
}

fn insert_pairs<'a>(
    name: &str,
    items: impl Iterator<Item = &'a str>,
    pairs: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    for (index, item) in items.enumerate() {
        let (key, value) = item.split_once('=').ok_or_else(|| {
            conversion_error(
                name,
                format_args!("invalid key pair at index {index} in field {name:?}"),
            )
        })?;
        pairs.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(())
}

impl FromField for Data {
    const KIND: Kind = Kind::Object;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let value = value.ok_or_else(|| missing(name))?;
        match value {
            Value::Object(object) => Ok(object.clone()),
            Value::String(text) => serde_json::from_str(text)
                .map_err(|_| conversion_error(name, "expected a JSON object")),
            other => Err(wrong_kind(name, "an object", other)),
        }
    }
}

impl FromField for Value {
    const KIND: Kind = Kind::Any;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        value.cloned().ok_or_else(|| missing(name))
    }
}

/// Drops the `r#` of a raw identifier, so that a field can be called `type`.
#[doc(hidden)]
#[must_use]
pub const fn wire_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// Declares a route's input: a struct, its schema and its parser.
///
/// ```ignore
/// input! {
///     /// Body of `role/{name}`.
///     pub(crate) struct RoleInput {
///         /// The name of the role.
///         name: String,
///         /// How long tokens live.
///         ttl: Option<Duration>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! input {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $input:ident {
            $( $(#[doc = $help:literal])+ $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $visibility struct $input {
            $( $(#[doc = $help])+ $visibility $field: $type, )*
        }

        impl $crate::field::Input for $input {
            const FIELDS: &'static [$crate::field::Field] = &[
                $( $crate::field::Field {
                    name: $crate::field::wire_name(stringify!($field)),
                    kind: <$type as $crate::field::FromField>::KIND,
                    required: <$type as $crate::field::FromField>::REQUIRED,
                    help: concat!($($help),+),
                }, )*
            ];

            fn parse(call: &$crate::backend::Call<'_>) -> Result<Self, $crate::error::Error> {
                Ok(Self {
                    $( $field: call.field($crate::field::wire_name(stringify!($field)))?, )*
                })
            }
        }
    };
}
