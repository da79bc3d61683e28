//! What is due: the next pair of a key is published, pairs that have left are dropped.
//!
//! Rotation itself needs no write: a pair that is due signs, by its stored time, on every node.
//! Nothing is generated while a token waits for it; every node looks once a minute, and the first one
//! to write is followed by the others.

use vouchsafe_identity::issuer::Spares;
use vouchsafe_logical::Error;

use super::Oidc;
use super::records::{KEYS, Records};
use super::write::Undecided;

impl Oidc {
    /// Does what is due for every named key. One that fails does not hold up the others.
    pub(in crate::secrets::identity) async fn tick(&self) -> Result<(), Error> {
        let mut outcome = Ok(());
        for name in self.view.list_folder(KEYS).await? {
            if let Err(error) = self.advance_if_due(&name).await {
                tracing::warn!(key = name, %error, "the signing key is not rotated; trying again");
                outcome = outcome.and(Err(error));
            }
        }
        // Keys also leave by time alone, and what caches were promised has to be renewed.
        self.offer().await.and(outcome)
    }

    async fn advance_if_due(&self, name: &str) -> Result<(), Error> {
        let Some(ready) = self.ready_key(name).await? else {
            return Ok(());
        };
        if !ready.named_key.is_due(self.now()) {
            return Ok(());
        }
        self.write(|spares| {
            Box::pin(async move {
                let mut records = self.begin();
                advance(&mut records, name, spares).await?;
                Ok((records, ()))
            })
        })
        .await?;
        Ok(())
    }
}

async fn advance(
    records: &mut Records<'_>,
    name: &str,
    mut spares: Spares,
) -> Result<(), Undecided> {
    let now = records.now;
    let Some(mut key) = records.key(name).await? else {
        return Ok(());
    };
    if !key.is_due(now) {
        // Another node was first.
        return Ok(());
    }
    let references = records.references(name).await?;
    let publication = records.publication(&references).await?;
    key.advance(now, publication, &mut spares)?;
    records.put_key(name, &key).await?;
    Ok(())
}
