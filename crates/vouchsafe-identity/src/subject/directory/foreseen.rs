//! Entities that are decided on before they are stored.
//!
//! Who calls has to be known before a request is recorded, and nothing may happen before that. So an
//! entity that a caller gets is made in two steps: foreseen, with its id, and stored as foreseen.

use vouchsafe_logical::{
    AliasProposal, Attempts, Entropy, Error, MountSummary, Timestamp, Transaction,
};

use super::transaction::transact;
use super::{Directory, Subject, keys};
use crate::subject::id::EntityId;
use crate::subject::name::Name;

impl Directory {
    /// The entity that the first login with an alias would make. `None` where an entity has the alias.
    /// Nothing is stored.
    ///
    /// # Errors
    /// As [`Self::attach_login`].
    pub async fn foresee_entity(
        &self,
        mount: &MountSummary,
        proposal: &AliasProposal,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<Subject>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let foreseen = self.foresee(&mut transaction, mount, proposal, now, entropy);
            match foreseen.await {
                Ok(foreseen) => return Ok(foreseen),
                Err(error) => attempts.again(error)?,
            }
        }
    }

    async fn foresee(
        &self,
        transaction: &mut Transaction,
        mount: &MountSummary,
        proposal: &AliasProposal,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<Subject>, Error> {
        let attached = self
            .attach_login(transaction, mount, proposal, &[], now, entropy)
            .await?;
        if !attached.entity_created {
            return Ok(None);
        }
        let mut records = self.records(transaction);
        let subject = records.subject(self, &attached.entity_id).await?;
        Ok(Some(subject.foreseen()))
    }

    /// Stores a new entity exactly as it was foreseen. It may be stored already. False where others
    /// took its alias or its name meanwhile: then it will never be, and has to be foreseen again.
    ///
    /// # Errors
    /// The store's; and [`super::is_conflict`].
    pub async fn store_foreseen(&self, subject: &Subject) -> Result<bool, Error> {
        let entity = subject.entity();
        let entity_name = Name::parse("entity name", &entity.name)?;
        let mut aliases = Vec::with_capacity(entity.aliases.len());
        for alias in &entity.aliases {
            aliases.push((alias, Name::parse("alias name", &alias.name)?));
        }
        transact!(self, records => {
            if records.entity(&entity.id).await?.is_some() {
                return Ok(true);
            }
            let mut taken = vec![keys::entity_name(&entity_name), keys::entity_merged(&entity.id)];
            taken.extend(aliases.iter().map(|(alias, name)| keys::alias_factor(&alias.mount_accessor, name)));
            for key in taken {
                if records.read::<EntityId>(&key).await?.is_some() {
                    return Ok(false);
                }
            }
            records.put(&keys::entity_name(&entity_name), &entity.id)?;
            for (alias, name) in &aliases {
                records.put_alias_keys(&entity.id, alias, name)?;
            }
            records.put_entity(entity)?;
            Ok(true)
        })
    }
}
