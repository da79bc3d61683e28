//! Durations as Vault writes and reads them: `768h`, `1h30m`, `90`.

use std::time::Duration;

/// Seconds as a person reads them: the units that are zero at the end are left out.
pub(crate) fn human(seconds: i64) -> String {
    let text = go(seconds);
    let text = text
        .strip_suffix("m0s")
        .map(|rest| format!("{rest}m"))
        .unwrap_or(text);
    text.strip_suffix("h0m")
        .map(|rest| format!("{rest}h"))
        .unwrap_or(text)
}

/// Seconds in the notation that the API's duration strings use: `1h0m0s`.
pub(crate) fn go(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let total = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

impl Seconds {
    /// The duration.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// The notation of the API's duration strings.
    pub(crate) fn go(self) -> String {
        go(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

/// Reads a duration: a number of seconds, or numbers with units (`1h30m`, `2d`, `500ms`).
///
/// What is left of a second counts as one: a wish for half a second must not become "none".
pub(crate) fn parse(text: &str) -> Result<Seconds, String> {
    let fault = || format!("time: invalid duration \"{text}\"");
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Seconds(seconds.into()));
    }
    let mut rest = text.trim();
    let mut total = 0.0_f64;
    if rest.is_empty() {
        return Err(fault());
    }
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(fault)?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(fault()),
        };
        total += number.parse::<f64>().map_err(|_| fault())? * factor;
        rest = tail;
    }
    if total > f64::from(u32::MAX) {
        return Err(fault());
    }
    Ok(Seconds(Duration::from_secs_f64(total.ceil()).as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_print_as_in_vault() {
        let cases = [
            (0, "0s", "0s"),
            (59, "59s", "59s"),
            (60, "1m0s", "1m"),
            (600, "10m0s", "10m"),
            (3_599, "59m59s", "59m59s"),
            (3_600, "1h0m0s", "1h"),
            (3_605, "1h0m5s", "1h0m5s"),
            (5_400, "1h30m0s", "1h30m"),
            (2_764_800, "768h0m0s", "768h"),
            (-5, "-5s", "-5s"),
        ];
        for (seconds, exact, short) in cases {
            assert_eq!(go(seconds), exact);
            assert_eq!(human(seconds), short);
        }
    }

    #[test]
    fn durations_are_read_with_and_without_units() {
        let cases = [
            ("60", 60),
            ("1h30m", 5_400),
            ("2d", 172_800),
            ("1.5h", 5_400),
            ("500ms", 1),
            ("0s", 0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(Seconds(seconds)), "{text}");
        }
        for text in ["", "abc", "5x", "h", "1h2", "-1h", "1..5s", "99999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
