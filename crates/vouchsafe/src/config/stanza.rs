//! Keys of a stanza, taken out one by one with their types and bounds; what is left is a fault.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use vouchsafe_logical::duration::parse_duration;
use vouchsafe_policy::hcl::{Key, Object, Position, Value, ValueKind};

use super::fault::Faults;
use crate::cli::nearest;

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) file: &'a str,
    pub(super) value: &'a Value,
}

/// The keys that a stanza may have.
pub(super) struct Vocabulary {
    /// The stanza, as faults name it.
    pub(super) stanza: &'static str,
    /// Keys that are honoured.
    pub(super) keys: &'static [&'static str],
    /// Keys that Vault has and this version does not honour, each with the reason.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

impl Vocabulary {
    /// Says why a key can't be here.
    pub(super) fn refuse(&self, file: &str, key: &Key, faults: &mut Faults) {
        let (name, stanza) = (&key.text, self.stanza);
        let refused = self.refused.iter().find(|(refused, _)| refused == name);
        let message = if let Some((_, reason)) = refused {
            format!("`{name}` in {stanza} is not supported: {reason}")
        } else if let Some(near) = nearest(name, self.keys.iter().copied()) {
            format!("unknown key `{name}` in {stanza}; did you mean `{near}`?")
        } else if self.keys.is_empty() {
            format!("unknown key `{name}` in {stanza}; expected none")
        } else {
            let known = self.keys.join("`, `");
            format!("unknown key `{name}` in {stanza}; expected one of `{known}`")
        };
        faults.at(file, key.position, message);
    }
}

/// The attributes of one stanza that have not been taken yet.
pub(super) struct Stanza<'a> {
    file: &'a str,
    pub(super) position: Position,
    attributes: BTreeMap<&'a str, Found<'a>>,
}

impl<'a> Stanza<'a> {
    /// Sorts the items of an object by their keys; reports what is unknown or stands there twice.
    pub(super) fn open(
        file: &'a str,
        object: &'a Object,
        vocabulary: &Vocabulary,
        faults: &mut Faults,
    ) -> Self {
        let mut stanza = Self {
            file,
            position: object.position,
            attributes: BTreeMap::new(),
        };
        for item in &object.items {
            if vocabulary.keys.contains(&item.key.text.as_str()) {
                stanza.add(&item.key, file, &item.value, faults);
            } else {
                vocabulary.refuse(file, &item.key, faults);
            }
        }
        stanza
    }

    /// A stanza without attributes yet: the top level, which is spread over files.
    pub(super) const fn empty() -> Self {
        Self {
            file: "",
            position: Position::START,
            attributes: BTreeMap::new(),
        }
    }

    /// Adds an attribute.
    pub(super) fn add(
        &mut self,
        key: &'a Key,
        file: &'a str,
        value: &'a Value,
        faults: &mut Faults,
    ) {
        let name = key.text.as_str();
        if let Some(first) = self.attributes.get(name) {
            let (at, place) = (first.file, first.value.position);
            let message = format!("`{name}` is set twice; the first is at {at}:{place}");
            faults.at(file, key.position, message);
        } else {
            self.attributes.insert(name, Found { file, value });
        }
    }

    /// Looks at an attribute that stays.
    pub(super) fn peek(&self, name: &str) -> Option<Found<'a>> {
        self.attributes.get(name).copied()
    }

    /// Whether an attribute is there and was not taken yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    /// Reports what is wrong with the stanza as a whole.
    pub(super) fn fault(&self, message: &str, faults: &mut Faults) {
        faults.at(self.file, self.position, message);
    }

    /// Takes an attribute as it is.
    pub(super) fn take(&mut self, name: &str) -> Option<Found<'a>> {
        self.attributes.remove(name)
    }

    /// Takes a text that is not empty.
    pub(super) fn text(&mut self, name: &str, faults: &mut Faults) -> Option<(&'a str, Found<'a>)> {
        let found = self.take(name)?;
        match &found.value.kind {
            ValueKind::String(text) if !text.is_empty() => Some((text, found)),
            ValueKind::String(_) => found.fault(name, "empty", "a text", faults),
            other => found.fault(name, other.describe(), "a string", faults),
        }
    }

    /// Takes a text that must be there.
    pub(super) fn required_text(
        &mut self,
        name: &str,
        why: &str,
        faults: &mut Faults,
    ) -> Option<(&'a str, Found<'a>)> {
        if !self.attributes.contains_key(name) {
            faults.at(
                self.file,
                self.position,
                format_args!("`{name}` is missing: {why}"),
            );
        }
        self.text(name, faults)
    }

    /// Takes a boolean: `true`, `false`, or the same in quotes, or 1 and 0, as Vault.
    pub(super) fn boolean(&mut self, name: &str, faults: &mut Faults) -> Option<bool> {
        let found = self.take(name)?;
        match &found.value.kind {
            ValueKind::Bool(value) => Some(*value),
            ValueKind::Integer(value @ (0 | 1)) => Some(*value == 1),
            ValueKind::String(text) if text == "true" || text == "1" => Some(true),
            ValueKind::String(text) if text == "false" || text == "0" => Some(false),
            _ => found.fault(name, &found.shown(), "`true` or `false`", faults),
        }
    }

    /// Takes a whole number, which may be in quotes.
    pub(super) fn number(
        &mut self,
        name: &str,
        bounds: RangeInclusive<usize>,
        faults: &mut Faults,
    ) -> Option<usize> {
        let found = self.take(name)?;
        let number = match &found.value.kind {
            ValueKind::Integer(number) => usize::try_from(*number).ok(),
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if bounds.contains(&number) => Some(number),
            _ => {
                let expected = format!("a number from {} to {}", bounds.start(), bounds.end());
                found.fault(name, &found.shown(), &expected, faults)
            }
        }
    }

    /// Takes a duration: seconds, or a text such as `90s` or `1h30m`.
    pub(super) fn duration(
        &mut self,
        name: &str,
        bounds: RangeInclusive<Duration>,
        faults: &mut Faults,
    ) -> Option<Duration> {
        let found = self.take(name)?;
        let duration = match &found.value.kind {
            ValueKind::Integer(number) => u64::try_from(*number).ok().map(Duration::from_secs),
            ValueKind::String(text) => parse_duration(text).ok(),
            _ => None,
        };
        match duration {
            Some(duration) if bounds.contains(&duration) => Some(duration),
            _ => {
                let expected = format!(
                    "a duration such as `90s`, from {:?} to {:?}",
                    bounds.start(),
                    bounds.end()
                );
                found.fault(name, &found.shown(), &expected, faults)
            }
        }
    }

    /// Takes one of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<T> {
        let (text, found) = self.text(name, faults)?;
        let word = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        if let Some((_, meaning)) = word {
            return Some(*meaning);
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of `{}`", known.join("`, `"));
        found.fault(name, &found.shown(), &expected, faults)
    }
}

/// The address of a server, without the slash at its end: scheme and host, and nothing that could be
/// a secret or a path.
pub(super) fn server_address(text: &str) -> Option<String> {
    let is_address = reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
    });
    is_address.then(|| text.trim_end_matches('/').to_owned())
}

impl Found<'_> {
    /// Reports that a value is not what was expected. Returns `None`, for the caller to return.
    pub(super) fn fault<T>(
        &self,
        name: &str,
        found: &str,
        expected: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        let message = format!("`{name}` is {found}; expected {expected}");
        faults.at(self.file, self.value.position, message);
        None
    }

    /// The value, or its kind if it has parts.
    pub(super) fn shown(&self) -> String {
        match &self.value.kind {
            ValueKind::String(text) => format!("`{}`", text.escape_debug()),
            ValueKind::Integer(number) => format!("`{number}`"),
            ValueKind::Float(number) => format!("`{number}`"),
            ValueKind::Bool(value) => format!("`{value}`"),
            other => other.describe().to_owned(),
        }
    }
}
