//! The server's log: on standard error, for people or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogLevel};

/// Logs for people, `info` and above unless the environment says otherwise.
pub(crate) fn start_log() {
    start(LogLevel::default(), LogFormat::default());
}

/// Logs as configured. `VOUCHSAFE_LOG` in the environment wins over the level.
pub(super) fn start(level: LogLevel, format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_env_var("VOUCHSAFE_LOG")
        .try_from_env()
        .unwrap_or_else(|_| EnvFilter::new(level.name()));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Standard => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    // A second start in one process (tests) keeps the first log.
    drop(started);
}
