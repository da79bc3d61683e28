//! Many clients and nodes at once, over a store that lets others in between all of its answers.

use std::collections::BTreeSet;

use tokio::task::JoinSet;
use vouchsafe_logical::{
    Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version, View,
};
use vouchsafe_testing::MemoryStore;

use super::*;

const TASKS: u64 = 32;

/// A store in memory that yields before it answers, so that tasks interleave at each access.
#[derive(Default)]
struct YieldingStore(MemoryStore);

impl Store for YieldingStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get(key).await
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get_newer(key, than).await
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.list(prefix, after, limit).await
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.commit(batch).await
        })
    }
}

/// Two nodes' mounts of one storage.
fn two_nodes(version: &str) -> [Arc<Mount>; 2] {
    let system = TestSystem::new();
    let mut settings = system.settings();
    settings.view = View::new(Arc::new(YieldingStore::default()), "logical/test/");
    let first = Mount::open(system, settings, version);
    let second = first.reopened(version);
    [Arc::new(first), Arc::new(second)]
}

/// Sends one request from each of many tasks, half of them to each node.
fn all_at_once(
    nodes: &[Arc<Mount>; 2],
    request: impl Fn(u64) -> (Operation, &'static str, Value),
) -> Vec<Result<Answer, Error>> {
    block_on(async {
        let mut tasks = JoinSet::new();
        for number in 0..TASKS {
            let node = Arc::clone(&nodes[usize::from(number % 2 == 1)]);
            let (operation, path, body) = request(number);
            tasks.spawn(async move { node.ask(operation, path, body).await });
        }
        tasks.join_all().await
    })
}

#[test]
fn of_writes_with_the_same_cas_exactly_one_succeeds() {
    let nodes = two_nodes("2");
    for round in 0..4_u64 {
        let outcomes = all_at_once(&nodes, |number| {
            let body = json!({"data": {"by": number}, "options": {"cas": round}});
            (Operation::Update, "data/a", body)
        });
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "round {round}");
        for outcome in lost {
            refused(
                outcome,
                "check-and-set parameter did not match the current version",
            );
        }
        assert_eq!(nodes[0].kept("a").len() as u64, round + 1);
    }
}

#[test]
fn writes_without_cas_all_succeed_with_versions_of_their_own() {
    let nodes = two_nodes("2");
    let settings = json!({"max_versions": TASKS});
    done(nodes[0].write("metadata/a", settings));
    let outcomes = all_at_once(&nodes, |number| {
        (Operation::Update, "data/a", json!({"data": {"by": number}}))
    });
    let numbers: BTreeSet<u64> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap().data["version"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=TASKS).collect());
    let writers: BTreeSet<u64> = numbers
        .into_iter()
        .map(|version| {
            let read = nodes[1].read_with("data/a", json!({ "version": version }));
            read.unwrap().data["data"]["by"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(writers, (0..TASKS).collect());
}

#[test]
fn no_patch_is_lost() {
    let nodes = two_nodes("2");
    nodes[0].put("a", json!({}));
    let outcomes = all_at_once(&nodes, |number| {
        let body = json!({"data": {format!("k{number}"): number}});
        (Operation::Patch, "data/a", body)
    });
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(
        nodes[0].latest("a").as_object().unwrap().len() as u64,
        TASKS
    );
}

#[test]
fn readers_see_whole_versions_while_others_write_and_drop_them() {
    let nodes = two_nodes("2");
    done(nodes[0].write("metadata/a", json!({"max_versions": 1})));
    nodes[0].put("a", json!({"i": 0}));
    let outcomes = all_at_once(&nodes, |number| match number % 2 {
        0 => (Operation::Update, "data/a", json!({"data": {"i": number}})),
        _ => (Operation::Read, "data/a", Value::Null),
    });
    for outcome in outcomes {
        assert!(!outcome.unwrap().not_found);
    }
    assert_eq!(nodes[0].kept("a"), [TASKS / 2 + 1]);
}

#[test]
fn nodes_upgrade_one_mount_together() {
    let nodes = two_nodes("1");
    for number in 0..50 {
        done(nodes[0].write(&format!("s{number:02}"), json!({ "i": number })));
    }
    let upgraded = [
        Arc::new(nodes[0].reopened("2")),
        Arc::new(nodes[0].reopened("2")),
    ];
    let outcomes = all_at_once(&upgraded, |_| (Operation::Read, "data/s49", Value::Null));
    for outcome in outcomes {
        assert_eq!(outcome.unwrap().data["data"], json!({"i": 49}));
    }
    for number in 0..50 {
        assert_eq!(upgraded[1].kept(&format!("s{number:02}")), [1]);
    }
}
