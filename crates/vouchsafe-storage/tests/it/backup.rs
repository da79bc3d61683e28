//! Snapshots through the barrier: whole points in time, and what is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vouchsafe_logical::{Batch, Store};
use vouchsafe_storage::barrier::{RESTORED_KEY, RestoreError, UnsealError};
use vouchsafe_storage::snapshot::{Reader, SnapshotError, Writer};
use vouchsafe_storage::{Barrier, FilePhysical, Physical};

use crate::fake::{in_memory, node, root_key};

/// A barrier over a store of its own, initialised and unsealed.
async fn served(physical: &Arc<dyn Physical>) -> Arc<Barrier> {
    let barrier = Arc::new(node(physical, 1));
    barrier.initialize(&root_key(7)).await.unwrap();
    barrier.unseal(&root_key(7)).await.unwrap();
    barrier
}

async fn put(store: &dyn Store, writes: &[(&str, &str)]) {
    let mut batch = Batch::default();
    for (key, value) in writes {
        batch
            .writes
            .insert((*key).to_owned(), Some(value.as_bytes().to_vec()));
    }
    store.commit(batch).await.unwrap();
}

async fn text(store: &dyn Store, key: &str) -> Option<String> {
    let record = store.get(key).await.unwrap()?;
    Some(String::from_utf8(record.value).unwrap())
}

async fn snapshot(barrier: &Arc<Barrier>) -> Vec<u8> {
    let mut backup = barrier.backup().await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = backup.next().await.unwrap() {
        bytes.extend(piece);
    }
    bytes
}

async fn restore(barrier: &Arc<Barrier>, bytes: &[u8]) -> Result<u64, RestoreError> {
    let mut restore = barrier.restore().await?;
    for piece in bytes.chunks(1_000) {
        restore.feed(piece).await?;
    }
    Ok(restore.finish().await?.records)
}

/// The records of a snapshot.
fn records(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut reader = Reader::new();
    reader.feed(bytes).unwrap();
    reader.take()
}

#[tokio::test]
async fn restored_store_opens_with_the_same_root_key() {
    let source = served(&in_memory()).await;
    put(&*source, &[("a", "1"), ("b/c", "2")]).await;
    source.rotate().await.unwrap();
    put(&*source, &[("d", "3")]).await;
    let bytes = snapshot(&source).await;

    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("store");
    {
        let physical: Arc<dyn Physical> = Arc::new(FilePhysical::open(&path).unwrap());
        let restored = Arc::new(node(&physical, 2));
        // The keyring is one of them.
        assert_eq!(restore(&restored, &bytes).await, Ok(4));
        assert!(restored.is_sealed());
    }
    // It is on disk.
    let physical: Arc<dyn Physical> = Arc::new(FilePhysical::open(&path).unwrap());
    let restored = Arc::new(node(&physical, 3));
    let wrong = restored.unseal(&root_key(8)).await;
    assert_eq!(wrong.unwrap_err(), UnsealError::RootKeyRefused);
    restored.unseal(&root_key(7)).await.unwrap();
    assert_eq!(text(&*restored, "a").await.as_deref(), Some("1"));
    assert_eq!(text(&*restored, "b/c").await.as_deref(), Some("2"));
    assert_eq!(text(&*restored, "d").await.as_deref(), Some("3"));
    assert_eq!(restored.key_status().unwrap().term, 2);
    assert!(physical.get(RESTORED_KEY).await.unwrap().is_none());
    // It can be backed up and restored in turn.
    let again = snapshot(&restored).await;
    let second = Arc::new(node(&in_memory(), 4));
    assert_eq!(restore(&second, &again).await, Ok(4));
    second.unseal(&root_key(7)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn backup_during_writes_is_one_moment() {
    let folder = tempfile::TempDir::new().unwrap();
    let physical: Arc<dyn Physical> = Arc::new(FilePhysical::open(folder.path()).unwrap());
    let source = served(&physical).await;
    // Each commit writes one number everywhere, so a mixture would show.
    let keys: Vec<String> = (0..200).map(|number| format!("key/{number:03}")).collect();
    let padding = "x".repeat(5_000);
    let write = |number: u32| {
        let mut batch = Batch::default();
        for key in &keys {
            let value = format!("{number}:{padding}").into_bytes();
            batch.writes.insert(key.clone(), Some(value));
        }
        batch
    };
    source.commit(write(0)).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (during, taken) = tokio::join!(
        async {
            let mut number = 0;
            while !done.load(Ordering::SeqCst) {
                number += 1;
                source.commit(write(number)).await.unwrap();
            }
            number
        },
        async {
            let mut taken = Vec::new();
            for _ in 0..5 {
                taken.push(snapshot(&source).await);
            }
            done.store(true, Ordering::SeqCst);
            taken
        },
    );
    assert!(during > 0, "nothing was written meanwhile");
    for bytes in taken {
        let restored = Arc::new(node(&in_memory(), 2));
        restore(&restored, &bytes).await.unwrap();
        restored.unseal(&root_key(7)).await.unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for key in &keys {
            let value = text(&*restored, key).await.unwrap();
            seen.insert(value.split(':').next().unwrap().to_owned());
        }
        assert_eq!(seen.len(), 1, "a mixture: {seen:?}");
    }
}

#[tokio::test]
async fn refused_snapshot_leaves_the_store_as_it_was() {
    let source = served(&in_memory()).await;
    for number in 0..50 {
        let value = "v".repeat(100_000);
        put(&*source, &[(&format!("key/{number}"), &value)]).await;
    }
    let bytes = snapshot(&source).await;
    let folder = tempfile::TempDir::new().unwrap();
    let physical: Arc<dyn Physical> = Arc::new(FilePhysical::open(folder.path()).unwrap());
    let target = Arc::new(node(&physical, 2));
    let torn = &bytes[..bytes.len() - 1];
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    let mut newer = bytes.clone();
    newer[8] = 2;
    for (refused, reason) in [
        (torn, "snapshot_truncated"),
        (&flipped, "snapshot_altered"),
        (&newer, "snapshot_format_newer"),
    ] {
        match restore(&target, refused).await {
            Err(RestoreError::Snapshot(error)) => assert_eq!(error.reason(), reason),
            other => panic!("expected {reason}, got {other:?}"),
        }
        assert_eq!(physical.list("", None, 10).await.unwrap(), [""; 0]);
        let files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(files, ["store.redb"], "nothing is left behind");
    }
    restore(&target, &bytes).await.unwrap();
    target.unseal(&root_key(7)).await.unwrap();
}

#[tokio::test]
async fn initialised_store_is_not_restored_over() {
    let source = served(&in_memory()).await;
    let bytes = snapshot(&source).await;
    let other = served(&in_memory()).await;
    assert_eq!(
        restore(&other, &bytes).await,
        Err(RestoreError::Initialized)
    );

    // Nor one that is initialised while the snapshot comes in.
    let target = Arc::new(node(&in_memory(), 3));
    let mut begun = target.restore().await.unwrap();
    begun.feed(&bytes).await.unwrap();
    target.initialize(&root_key(9)).await.unwrap();
    assert_eq!(begun.finish().await, Err(RestoreError::Initialized));
    target.unseal(&root_key(9)).await.unwrap();
}

#[tokio::test]
async fn snapshot_whose_records_were_exchanged_is_refused_at_the_unseal() {
    let source = served(&in_memory()).await;
    put(&*source, &[("a", "old"), ("b", "1")]).await;
    let old = snapshot(&source).await;
    put(&*source, &[("a", "new")]).await;
    let new = snapshot(&source).await;
    // Every record is genuine, and every digest is right.
    let header = {
        let mut reader = Reader::new();
        reader.feed(&new).unwrap();
        (*reader.header().unwrap(), reader.finish().unwrap().seal)
    };
    let stale: Vec<_> = records(&old)
        .into_iter()
        .filter(|(key, _)| key == "a")
        .collect();
    let exchanged = |(key, value): (String, Vec<u8>)| match &stale[..] {
        [(stale_key, stale)] if *stale_key == key => (key, stale.clone()),
        _ => (key, value),
    };
    let removed: Vec<_> = records(&new)
        .into_iter()
        .filter(|(key, _)| key != "b")
        .collect();
    for forged in [records(&new).into_iter().map(exchanged).collect(), removed] {
        let (mut writer, mut bytes) = Writer::begin(&header.0);
        for (key, value) in &forged {
            writer.record(key, value, &mut bytes).unwrap();
        }
        bytes.extend(writer.end(|_| Ok(header.1.clone())).unwrap());
        let target = Arc::new(node(&in_memory(), 5));
        restore(&target, &bytes).await.unwrap();
        let refused = target.unseal(&root_key(7)).await;
        assert_eq!(refused.unwrap_err(), UnsealError::SnapshotAltered);
        assert!(target.is_sealed());
    }
}

#[tokio::test]
async fn snapshot_of_a_sealed_or_empty_store_is_refused() {
    let source = served(&in_memory()).await;
    put(&*source, &[("a", "1")]).await;
    let mut backup = source.backup().await.unwrap();
    backup.next().await.unwrap();
    source.seal();
    assert!(source.backup().await.is_err());
    while let Ok(piece) = backup.next().await {
        assert!(piece.is_some(), "a snapshot that ends is whole");
    }

    let header = vouchsafe_storage::snapshot::Header {
        revision: vouchsafe_storage::Revision(1),
        created_at: vouchsafe_logical::Timestamp::from_second(0).unwrap(),
    };
    let (writer, mut bytes) = Writer::begin(&header);
    bytes.extend(writer.end(|_| Ok(Vec::new())).unwrap());
    let target = Arc::new(node(&in_memory(), 6));
    assert_eq!(
        restore(&target, &bytes).await,
        Err(RestoreError::WithoutKeyring)
    );
    let nothing = restore(&target, b"").await;
    let torn = SnapshotError::Truncated { at: 0 };
    assert_eq!(nothing, Err(RestoreError::Snapshot(torn)));
}
