//! What a login would make of the directory, before anything of it is stored.
//!
//! Who calls has to be known before a request is recorded, and nothing may happen before that. So an
//! entity that a caller gets is made in two steps: foreseen, with its id, and stored as foreseen. A
//! login that stores nothing takes the first step only.

use std::sync::Arc;

use vouchsafe_logical::{
    AliasProposal, Attempts, Entropy, Error, MountSummary, Timestamp, Transaction,
};

use super::transaction::transact;
use super::{Directory, Subject, keys};
use crate::subject::id::EntityId;
use crate::subject::name::Name;

impl Directory {
    /// Whom [`Self::attach_login`] would make of a login: metadata and groups are those of this proof,
    /// not of the last one that was stored. An entity that there is not yet
    /// ([`Subject::is_stored`]) has an id that nobody finds. Disabled ones are answered too; the caller
    /// refuses. Nothing is stored.
    ///
    /// # Errors
    /// As [`Self::attach_login`].
    pub async fn foresee_login(
        &self,
        mount: &MountSummary,
        proposal: &AliasProposal,
        group_aliases: &[String],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Arc<Subject>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let foreseen = self
                .foresee(
                    &mut transaction,
                    mount,
                    proposal,
                    group_aliases,
                    now,
                    entropy,
                )
                .await;
            // What was read must be the picture of one moment, though nothing is written.
            let verified = match foreseen {
                Ok(subject) => match transaction.verify().await {
                    Ok(()) => Ok(subject),
                    Err(error) => Err(error.into()),
                },
                Err(error) => Err(error),
            };
            match verified {
                Ok(subject) => return Ok(subject),
                Err(error) => attempts.again(error)?,
            }
        }
    }

    async fn foresee(
        &self,
        transaction: &mut Transaction,
        mount: &MountSummary,
        proposal: &AliasProposal,
        group_aliases: &[String],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Arc<Subject>, Error> {
        let mut records = self.records(transaction).foreseeing();
        let attached = records
            .attach(mount, proposal, group_aliases, now, entropy)
            .await?;
        let id = &attached.entity_id;
        // Most logins change nothing: then the subject is the one that every request finds ready.
        if records.is_read_only()
            && let Some(held) = self.subject(id.as_str()).await?
        {
            return Ok(held);
        }
        let is_stored = !attached.entity_created;
        Ok(Arc::new(records.subject(self, id, is_stored).await?))
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
