//! After a rotation of the barrier's key: what older terms encrypted is encrypted anew, some of it
//! in each tick. How far it is stands in the log, and in storage, where a restart takes it up.

use vouchsafe_storage::barrier::Pass;

use crate::core::Core;

/// How many pages of records one tick takes: with 256 records each, a million records take about an
/// hour, and no write waits for more than one page.
const PAGES_PER_TICK: usize = 16;

impl Core {
    /// Encrypts some records of older terms anew, if there are any.
    pub(crate) async fn reencrypt(&self) {
        let mut underway = None;
        for _ in 0..PAGES_PER_TICK {
            match self.barrier.reencrypt().await {
                Ok(Pass::Idle) => return,
                Ok(Pass::More(progress)) => underway = Some(progress),
                Ok(Pass::Done(progress)) => {
                    tracing::info!(
                        term = progress.term,
                        records = progress.records,
                        "everything that is stored is encrypted under the newest key term"
                    );
                    return;
                }
                Err(error) => {
                    // It goes on in the next tick; sealing in between is no failure.
                    tracing::warn!(%error, "encrypting records under the newest key term failed");
                    return;
                }
            }
        }
        if let Some(progress) = underway {
            tracing::info!(
                term = progress.term,
                records = progress.records,
                "records are being encrypted under the newest key term"
            );
        }
    }
}
