//! For how long an answer may be kept (RFC 9111 §4.2, §5.1 and §5.2.2).
//!
//! `Expires` and heuristics are left out: an issuer that says nothing leaves the choice to whoever
//! asked. What can't be read counts as stale, as §4.2.1 encourages.

use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};

/// `max-age` less `Age`; zero for `no-store` and `no-cache`; `None` where the answer does not say.
pub(crate) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut shortest: Option<u64> = None;
    for value in headers.get_all(CACHE_CONTROL) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for directive in text.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            let seconds = match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => 0,
                "max-age" => delta_seconds(argument).unwrap_or(0),
                _ => continue,
            };
            shortest = Some(shortest.map_or(seconds, |known| known.min(seconds)));
        }
    }
    let age = headers
        .get(AGE)
        .and_then(|value| value.to_str().ok())
        .and_then(delta_seconds)
        .unwrap_or(0);
    shortest.map(|seconds| Duration::from_secs(seconds.saturating_sub(age)))
}

/// A number of seconds (§1.2.2), in quotes or not.
fn delta_seconds(text: &str) -> Option<u64> {
    let digits = text.trim().trim_matches('"');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number that is too large means "for ever", as §1.2.2 has it.
    Some(digits.parse().unwrap_or(u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(cache_control: &[&'static str], age: Option<&'static str>, seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        for value in cache_control {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
        }
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        assert_eq!(max_age(&headers), seconds.map(Duration::from_secs));
    }

    #[test]
    fn max_age_is_read_in_every_spelling_that_servers_use() {
        check(&["max-age=60"], None, Some(60));
        check(&["public, Max-Age=60, must-revalidate"], None, Some(60));
        check(&["max-age=\"60\""], None, Some(60));
        check(&["public", "max-age = 60"], None, Some(60));
        check(
            &["max-age=99999999999999999999"],
            None,
            Some(u32::MAX.into()),
        );
    }

    #[test]
    fn an_answer_that_does_not_say_has_no_age() {
        check(&[], None, None);
        check(&["public"], Some("5"), None);
        check(&["s-maxage=60"], None, None);
    }

    #[test]
    fn what_may_not_be_kept_or_read_is_stale_at_once() {
        check(&["no-store"], None, Some(0));
        check(&["no-cache, max-age=60"], None, Some(0));
        check(&["max-age=-1"], None, Some(0));
        check(&["max-age"], None, Some(0));
        check(&["max-age=60, max-age=30"], None, Some(30));
    }

    #[test]
    fn the_age_in_caches_on_the_way_counts() {
        check(&["max-age=60"], Some("20"), Some(40));
        check(&["max-age=60"], Some("60"), Some(0));
        check(&["max-age=60"], Some("61"), Some(0));
        check(&["max-age=60"], Some("soon"), Some(60));
    }
}
