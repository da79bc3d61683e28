//! Requests that have begun and not ended yet, for `sys/in-flight-req`.
//!
//! Kept in shards, since every request comes and goes here; what is shown is made only when somebody
//! asks. Whoever called stands in the audit log under the request's id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use vouchsafe_logical::{Data, Operation, Request, Timestamp, rfc3339};

/// So many that processors seldom meet in one.
const SHARDS: usize = 16;

struct Entry {
    request: Arc<Request>,
    begun_at: Timestamp,
}

/// The requests of a server.
#[derive(Default)]
pub(crate) struct InFlight {
    shards: [Mutex<HashMap<u64, Entry>>; SHARDS],
    next: AtomicU64,
}

impl InFlight {
    fn shard(&self, number: u64) -> MutexGuard<'_, HashMap<u64, Entry>> {
        let index = usize::try_from(number).unwrap_or_default() % SHARDS;
        // What a panic left is whole: an entry is put in or taken out in one step.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request until what is returned is dropped.
    pub(crate) fn enter(self: &Arc<Self>, request: &Arc<Request>, now: Timestamp) -> Entered {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            request: Arc::clone(request),
            begun_at: now,
        };
        self.shard(number).insert(number, entry);
        Entered {
            among: Arc::clone(self),
            number,
        }
    }

    /// All of them by id, without anything that they carry.
    pub(crate) fn shown(&self) -> Data {
        let mut shown = Data::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for Entry { request, begun_at } in shard.values() {
                let peer = request.remote.map(|peer| peer.to_string());
                let facts = json!({
                    "start_time": rfc3339(*begun_at),
                    "client_remote_address": peer.unwrap_or_default(),
                    "request_path": format!("/v1/{}", request.path.as_str()),
                    "request_method": method(request.operation),
                });
                shown.insert(request.id.clone(), facts);
            }
        }
        shown
    }
}

/// The HTTP method that stands for an operation; PUT and POST are the same one.
const fn method(operation: Operation) -> &'static str {
    match operation {
        Operation::Help | Operation::Read => "GET",
        Operation::List => "LIST",
        Operation::Create | Operation::Update => "PUT",
        Operation::Patch => "PATCH",
        Operation::Delete => "DELETE",
    }
}

/// A request is on its way as long as this is there.
pub struct Entered {
    among: Arc<InFlight>,
    number: u64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.among.shard(self.number).remove(&self.number);
    }
}
