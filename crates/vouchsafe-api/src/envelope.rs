//! The response envelope (vault-core.md §2): the shape that nearly every answer shares.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::token::Token;

/// An answer's envelope. Absent and `null` members read as the default.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Envelope {
    /// The server's id of the request, to find it in the audit log.
    #[serde(deserialize_with = "null_as_default")]
    pub request_id: String,
    /// The lease's id; empty when nothing is leased.
    #[serde(deserialize_with = "null_as_default")]
    pub lease_id: String,
    /// Whether the lease can be renewed.
    #[serde(deserialize_with = "null_as_default")]
    pub renewable: bool,
    /// The lease's length in seconds; 0 when there is none.
    #[serde(deserialize_with = "null_as_default")]
    pub lease_duration: u64,
    /// What was asked for.
    pub data: Option<Map<String, Value>>,
    /// The wrapping token, when the response was wrapped (vault-core.md §9).
    pub wrap_info: Option<WrapInfo>,
    /// What the server did not refuse but wants known.
    pub warnings: Option<Vec<String>>,
    /// The token of a login, creation or renewal.
    pub auth: Option<Auth>,
    /// The type of the mount that answered; empty from servers that do not say.
    #[serde(deserialize_with = "null_as_default")]
    pub mount_type: String,
}

/// A token that the server handed out.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// The token.
    pub client_token: Token,
    /// The handle to manage the token without knowing it.
    #[serde(deserialize_with = "null_as_default")]
    pub accessor: String,
    /// All policies, of the token and of its entity.
    pub policies: Option<Vec<String>>,
    /// The token's own policies.
    pub token_policies: Option<Vec<String>>,
    /// The policies that come from the entity and its groups.
    pub identity_policies: Option<Vec<String>>,
    /// What the auth method knows of the caller.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Whether the token survives its creator.
    #[serde(deserialize_with = "null_as_default")]
    pub orphan: bool,
    /// The entity, or empty.
    #[serde(deserialize_with = "null_as_default")]
    pub entity_id: String,
    /// The token's TTL in seconds; 0 means that it does not expire.
    #[serde(deserialize_with = "null_as_default")]
    pub lease_duration: u64,
    /// Whether the token can be renewed.
    #[serde(deserialize_with = "null_as_default")]
    pub renewable: bool,
    /// A second factor that must be given first, as the server describes it.
    pub mfa_requirement: Option<Value>,
}

/// A wrapping token in place of an answer.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WrapInfo {
    /// The token to unwrap with, once.
    pub token: Token,
    /// The wrapping token's accessor.
    #[serde(deserialize_with = "null_as_default")]
    pub accessor: String,
    /// How long it can be unwrapped, in seconds.
    #[serde(deserialize_with = "null_as_default")]
    pub ttl: u64,
    /// When it was wrapped (RFC 3339).
    #[serde(deserialize_with = "null_as_default")]
    pub creation_time: String,
    /// Which path's answer is inside.
    #[serde(deserialize_with = "null_as_default")]
    pub creation_path: String,
    /// The accessor of the token inside; empty when no token is inside.
    #[serde(deserialize_with = "null_as_default")]
    pub wrapped_accessor: String,
}

impl Envelope {
    /// Reads an answer.
    ///
    /// Some endpoints answer with a bare object (vault-core.md §2, last line): it becomes `data`.
    /// A body that is empty, or holds nothing but errors, is `None`.
    ///
    /// # Errors
    ///
    /// What is wrong with the JSON.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        // As a map first: a struct also reads from an array, member by member.
        let bare: Map<String, Value> = serde_json::from_slice(body)?;
        let envelope = Self::deserialize(&bare)?;
        if envelope != Self::default() {
            return Ok(Some(envelope));
        }
        let only_errors = bare.len() == 1 && bare.contains_key("errors");
        let enveloped = bare.contains_key("request_id") && bare.contains_key("data");
        match bare {
            _ if only_errors => Ok(None),
            _ if enveloped => Ok(Some(envelope)),
            bare => Ok(Some(Self {
                data: Some(bare),
                ..Self::default()
            })),
        }
    }

    /// The keys of a list's answer, if this is one.
    pub fn keys(&self) -> Option<&Vec<Value>> {
        self.data.as_ref()?.get("keys")?.as_array()
    }

    /// A member of `data`.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.data.as_ref()?.get(name)
    }
}

// `Debug` shows the shape alone: `data`, `auth` and `wrap_info` hold secrets.
impl fmt::Debug for Envelope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Envelope")
            .field("request_id", &self.request_id)
            .field("data", &self.data.as_ref().map(|data| data.len()))
            .field("auth", &self.auth.is_some())
            .field("wrap_info", &self.wrap_info.is_some())
            .finish_non_exhaustive()
    }
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_reads_with_nulls_and_unknown_members() {
        let body = br#"{"request_id":"r","lease_id":null,"data":{"a":1},"auth":null,"new":[]}"#;
        let envelope = Envelope::parse(body).unwrap().unwrap();
        assert_eq!(envelope.request_id, "r");
        assert_eq!(envelope.field("a"), Some(&Value::from(1)));
        assert!(envelope.auth.is_none());
    }

    #[test]
    fn a_bare_object_becomes_the_data() {
        let envelope = Envelope::parse(br#"{"sealed":false,"t":1}"#)
            .unwrap()
            .unwrap();
        assert_eq!(envelope.field("sealed"), Some(&Value::Bool(false)));
        assert_eq!(envelope.request_id, "");
    }

    #[test]
    fn nothing_but_errors_is_nothing() {
        assert_eq!(Envelope::parse(br#"{"errors":[]}"#).unwrap(), None);
        assert_eq!(Envelope::parse(b"\n").unwrap(), None);
    }

    #[test]
    fn a_body_that_is_not_json_is_an_error() {
        assert!(Envelope::parse(b"<html>").is_err());
        assert!(Envelope::parse(br#"["a"]"#).is_err());
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let body = br#"{"data":{"password":"hunter2"},"auth":{"client_token":"hvs.x"}}"#;
        let text = format!("{:?}", Envelope::parse(body).unwrap().unwrap());
        assert!(
            !text.contains("hunter2") && !text.contains("hvs.x"),
            "{text}"
        );
    }
}
