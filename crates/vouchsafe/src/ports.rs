//! The real world behind the ports: the system's clock, its randomness and its network.

use std::cell::RefCell;
use std::sync::Arc;

use anyhow::Context;
use vouchsafe_core::{Ports, WorkerThreads};
use vouchsafe_fetch::HttpFetcher;
use vouchsafe_logical::{Clock, Entropy, Timestamp};
use zeroize::Zeroize;

/// The real world, with as many threads for slow work as the machine has processors.
pub(crate) fn of_system() -> anyhow::Result<Ports> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Ports {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        fetcher: Arc::new(HttpFetcher::new()),
        metrics: Arc::default(),
        workers: WorkerThreads::start(threads).context("start worker threads")?,
        publications: Arc::default(),
    })
}

/// The clock of the operating system.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port that everything else takes"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// How many bytes are drawn from the generator at once: a call costs half a microsecond whatever
/// its length, and a request draws several times.
const DRAWN_AT_ONCE: usize = 1_024;

struct Drawn {
    bytes: [u8; DRAWN_AT_ONCE],
    used: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> =
        const { RefCell::new(Drawn { bytes: [0; DRAWN_AT_ONCE], used: DRAWN_AT_ONCE }) };
}

/// The generator of aws-lc, which seeds itself from the operating system.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > DRAWN_AT_ONCE / 4 {
            return draw(bytes);
        }
        DRAWN.with_borrow_mut(|drawn| {
            if drawn.used + bytes.len() > DRAWN_AT_ONCE {
                draw(&mut drawn.bytes);
                drawn.used = 0;
            }
            let end = drawn.used + bytes.len();
            let fresh = &mut drawn.bytes[drawn.used..end];
            bytes.copy_from_slice(fresh);
            // What was given out is not kept.
            fresh.zeroize();
            drawn.used = end;
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the port that everything else takes"
)]
#[expect(
    clippy::expect_used,
    reason = "a machine without randomness can't serve at all"
)]
fn draw(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the system gives randomness");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_given_out_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            let mut bytes = [0u8; 16];
            SystemEntropy.fill(&mut bytes);
            assert!(seen.insert(bytes));
        }
        let mut long = [0u8; 5_000];
        SystemEntropy.fill(&mut long);
        assert!(long.iter().any(|byte| *byte != 0));
    }
}
