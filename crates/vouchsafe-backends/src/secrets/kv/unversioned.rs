//! Version 1: `<path>`, a secret without a history.

use std::time::Duration;

use serde_json::Value;
use vouchsafe_logical::duration::parse_duration;
use vouchsafe_logical::{
    Access, Answer, BoxFuture, Call, Data, Error, Method, Operation, Reply, Route, View, record,
};

use super::list::{self, ListInput};
use super::path::SecretPath;
use super::{Kv, layout, limit};

/// All paths: secrets and folders of them.
pub(super) const ROUTE: Route<Kv> = Route {
    pattern: "{path?...}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        // Every member of the body is part of the secret: none has a meaning of its own.
        Method::open(Operation::Update, write),
        Method::delete(delete),
        Method::with::<ListInput>(Operation::List, list),
    ],
    exists: Some(exists),
    help: "Store, read, delete and list secrets: the members of the body are the secret.",
};

/// The secrets of a mount without versions.
pub(super) struct Unversioned<'k> {
    view: &'k View,
}

impl<'k> Unversioned<'k> {
    /// Call it where the layout is settled.
    pub(super) const fn new(view: &'k View) -> Self {
        Self { view }
    }

    async fn get(&self, path: SecretPath<'_>) -> Result<Option<Data>, Error> {
        Ok(self.view.read(&layout::object_key(path)).await?)
    }
}

fn read<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.unversioned().await?;
        let found = secrets.get(SecretPath::of(&call)?).await?;
        let secret = found.ok_or_else(Error::not_found)?;
        let lease = lease_duration(&secret).unwrap_or(call.mount.default_lease_ttl);
        Ok(Reply::data(secret).with_lease_duration(lease))
    })
}

/// The life that a secret claims for itself: `ttl`, else `lease`.
fn lease_duration(secret: &Data) -> Option<Duration> {
    match secret.get("ttl").or_else(|| secret.get("lease"))? {
        Value::String(text) => parse_duration(text).ok(),
        Value::Number(seconds) => seconds.as_u64().map(Duration::from_secs),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn write<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.unversioned().await?;
        let path = SecretPath::of(&call)?;
        let secret = &call.request.data;
        if secret.is_empty() {
            return Err(Error::invalid_because(
                "data_missing",
                "missing data fields",
            ));
        }
        let key = layout::object_key(path);
        let encoded = record::encode(&key, secret)?;
        // One byte of the record says its format.
        limit::check_size(encoded.len() - 1)?;
        let mut transaction = secrets.view.begin();
        transaction.put(secrets.view, &key, encoded);
        layout::commit_object(secrets.view, transaction).await?;
        Ok(Reply::empty())
    })
}

fn delete<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.unversioned().await?;
        let path = SecretPath::of(&call)?;
        let mut transaction = secrets.view.begin();
        transaction.delete(secrets.view, &layout::object_key(path));
        layout::commit_object(secrets.view, transaction).await?;
        Ok(Reply::empty())
    })
}

fn list<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.unversioned().await?;
        list::folder(secrets.view, layout::OBJECT_PREFIX, &call).await
    })
}

fn exists<'a>(kv: &'a Kv, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        let secrets = kv.unversioned().await?;
        // A path that no secret can have is refused by the write itself.
        let Ok(path) = SecretPath::of(&call) else {
            return Ok(false);
        };
        let found = secrets.view.get(&layout::object_key(path)).await?;
        Ok(found.is_some())
    })
}
