//! The store in a file, through its public interface: opening, closing, reopening. Conformance and
//! faults of the disk are tested beside the implementation, sudden deaths in `tests/torture.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::JoinSet;
use vouchsafe_logical::StoreError;
use vouchsafe_storage::physical::file::FILE_NAME;
use vouchsafe_storage::{Change, FilePhysical, OpenError, Physical, Revision};

use crate::fake::{batch, expecting, node, put, raw, root_key, value};

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

fn open(folder: &TempDir) -> Arc<dyn Physical> {
    Arc::new(FilePhysical::open(folder.path()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_writes_and_revisions_survive_reopening() {
    let folder = folder();
    let store = open(&folder);
    let mut tasks = JoinSet::new();
    for task in 0..16u8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for round in 0..8u8 {
                let key = format!("{task:02}/{round}");
                store.commit(batch(&key, &[task, round])).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let last = store.commit(batch("last", b"1")).await.unwrap();
    assert_eq!(last, Revision(16 * 8 + 1));
    drop(store);

    let store = open(&folder);
    for task in 0..16u8 {
        for round in 0..8u8 {
            assert_eq!(
                raw(&*store, &format!("{task:02}/{round}")).await,
                [task, round]
            );
        }
    }
    let version = store.get("last").await.unwrap().unwrap().version;
    assert_eq!(version, last.into());
    let next = store
        .commit(expecting(batch("last", b"2"), "last", Some(version)))
        .await;
    assert_eq!(next, Ok(Revision(last.0 + 1)));
}

#[tokio::test]
async fn deleted_key_stays_deleted_and_its_version_unused() {
    let folder = folder();
    let store = open(&folder);
    let written = store.commit(batch("a", b"1")).await.unwrap();
    let mut delete = batch("a", b"");
    delete.writes.insert("a".to_owned(), None);
    store.commit(delete).await.unwrap();
    drop(store);
    let store = open(&folder);
    assert_eq!(store.get("a").await, Ok(None));
    assert!(store.commit(batch("a", b"1")).await.unwrap() > written);
}

#[tokio::test]
async fn feed_begins_anew_after_reopening() {
    let folder = folder();
    let store = open(&folder);
    let first = store.commit(batch("a", b"1")).await.unwrap();
    let head = store.commit(batch("a", b"2")).await.unwrap();
    let mut broken = store.subscribe(None).await.unwrap();
    drop(store);
    assert!(matches!(broken.next().await, Err(StoreError::Io(_))));

    let store = open(&folder);
    let mut fresh = store.subscribe(None).await.unwrap();
    let mut up_to_date = store.subscribe(Some(head)).await.unwrap();
    let mut behind = store.subscribe(Some(first)).await.unwrap();
    assert_eq!(behind.next().await, Ok(Change::Lagged { resume: head }));
    let next = store.commit(batch("b", b"1")).await.unwrap();
    for feed in [&mut fresh, &mut up_to_date, &mut behind] {
        let change = feed.next().await.unwrap();
        assert!(matches!(change, Change::Committed(event) if event.revision == next));
    }
}

#[tokio::test]
async fn second_opening_is_refused_while_the_first_lasts() {
    let folder = folder();
    let store = FilePhysical::open(folder.path()).unwrap();
    let refused = FilePhysical::open(folder.path()).map(drop).unwrap_err();
    let path = folder.path().to_owned();
    assert_eq!(refused, OpenError::InUse { path });
    store.commit(batch("a", b"1")).await.unwrap();
    drop(store);
    FilePhysical::open(folder.path()).unwrap();
}

#[test]
fn folder_and_file_are_for_their_owner_alone() {
    let folder = folder();
    let path = folder.path().join("new/store");
    drop(FilePhysical::open(&path).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(FILE_NAME)), 0o600);
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let folder = folder();
    let file = folder.path().join(FILE_NAME);
    for content in [&b"not a store"[..], &[0xa5; 100_000]] {
        fs::write(&file, content).unwrap();
        let refused = FilePhysical::open(folder.path()).map(drop).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

/// What a creation leaves that was killed half-way.
#[tokio::test]
async fn unfinished_creation_is_begun_anew() {
    let folder = folder();
    let unfinished = folder.path().join("store.redb.new");
    fs::write(&unfinished, [0; 10_000]).unwrap();
    let store = open(&folder);
    store.commit(batch("a", b"1")).await.unwrap();
    assert!(!unfinished.exists());
}

#[test]
fn folder_that_can_not_be_made_is_named() {
    let folder = folder();
    let path = folder.path().join("file/store");
    fs::write(folder.path().join("file"), b"").unwrap();
    let refused = FilePhysical::open(&path).map(drop).unwrap_err();
    assert!(matches!(&refused, OpenError::Io { path: named, .. } if *named == path));
    assert!(
        refused.to_string().contains("create the folder"),
        "{refused}"
    );
}

#[tokio::test]
async fn barrier_opens_what_it_wrote_before() {
    let folder = folder();
    {
        let physical = open(&folder);
        let barrier = node(&physical, 1);
        barrier.initialize(&root_key(1)).await.unwrap();
        barrier.unseal(&root_key(1)).await.unwrap();
        put(&barrier, "a", b"secret").await;
    }
    let physical = open(&folder);
    let barrier = node(&physical, 2);
    barrier.unseal(&root_key(1)).await.unwrap();
    assert_eq!(value(&barrier, "a").await.as_deref(), Some(&b"secret"[..]));
}
