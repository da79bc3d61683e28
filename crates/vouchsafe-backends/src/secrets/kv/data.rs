//! `data/<path>`: read, write, patch and delete a secret.

use serde_json::Value;
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{
    Access, Answer, BoxFuture, Call, Data, Error, Method, Operation, Reply, Route, input,
};

use super::change::{Change, Needs};
use super::path::SecretPath;
use super::{Kv, answer, merge_patch};

/// One secret.
pub(super) const ROUTE: Route<Kv> = Route {
    pattern: "data/{path?...}",
    access: Access::Token,
    methods: &[
        Method::with::<ReadInput>(Operation::Read, read),
        Method::update::<WriteInput>(write),
        Method::with::<WriteInput>(Operation::Patch, patch),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read a version of a secret, write or patch a new one, or delete the latest.",
};

input! {
    /// Parameters of a read.
    pub(super) struct ReadInput {
        /// The version to read; 0 or nothing = the latest.
        version: Option<i64>,
    }
}

input! {
    /// Body of a write or patch.
    pub(super) struct WriteInput {
        /// The secret, or the merge patch of it.
        data: Option<Data>,
        /// `cas`: the number of the version that must be the latest now; 0 = there is none.
        options: Option<Data>,
    }
}

impl WriteInput {
    fn parse(call: &Call<'_>) -> Result<Self, Error> {
        // `null` is a value here, and a missing member is not.
        if !call.request.data.contains_key("data") {
            return Err(Error::invalid_because("data_missing", "no data provided"));
        }
        call.input()
    }

    fn cas(&self) -> Result<Option<i64>, Error> {
        let sent = self.options.as_ref().and_then(|options| options.get("cas"));
        sent.map(|cas| {
            i64::from_field("cas", Some(cas)).map_err(|_| {
                Error::invalid_because(
                    "cas_invalid",
                    "error parsing check-and-set parameter; expected a whole number",
                )
            })
        })
        .transpose()
    }
}

fn read<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let input: ReadInput = call.input()?;
        let found = secrets.find(SecretPath::of(&call)?, input.version).await?;
        let found = found.ok_or_else(Error::not_found)?;
        let version = answer::version(found.number, &found.entry, &found.metadata.custom_metadata);
        let gone = found.secret.is_none();
        let secret = found.secret.flatten().map_or(Value::Null, Value::Object);
        let reply = Reply::data(answer::data([
            ("data", secret),
            ("metadata", Value::Object(version)),
        ]));
        Ok(if gone { reply.as_not_found() } else { reply })
    })
}

fn write<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let input = WriteInput::parse(&call)?;
        let cas = input.cas()?;
        let written = secrets.change(path, Needs::Metadata, |change| {
            change.check_cas(cas)?;
            let number = change.add_version(&input.data)?;
            describe(change, number)
        });
        written.await
    })
}

fn patch<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let input = WriteInput::parse(&call)?;
        let cas = input.cas()?;
        let patch = input.data.unwrap_or_default();
        let written = secrets.change(path, Needs::CurrentSecret, |change| {
            let Some(metadata) = &change.metadata else {
                return Err(Error::not_found());
            };
            let current = metadata.current().ok_or_else(Error::not_found)?;
            if !current.is_readable(change.now) {
                return Ok(describe(change, metadata.current_version)?.as_not_found());
            }
            change.check_cas(cas)?;
            let mut secret = change.current_secret.take().unwrap_or_default();
            merge_patch::apply(&mut secret, patch.clone());
            let number = change.add_version(&Some(secret))?;
            describe(change, number)
        });
        written.await
    })
}

fn describe(change: &Change<'_>, number: u64) -> Result<Reply, Error> {
    let found = change
        .metadata
        .as_ref()
        .and_then(|key| Some((key, key.versions.get(&number)?)));
    match found {
        Some((key, entry)) => Ok(Reply::data(answer::version(
            number,
            entry,
            &key.custom_metadata,
        ))),
        None => Err(Error::internal("a version that was written is not there")),
    }
}

fn delete<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let deleted = secrets.change(path, Needs::Metadata, |change| {
            let now = change.now;
            let entry = change
                .metadata
                .as_mut()
                .and_then(|key| key.versions.get_mut(&key.current_version));
            match entry {
                Some(entry) if entry.is_readable(now) => {
                    entry.deletion_time = Some(now);
                    change.save()
                }
                Some(_) | None => Ok(()),
            }
        });
        deleted.await?;
        Ok(Reply::empty())
    })
}

/// Whether the key is there; shared by all routes whose policies tell create from update.
pub(super) fn exists<'a>(kv: &'a Kv, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        // A path that no secret can have is refused by the write itself.
        let Ok(path) = SecretPath::of(&call) else {
            return Ok(false);
        };
        Ok(secrets.metadata(path).await?.is_some())
    })
}
