//! A physical store that fails on demand, for tests of everything above the port.
//!
//! [`FaultyPhysical`] wraps another store and injects faults before or after its calls. It stays
//! within the port's contract: a commit takes place as a whole or not at all, so a torn write is a
//! commit that is refused, and what a caller can't tell apart is only whether it took place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};

use super::{Change, ChangeFeed, Physical, PhysicalSnapshot, Replacement, Revision};

/// The kind of call that a fault waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`Physical::commit`].
    Commit,
    /// [`Physical::get`] and [`Physical::get_newer`].
    Get,
    /// [`Physical::list`].
    List,
    /// [`Physical::replace`]: its beginning.
    Replace,
    /// [`Physical::snapshot`]: its beginning.
    Snapshot,
    /// [`Physical::subscribe`].
    Subscribe,
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call takes effect, and its caller is told that it failed.
    AnswerLost,
    /// The call takes effect late.
    Delayed(Duration),
    /// The call fails without effect. This is also all that recovery leaves of a torn write.
    Refused,
}

/// A store that fails on demand.
pub struct FaultyPhysical {
    inner: Arc<dyn Physical>,
    plan: Mutex<Plan>,
    power: watch::Sender<Power>,
}

#[derive(Default)]
struct Plan {
    faults: VecDeque<(Call, Fault)>,
    commits_before_crash: Option<usize>,
}

/// Whether the store runs, and how often it crashed: a feed does not outlive a crash.
#[derive(Clone, Copy, Default)]
struct Power {
    crashed: bool,
    crashes: u64,
}

impl FaultyPhysical {
    /// `inner`, so far without faults.
    #[must_use]
    pub fn new(inner: Arc<dyn Physical>) -> Self {
        Self {
            inner,
            plan: Mutex::default(),
            power: watch::Sender::new(Power::default()),
        }
    }

    /// Lets the next `call` that has no fault yet fail. Faults of one kind of call are used up in
    /// the order in which they were injected, one per call.
    pub fn inject(&self, call: Call, fault: Fault) {
        self.plan().faults.push_back((call, fault));
    }

    /// Crashes after `commits` more successful commits: they are durable, everything after them
    /// fails until [`FaultyPhysical::restart`]. With zero it crashes now.
    pub fn crash_after_commits(&self, commits: usize) {
        if commits == 0 {
            self.crash();
        } else {
            self.plan().commits_before_crash = Some(commits);
        }
    }

    /// Whether the store has crashed and was not restarted.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.power.borrow().crashed
    }

    /// Serves again after a crash. Feeds that were open stay broken.
    pub fn restart(&self) {
        self.power.send_modify(|power| power.crashed = false);
    }

    fn crash(&self) {
        self.power.send_modify(|power| {
            power.crashed = true;
            power.crashes += 1;
        });
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_fault(&self, call: Call) -> Option<Fault> {
        let mut plan = self.plan();
        let index = plan.faults.iter().position(|(of, _)| *of == call)?;
        plan.faults.remove(index).map(|(_, fault)| fault)
    }

    fn count_commit(&self) {
        let crash = {
            let mut plan = self.plan();
            plan.commits_before_crash = plan.commits_before_crash.map(|left| left - 1);
            plan.commits_before_crash
                .take_if(|left| *left == 0)
                .is_some()
        };
        if crash {
            self.crash();
        }
    }

    /// Runs `run` under the fault that waits for `call`.
    async fn perform<T, E: From<StoreError>>(
        &self,
        call: Call,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.is_crashed() {
            return Err(crashed().into());
        }
        let fault = self.next_fault(call);
        match fault {
            Some(Fault::Refused) => return Err(injected("refused").into()),
            Some(Fault::Delayed(delay)) => tokio::time::sleep(delay).await,
            Some(Fault::AnswerLost) | None => {}
        }
        let answer = run.await;
        if call == Call::Commit && answer.is_ok() {
            self.count_commit();
        }
        match fault {
            Some(Fault::AnswerLost) => Err(injected("answer lost").into()),
            _ => answer,
        }
    }
}

fn crashed() -> StoreError {
    StoreError::Io("injected fault: crashed".to_owned())
}

fn injected(what: &str) -> StoreError {
    StoreError::Io(format!("injected fault: {what}"))
}

impl Physical for FaultyPhysical {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(self.perform(Call::Get, self.inner.get(key)))
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(self.perform(Call::Get, self.inner.get_newer(key, than)))
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(self.perform(Call::List, self.inner.list(prefix, after, limit)))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(self.perform(Call::Commit, self.inner.commit(batch)))
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        Box::pin(async move {
            let power = self.power.subscribe();
            let crashes = power.borrow().crashes;
            let inner = self
                .perform(Call::Subscribe, self.inner.subscribe(after))
                .await?;
            Ok(Box::new(FaultyFeed {
                inner,
                power,
                crashes,
            }) as Box<dyn ChangeFeed>)
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>> {
        Box::pin(self.perform(Call::Snapshot, self.inner.snapshot()))
    }

    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>> {
        Box::pin(self.perform(Call::Replace, self.inner.replace(above)))
    }
}

/// A feed that breaks when its store crashes.
struct FaultyFeed {
    inner: Box<dyn ChangeFeed>,
    power: watch::Receiver<Power>,
    /// How often the store had crashed when the feed was opened.
    crashes: u64,
}

impl ChangeFeed for FaultyFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Change, StoreError>> {
        Box::pin(async move {
            let Self {
                inner,
                power,
                crashes,
            } = self;
            // An error of `wait_for` means that the store was dropped, which is the end as well.
            tokio::select! {
                biased;
                _ = power.wait_for(|power| power.crashes != *crashes) => Err(crashed()),
                change = inner.next() => change,
            }
        })
    }
}
