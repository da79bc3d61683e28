//! The key set as others may publish it: a service of the publishing engine can serve it at a public
//! address, in the moment in which it changes.
//!
//! What caches may hold there is promised as it is for the key set's own address: a pair that is
//! published while a promise is outstanding signs only when that promise is over.

use vouchsafe_identity::issuer::UnixSeconds;
use vouchsafe_logical::Error;
use vouchsafe_logical::publication::Document;

use super::Oidc;

/// The mount whose issuer can be published: the one that every server has.
const BUILT_IN: &str = "identity/";
/// How long beyond the wanted age the promise holds, in seconds, so that the age that is sent does not
/// sink below it before the next tick renews the promise. Ticks come about once a minute.
const AHEAD_SECONDS: u64 = 120;

impl Oidc {
    /// Offers the key set and the issuer's name as they are now.
    ///
    /// # Errors
    /// The store's. What was offered before stays.
    pub(in crate::secrets::identity) async fn offer(&self) -> Result<(), Error> {
        let mount = self.system.mount_by_accessor(&self.accessor);
        if mount.is_none_or(|mount| mount.path != BUILT_IN) {
            return Ok(());
        }
        let own = self.system.publications().own();
        let now = self.system.clock().now();
        let leaves = UnixSeconds::ceil(now);
        let mut key_set = self.key_set(UnixSeconds::floor(now)).await?;
        let wanted = own.wanted_seconds();
        if wanted > 0 {
            let longest = key_set.key_set.max_age_seconds(leaves);
            let wanted = longest.min(wanted + AHEAD_SECONDS);
            if key_set.promised_until() < leaves.plus(wanted) {
                key_set = self.promise_key_set(key_set, leaves, wanted).await;
            }
        }
        let discovery = self.discovery().await?;
        let rendered = &key_set.rendered;
        let document = Document {
            body: rendered.body.clone(),
            etag: rendered.etag.clone().into(),
        };
        // Also the promise of another node's caches is kept: it is in the same record.
        let until = leaves.plus(key_set.key_set.max_age_seconds(leaves));
        let until = key_set.promised_until().0.min(until.0);
        own.offer(discovery.issuer(), document, until);
        Ok(())
    }

    /// The same after a write of this node, which is done whatever becomes of this.
    pub(super) async fn offer_after_write(&self) {
        if let Err(error) = self.offer().await {
            tracing::warn!(%error, "a changed key set is not published yet; it will be tried again");
        }
    }
}
