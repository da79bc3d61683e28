//! `sys/version-history`: which versions have served this storage, and since when.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vouchsafe_logical::{
    Access, Answer, Attempts, Call, Data, Error, Method, Reply, Route, Timestamp, View, rfc3339,
};

use super::Sys;

/// Where the history is stored.
const KEY: &str = "core/version-history";
/// The most versions that are remembered; the oldest go first.
pub(crate) const VERSIONS_MAX: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Served {
    version: String,
    since: Timestamp,
}

pub(crate) const HISTORY: Route<Sys> = Route {
    pattern: "version-history",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the versions that have served this storage, with the time of the first start of each.",
};

/// Notes that a version serves the storage from now on, unless it is the last that did.
///
/// # Errors
/// The store's.
pub(crate) async fn note(root: &View, version: &str, now: Timestamp) -> Result<(), Error> {
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = root.begin();
        let mut history: Vec<Served> = transaction.read(root, KEY).await?.unwrap_or_default();
        if history.last().is_some_and(|last| last.version == version) {
            return Ok(());
        }
        history.retain(|served| served.version != version);
        history.push(Served {
            version: version.to_owned(),
            since: now,
        });
        let spare = history.len().saturating_sub(VERSIONS_MAX);
        history.drain(..spare);
        transaction.put_record(root, KEY, &history)?;
        if attempts.commit(transaction).await?.is_done() {
            return Ok(());
        }
    }
}

fn list<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let root = &sys.runtime()?.root;
        let history: Vec<Served> = root.read(KEY).await?.unwrap_or_default();
        let mut info = Data::new();
        let mut previous = serde_json::Value::Null;
        for served in &history {
            let shown = json!({
                "build_date": "",
                "previous_version": previous,
                "timestamp_installed": rfc3339(served.since),
            });
            info.insert(served.version.clone(), shown);
            previous = served.version.clone().into();
        }
        let keys = history.into_iter().map(|served| served.version).collect();
        Reply::keys_with_info(keys, info)
    })
}
