//! `subkeys/<path>`: the shape of a secret, without its values.

use serde_json::Value;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, Operation, Reply, Route, input,
};

use super::path::SecretPath;
use super::{Kv, answer};

/// The names in a secret.
pub(super) const ROUTE: Route<Kv> = Route {
    pattern: "subkeys/{path?...}",
    access: Access::Token,
    methods: &[Method::with::<SubkeysInput>(Operation::Read, read)],
    exists: None,
    help: "Show the names in a secret, with null in place of its values.",
};

input! {
    /// Parameters of a read.
    pub(super) struct SubkeysInput {
        /// The version to look at; 0 or nothing = the latest.
        version: Option<i64>,
        /// How many levels to show; 0 or nothing = all.
        depth: Option<i64>,
    }
}

fn read<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let input: SubkeysInput = call.input()?;
        let depth = depth(input.depth)?;
        let found = secrets.find(SecretPath::of(&call)?, input.version).await?;
        let found = found.ok_or_else(Error::not_found)?;
        let version = answer::version(found.number, &found.entry, &found.metadata.custom_metadata);
        let gone = found.secret.is_none();
        let names = found
            .secret
            .flatten()
            .map_or(Value::Null, |secret| names(&secret, depth));
        let reply = Reply::data(answer::data([
            ("metadata", Value::Object(version)),
            ("subkeys", names),
        ]));
        Ok(if gone { reply.as_not_found() } else { reply })
    })
}

fn depth(sent: Option<i64>) -> Result<usize, Error> {
    match sent {
        None | Some(0) => Ok(usize::MAX),
        Some(depth) => usize::try_from(depth).map_err(|_| {
            Error::invalid_because(
                "depth_invalid",
                format!("depth is {depth}; expected 0 (for all levels) or more"),
            )
        }),
    }
}

/// The names of an object, down to `depth` levels. Bounded by the depth of a JSON body.
fn names(secret: &Data, depth: usize) -> Value {
    let shown = secret.iter().map(|(name, value)| {
        let below = match value {
            Value::Object(members) if depth > 1 && !members.is_empty() => names(members, depth - 1),
            _ => Value::Null,
        };
        (name.clone(), below)
    });
    Value::Object(shown.collect())
}
