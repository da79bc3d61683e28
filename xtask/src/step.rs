//! One named, timed part of a chore, with the hint that is shown when it fails.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How a step that did not fail ended.
pub(crate) enum Outcome {
    Passed,
    /// It could not run here; the text says what is missing and how to get it.
    Skipped(String),
}

/// Runs one step and prints its name, its time and, when it fails, what to do.
///
/// # Errors
/// The step's own, under its name.
pub(crate) fn step(name: &str, hint: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<()> {
    println!("==> {name}");
    let (result, took) = timed(work);
    let seconds = took.as_secs_f64();
    match result {
        Ok(Outcome::Passed) => println!("    {name}: passed, {seconds:.1} s"),
        Ok(Outcome::Skipped(why)) => println!("    {name}: skipped, {why}"),
        Err(error) => {
            eprintln!("    {name}: failed, {seconds:.1} s\nhint: {hint}");
            return Err(error).with_context(|| format!("step `{name}`"));
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stopwatch for the reader of the output; nothing is decided by it"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}
