//! Tests of the mount table: paths, moves, limits, and nodes that change it at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use vouchsafe_logical::{
    Backend, BackendKind, Batch, BoxFuture, Catalog, CommitError, Duties, Error, MountClass,
    Mounted, Newer, Record, Settings, Store, StoreError, Version, View, record,
};
use vouchsafe_storage::barrier::VALUE_BYTES_MAX;
use vouchsafe_testing::{FakeFetcher, ManualClock, MemoryStore, SeededEntropy, TestSystem};

use super::change::{MOUNTS_MAX, NewMount, Tuning};
use super::entry::{MountConfig, MountEntry, StoredClass};
use super::moved::{MOVES_MAX, Moved};
use super::table::{Mounts, TABLE_KEY};
use crate::ports::Ports;

/// What the backends of this test were told was written, by the prefix of their storage.
static TOLD: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

struct Shelf(Settings);

impl Duties for Shelf {
    fn invalidate(&self, key: &str) {
        let mut told = TOLD.lock().unwrap();
        told.push((self.0.view.full(""), key.to_owned()));
    }
}

fn open(settings: Settings) -> Arc<dyn Backend> {
    Mounted::open(Shelf(settings), &[])
}

const fn kind(name: &'static str, class: MountClass) -> BackendKind {
    BackendKind {
        name,
        class,
        summary: "for tests",
        locks_out: false,
        stands_for: None,
        open,
    }
}

const CATALOG: Catalog = &[
    &kind("shelf", MountClass::Secret),
    &kind("door", MountClass::Auth),
    &kind("system", MountClass::Secret),
    &kind("identity", MountClass::Secret),
    &kind("cubbyhole", MountClass::Secret),
    &kind("publish", MountClass::Secret),
    &kind("token", MountClass::Auth),
];

/// A node over a store that it may share.
async fn node_over(store: Arc<dyn Store>, seed: u64) -> Arc<Mounts> {
    let ports = Ports {
        clock: Arc::new(ManualClock::default()),
        entropy: Arc::new(SeededEntropy::new(seed)),
        fetcher: Arc::new(FakeFetcher::default()),
        metrics: Arc::default(),
        workers: TestSystem::new(),
        publications: Arc::default(),
    };
    let address = Arc::new(ArcSwap::from_pointee(String::new()));
    let mounts = Mounts::new(
        View::new(store, ""),
        CATALOG,
        ports,
        address,
        crate::mount::LeaseTtl::default(),
    );
    mounts.ensure_built_in().await.unwrap();
    mounts
}

async fn node() -> Arc<Mounts> {
    node_over(Arc::new(MemoryStore::default()), 1).await
}

fn new(class: MountClass, path: &str) -> NewMount {
    NewMount {
        path: path.to_owned(),
        kind: match class {
            MountClass::Auth => "door",
            MountClass::Secret => "shelf",
        }
        .to_owned(),
        class,
        description: "books of a few words".to_owned(),
        config: MountConfig::default(),
        options: [("version".to_owned(), "2".to_owned())].into(),
        local: false,
        seal_wrap: false,
    }
}

async fn enable(mounts: &Mounts, path: &str) -> Result<(), Error> {
    mounts.enable(new(MountClass::Secret, path)).await
}

fn entry_at(mounts: &Mounts, path: &str) -> Option<MountEntry> {
    let table = mounts.table();
    table.at(path).map(|mount| mount.entry().clone())
}

#[tokio::test]
async fn a_path_belongs_to_the_mount_that_it_is_below() {
    let mounts = node().await;
    for path in ["a/b", "a/bc", "/x//", "a-"] {
        enable(&mounts, path.trim_end_matches('/')).await.unwrap();
    }
    for (path, owner) in [
        ("a/b/", Some("a/b/")),
        ("a/b/c/d", Some("a/b/")),
        ("a/bc/d", Some("a/bc/")),
        ("x/", Some("x/")),
        ("a-/b", Some("a-/")),
        ("a/b", None),
        ("a/b0", None),
        ("a/", None),
        ("", None),
        ("zz/", None),
    ] {
        let found = mounts.table().find(path);
        let found = found.as_ref().map(|mount| mount.entry().path.as_str());
        assert_eq!(found, owner, "{path:?}");
    }
}

#[tokio::test]
async fn no_mount_lies_in_another() {
    let mounts = node().await;
    enable(&mounts, "a/b").await.unwrap();
    for path in ["a/b", "a", "a/b/c", "/a/b/"] {
        let refused = enable(&mounts, path).await.unwrap_err();
        assert_eq!(refused.reason(), "path_in_use", "{path:?}");
    }
    assert!(enable(&mounts, "").await.is_err());
    let mut unknown = new(MountClass::Secret, "c");
    unknown.kind = "door".to_owned();
    let refused = mounts.enable(unknown).await.unwrap_err();
    assert_eq!(
        refused.reason(),
        "unknown_kind",
        "an auth method is no engine"
    );
}

#[tokio::test]
async fn the_servers_own_paths_are_reserved() {
    let mounts = node().await;
    for (class, path) in [
        (MountClass::Secret, "sys"),
        (MountClass::Secret, "sys/a"),
        (MountClass::Secret, "identity/a"),
        (MountClass::Secret, "cubbyhole"),
        (MountClass::Secret, "audit"),
        (MountClass::Secret, "auth/a"),
        (MountClass::Auth, "token"),
        (MountClass::Auth, "token/a"),
    ] {
        assert!(mounts.enable(new(class, path)).await.is_err(), "{path:?}");
    }
    for (class, path) in [
        (StoredClass::Secret, "sys/"),
        (StoredClass::Auth, "auth/token/"),
    ] {
        assert!(mounts.disable(class, path).await.is_err(), "{path:?}");
        assert!(mounts.remount(path, "b/").await.is_err(), "{path:?}");
    }
    enable(&mounts, "system").await.unwrap();
}

#[tokio::test]
async fn a_mount_moves_with_all_that_is_its_own() {
    let mounts = node().await;
    enable(&mounts, "a").await.unwrap();
    enable(&mounts, "taken").await.unwrap();
    let before = entry_at(&mounts, "a/").unwrap();
    mounts.remount("a/", "b/c/").await.unwrap();
    let after = entry_at(&mounts, "b/c/").unwrap();
    assert_eq!(entry_at(&mounts, "a/"), None);
    assert_eq!(after.accessor, before.accessor);
    assert_eq!(
        mounts.storage_of(&after).full(""),
        mounts.storage_of(&before).full("")
    );
    for to in ["taken/", "taken/d/", "sys/d/", "auth/d/", "identity/d/"] {
        assert!(mounts.remount("b/c/", to).await.is_err(), "{to:?}");
        assert_eq!(entry_at(&mounts, "b/c/").as_ref(), Some(&after), "{to:?}");
    }
    assert!(
        mounts.remount("a/", "d/").await.is_err(),
        "nothing is there"
    );
    mounts.remount("b/c/", "b/").await.unwrap();
    assert!(
        entry_at(&mounts, "b/").is_some(),
        "into what it lay in itself"
    );
}

#[tokio::test]
async fn a_mount_of_the_other_class_is_not_unmounted() {
    let mounts = node().await;
    mounts.enable(new(MountClass::Auth, "a")).await.unwrap();
    let gone = mounts.disable(StoredClass::Secret, "auth/a/").await;
    assert_eq!(gone.unwrap(), None);
    let gone = mounts.disable(StoredClass::Auth, "auth/a/").await.unwrap();
    assert_eq!(gone.map(|entry| entry.path).as_deref(), Some("auth/a/"));
    assert!(mounts.table().find("auth/a/login").is_none());
}

#[tokio::test]
async fn the_table_has_room_for_so_many_mounts_and_no_more() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mounts = node_over(Arc::clone(&store), 1).await;
    enable(&mounts, "a").await.unwrap();
    let root = View::new(store, "");
    let mut entries: Vec<MountEntry> = root.read(TABLE_KEY).await.unwrap().unwrap();
    let model = entry_at(&mounts, "a/").unwrap();
    for number in entries.len()..MOUNTS_MAX - 1 {
        entries.push(MountEntry {
            path: format!("team-{number:04}/secrets/"),
            accessor: format!("shelf_{number:08}"),
            uuid: format!("{}-{number}", model.uuid),
            ..model.clone()
        });
    }
    let mut transaction = root.begin();
    transaction.put_record(&root, TABLE_KEY, &entries).unwrap();
    transaction.commit().await.unwrap();
    enable(&mounts, "last").await.unwrap();
    let refused = enable(&mounts, "one-past").await.unwrap_err();
    assert!(refused.to_string().contains("1000 mounts"), "{refused}");
    let stored: Vec<MountEntry> = root.read(TABLE_KEY).await.unwrap().unwrap();
    assert_eq!(stored.len(), MOUNTS_MAX);
    let bytes = record::encode(TABLE_KEY, &stored).unwrap().len();
    assert!(bytes < VALUE_BYTES_MAX, "{bytes} bytes are no record");
}

#[tokio::test]
async fn a_tuning_is_checked_against_what_it_leaves() {
    let mounts = node().await;
    enable(&mounts, "a").await.unwrap();
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3_600));
    let tune = async |tuning: Tuning| mounts.tune("a/", &tuning).await;
    let max = Tuning {
        max_lease_ttl: hours(2),
        ..Tuning::default()
    };
    tune(max).await.unwrap();
    for (ttl, allowed) in [(2, true), (3, false)] {
        let tuning = Tuning {
            default_lease_ttl: hours(ttl),
            ..Tuning::default()
        };
        assert_eq!(tune(tuning).await.is_ok(), allowed, "{ttl} of 2 hours");
    }
    let hidden = Tuning {
        listing_visibility: Some("shown".to_owned()),
        ..Tuning::default()
    };
    assert!(tune(hidden).await.is_err());
    let config = entry_at(&mounts, "a/").unwrap().config;
    assert_eq!(Some(config.default_lease_ttl), hours(2));
    assert_eq!(Some(config.max_lease_ttl), hours(2));
    assert!(mounts.tune("b/", &Tuning::default()).await.is_err());
}

#[tokio::test]
async fn backends_are_told_of_their_own_keys_alone() {
    let mounts = node_over(Arc::new(MemoryStore::default()), 77).await;
    enable(&mounts, "a").await.unwrap();
    enable(&mounts, "b").await.unwrap();
    let prefix = |path: &str| {
        let entry = entry_at(&mounts, path).unwrap();
        mounts.storage_of(&entry).full("")
    };
    let (a, b) = (prefix("a/"), prefix("b/"));
    mounts
        .invalidate(&[format!("{a}role/x"), "core/policy/p".to_owned()])
        .await;
    let told_of = |prefix: &str| -> Vec<String> {
        let told = TOLD.lock().unwrap();
        let own = told.iter().filter(|(to, _)| to == prefix);
        own.map(|(_, key)| key.clone()).collect()
    };
    assert_eq!(told_of(&a), ["role/x"]);
    assert!(told_of(&b).is_empty());
    mounts.invalidate_all().await;
    assert_eq!(told_of(&b), [""]);
}

/// Runs a future on a thread of its own.
fn on_a_thread<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> std::thread::JoinHandle<T> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    })
}

#[tokio::test]
async fn nodes_that_change_the_table_at_once_lose_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut nodes = Vec::new();
    for seed in 1..=4 {
        nodes.push(node_over(Arc::clone(&store), seed).await);
    }
    let threads: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(number, node)| {
            let node = Arc::clone(node);
            on_a_thread(async move {
                for turn in 0..8 {
                    enable(&node, &format!("n{number}-{turn}")).await.unwrap();
                }
                enable(&node, "contested").await.is_ok()
            })
        })
        .collect();
    let won: Vec<bool> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert_eq!(
        won.iter().filter(|won| **won).count(),
        1,
        "one path, one mount"
    );
    for node in &nodes {
        node.reload().await.unwrap();
        let own = |entry: &MountEntry| entry.is_built_in();
        let added = node.table().iter().filter(|m| !own(m.entry())).count();
        assert_eq!(added, 4 * 8 + 1);
    }
}

/// A store that, once armed, holds the next read of the mount table until it is released.
#[derive(Default)]
struct Gate {
    inner: MemoryStore,
    armed: AtomicBool,
    reached: tokio::sync::Notify,
    released: tokio::sync::Notify,
}

impl Store for Gate {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            let found = self.inner.get(key).await;
            if key == TABLE_KEY && self.armed.swap(false, Ordering::SeqCst) {
                self.reached.notify_one();
                self.released.notified().await;
            }
            found
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        self.inner.get_newer(key, than)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.inner.list(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        self.inner.commit(batch)
    }
}

/// The feed of changes makes a node read the table whenever it likes, also while it changes it.
#[tokio::test]
async fn a_table_that_was_read_before_a_change_does_not_replace_it() {
    let gate = Arc::new(Gate::default());
    let mounts = node_over(Arc::clone(&gate) as Arc<dyn Store>, 1).await;
    gate.armed.store(true, Ordering::SeqCst);
    let change = async {
        gate.reached.notified().await;
        let mut enabling = std::pin::pin!(enable(&mounts, "a"));
        let soon = Duration::from_millis(50);
        let early = tokio::time::timeout(soon, &mut enabling).await;
        gate.released.notify_one();
        match early {
            Ok(enabled) => enabled,
            Err(_) => enabling.await,
        }
    };
    let (reloaded, enabled) = tokio::join!(mounts.reload(), change);
    reloaded.unwrap();
    enabled.unwrap();
    assert!(mounts.table().find("a/x").is_some());
}

#[tokio::test]
async fn the_last_moves_are_remembered_and_no_more() {
    let mounts = node().await;
    let moved = |number: usize| Moved {
        id: number.to_string(),
        from: "a/".to_owned(),
        to: "b/".to_owned(),
    };
    for number in 1..=MOVES_MAX {
        mounts.remember_move(&moved(number)).await.unwrap();
    }
    assert_eq!(mounts.moved("1").await.unwrap(), Some(moved(1)));
    mounts.remember_move(&moved(MOVES_MAX + 1)).await.unwrap();
    assert_eq!(mounts.moved("1").await.unwrap(), None);
    assert_eq!(mounts.moved("2").await.unwrap(), Some(moved(2)));
}
