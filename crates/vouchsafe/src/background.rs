//! What a server does by itself: what is due, and following the changes in its store.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use vouchsafe_core::{Core, Due};
use vouchsafe_storage::{Change, ChangeFeed};

/// How often the server does what is due: rotations, expired tokens.
const TICK_INTERVAL: Duration = Duration::from_secs(15);

/// How often a server with an automatic seal looks whether there is something to unseal.
const UNSEAL_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time between two attempts when the automatic seal does not answer.
const UNSEAL_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// The tasks of a server. Duties and changes do nothing while it is sealed.
pub(crate) struct Background {
    duties: JoinHandle<()>,
    errands: JoinHandle<()>,
    changes: JoinHandle<()>,
    unsealing: JoinHandle<()>,
}

impl Background {
    /// Starts them.
    pub(crate) fn start(core: &Arc<Core>, feed: Box<dyn ChangeFeed>) -> Self {
        Self {
            duties: supervised("duties", tick(Arc::downgrade(core))),
            errands: supervised("errands", run_errands(Arc::downgrade(core))),
            changes: supervised("change feed", follow(Arc::downgrade(core), feed)),
            unsealing: supervised("unsealing", unseal(Arc::downgrade(core))),
        }
    }

    /// Ends them.
    pub(crate) fn stop(&self) {
        self.duties.abort();
        self.errands.abort();
        self.changes.abort();
        self.unsealing.abort();
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

async fn run_errands(core: Weak<Core>) {
    let mut interval = tokio::time::interval(TICK_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(core) = core.upgrade() else { return };
        core.run_errands().await;
    }
}

async fn tick(core: Weak<Core>) {
    let mut interval = tokio::time::interval(TICK_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut due = Due::Nothing;
    loop {
        // The duties come in their time also while there is more to sweep, and not more often.
        let is_time = tokio::select! {
            biased;
            _ = interval.tick() => true,
            () = std::future::ready(()), if due == Due::More => false,
        };
        let Some(core) = core.upgrade() else { return };
        due = if is_time {
            core.tick().await
        } else {
            core.sweep().await
        };
    }
}

/// Unseals through the automatic seal, if there is one, as soon as it can: at the start, and after a
/// restore. While the seal does not answer, it is asked less and less often.
async fn unseal(core: Weak<Core>) {
    let mut wait = UNSEAL_INTERVAL;
    loop {
        {
            let Some(core) = core.upgrade().filter(|core| core.has_auto_seal()) else {
                return;
            };
            match core.auto_unseal().await {
                Ok(_) => wait = UNSEAL_INTERVAL,
                Err(error) => {
                    let detail = error
                        .detail()
                        .map(vouchsafe_logical::error::Detail::for_operator);
                    tracing::warn!(
                        reason = error.reason(),
                        %error,
                        detail,
                        next_attempt = ?wait,
                        "the server stays sealed: its automatic seal does not open it"
                    );
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(UNSEAL_INTERVAL_MAX);
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
