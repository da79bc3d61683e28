//! The payload of an identity token: registered claims and those of the role's template.
//!
//! Written as Go's `encoding/json` writes a map, since Vault does: members sorted at every depth,
//! `<`, `>` and `&` escaped. A token that passed through an HTML page by accident stays inert.

use serde_json::{Map, Value};

use super::UnixSeconds;

/// The claims that the issuer sets itself (RFC 7519 §4.1, and Vault's `namespace`).
#[derive(Clone, Copy, Debug)]
pub struct RegisteredClaims<'a> {
    /// `iss`: the effective issuer.
    pub issuer: &'a str,
    /// `sub`: the entity's id.
    pub subject: &'a str,
    /// `aud`: the role's client id, as a string and not a list.
    pub audience: &'a str,
    /// `iat`.
    pub issued_at: UnixSeconds,
    /// `exp`.
    pub expires_at: UnixSeconds,
    /// `namespace`: the id of the namespace.
    pub namespace: &'a str,
    /// `jti`: unique to the token.
    pub jwt_id: &'a str,
}

enum Claim<'a> {
    Text(&'a str),
    Seconds(UnixSeconds),
    Json(&'a Value),
}

/// Room for a typical payload, so that it is written without growing.
const PAYLOAD_BYTES_TYPICAL: usize = 768;

impl RegisteredClaims<'_> {
    /// The payload with the template's claims, which must not repeat a registered one.
    ///
    /// Recurses over `custom`: its depth must be bounded, as a rendered template's is.
    #[must_use]
    pub fn payload(&self, custom: &Map<String, Value>) -> Vec<u8> {
        let mut claims: Vec<(&str, Claim<'_>)> = vec![
            ("aud", Claim::Text(self.audience)),
            ("exp", Claim::Seconds(self.expires_at)),
            ("iat", Claim::Seconds(self.issued_at)),
            ("iss", Claim::Text(self.issuer)),
            ("jti", Claim::Text(self.jwt_id)),
            ("namespace", Claim::Text(self.namespace)),
            ("sub", Claim::Text(self.subject)),
        ];
        claims.extend(
            custom
                .iter()
                .map(|(name, value)| (name.as_str(), Claim::Json(value))),
        );
        claims.sort_by_key(|(name, _)| *name);
        let mut out = String::with_capacity(PAYLOAD_BYTES_TYPICAL);
        for (index, (name, claim)) in claims.iter().enumerate() {
            out.push(if index == 0 { '{' } else { ',' });
            write_text(&mut out, name);
            out.push(':');
            match claim {
                Claim::Text(text) => write_text(&mut out, text),
                Claim::Seconds(at) => out.push_str(&at.0.to_string()),
                Claim::Json(value) => write_value(&mut out, value),
            }
        }
        out.push('}');
        out.into_bytes()
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(out, text),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, element);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(out, name);
                out.push(':');
                write_value(out, member);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut written = 0;
    for (at, c) in text.char_indices() {
        let plain = !matches!(
            c,
            '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}'
        );
        if plain {
            continue;
        }
        out.push_str(&text[written..at]);
        written = at + c.len_utf8();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => {
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.push(char::from(DIGITS[(other as usize >> shift) & 15]));
                }
            }
        }
    }
    out.push_str(&text[written..]);
    out.push('"');
}
