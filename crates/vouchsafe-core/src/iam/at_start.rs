//! The IAM file that the server's configuration names.

use vouchsafe_logical::Error;

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
