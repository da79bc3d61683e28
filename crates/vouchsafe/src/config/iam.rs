//! `iam`: the IAM file that is applied when the server starts.

use std::path::PathBuf;

use vouchsafe_core::ApplyAtStart;

use super::fault::Faults;
use super::single::Single;
use super::stanza::{Stanza, Vocabulary};

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

/// Reads the stanza.
pub(super) fn iam(stanzas: &[Single<'_>], faults: &mut Faults) -> Option<IamPath> {
    let Single { file, content } = stanzas.first()?;
    let mut stanza = Stanza::open(file, content, &VOCABULARY, faults);
    let apply = stanza.word("apply", APPLY, faults);
    let why = "it says which IAM file is applied";
    let (path, _) = stanza.required_text("file", why, faults)?;
    Some(IamPath {
        file: PathBuf::from(path),
        apply: apply.unwrap_or(ApplyAtStart::Once),
    })
}
