//! A server in this process: storage in memory behind the barrier, a clock that the test moves,
//! and two doors: HTTP on a real socket, and `core.handle` where HTTP is not the point.

mod builder;
mod client;
mod core;
mod counted;
mod host;
mod log;
mod parts;
mod probe;
pub(crate) mod provider;
mod raw;
mod server;
mod storage;

pub(crate) use builder::Builder;
pub(crate) use client::{Answer, Ask};
pub(crate) use core::TestCore;
pub(crate) use log::Log;
pub(crate) use parts::TEST_CATALOG;
pub(crate) use probe::gate;
pub(crate) use raw::{Raw, status_of};
pub(crate) use server::TestServer;

/// Where a test's clock starts: 2026-01-01T00:00:00Z.
pub(crate) const T0: i64 = 1_767_225_600;

/// Lets other tasks run until something has come true.
pub(crate) async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Spawns a task that ends with the test's runtime.
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner of the tests"
    )]
    tokio::spawn(task)
}
