//! Patterns in which `*` stands for any run of characters, the empty one included.
//!
//! No other character is special, case counts, and a pattern is about the whole text.

/// Whether `text` is of the form of `pattern`.
///
/// Linear in time but for the product of the two lengths: the text is never gone through again for
/// an earlier `*`, since the last one can take whatever an earlier one could.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(pattern, text), expected, "{pattern:?} on {text:?}");
    }

    #[test]
    fn a_pattern_is_about_the_whole_text() {
        check("app", "app", true);
        check("app", "my-app", false);
        check("app", "app2", false);
        check("app", "App", false);
        check("", "", true);
        check("", "x", false);
    }

    #[test]
    fn a_star_is_any_run_of_characters() {
        check("*", "", true);
        check("*", "a/b.c", true);
        check("app-*", "app-", true);
        check("app-*", "app", false);
        check("*-prod", "a-prod", true);
        check("*-prod", "a-production", false);
        check("a*b*c", "abc", true);
        check("a*b*c", "a-bb-c", true);
        check("a*b*c", "acb", false);
        check("ab*ba", "aba", false);
        check("**", "x", true);
    }

    #[test]
    fn nothing_else_is_special() {
        check("a.c", "abc", false);
        check("a?c", "abc", false);
        check("[ab]", "a", false);
        check("\\*", "*", false);
    }

    /// The slow definition: a star takes nothing, or one character and goes on.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', pattern_rest)), text_parts) => {
                by_definition(pattern_rest, text)
                    || text_parts.is_some_and(|(_, text_rest)| by_definition(pattern, text_rest))
            }
            (Some((p, pattern_rest)), Some((t, text_rest))) => {
                p == t && by_definition(pattern_rest, text_rest)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_its_definition(pattern in "[ab*é]{0,6}", text in "[abé]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), by_definition(&p, &t));
        }
    }
}
