//! `audit "file" "name" { ... }`: devices that the server makes where they are missing.
//!
//! What a device can be told is known by the core, which is asked here so that `-check` finds a
//! misspelt option.

use std::collections::BTreeMap;

use vouchsafe_core::audit::{DEVICES_MAX, DeclaredDevice};
use vouchsafe_policy::hcl::{Item, Object, Position, Value, ValueKind};

use super::fault::Faults;
use super::stanza::{Found, Stanza, Vocabulary};

const EXPECTED: &str = "a stanza with type and name, such as `audit \"file\" \"log\" { options { file_path = \"...\" } }`";

const VOCABULARY: Vocabulary = Vocabulary {
    stanza: "`audit`",
    keys: &["description", "local", "options"],
    refused: &[
        ("path", "it is the stanza's second label"),
        ("type", "it is the stanza's first label"),
        ("file_path", "it belongs into `options { ... }`"),
        ("log_raw", "it belongs into `options { ... }`"),
        ("mode", "it belongs into `options { ... }`"),
    ],
};

/// One stanza, with its labels.
pub(super) struct Declared<'a> {
    file: &'a str,
    position: Position,
    kind: &'a str,
    name: &'a str,
    content: &'a Object,
}

/// Brings the ways of writing the stanza to one: HCL's two labels, and objects by type and name.
pub(super) fn collect<'a>(
    file: &'a str,
    item: &'a Item,
    into: &mut Vec<Declared<'a>>,
    faults: &mut Faults,
) {
    let labels: Vec<&str> = item
        .labels
        .iter()
        .map(|label| label.text.as_str())
        .collect();
    descend(file, &labels, item.key.position, &item.value, into, faults);
}

fn descend<'a>(
    file: &'a str,
    labels: &[&'a str],
    position: Position,
    value: &'a Value,
    into: &mut Vec<Declared<'a>>,
    faults: &mut Faults,
) {
    match (labels, &value.kind) {
        (_, ValueKind::List(values)) => {
            for value in values {
                descend(file, labels, position, value, into, faults);
            }
        }
        ([kind, name], ValueKind::Object(content)) => into.push(Declared {
            file,
            position,
            kind,
            name,
            content,
        }),
        ([] | [_], ValueKind::Object(content)) => {
            for item in &content.items {
                // A name was left out, most likely; no device is called so.
                if VOCABULARY.keys.contains(&item.key.text.as_str()) {
                    let place = item.key.position;
                    faults.at(
                        file,
                        place,
                        format_args!("`audit` is malformed; expected {EXPECTED}"),
                    );
                    continue;
                }
                let mut labels = labels.to_vec();
                labels.push(item.key.text.as_str());
                labels.extend(item.labels.iter().map(|label| label.text.as_str()));
                descend(file, &labels, item.key.position, &item.value, into, faults);
            }
        }
        _ => faults.at(
            file,
            position,
            format_args!("`audit` is malformed; expected {EXPECTED}"),
        ),
    }
}

/// The devices, each of which can be understood.
pub(super) fn devices(stanzas: &[Declared<'_>], faults: &mut Faults) -> Vec<DeclaredDevice> {
    let mut devices: Vec<DeclaredDevice> = Vec::new();
    for declared in stanzas {
        let device = device(declared, faults);
        let complain = |faults: &mut Faults, message: String| {
            faults.at(declared.file, declared.position, message);
        };
        if let Err(error) = device.check() {
            complain(
                faults,
                format!(
                    "`audit \"{}\" \"{}\"`: {error}",
                    declared.kind, declared.name
                ),
            );
        }
        if devices.iter().any(|other| other.path == device.path) {
            complain(faults, format!("a second audit device `{}`", device.path));
        }
        if devices.len() == DEVICES_MAX {
            complain(faults, format!("more than {DEVICES_MAX} audit devices"));
        }
        devices.push(device);
    }
    devices
}

fn device(declared: &Declared<'_>, faults: &mut Faults) -> DeclaredDevice {
    let mut stanza = Stanza::open(declared.file, declared.content, &VOCABULARY, faults);
    let description = stanza.text("description", faults);
    let local = stanza.boolean("local", faults).unwrap_or(false);
    let options = stanza.take("options");
    DeclaredDevice {
        path: declared.name.to_owned(),
        kind: declared.kind.to_owned(),
        description: description.map_or_else(String::new, |(text, _)| text.to_owned()),
        options: options.map_or_else(BTreeMap::new, |found| options_of(found, faults)),
        local,
    }
}

/// Options are texts, whatever they are written as.
fn options_of(found: Found<'_>, faults: &mut Faults) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let content = match &found.value.kind {
        ValueKind::Object(content) => content,
        ValueKind::List(values) => match &values[..] {
            [value] => return options_of(Found { value, ..found }, faults),
            _ => {
                found.fault::<()>("options", &found.shown(), "one stanza", faults);
                return options;
            }
        },
        _ => {
            found.fault::<()>("options", &found.shown(), "a stanza", faults);
            return options;
        }
    };
    for item in &content.items {
        let name = item.key.text.as_str();
        let text = match &item.value.kind {
            ValueKind::String(text) => text.clone(),
            ValueKind::Bool(value) => value.to_string(),
            ValueKind::Integer(value) => value.to_string(),
            _ => {
                let found = Found {
                    file: found.file,
                    value: &item.value,
                };
                found.fault::<()>(name, &found.shown(), "a text", faults);
                continue;
            }
        };
        if options.insert(name.to_owned(), text).is_some() {
            faults.at(
                found.file,
                item.key.position,
                format_args!("`{name}` is set twice"),
            );
        }
    }
    options
}
