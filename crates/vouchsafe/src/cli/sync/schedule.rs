//! When the next sync is: after the interval, or sooner after a failure, never at the same moment
//! everywhere.

use std::time::Duration;

use vouchsafe_logical::Entropy;

/// The first pause after a failure; each further failure doubles it, up to the interval.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// How long to wait after `failures` failures in a row. Between half and all of a retry's pause, and
/// between nine tenths and all of the interval, so that workers started together drift apart.
pub(super) fn pause(failures: u32, interval: Duration, entropy: &dyn Entropy) -> Duration {
    let (longest, spread) = match failures {
        0 => (interval, interval / 10),
        _ => {
            let doublings = (failures - 1).min(16);
            let retry = FIRST_RETRY.saturating_mul(1 << doublings).min(interval);
            (retry, retry / 2)
        }
    };
    let mut dice = [0; 4];
    entropy.fill(&mut dice);
    longest - spread.mul_f64(f64::from(u32::from_be_bytes(dice)) / f64::from(u32::MAX))
}
