//! `iam`: the IAM file that is applied when the server starts.

use std::path::PathBuf;

use vouchsafe_core::ApplyAtStart;
use vouchsafe_policy::hcl::{Item, Object, ValueKind};

use super::fault::Faults;
use super::stanza::{Found, Stanza, Vocabulary};

const VOCABULARY: Vocabulary = Vocabulary {
    stanza: "`iam`",
    keys: &["apply", "file"],
    refused: &[],
};

const APPLY: &[(&str, ApplyAtStart)] = &[
    ("once", ApplyAtStart::Once),
    ("always", ApplyAtStart::Always),
];

/// An IAM file by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IamPath {
    /// Where it is.
    pub(crate) file: PathBuf,
    /// When it is applied.
    pub(crate) apply: ApplyAtStart,
}

/// An `iam` stanza.
pub(super) struct Iam<'a> {
    file: &'a str,
    content: &'a Object,
}

/// Takes a stanza in any way of writing it: a block, an object, or a list with one.
pub(super) fn collect<'a>(
    file: &'a str,
    item: &'a Item,
    into: &mut Vec<Iam<'a>>,
    faults: &mut Faults,
) {
    if let Some(label) = item.labels.first() {
        faults.at(file, label.position, "`iam` has no label");
        return;
    }
    let found = Found {
        file,
        value: &item.value,
    };
    let Some(content) = object(found, faults) else {
        return;
    };
    if !into.is_empty() {
        faults.at(file, item.key.position, "a second `iam`; a server has one");
    }
    into.push(Iam { file, content });
}

fn object<'a>(found: Found<'a>, faults: &mut Faults) -> Option<&'a Object> {
    match &found.value.kind {
        ValueKind::Object(content) => Some(content),
        ValueKind::List(values) => match &values[..] {
            [value] => object(Found { value, ..found }, faults),
            _ => found.fault("iam", &found.shown(), "one stanza", faults),
        },
        _ => found.fault("iam", &found.shown(), "a stanza", faults),
    }
}

/// Reads the stanza.
pub(super) fn iam(stanzas: &[Iam<'_>], faults: &mut Faults) -> Option<IamPath> {
    let Iam { file, content } = stanzas.first()?;
    let mut stanza = Stanza::open(file, content, &VOCABULARY, faults);
    let apply = stanza.word("apply", APPLY, faults);
    let why = "it says which IAM file is applied";
    let (path, _) = stanza.required_text("file", why, faults)?;
    Some(IamPath {
        file: PathBuf::from(path),
        apply: apply.unwrap_or(ApplyAtStart::Once),
    })
}
