//! JSON values as YAML (YAML 1.2 §10.2, block style), for `-format=yaml`.
//!
//! Keys are sorted. A string stands without quotes only where no YAML 1.1 or 1.2 reader could take
//! it for something else; otherwise it is written as a JSON string, which YAML reads the same.

use serde_json::{Map, Value};

/// The text of a value, with a final line end.
pub(crate) fn render(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(map, 0, &mut out),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, &mut out),
        scalar => {
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
    out
}

fn mapping(map: &Map<String, Value>, indent: usize, out: &mut String) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    for key in keys {
        out.push_str(&" ".repeat(indent));
        out.push_str(&string(key));
        out.push(':');
        match &map[key] {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                mapping(inner, indent + 2, out);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(items, indent, out);
            }
            scalar => {
                out.push(' ');
                out.push_str(&inline(scalar));
                out.push('\n');
            }
        }
    }
}

fn sequence(items: &[Value], indent: usize, out: &mut String) {
    for item in items {
        out.push_str(&" ".repeat(indent));
        out.push_str("- ");
        match item {
            Value::Object(inner) if !inner.is_empty() => nested(out, indent, |out| {
                mapping(inner, indent + 2, out);
            }),
            Value::Array(inner) if !inner.is_empty() => nested(out, indent, |out| {
                sequence(inner, indent + 2, out);
            }),
            scalar => {
                out.push_str(&inline(scalar));
                out.push('\n');
            }
        }
    }
}

// The first line of a nested block stands beside the dash, so its indentation is dropped.
fn nested(out: &mut String, indent: usize, write: impl FnOnce(&mut String)) {
    let mut block = String::new();
    write(&mut block);
    out.push_str(&block[indent + 2..]);
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

fn is_plain(text: &str) -> bool {
    // A short word may be a boolean or null of some YAML version (`n`, `off`, `~`).
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let starts_as_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let safe = |c: char| c.is_ascii_alphanumeric() || " _-./+@,()".contains(c);
    starts_as_word
        && text.chars().all(safe)
        && !text.ends_with(' ')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_print_in_block_style_with_sorted_keys() {
        let value = json!({
            "n": 1, "b": true, "a": null, "empty": {}, "none": [],
            "list": ["x", {"k": "v", "j": [1]}, ["z"]],
            "map": {"inner": "text"},
        });
        let expected = "a: null\nb: true\nempty: {}\nlist:\n- x\n- j:\n  - 1\n  k: v\n- - z\n\
                        map:\n  inner: text\n\"n\": 1\nnone: []\n";
        assert_eq!(render(&value), expected);
    }

    #[test]
    fn a_string_that_reads_as_something_else_is_quoted() {
        for text in [
            "",
            "no",
            "1.5",
            "2026-01-01",
            "a: b",
            "- a",
            "a\nb",
            "#",
            "~",
            "tail ",
        ] {
            assert_eq!(string(text), Value::from(text).to_string(), "{text:?}");
        }
        for text in ["RS256", "identity/oidc", "a b", "/v1"] {
            assert_eq!(string(text), text);
        }
    }
}
