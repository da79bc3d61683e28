//! What the name of a header may be (RFC 9110 §5.1): a token (§5.6.2).

/// Whether a text is the name of a header.
pub(crate) fn is_header_name(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_token() {
        for (text, expected) in [
            ("X-Request-Id", true),
            ("!#$%&'*+-.^_`|~09azAZ", true),
            ("", false),
            ("a b", false),
            ("a:", false),
            ("a\n", false),
            ("ä", false),
        ] {
            assert_eq!(is_header_name(text), expected, "{text:?}");
        }
    }
}
