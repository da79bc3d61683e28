//! A store and a backup that a server wrote, kept as they were: whatever is written later, these must
//! open. The server had one key share, two key terms, and `password=correct` in a `kv` engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vouchsafe_logical::Store;
use vouchsafe_storage::barrier::SealKind;
use vouchsafe_storage::{Barrier, FilePhysical, OpenError, Physical};

use crate::fake::{in_memory, node};

const UNSEAL_KEY: &str = "9188f6676d5c398bc30dac53ca6a25ef30b9121571982e4efb0f1060a5895d6d";
const SECRET: &str = "logical/20acb99d-5586-445b-8349-a2080506ca39/object/app";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A copy of the store, since opening one writes to it.
fn store() -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    let copy = folder.path().join("store.redb");
    fs::copy(fixture("store-1/store.redb"), copy).unwrap();
    folder
}

async fn opens_and_holds_the_secret(barrier: &Barrier) {
    let record = barrier.seal_record().await.unwrap().unwrap();
    assert_eq!(record.kind, SealKind::Shamir);
    let root_key = record.open(&hex::decode(UNSEAL_KEY).unwrap()).unwrap();
    barrier.unseal(&root_key).await.unwrap();
    assert_eq!(barrier.key_status().unwrap().term, 2);
    let secret = barrier.get(SECRET).await.unwrap().unwrap().value;
    assert!(String::from_utf8(secret).unwrap().contains("correct"));
}

#[tokio::test]
async fn store_that_format_1_wrote_opens() {
    let folder = store();
    let physical: Arc<dyn Physical> = Arc::new(FilePhysical::open(folder.path()).unwrap());
    opens_and_holds_the_secret(&node(&physical, 1)).await;
}

#[tokio::test]
async fn backup_that_format_1_wrote_is_restored() {
    let barrier = Arc::new(node(&in_memory(), 1));
    let mut restore = barrier.restore().await.unwrap();
    let bytes = fs::read(fixture("format-1.snapshot")).unwrap();
    restore.feed(&bytes).await.unwrap();
    restore.finish().await.unwrap();
    opens_and_holds_the_secret(&barrier).await;
}

#[tokio::test]
async fn file_that_is_no_store_any_more_is_refused() {
    let folder = store();
    let file = folder.path().join("store.redb");
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] ^= 1;
    fs::write(&file, bytes).unwrap();
    let refused = FilePhysical::open(folder.path()).err();
    assert!(
        matches!(refused, Some(OpenError::Damaged { .. })),
        "{refused:?}"
    );
}
