//! Roles in the storage: a role by its name, and its name by its role id.
//!
//! Both are written in one commit, so that a role id always belongs to one role.

use vouchsafe_identity::subject::Name;
use vouchsafe_logical::{Attempts, Call, Error, Transaction};

use super::{Freshness, Role, RoleName, name_of, unknown_role};
use crate::auth::approle::hash::Hasher;
use crate::auth::approle::{AppRole, sweep};

/// What a write does where there is no such role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth::approle) enum Absent {
    Create,
    Refuse,
}

/// The storage key of the index by role id. Two role ids that differ in case only would be
/// one alias, and so one entity: they can't both be taken.
fn index_key(hasher: &Hasher, role_id: &Name) -> String {
    format!("role-id/{}", hasher.role_id(role_id.key()))
}

impl AppRole {
    /// The role of this name.
    pub(in crate::auth::approle) async fn role(
        &self,
        name: &RoleName,
    ) -> Result<Option<Role>, Error> {
        Ok(self.view.read(&name.key()).await?)
    }

    /// The role that a call is about.
    ///
    /// # Errors
    /// There is none; the store's.
    pub(in crate::auth::approle) async fn role_of(&self, call: &Call<'_>) -> Result<Role, Error> {
        let role = self.role(&name_of(call)?).await?;
        role.ok_or_else(Error::not_found)
    }

    /// The role of this name, which then has to stay as it is until the commit.
    pub(in crate::auth::approle) async fn role_in(
        &self,
        transaction: &mut Transaction,
        name: &RoleName,
    ) -> Result<Option<Role>, Error> {
        Ok(transaction.read(&self.view, &name.key()).await?)
    }

    /// The role with this role id, which then has to stay as it is until the commit. Looks twice
    /// in any case, so that a known and an unknown role id take the same way.
    pub(in crate::auth::approle) async fn role_by_role_id(
        &self,
        transaction: &mut Transaction,
        hasher: &Hasher,
        role_id: &Name,
    ) -> Result<Option<Role>, Error> {
        let key = index_key(hasher, role_id);
        let name: Option<RoleName> = transaction.read(&self.view, &key).await?;
        // No role is called `-`: the routes do not admit it.
        let name = name.map_or_else(|| RoleName::parse("-"), Ok)?;
        let role = self.role_in(transaction, &name).await?;
        // Found without regard to case, but taken only as it was set.
        Ok(role.filter(|role| role.role_id == role_id.as_str()))
    }

    /// Reads a role, changes it, and writes it if nobody else has done so meanwhile.
    ///
    /// # Errors
    /// Those of `change`; the role is absent and may not be made, has no constraint, or its role
    /// id belongs to another one.
    pub(in crate::auth::approle) async fn change_role(
        &self,
        name: &RoleName,
        absent: Absent,
        change: impl Fn(&mut Role, Freshness) -> Result<(), Error> + Send + Sync,
    ) -> Result<Role, Error> {
        let hasher = self.hasher_or_new().await?;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let before = self.role_in(&mut transaction, name).await?;
            let (mut role, freshness) = match (&before, absent) {
                (Some(role), _) => (role.clone(), Freshness::Stored),
                (None, Absent::Create) => (Role::new(name.clone(), &*self.system), Freshness::New),
                (None, Absent::Refuse) => return Err(unknown_role(name)),
            };
            change(&mut role, freshness)?;
            role.check()?;
            self.put_role(&mut transaction, &hasher, before.as_ref(), &role)
                .await?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(role);
            }
        }
    }

    /// Writes a role and the index by role id.
    async fn put_role(
        &self,
        transaction: &mut Transaction,
        hasher: &Hasher,
        before: Option<&Role>,
        role: &Role,
    ) -> Result<(), Error> {
        let role_id = Name::parse("role_id", &role.role_id)?;
        let key = index_key(hasher, &role_id);
        let owner: Option<RoleName> = transaction.read(&self.view, &key).await?;
        if owner.is_some_and(|owner| owner != role.name) {
            return Err(Error::invalid("role_id already in use"));
        }
        if let Some(before) = before {
            let key = index_key(hasher, &Name::parse("role_id", &before.role_id)?);
            transaction.delete(&self.view, &key);
        }
        transaction.put_record(&self.view, &key, &role.name)?;
        transaction.put_record(&self.view, &role.name.key(), role)?;
        Ok(())
    }

    /// Deletes a role. Its secret ids are out of reach at once and are removed by and by.
    pub(super) async fn remove_role(&self, name: &RoleName) -> Result<(), Error> {
        let hasher = self.hasher().await?;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let Some(role) = self.role_in(&mut transaction, name).await? else {
                return Ok(());
            };
            let role_id = Name::parse("role_id", &role.role_id)?;
            transaction.delete(&self.view, &name.key());
            transaction.delete(&self.view, &index_key(&hasher, &role_id));
            transaction.put(&self.view, &sweep::removed_key(&role.instance), Vec::new());
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }
}
