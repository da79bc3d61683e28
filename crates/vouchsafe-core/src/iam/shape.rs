//! Telling a JWT from a token of ours, by its shape and before anything is looked up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest header that is looked at, in characters: no header of a JWT that is accepted is longer.
const HEADER_CHARACTERS_MAX: usize = 6_144;

/// Whether a credential is meant as a JWT: three parts, and the first is the base64url of something
/// that begins like a JSON object. Tokens of ours have one dot (`hvs.`, `hvb.`), API keys none.
///
/// Whether it is a sound JWT is found out by who verifies it, whose refusal names the fault.
pub(crate) fn is_jwt(credential: &str) -> bool {
    let mut parts = credential.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    if header.len() > HEADER_CHARACTERS_MAX || payload.is_empty() {
        return false;
    }
    URL_SAFE_NO_PAD
        .decode(header)
        .is_ok_and(|bytes| bytes.trim_ascii_start().first() == Some(&b'{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_parts_with_a_json_header_are_meant_as_a_jwt() {
        for jwt in [
            "eyJhbGciOiJub25lIn0.e30.",
            "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
            "ewo.x.y",
        ] {
            assert!(is_jwt(jwt), "{jwt}");
        }
        for other in [
            "",
            "..",
            "hvs.CAESIJ",
            "hvb.AAAA",
            "root",
            "a.b.c",
            "hvs.a.b",
            "eyJhbGciOiJub25lIn0.e30",
            "eyJhbGciOiJub25lIn0..",
            "eyJhbGciOiJub25lIn0.e30.a.b",
            "eyJhbGciOiJub25lIn0=.e30.a",
            "5e1f2a3c-0000-4000-8000-000000000000",
        ] {
            assert!(!is_jwt(other), "{other}");
        }
        let long = format!("{}.e30.x", "e".repeat(HEADER_CHARACTERS_MAX + 1));
        assert!(!is_jwt(&long));
    }
}
