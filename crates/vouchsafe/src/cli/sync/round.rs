//! One sync: read, compare with what was uploaded last, upload.

use vouchsafe_backends::publish::Documents;
use vouchsafe_logical::Fetch;

use super::fault::Fault;
use super::publisher::Publisher;
use super::settings::Settings;
use super::source;

/// What a sync did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It uploaded these keys.
    Published {
        /// Their names.
        keys: Vec<String>,
    },
    /// Everything was as it should be.
    None,
}

/// The worker between two syncs.
pub(super) struct Worker<'a> {
    settings: &'a Settings,
    fetch: &'a dyn Fetch,
    /// What was uploaded last.
    uploaded: Option<Documents>,
}

impl<'a> Worker<'a> {
    pub(super) const fn new(settings: &'a Settings, fetch: &'a dyn Fetch) -> Self {
        Self {
            settings,
            fetch,
            uploaded: None,
        }
    }

    /// Syncs once.
    pub(super) async fn round(&mut self) -> Result<Change, Fault> {
        let settings = self.settings;
        let publisher = Publisher::open(settings, self.fetch)?;
        let documents = source::read(&settings.source, settings.plaintext, self.fetch).await?;
        // A publisher that was emptied or restored meanwhile gets them again.
        let is_known = self.uploaded.as_ref().is_some_and(|uploaded| {
            uploaded.openid_configuration == documents.openid_configuration
                && uploaded.jwks == documents.jwks
        });
        if is_known && publisher.has_documents().await {
            return Ok(Change::None);
        }
        publisher.put(&documents).await?;
        let keys = source::key_names(&documents);
        self.uploaded = Some(documents);
        Ok(Change::Published { keys })
    }
}
