//! From items to text.

use super::parse::{Content, Item, Value};

/// One level of indentation.
const INDENT: &str = "  ";

/// The text of a file.
pub(super) fn file(items: &[Item]) -> String {
    body(items, 0)
}

fn body(items: &[Item], depth: usize) -> String {
    let margin = INDENT.repeat(depth);
    let mut out = String::new();
    let mut before: Option<&Item> = None;
    for (at, item) in items.iter().enumerate() {
        if before.is_some_and(|before| item.apart || stands_alone(before) || stands_alone(item)) {
            out.push('\n');
        }
        for comment in &item.lead {
            out.push_str(&format!("{margin}{comment}\n"));
        }
        if let Some(line) = line(item, name_width(items, at), depth) {
            let tail = item
                .tail
                .as_ref()
                .map(|tail| format!(" {tail}"))
                .unwrap_or_default();
            out.push_str(&format!("{margin}{line}{tail}\n"));
        }
        before = Some(item);
    }
    out
}

/// Whether an item has blank lines around it.
fn stands_alone(item: &Item) -> bool {
    let spans_lines = match &item.content {
        Content::Block { .. } | Content::Comments => true,
        Content::Setting { value, .. } => is_tall(value),
    };
    spans_lines || !item.lead.is_empty()
}

fn is_tall(value: &Value) -> bool {
    match value {
        Value::List { spread, .. } => *spread,
        Value::Map(items) => !items.is_empty(),
        Value::Scalar(text) => text.contains('\n'),
    }
}

/// The widest name among the settings that stand together with the one at `at`.
fn name_width(items: &[Item], at: usize) -> usize {
    let joined = |a: &Item, b: &Item| !(b.apart || stands_alone(a) || stands_alone(b));
    let mut first = at;
    while first > 0 && joined(&items[first - 1], &items[first]) {
        first -= 1;
    }
    let mut last = at;
    while last + 1 < items.len() && joined(&items[last], &items[last + 1]) {
        last += 1;
    }
    let width = |item: &Item| match &item.content {
        Content::Setting { name, .. } => name.chars().count(),
        _ => 0,
    };
    items[first..=last].iter().map(width).max().unwrap_or(0)
}

fn line(item: &Item, width: usize, depth: usize) -> Option<String> {
    match &item.content {
        Content::Comments => None,
        Content::Block { names, body } => {
            Some(format!("{} {}", names.join(" "), braces(body, depth)))
        }
        Content::Setting {
            name,
            value: content,
        } => Some(format!("{name:width$} = {}", value(content, depth))),
    }
}

fn braces(items: &[Item], depth: usize) -> String {
    if items.is_empty() {
        return "{}".to_owned();
    }
    format!("{{\n{}{}}}", body(items, depth + 1), INDENT.repeat(depth))
}

fn value(content: &Value, depth: usize) -> String {
    match content {
        Value::Scalar(text) => text.clone(),
        Value::Map(items) => braces(items, depth),
        Value::List {
            items,
            spread: false,
        } => {
            let items: Vec<String> = items.iter().map(|item| value(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::List {
            items,
            spread: true,
        } => {
            let inner = INDENT.repeat(depth + 1);
            let items: String = items
                .iter()
                .map(|item| format!("{inner}{},\n", value(item, depth + 1)))
                .collect();
            format!("[\n{items}{}]", INDENT.repeat(depth))
        }
    }
}
