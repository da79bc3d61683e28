//! What a template prints, with knowledge of where in the JSON text it prints.
//!
//! The writer follows the template's own text and knows at each action whether a JSON string is
//! open. Invariant, on which the safety of templates rests: **a value of the subject never changes
//! that state.** Inside a string it is escaped; outside, it must be one complete JSON value.
//! The state therefore depends on the author's text and conditions alone.

use super::RENDERED_BYTES_MAX;
use super::error::Fault;

/// Rendered text under construction.
#[derive(Debug, Default)]
pub(super) struct Output {
    text: String,
    in_string: bool,
    after_backslash: bool,
    /// Which byte of the template printed what, kept only when a fault must be located.
    origins: Option<Vec<Origin>>,
}

/// The output from byte `output` on was printed by the template from byte `source` on.
#[derive(Clone, Copy, Debug)]
struct Origin {
    output: usize,
    source: usize,
    /// Whether the output is the template's text itself, byte for byte.
    verbatim: bool,
}

impl Output {
    /// An empty output with room for a usual token's claims.
    pub(super) fn new() -> Self {
        Self {
            text: String::with_capacity(512),
            ..Self::default()
        }
    }

    /// An empty output that remembers what printed each byte.
    pub(super) fn with_origins() -> Self {
        Self {
            origins: Some(Vec::new()),
            ..Self::default()
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a JSON string is open.
    pub(super) fn in_string(&self) -> bool {
        self.in_string
    }

    /// The byte of the template that printed byte `at` of the output.
    pub(super) fn origin_of(&self, at: usize) -> usize {
        let origins = self.origins.as_deref().unwrap_or_default();
        let after = origins.partition_point(|origin| origin.output <= at);
        match after.checked_sub(1).and_then(|index| origins.get(index)) {
            Some(origin) if origin.verbatim => origin.source + (at - origin.output),
            Some(origin) => origin.source,
            None => 0,
        }
    }

    /// Prints text that the template's author wrote at byte `at`.
    pub(super) fn author(&mut self, at: usize, text: &str, verbatim: bool) -> Result<(), Fault> {
        for byte in text.bytes() {
            if self.after_backslash {
                self.after_backslash = false;
            } else if byte == b'"' {
                self.in_string = !self.in_string;
            } else if byte == b'\\' && self.in_string {
                self.after_backslash = true;
            }
        }
        self.append(at, text, verbatim)
    }

    /// Prints a complete JSON value that we made ourselves.
    ///
    /// Must not be called while a string is open.
    pub(super) fn json(&mut self, at: usize, value: &str) -> Result<(), Fault> {
        self.append(at, value, false)
    }

    /// Prints text of unknown origin: escaped in a string, and elsewhere only if it is a complete
    /// JSON string, number, `true`, `false` or `null`.
    pub(super) fn untrusted(&mut self, at: usize, text: &str) -> Result<(), Fault> {
        if self.in_string {
            return self.escaped(at, text);
        }
        if text.is_empty() {
            return Err(Fault::json(
                at,
                "the action prints nothing where JSON needs a value; pipe it to toJSON, or put it \
                 in quotes",
            ));
        }
        if !is_json_scalar(text) {
            return Err(Fault::json(
                at,
                "the action prints text that is not a JSON value; pipe it to toJSON, or put it in \
                 quotes",
            ));
        }
        self.append(at, text, false)
    }

    /// Prints text into the open string.
    fn escaped(&mut self, at: usize, text: &str) -> Result<(), Fault> {
        if self.after_backslash {
            return Err(Fault::json(
                at,
                "an action cannot follow a backslash in a string",
            ));
        }
        let mut escaped = String::with_capacity(text.len());
        push_json_escaped(&mut escaped, text);
        self.append(at, &escaped, false)
    }

    fn append(&mut self, at: usize, text: &str, verbatim: bool) -> Result<(), Fault> {
        if self.text.len() + text.len() > RENDERED_BYTES_MAX {
            return Err(Fault::output_too_long(at));
        }
        if let Some(origins) = &mut self.origins {
            origins.push(Origin {
                output: self.text.len(),
                source: at,
                verbatim,
            });
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// Whether the text is one complete JSON value other than an object or array, and nothing else.
fn is_json_scalar(text: &str) -> bool {
    matches!(
        text.as_bytes().first(),
        Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
    ) && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// Appends `"text"` as JSON.
pub(super) fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    push_json_escaped(out, text);
    out.push('"');
}

/// Appends the inside of a JSON string.
fn push_json_escaped(out: &mut String, text: &str) {
    let mut plain_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain_from..index]);
        plain_from = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => out.push_str(&format!("\\u{byte:04x}")),
        }
    }
    out.push_str(&text[plain_from..]);
}
