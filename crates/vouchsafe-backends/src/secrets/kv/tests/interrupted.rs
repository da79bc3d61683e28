//! Another node acts in the very middle of an operation.

use std::sync::Mutex;

use vouchsafe_logical::{
    Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version, View,
};
use vouchsafe_testing::MemoryStore;

use super::*;

type Deed = Box<dyn FnOnce() + Send>;

/// When another node acts.
enum Moment {
    /// Before the key with this end is read.
    Read(&'static str),
    /// Before the first commit.
    Commit,
}

/// A store before which another node acts once.
#[derive(Default)]
struct InterruptedStore {
    inner: Arc<MemoryStore>,
    interruption: Mutex<Option<(Moment, Deed)>>,
}

impl InterruptedStore {
    fn act_if(&self, is_now: impl Fn(&Moment) -> bool) {
        let mut waiting = self.interruption.lock().unwrap();
        let due = waiting.take_if(|(moment, _)| is_now(moment));
        drop(waiting);
        if let Some((_, deed)) = due {
            // The other node has a runtime of its own, which needs a thread of its own.
            std::thread::spawn(deed).join().unwrap();
        }
    }
}

impl Store for InterruptedStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        self.act_if(|moment| matches!(moment, Moment::Read(end) if key.ends_with(end)));
        self.inner.get(key)
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
        self.act_if(|moment| matches!(moment, Moment::Commit));
        self.inner.commit(batch)
    }
}

/// A node, and another one that can act before the first one's store answers.
struct Nodes {
    node: Mount,
    other: Arc<Mount>,
    store: Arc<InterruptedStore>,
}

impl Nodes {
    /// Both over one storage, with version 1 of `a`.
    fn open() -> Self {
        let system = TestSystem::new();
        let store = Arc::new(InterruptedStore::default());
        let over = |store: Arc<dyn Store>| {
            let mut settings = system.settings();
            settings.view = View::new(store, "logical/test/");
            Mount::open(Arc::clone(&system), settings, "2")
        };
        let node = over(Arc::clone(&store) as Arc<dyn Store>);
        let other = Arc::new(over(Arc::clone(&store.inner) as Arc<dyn Store>));
        node.put("a", json!({"i": 1}));
        Self { node, other, store }
    }

    /// Has the other node act at a moment of the first one's next operation.
    fn interrupt(&self, moment: Moment, deed: impl FnOnce(&Mount) + Send + 'static) {
        let other = Arc::clone(&self.other);
        *self.store.interruption.lock().unwrap() = Some((moment, Box::new(move || deed(&other))));
    }

    /// Checks that the other node did act.
    #[track_caller]
    fn was_interrupted(&self) {
        assert!(self.store.interruption.lock().unwrap().is_none());
    }
}

#[test]
fn a_reader_whose_version_is_dropped_reads_the_next_one() {
    let nodes = Nodes::open();
    done(nodes.other.write("metadata/a", json!({"max_versions": 1})));
    nodes.interrupt(Moment::Read("version/1/a"), |other| {
        assert_eq!(other.put("a", json!({"i": 2})), 2);
    });
    assert_eq!(nodes.node.latest("a"), json!({"i": 2}));
    nodes.was_interrupted();
    nodes.interrupt(Moment::Read("version/2/a"), |other| {
        done(other.delete("metadata/a"));
    });
    absent(nodes.node.read("data/a"));
    nodes.was_interrupted();
}

#[test]
fn a_reader_of_a_version_that_is_destroyed_is_told_so() {
    let nodes = Nodes::open();
    nodes.interrupt(Moment::Read("version/1/a"), |other| {
        done(other.write("destroy/a", json!({"versions": [1]})));
    });
    let read = nodes.node.read("data/a").unwrap();
    nodes.was_interrupted();
    assert!(read.not_found);
    assert_eq!(read.data["metadata"]["destroyed"], true);
}

#[test]
fn a_version_is_added_to_what_is_there_when_it_is_stored() {
    let nodes = Nodes::open();
    nodes.interrupt(Moment::Commit, |other| {
        assert_eq!(other.put("a", json!({"i": 2})), 2);
    });
    assert_eq!(nodes.node.put("a", json!({"i": 3})), 3);
    nodes.was_interrupted();
    nodes.interrupt(Moment::Commit, |other| done(other.delete("metadata/a")));
    assert_eq!(nodes.node.put("a", json!({"i": 4})), 1);
    nodes.was_interrupted();
    assert_eq!(nodes.other.kept("a"), [1]);
}

#[test]
fn a_patch_is_of_the_secret_that_is_there_when_it_is_stored() {
    let nodes = Nodes::open();
    nodes.interrupt(Moment::Commit, |other| {
        assert_eq!(other.put("a", json!({"other": true})), 2);
    });
    let patch = json!({"data": {"node": true}});
    assert_eq!(
        nodes.node.patch("data/a", patch).unwrap().data["version"],
        3
    );
    nodes.was_interrupted();
    let merged = json!({"other": true, "node": true});
    assert_eq!(nodes.other.latest("a"), merged);
}

#[test]
fn a_requirement_of_the_mount_holds_for_a_write_in_flight() {
    let nodes = Nodes::open();
    nodes.interrupt(Moment::Commit, |other| {
        done(other.write("config", json!({"cas_required": true})));
    });
    refused(
        nodes.node.write("data/a", json!({"data": {}})),
        "check-and-set parameter required for this call",
    );
    nodes.was_interrupted();
    assert_eq!(nodes.other.kept("a"), [1]);
}
