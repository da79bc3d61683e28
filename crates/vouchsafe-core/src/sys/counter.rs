//! `sys/internal/counters/*`: how many entities and tokens there are.

use serde_json::json;
use vouchsafe_logical::{Access, Answer, Call, Data, Method, Reply, Route};

use super::Sys;

pub(crate) const ENTITIES: Route<Sys> = Route {
    pattern: "internal/counters/entities",
    access: Access::Token,
    methods: &[Method::read(entities)],
    exists: None,
    help: "Count the entities.",
};

pub(crate) const TOKENS: Route<Sys> = Route {
    pattern: "internal/counters/tokens",
    access: Access::Token,
    methods: &[Method::read(tokens)],
    exists: None,
    help: "Count the stored tokens, those that have ended and are not swept away yet included.",
};

fn answer(what: &str, total: usize) -> Reply {
    let mut data = Data::new();
    data.insert("counters".to_owned(), json!({ what: { "total": total } }));
    Reply::data(data)
}

fn entities<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let entities = sys.runtime()?.directory.entities().await?;
        Ok(answer("entities", entities.len()))
    })
}

fn tokens<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let tokens = sys.runtime()?.tokens.hashes().await?;
        Ok(answer("service_tokens", tokens.len()))
    })
}
