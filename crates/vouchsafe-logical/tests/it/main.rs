//! Tests of the vocabulary through its public face: views, transactions, caches, inputs, routes.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod backend;
mod cache;
mod field;
mod listing;
mod transaction;

use std::sync::Arc;

use vouchsafe_logical::View;
use vouchsafe_testing::MemoryStore;

/// A view of a part of a fresh store.
fn view() -> View {
    View::new(Arc::new(MemoryStore::default()), "part/")
}

/// Stores a value, whatever is there.
async fn put(view: &View, key: &str, value: &str) {
    let mut transaction = view.begin();
    transaction.put(view, key, value.into());
    transaction.commit().await.expect("no precondition");
}
