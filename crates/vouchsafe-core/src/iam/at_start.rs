//! The IAM file that the server's configuration names.

use vouchsafe_iam::IamConfig;
use vouchsafe_logical::Error;

use super::applied::refusal;
use super::{ApplyWhen, Iam};

/// When the file of the configuration is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyAtStart {
    /// At the first start: never over a file that was applied before.
    Once,
    /// At every start, and by nobody else: the configuration is the one place to change it.
    Always,
}

/// The file of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamFile {
    /// Its text.
    pub text: String,
    /// When it is applied.
    pub apply: ApplyAtStart,
}

impl IamFile {
    /// Checks a file before anything is started for it.
    ///
    /// # Errors
    /// Every fault that it has.
    pub fn parse(text: String, apply: ApplyAtStart) -> Result<Self, Error> {
        match IamConfig::parse(&text) {
            Ok(_) => Ok(Self { text, apply }),
            Err(faults) => Err(refusal(&faults)),
        }
    }
}

impl Iam {
    /// Applies the file of the configuration, if there is one and it is due.
    ///
    /// # Errors
    /// As `Iam::apply`.
    pub(crate) async fn apply_at_start(&self) -> Result<(), Error> {
        let Some(file) = self.settings.file.load_full() else {
            return Ok(());
        };
        let when = match file.apply {
            ApplyAtStart::Once => ApplyWhen::Absent,
            // The same text is not applied again: it would empty the caches of all nodes.
            ApplyAtStart::Always => ApplyWhen::Different,
        };
        self.apply(&file.text, when).await
    }
}
