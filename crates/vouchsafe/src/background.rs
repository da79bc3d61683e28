//! What a server does by itself: what is due, and following the changes in its store.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use vouchsafe_core::{Core, Due};
use vouchsafe_storage::{Change, ChangeFeed};

/// How often the server does what is due: rotations, expired tokens.
const TICK_INTERVAL: Duration = Duration::from_secs(15);

/// The tasks of a server. They do nothing while it is sealed.
pub(crate) struct Background {
    duties: JoinHandle<()>,
    changes: JoinHandle<()>,
}

impl Background {
    /// Starts them.
    pub(crate) fn start(core: &Arc<Core>, feed: Box<dyn ChangeFeed>) -> Self {
        Self {
            duties: supervised("duties", tick(Arc::downgrade(core))),
            changes: supervised("change feed", follow(Arc::downgrade(core), feed)),
        }
    }

    /// Ends them.
    pub(crate) fn stop(&self) {
        self.duties.abort();
        self.changes.abort();
    }
}

/// Spawns a task whose end is logged, since none of them should end by itself.
fn supervised(
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the supervised spawner of the binary"
    )]
    tokio::spawn(async move {
        task.await;
        tracing::debug!(task = name, "a background task ended");
    })
}

async fn tick(core: Weak<Core>) {
    let mut interval = tokio::time::interval(TICK_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(core) = core.upgrade() else { return };
        if core.tick().await == Due::More {
            interval.reset_immediately();
        }
    }
}

async fn follow(core: Weak<Core>, mut feed: Box<dyn ChangeFeed>) {
    loop {
        let change = feed.next().await;
        let Some(core) = core.upgrade() else { return };
        match change {
            Ok(Change::Committed(event)) => core.invalidate(&event.keys).await,
            Ok(Change::Lagged { .. }) => core.invalidate_all().await,
            Err(error) => {
                tracing::error!(%error, "the store's change feed broke");
                return;
            }
        }
    }
}
