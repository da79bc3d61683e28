//! The store on a disk that fails: full, unsyncable, altered, or without power.

mod disk;
mod power;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use vouchsafe_logical::{Batch, Clock, CommitError, Entropy, Store, StoreError, Timestamp};

use self::disk::Disk;
use super::layout::{self, META};
use super::writer::GROUP_COMMITS_MAX;
use super::*;
use crate::physical::conformance;
use crate::{Barrier, RootKey};

/// Small enough that most reads reach the disk.
const CACHE_BYTES: usize = 0;

fn try_open(disk: &Disk) -> Result<FilePhysical, OpenError> {
    let path = Path::new("store/store.redb");
    FilePhysical::open_backend(path, disk.clone(), CACHE_BYTES, u64::MAX)
}

fn open(disk: &Disk) -> FilePhysical {
    try_open(disk).unwrap()
}

fn put(key: &str, value: &[u8]) -> Batch {
    let mut batch = Batch::default();
    batch.writes.insert(key.to_owned(), Some(value.to_vec()));
    batch
}

async fn value(store: &dyn Physical, key: &str) -> Option<Vec<u8>> {
    store.get(key).await.unwrap().map(|record| record.value)
}

#[track_caller]
fn assert_failed(answer: Result<Revision, CommitError>, word: &str) {
    match answer {
        Err(CommitError::Failed(StoreError::Io(text))) => assert!(text.contains(word), "{text}"),
        other => panic!("expected a failure that says `{word}`, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms() {
    // A replacement is a file beside the store's, which is real.
    let folder = tempfile::TempDir::new().unwrap();
    let path = &folder.path().join(FILE_NAME);
    conformance::run(|| async {
        let disk = Disk::default();
        let store = FilePhysical::open_backend(path, disk, 16 << 20, u64::MAX).unwrap();
        Arc::new(store) as Arc<dyn Physical>
    })
    .await;
}

/// Sixty-four values that take more room than the file has before.
async fn fill(store: &FilePhysical) {
    for number in 0..64u8 {
        let batch = put(&format!("old/{number:02}"), &[number; 1_000]);
        store.commit(batch).await.unwrap();
    }
}

async fn assert_old_values(store: &FilePhysical) {
    for number in 0..64u8 {
        let found = value(store, &format!("old/{number:02}")).await;
        assert_eq!(found.as_deref(), Some(&[number; 1_000][..]));
    }
    assert_eq!(store.list("old/", None, 1_000).await.unwrap().len(), 64);
}

async fn failure_ends_writing_but_not_reading(fail: fn(&Disk), word: &str) {
    let disk = Disk::default();
    let store = open(&disk);
    fill(&store).await;
    let mut feed = store.subscribe(None).await.unwrap();
    fail(&disk);
    let large = put("new", &vec![7; 1_000_000]);
    assert_failed(store.commit(large.clone()).await, word);
    assert_eq!(
        value(&store, "new").await,
        None,
        "not durable, not readable"
    );
    assert_old_values(&store).await;

    disk.repair();
    assert_failed(store.commit(put("later", b"1")).await, "opened again");
    assert_old_values(&store).await;
    let waited = tokio::time::timeout(Duration::from_millis(20), feed.next()).await;
    assert!(waited.is_err(), "announced what is not durable: {waited:?}");
    drop(store);

    let store = open(&disk);
    assert_old_values(&store).await;
    assert_eq!(value(&store, "later").await, None);
    if let Some(found) = value(&store, "new").await {
        assert_eq!(found, vec![7; 1_000_000], "written in part");
    }
    store.commit(large).await.unwrap();
    assert!(value(&store, "new").await.is_some());
}

#[tokio::test]
async fn full_disk_ends_writing_but_not_reading() {
    failure_ends_writing_but_not_reading(Disk::fill_up, "No space left").await;
}

#[tokio::test]
async fn failed_sync_ends_writing_but_not_reading() {
    failure_ends_writing_but_not_reading(Disk::fail_syncs, "sync the store file").await;
}

#[tokio::test]
async fn disk_that_fails_while_opening_is_an_error() {
    for fail in [Disk::fill_up, Disk::fail_syncs] {
        let disk = Disk::default();
        open(&disk).commit(put("a", b"1")).await.unwrap();
        fail(&disk);
        let refused = try_open(&disk).map(drop).unwrap_err();
        assert!(matches!(refused, OpenError::Io { .. }), "{refused}");
        disk.repair();
        assert!(value(&open(&disk), "a").await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_wait_share_a_sync() {
    const COMMITS: usize = 64;
    let disk = Disk::default();
    let store = Arc::new(open(&disk));
    disk.slow_down(Duration::from_millis(10));
    let before = disk.syncs();
    let mut tasks = JoinSet::new();
    for number in 0..COMMITS {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.commit(put(&format!("{number}"), b"1")).await.unwrap() });
    }
    let mut revisions = tasks.join_all().await;
    revisions.sort();
    let expected: Vec<_> = (1..=COMMITS as u64).map(Revision).collect();
    assert_eq!(
        revisions, expected,
        "every commit has a revision of its own"
    );
    let syncs = disk.syncs() - before;
    assert!(syncs <= COMMITS / 4, "{COMMITS} commits took {syncs} syncs");
}

#[tokio::test]
async fn commit_without_effect_takes_no_sync() {
    let disk = Disk::default();
    let store = open(&disk);
    let revision = store.commit(put("a", b"1")).await.unwrap();
    let before = disk.syncs();
    let mut conflict = put("b", b"1");
    conflict.expect.insert("a".to_owned(), None);
    assert_eq!(store.commit(conflict).await, Err(CommitError::Conflict));
    assert_eq!(store.commit(Batch::default()).await, Ok(revision));
    assert_eq!(disk.syncs(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_commits_than_a_group_and_the_queue_hold_all_come_through() {
    let store = Arc::new(open(&Disk::default()));
    let mut tasks = JoinSet::new();
    for number in 0..3 * GROUP_COMMITS_MAX {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.commit(put(&format!("{number}"), b"1")).await });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(store.newest().revision.0 as usize, 3 * GROUP_COMMITS_MAX);
}

/// Sets the format marker of the store on `disk`, or removes it.
fn set_format(disk: &Disk, format: Option<u64>) {
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .unwrap();
    let transaction = layout::begin(&database).unwrap();
    {
        let mut meta = transaction.open_table(META).unwrap();
        match format {
            Some(format) => meta.insert("format", format).unwrap(),
            None => meta.remove("format").unwrap(),
        };
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn newer_format_is_refused_by_name() {
    let disk = Disk::default();
    open(&disk).commit(put("a", b"1")).await.unwrap();
    set_format(&disk, Some(2));
    let refused = try_open(&disk).map(drop).unwrap_err();
    let path = "store".into();
    let newer = OpenError::NewerFormat {
        path,
        found: 2,
        known: 1,
    };
    assert_eq!(refused, newer);
    assert!(refused.to_string().contains("has format 2"), "{refused}");

    for unknown in [Some(0), None] {
        set_format(&disk, unknown);
        let refused = try_open(&disk).map(drop).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
    }
    set_format(&disk, Some(1));
    assert_eq!(value(&open(&disk), "a").await.as_deref(), Some(&b"1"[..]));
}

/// A store made by hand after `docs/storage-format.md`. If this fails, old stores do not open.
#[tokio::test]
async fn store_of_format_1_opens() {
    let disk = Disk::default();
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let records = redb::TableDefinition::<&[u8], &[u8]>::new("record");
        let mut records = transaction.open_table(records).unwrap();
        let stored = b"\0\0\0\0\0\0\0\x05value".as_slice();
        records.insert(b"a/b".as_slice(), stored).unwrap();
        let meta = redb::TableDefinition::<&str, u64>::new("meta");
        let mut meta = transaction.open_table(meta).unwrap();
        meta.insert("format", 1).unwrap();
        meta.insert("revision", 7).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let store = open(&disk);
    let found = store.get("a/b").await.unwrap().unwrap();
    assert_eq!(
        (found.version, found.value),
        (Version(5), b"value".to_vec())
    );
    assert_eq!(store.commit(put("c", b"1")).await, Ok(Revision(8)));
}

/// Everything in the store, with versions.
async fn content(store: &FilePhysical) -> Vec<(String, Record)> {
    let mut content = Vec::new();
    for key in store.list("", None, 1_000).await.unwrap() {
        let record = store.get(&key).await.unwrap().unwrap();
        content.push((key, record));
    }
    content
}

/// Where the engine keeps its flags.
const FLAGS_OFFSET: usize = 9;
/// The flag that tells which of the two latest commits counts. No checksum covers it: it is the
/// one bit whose loss puts a store back to the commit before, like an old copy would.
const SELECTOR: (usize, u8) = (FLAGS_OFFSET, 1);
/// The engine's header.
const HEADER_BYTES: usize = 320;

async fn assert_alterations_noticed(image: &[u8], expected: &[(String, Record)]) {
    let mut alterations: Vec<(usize, u8)> = (0..8).map(|bit| (FLAGS_OFFSET, 1 << bit)).collect();
    let sample = (0..HEADER_BYTES).step_by(3);
    let sample = sample.chain((HEADER_BYTES..image.len()).step_by(2_039));
    alterations.extend(sample.map(|offset| (offset, 1 << (offset % 8))));
    let mut refused = 0;
    for (offset, bit) in alterations {
        let mut altered = image.to_vec();
        altered[offset] ^= bit;
        match try_open(&Disk::of(altered)) {
            Ok(store) if (offset, bit) == SELECTOR => {
                assert!(
                    expected.starts_with(&content(&store).await),
                    "not an older state"
                );
            }
            Ok(store) => assert!(
                content(&store).await == expected,
                "byte {offset}, bit {bit:#x}"
            ),
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("byte {offset}: {other}"),
        }
    }
    assert!(refused > 20, "only {refused} alterations were noticed");
}

#[tokio::test]
async fn altered_byte_is_refused_or_without_effect() {
    let disk = Disk::default();
    let store = open(&disk);
    fill(&store).await;
    let expected = content(&store).await;
    let killed = disk.image();
    drop(store);
    assert_alterations_noticed(&disk.image(), &expected).await;
    assert_alterations_noticed(&killed, &expected).await;
}

#[tokio::test]
async fn file_that_was_cut_is_refused() {
    let disk = Disk::default();
    let store = open(&disk);
    fill(&store).await;
    drop(store);
    let image = disk.image();
    for length in [1, 100, 4_096, image.len() / 2, image.len() - 1] {
        let refused = try_open(&Disk::of(image[..length].to_vec())).map(drop);
        assert!(
            matches!(refused, Err(OpenError::Damaged { .. })),
            "{length} bytes: {refused:?}"
        );
    }
}

/// What an open reads of a store that was closed in order, with and without a check of all pages.
async fn bytes_read_by_open(values: usize, checked_bytes_max: u64) -> usize {
    let disk = Disk::default();
    let path = Path::new("store/store.redb");
    let open =
        || FilePhysical::open_backend(path, disk.clone(), 16 << 20, checked_bytes_max).unwrap();
    let store = open();
    for number in 0..values {
        let batch = put(&format!("value/{number:06}"), &[7; 10_000]);
        store.commit(batch).await.unwrap();
    }
    drop(store);
    disk.take_bytes_read();
    let store = open();
    let bytes = disk.take_bytes_read();
    assert_eq!(
        store.list("value/", None, 1_000).await.unwrap().len(),
        values
    );
    bytes
}

#[tokio::test]
async fn open_of_a_large_store_reads_no_more_than_of_a_small_one() {
    let small = bytes_read_by_open(5, 0).await;
    let large = bytes_read_by_open(300, 0).await;
    assert!(
        large < small + 64 * 1024,
        "3 MB took {large} bytes, 50 kB took {small}"
    );
    let checked = bytes_read_by_open(300, u64::MAX).await;
    assert!(checked > 300 * 10_000, "{checked} bytes are not all");
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// The check at opening can't see what is altered later; the barrier does, and names the record.
#[tokio::test]
async fn byte_altered_while_open_is_named_by_the_barrier() {
    let disk = Disk::default();
    let root_key = RootKey::try_from(&[1; 32][..]).unwrap();
    let still = |store| Barrier::new(store, Arc::new(Still), Arc::new(Still));
    {
        let barrier = still(Arc::new(open(&disk)) as Arc<dyn Physical>);
        barrier.initialize(&root_key).await.unwrap();
        barrier.unseal(&root_key).await.unwrap();
        // Too large for two to share a page.
        for number in 0..64u8 {
            let batch = put(&format!("secret/{number:02}"), &[number; 3_000]);
            barrier.commit(batch).await.unwrap();
        }
    }
    let store: Arc<dyn Physical> = Arc::new(open(&disk));
    let barrier = still(Arc::clone(&store));
    barrier.unseal(&root_key).await.unwrap();
    let stored = value(&*store, "secret/01").await.unwrap();
    for number in 32..64u8 {
        // Drives the page out of the engine's memory.
        let record = barrier.get(&format!("secret/{number:02}")).await.unwrap();
        assert_eq!(record.unwrap().value, [number; 3_000]);
    }
    disk.alter(&stored);
    match barrier.get("secret/01").await {
        Err(StoreError::Corrupt { key, .. }) => assert_eq!(key, "secret/01"),
        other => panic!("an altered record was read: {other:?}"),
    }
    assert!(barrier.get("secret/02").await.unwrap().is_some());
}
