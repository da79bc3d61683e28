//! The path of a request, normalised once.
//!
//! What policies are asked about, what is routed and what is audited is this one value. There is
//! no second way to read it: a path that could mean two things is refused at the edge.

use std::fmt;

/// The longest request path, in bytes, without `/v1/`.
pub const PATH_BYTES_MAX: usize = 4_096;
/// The most segments of a request path.
pub const PATH_SEGMENTS_MAX: usize = 128;

/// A request path below `/v1/`: percent-decoded, no leading slash, no empty, `.` or `..` segment,
/// printable characters only. It may end in one `/` (a listing).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestPath(String);

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// `.` or `..` as a segment.
    Relative,
    /// `//`.
    EmptySegment,
    /// A control or other unprintable character.
    Unprintable,
    /// More than [`PATH_BYTES_MAX`] bytes.
    TooLong,
    /// More than [`PATH_SEGMENTS_MAX`] segments.
    TooDeep,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative => f.write_str("relative paths not supported"),
            Self::EmptySegment => f.write_str("path has an empty segment (`//`)"),
            Self::Unprintable => f.write_str("path has characters that are not printable"),
            Self::TooLong => write!(f, "path is longer than {PATH_BYTES_MAX} bytes"),
            Self::TooDeep => write!(f, "path has more than {PATH_SEGMENTS_MAX} segments"),
        }
    }
}

impl std::error::Error for PathError {}

impl RequestPath {
    /// Checks a decoded path. A leading slash is not accepted here: the edge takes it off.
    ///
    /// # Errors
    /// The first rule of [`PathError`] that the text breaks.
    pub fn parse(decoded: &str) -> Result<Self, PathError> {
        if decoded.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if decoded.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(PathError::Unprintable);
        }
        let body = decoded.strip_suffix('/').unwrap_or(decoded);
        let mut segments = 0;
        for segment in body.split('/') {
            segments += 1;
            match segment {
                "." | ".." => return Err(PathError::Relative),
                "" if !body.is_empty() || decoded == "/" => return Err(PathError::EmptySegment),
                _ => {}
            }
        }
        if segments > PATH_SEGMENTS_MAX {
            return Err(PathError::TooDeep);
        }
        Ok(Self(decoded.to_owned()))
    }

    /// The path with one `/` at its end, as listings are routed and authorised.
    #[must_use]
    pub fn into_folder(mut self) -> Self {
        if !self.0.ends_with('/') {
            self.0.push('/');
        }
        self
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that print as nothing or reorder what is around them.
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Result<(), PathError>) {
        assert_eq!(RequestPath::parse(path).map(|_| ()), expected, "{path:?}");
    }

    #[test]
    fn a_path_has_one_reading() {
        check("identity/entity/name/a b", Ok(()));
        check("identity/oidc/key/", Ok(()));
        check("a/..", Err(PathError::Relative));
        check("./a", Err(PathError::Relative));
        check("a/../b", Err(PathError::Relative));
        check("a/./", Err(PathError::Relative));
        check("a/..b/c...", Ok(()));
        check("a//b", Err(PathError::EmptySegment));
        check("/a", Err(PathError::EmptySegment));
        check("a//", Err(PathError::EmptySegment));
        check("/", Err(PathError::EmptySegment));
        check("", Ok(()));
        check("a\0b", Err(PathError::Unprintable));
        check("a\nb", Err(PathError::Unprintable));
        check("a\u{202e}b", Err(PathError::Unprintable));
    }

    #[test]
    fn limits_at_and_past() {
        check(&"a".repeat(PATH_BYTES_MAX), Ok(()));
        check(&"a".repeat(PATH_BYTES_MAX + 1), Err(PathError::TooLong));
        check(&vec!["a"; PATH_SEGMENTS_MAX].join("/"), Ok(()));
        check(
            &vec!["a"; PATH_SEGMENTS_MAX + 1].join("/"),
            Err(PathError::TooDeep),
        );
    }
}
