//! `metadata/<path>`: a key's settings and history, without secrets.

use std::time::Duration;

use serde_json::Value;
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{
    Access, Answer, Call, Error, KeyValues, Method, Operation, Reply, Route, input,
};

use super::change::{Change, Needs};
use super::custom_metadata::Edit;
use super::list::{self, ListInput};
use super::path::SecretPath;
use super::record::KeyMetadata;
use super::{Kv, answer, data, layout, limit};

/// One key, or a folder of keys.
pub(super) const ROUTE: Route<Kv> = Route {
    pattern: "metadata/{path?...}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update::<MetadataInput>(write),
        Method::with::<MetadataInput>(Operation::Patch, patch),
        Method::delete(delete),
        Method::with::<ListInput>(Operation::List, list),
    ],
    exists: Some(data::exists),
    help: "Read or change a key's settings, list keys, or remove a key with all its versions.",
};

input! {
    /// Body of a write or patch. What is not sent stays.
    pub(super) struct MetadataInput {
        /// How many versions to keep; 0 = as the mount says.
        max_versions: Option<i64>,
        /// Whether each write must carry `cas`.
        cas_required: Option<bool>,
        /// How long versions live; 0 = as the mount says.
        delete_version_after: Option<Duration>,
        /// Pairs for people and their tools.
        custom_metadata: Option<KeyValues>,
        /// Whether each write of metadata must carry `metadata_cas`.
        metadata_cas_required: Option<bool>,
        /// How often the metadata must have been written before; 0 = never.
        metadata_cas: Option<i64>,
    }
}

/// What a write changes.
struct Settings {
    max_versions: Option<u64>,
    cas_required: Option<bool>,
    delete_version_after: Option<Duration>,
    metadata_cas_required: Option<bool>,
    custom: Edit,
    cas: Option<i64>,
}

impl Settings {
    /// A write: what is `null` stays, as does what is not sent.
    fn of_write(call: &Call<'_>) -> Result<Self, Error> {
        Self::parse(call, Edit::of_write(call)?, false)
    }

    /// A merge patch: what is `null` goes back to its default.
    fn of_patch(call: &Call<'_>) -> Result<Self, Error> {
        Self::parse(call, Edit::of_patch(call)?, true)
    }

    fn parse(call: &Call<'_>, custom: Edit, null_resets: bool) -> Result<Self, Error> {
        let max_versions: Option<i64> = setting(call, "max_versions", null_resets)?;
        Ok(Self {
            max_versions: max_versions.map(limit::check_max_versions).transpose()?,
            cas_required: setting(call, "cas_required", null_resets)?,
            delete_version_after: setting(call, "delete_version_after", null_resets)?,
            metadata_cas_required: setting(call, "metadata_cas_required", null_resets)?,
            custom,
            cas: call.field("metadata_cas")?,
        })
    }

    const fn is_empty(&self) -> bool {
        self.max_versions.is_none()
            && self.cas_required.is_none()
            && self.delete_version_after.is_none()
            && self.metadata_cas_required.is_none()
            && self.custom.is_keep()
    }

    fn apply(&self, change: &mut Change<'_>) -> Result<(), Error> {
        self.check_cas(change)?;
        let now = change.now;
        let key = change.metadata.get_or_insert_with(|| KeyMetadata::new(now));
        self.custom.apply(&mut key.custom_metadata)?;
        key.max_versions = self.max_versions.unwrap_or(key.max_versions);
        key.cas_required = self.cas_required.unwrap_or(key.cas_required);
        key.delete_version_after = self
            .delete_version_after
            .unwrap_or(key.delete_version_after);
        key.metadata_cas_required = self
            .metadata_cas_required
            .unwrap_or(key.metadata_cas_required);
        key.metadata_version += 1;
        key.updated_time = now;
        change.save()
    }

    fn check_cas(&self, change: &Change<'_>) -> Result<(), Error> {
        let (current, required) = change.metadata.as_ref().map_or((0, false), |key| {
            (key.metadata_version, key.metadata_cas_required)
        });
        match self.cas {
            Some(cas) if u64::try_from(cas) == Ok(current) => Ok(()),
            Some(_) => Err(Error::invalid_because(
                "metadata_cas_mismatch",
                "metadata check-and-set parameter does not match the current version",
            )),
            None if required || change.config.metadata_cas_required => Err(Error::invalid_because(
                "metadata_cas_required",
                "metadata check-and-set parameter required for this call",
            )),
            None => Ok(()),
        }
    }
}

fn setting<T: FromField + Default>(
    call: &Call<'_>,
    name: &str,
    null_resets: bool,
) -> Result<Option<T>, Error> {
    match call.request.data.get(name) {
        Some(Value::Null) if null_resets => Ok(Some(T::default())),
        _ => call.field(name),
    }
}

fn read<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let found = secrets.metadata(SecretPath::of(&call)?).await?;
        Ok(Reply::data(answer::key(
            &*found.ok_or_else(Error::not_found)?,
        )))
    })
}

fn write<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let settings = Settings::of_write(&call)?;
        if !settings.is_empty() {
            secrets
                .change(path, Needs::Metadata, |change| settings.apply(change))
                .await?;
        }
        Ok(Reply::empty())
    })
}

fn patch<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let settings = Settings::of_patch(&call)?;
        let patched = secrets.change(path, Needs::Metadata, |change| {
            if change.metadata.is_none() {
                return Err(Error::not_found());
            }
            if settings.is_empty() {
                return Ok(());
            }
            settings.apply(change)
        });
        patched.await?;
        Ok(Reply::empty())
    })
}

fn delete<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let removed = secrets.change(path, Needs::Metadata, |change| {
            change.remove();
            Ok(())
        });
        removed.await?;
        Ok(Reply::empty())
    })
}

fn list<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        list::folder(secrets.view(), layout::METADATA_PREFIX, &call).await
    })
}
