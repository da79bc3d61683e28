//! The process and its machine, as `sys/loggers`, `sys/host-info` and `sys/config/state/sanitized` show
//! them. The composition root knows them; the core only asks.

use std::fmt;
use std::sync::Arc;

use vouchsafe_logical::Data;

/// How much a logger says: what stands at this level or above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Each step.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happens in a day.
    #[default]
    Info,
    /// What somebody should look at.
    Warn,
    /// What has failed.
    Error,
}

impl LogLevel {
    /// The level that a text names, in Vault's spellings. `notice` is `info`, as there is nothing in
    /// between.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim().to_ascii_lowercase().as_str() {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "info" | "notice" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "err" => Self::Error,
            _ => return None,
        })
    }

    /// The name that it is shown by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// There is no logger of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLogger;

impl fmt::Display for UnknownLogger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no such logger")
    }
}

impl std::error::Error for UnknownLogger {}

/// The parts of the log. Their levels are this process's own, and end with it.
///
/// Only parts of this program are loggers: what libraries log at `trace` is not ours to vouch for,
/// and no request should be able to switch it on.
pub trait Loggers: Send + Sync {
    /// All of them with their levels, by name.
    fn levels(&self) -> Vec<(&'static str, LogLevel)>;

    /// Changes the level of one, or of all.
    ///
    /// # Errors
    /// [`UnknownLogger`].
    fn set(&self, logger: Option<&str>, level: LogLevel) -> Result<(), UnknownLogger>;

    /// Brings the level of one, or of all, back to what the process was started with.
    ///
    /// # Errors
    /// [`UnknownLogger`].
    fn revert(&self, logger: Option<&str>) -> Result<(), UnknownLogger>;
}

/// What a machine tells of itself.
#[derive(Clone, Debug, Default)]
pub struct MachineFacts {
    /// The parts that could be read: `cpu`, `cpu_times`, `disk`, `host`, `memory`.
    pub parts: Data,
    /// A sentence for each part that could not.
    pub faults: Vec<String>,
}

/// The machine that the process runs on.
pub trait Machine: Send + Sync {
    /// What it is, and how it does at this moment. Takes some milliseconds at most.
    fn facts(&self) -> MachineFacts;
}

/// What the composition root knows.
#[derive(Clone)]
pub struct Host {
    /// The parts of the log.
    pub loggers: Arc<dyn Loggers>,
    /// The machine.
    pub machine: Arc<dyn Machine>,
    /// The configuration in force, without anything secret.
    pub configuration: Data,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_spellings_of_vault() {
        for (text, level) in [
            ("trace", LogLevel::Trace),
            (" Debug ", LogLevel::Debug),
            ("notice", LogLevel::Info),
            ("WARNING", LogLevel::Warn),
            ("err", LogLevel::Error),
        ] {
            assert_eq!(LogLevel::parse(text), Some(level), "{text}");
        }
        for text in ["", "off", "5", "info,trace", "vouchsafe=trace"] {
            assert_eq!(LogLevel::parse(text), None, "{text}");
        }
    }
}
