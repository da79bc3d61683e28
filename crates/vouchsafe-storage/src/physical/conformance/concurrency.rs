//! Many writers and readers at once.

use std::sync::Arc;

use tokio::task::JoinSet;
use vouchsafe_logical::CommitError;

use super::{Physical, batch, commit, expecting, get, value};

const TASKS: u64 = 32;
const ROUNDS: u64 = 20;

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

pub(super) async fn concurrent_increments_add_up(store: Arc<dyn Physical>) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                increment(&store).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(
        value(&store, "counter").await.as_deref().map(number),
        Some(TASKS * ROUNDS)
    );
}

async fn increment(store: &dyn Physical) {
    loop {
        let found = get(store, "counter").await;
        let next = found.as_ref().map_or(0, |record| number(&record.value)) + 1;
        let write = batch(&[("counter", Some(&next.to_be_bytes()[..]))]);
        let version = found.map(|record| record.version);
        match store.commit(expecting(write, "counter", version)).await {
            Ok(_) => return,
            Err(CommitError::Conflict) => tokio::task::yield_now().await,
            Err(CommitError::Failed(error)) => panic!("commit: {error}"),
        }
    }
}

pub(super) async fn one_of_many_creators_wins(store: Arc<dyn Physical>) {
    for round in 0..ROUNDS {
        let key = format!("once-{round}");
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let store = Arc::clone(&store);
            let key = key.clone();
            tasks.spawn(async move {
                let mine = task.to_be_bytes();
                let create = expecting(batch(&[(&key, Some(&mine[..]))]), &key, None);
                store.commit(create).await.is_ok().then_some(task)
            });
        }
        let winners: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(
            value(&store, &key).await.as_deref().map(number),
            winners.first().copied()
        );
    }
}

/// One writer raises two keys together. Whoever has read one sees no older value of the other.
pub(super) async fn batch_is_seen_as_a_whole(store: Arc<dyn Physical>) {
    const LAST: u64 = 500;
    let mut tasks = JoinSet::new();
    for (first, second) in [("x/1", "y/2"), ("y/2", "x/1")] {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            loop {
                let one = value(&store, first).await.as_deref().map_or(0, number);
                let other = value(&store, second).await.as_deref().map_or(0, number);
                assert!(
                    other >= one,
                    "`{first}` is {one}, then `{second}` is {other}"
                );
                if one == LAST {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 1..=LAST {
        let bytes = round.to_be_bytes();
        commit(
            &store,
            batch(&[("x/1", Some(&bytes[..])), ("y/2", Some(&bytes[..]))]),
        )
        .await;
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
}
