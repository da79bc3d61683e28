//! The tree to HCL text: one item a line, every string in quotes.
//!
//! [`ValueKind::Null`] has no notation in HCL and is printed as `null`, which does not parse:
//! only trees that came from JSON hold it.

use std::fmt;

use super::{Item, Object, Value, ValueKind};

const INDENT: &str = "  ";

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        items(f, self, 0)
    }
}

fn items(f: &mut fmt::Formatter<'_>, object: &Object, level: usize) -> fmt::Result {
    for Item { key, labels, value } in &object.items {
        indent(f, level)?;
        quoted(f, &key.text)?;
        for label in labels {
            f.write_str(" ")?;
            quoted(f, &label.text)?;
        }
        f.write_str(if labels.is_empty() { " = " } else { " " })?;
        print(f, value, level)?;
        f.write_str("\n")?;
    }
    Ok(())
}

fn print(f: &mut fmt::Formatter<'_>, value: &Value, level: usize) -> fmt::Result {
    match &value.kind {
        ValueKind::String(text) => quoted(f, text),
        ValueKind::Integer(number) => write!(f, "{number}"),
        // The debug form always has a point or an exponent, so that it is read as a float again.
        ValueKind::Float(number) => write!(f, "{number:?}"),
        ValueKind::Bool(value) => write!(f, "{value}"),
        ValueKind::Null => f.write_str("null"),
        ValueKind::List(values) => {
            f.write_str("[")?;
            for (index, value) in values.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                print(f, value, level)?;
            }
            f.write_str("]")
        }
        ValueKind::Object(object) => {
            f.write_str("{\n")?;
            items(f, object, level + 1)?;
            indent(f, level)?;
            f.write_str("}")
        }
    }
}

fn indent(f: &mut fmt::Formatter<'_>, level: usize) -> fmt::Result {
    (0..level).try_for_each(|_| f.write_str(INDENT))
}

/// Writes a string in quotes. `$` is escaped before `{`, so that no interpolation begins.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '$' if chars.peek() == Some(&'{') => f.write_str("\\u0024")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}
