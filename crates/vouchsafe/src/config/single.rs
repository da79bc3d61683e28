//! Stanzas that a server has once and that have no label: `iam`, `telemetry`.

use vouchsafe_policy::hcl::{Item, Object, ValueKind};

use super::fault::Faults;
use super::stanza::Found;

/// A stanza of its kind.
pub(super) struct Single<'a> {
    pub(super) file: &'a str,
    pub(super) content: &'a Object,
}

/// Takes a stanza in any way of writing it: a block, an object, or a list with one.
pub(super) fn collect<'a>(
    file: &'a str,
    item: &'a Item,
    into: &mut Vec<Single<'a>>,
    faults: &mut Faults,
) {
    let name = &item.key.text;
    if let Some(label) = item.labels.first() {
        faults.at(file, label.position, format_args!("`{name}` has no label"));
        return;
    }
    let found = Found {
        file,
        value: &item.value,
    };
    let Some(content) = object(name, found, faults) else {
        return;
    };
    if !into.is_empty() {
        let fault = format_args!("a second `{name}`; a server has one");
        faults.at(file, item.key.position, fault);
    }
    into.push(Single { file, content });
}

/// The one object that a value is or has.
pub(super) fn object<'a>(name: &str, found: Found<'a>, faults: &mut Faults) -> Option<&'a Object> {
    match &found.value.kind {
        ValueKind::Object(content) => Some(content),
        ValueKind::List(values) => match &values[..] {
            [value] => object(name, Found { value, ..found }, faults),
            _ => found.fault(name, &found.shown(), "one stanza", faults),
        },
        _ => found.fault(name, &found.shown(), "a stanza", faults),
    }
}
