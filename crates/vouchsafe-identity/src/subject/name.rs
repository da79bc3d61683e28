//! Names of entities, groups and aliases, folded in one place.
//!
//! Two names are the same name if they fold to the same text. Folding lower-cases each character
//! by itself, without regard to its neighbours or to a language, so that it gives the same result
//! wherever it is done. A character outside ASCII never folds into ASCII: Unicode's Kelvin sign
//! would become a plain `k`, and with it somebody's name somebody else's. White space is kept:
//! whether `bob ` is `bob` is for the auth method to know.
//!
//! The folded text, escaped, is the storage key: uniqueness is a property of the storage, not of a
//! search.

use vouchsafe_logical::Error;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 512;

/// A name that can be stored: as it is shown, and as it is compared.
#[derive(Clone, Debug)]
pub struct Name {
    shown: String,
    key: String,
}

impl Name {
    /// Checks a name; `what` is what it names, for the message: `entity name`.
    ///
    /// # Errors
    /// The name is empty, over [`NAME_BYTES_MAX`], or has control characters.
    pub fn parse(what: &str, text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::invalid_because(
                "name_invalid",
                format!("{what} is empty"),
            ));
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(Error::invalid_because(
                "name_invalid",
                format!(
                    "{what} is {} bytes long; at most {NAME_BYTES_MAX} are allowed",
                    text.len()
                ),
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::invalid_because(
                "name_invalid",
                format!("{what} {text:?} contains characters that are not printable"),
            ));
        }
        Ok(Self {
            shown: text.to_owned(),
            key: key_of(text),
        })
    }

    /// The name of something that may be stored; `None` where nothing can have such a name.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::parse("name", text).ok()
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name as a segment of a storage key: equal for equal names, at most three times as long
    /// as [`NAME_BYTES_MAX`].
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Name {}

/// Folds and escapes: `/` separates segments of a key, `%` escapes, and a leading `.` could make a
/// segment that some physical store reads as a folder.
fn key_of(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '/' => key.push_str("%2f"),
            '%' => key.push_str("%25"),
            '.' if key.is_empty() => key.push_str("%2e"),
            _ => fold(c, &mut key),
        }
    }
    key
}

fn fold(c: char, folded: &mut String) {
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
    } else if c.to_lowercase().any(|lower| lower.is_ascii()) {
        folded.push(c);
    } else {
        folded.extend(c.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn same(a: &str, b: &str, expected: bool) {
        let (first, second) = (
            Name::parse("name", a).unwrap(),
            Name::parse("name", b).unwrap(),
        );
        assert_eq!(first == second, expected, "{a:?} {b:?}");
    }

    #[test]
    fn names_differ_by_more_than_case() {
        same("Bob", "bOB", true);
        same("ÅSA", "åsa", true);
        same("ΟΔΟΣ", "οδοσ", true);
        same("bob", "bob ", false);
        same("k", "\u{212a}", false);
        same("i", "\u{130}", false);
        same("a/b", "a%2fb", false);
        same(".", "%2e", false);
    }

    #[test]
    fn a_name_at_the_limit_and_one_past_it() {
        let longest = "/".repeat(NAME_BYTES_MAX);
        assert_eq!(
            Name::parse("name", &longest).unwrap().key().len(),
            3 * NAME_BYTES_MAX
        );
        let error = Name::parse("entity name", &"a".repeat(NAME_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "entity name is 513 bytes long; at most 512 are allowed"
        );
    }

    #[test]
    fn a_name_is_something_printable() {
        for bad in ["", "a\0", "a\nb", "\u{7f}", "\u{85}"] {
            assert!(Name::find(bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent_and_a_key_is_one_segment(text in "\\PC{1,60}") {
            if let Some(name) = Name::find(&text) {
                prop_assert!(!name.key().contains('/'));
                prop_assert!(name.key() != "." && name.key() != "..");
                prop_assert!(name.key().len() <= 3 * NAME_BYTES_MAX);
                let mut once = String::new();
                text.chars().for_each(|c| fold(c, &mut once));
                let mut twice = String::new();
                once.chars().for_each(|c| fold(c, &mut twice));
                prop_assert_eq!(once, twice);
            }
        }
    }
}
