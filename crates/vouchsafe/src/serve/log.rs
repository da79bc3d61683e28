//! The server's log: on standard error, for people or as JSON, with levels that can be changed while it
//! runs (`sys/loggers`).

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;
use vouchsafe_core::host::{LogLevel, Loggers, UnknownLogger};

use crate::config::LogFormat;

/// The parts of the program that log, and the beginning of what their entries are marked with. `core`
/// is all of the core, of which others are parts: the more precise one decides.
const LOGGERS: &[(&str, &str)] = &[
    ("audit", "vouchsafe_core::audit"),
    ("auth", "vouchsafe_backends::auth"),
    ("background", "vouchsafe::background"),
    ("core", "vouchsafe_core"),
    ("iam", "vouchsafe_core::iam"),
    ("identity", "vouchsafe_backends::secrets::identity"),
    ("mounts", "vouchsafe_core::mount"),
    ("process", "vouchsafe::serve"),
    ("publish", "vouchsafe_backends::publish"),
    ("seals", "vouchsafe_core::seal"),
    ("server", "vouchsafe_server"),
];

/// Logs for people, `info` and above unless the environment says otherwise.
pub(crate) fn start_log() -> Arc<Log> {
    start(LogLevel::default(), LogFormat::default())
}

/// Logs as configured. `VOUCHSAFE_LOG` in the environment wins over the level.
pub(super) fn start(level: LogLevel, format: LogFormat) -> Arc<Log> {
    let filter = EnvFilter::builder()
        .with_env_var("VOUCHSAFE_LOG")
        .try_from_env()
        .unwrap_or_else(|_| EnvFilter::new(level.name()));
    let at_start = filter.to_string();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first log; changes of the second are no changes.
    let apply: Box<dyn Fn(EnvFilter) + Send + Sync> = match format {
        LogFormat::Standard => {
            let log = log
                .with_ansi(std::io::stderr().is_terminal())
                .with_filter_reloading();
            let handle = log.reload_handle();
            drop(log.try_init());
            Box::new(move |filter| drop(handle.reload(filter)))
        }
        LogFormat::Json => {
            let log = log.json().with_filter_reloading();
            let handle = log.reload_handle();
            drop(log.try_init());
            Box::new(move |filter| drop(handle.reload(filter)))
        }
    };
    Arc::new(Log {
        at_start,
        changed: Mutex::default(),
        apply,
    })
}

/// The running log.
pub(crate) struct Log {
    /// The filter that the process was started with.
    at_start: String,
    /// What was changed since.
    changed: Mutex<BTreeMap<&'static str, LogLevel>>,
    apply: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl Log {
    /// The loggers of that name; all without one.
    fn named(logger: Option<&str>) -> Result<Vec<&'static str>, UnknownLogger> {
        let names = LOGGERS.iter().map(|(name, _)| *name);
        let named: Vec<_> = names
            .filter(|name| logger.is_none_or(|logger| logger == *name))
            .collect();
        if named.is_empty() {
            return Err(UnknownLogger);
        }
        Ok(named)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<&'static str, LogLevel>)) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut changed);
        (self.apply)(EnvFilter::new(self.filter(&changed)));
    }

    /// The filter's text: later parts win over earlier ones for the same target.
    fn filter(&self, changed: &BTreeMap<&'static str, LogLevel>) -> String {
        let mut filter = self.at_start.clone();
        for (name, target) in LOGGERS {
            if let Some(level) = changed.get(name) {
                filter.push_str(&format!(",{target}={}", level.name()));
            }
        }
        filter
    }
}

impl Loggers for Log {
    fn levels(&self) -> Vec<(&'static str, LogLevel)> {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        // A filter of the environment may also look at spans and fields, which have no level of their
        // own: of those only the rest is shown.
        let filter = self.filter(&changed);
        let simple = filter.split(',').filter(|part| !part.contains(['[', '{']));
        let targets: Targets = simple
            .collect::<Vec<_>>()
            .join(",")
            .parse()
            .unwrap_or_default();
        let level = |target: &str| {
            let enabled = |level| targets.would_enable(target, &level);
            match () {
                () if enabled(Level::TRACE) => LogLevel::Trace,
                () if enabled(Level::DEBUG) => LogLevel::Debug,
                () if enabled(Level::INFO) => LogLevel::Info,
                () if enabled(Level::WARN) => LogLevel::Warn,
                () => LogLevel::Error,
            }
        };
        LOGGERS
            .iter()
            .map(|(name, target)| (*name, level(target)))
            .collect()
    }

    fn set(&self, logger: Option<&str>, level: LogLevel) -> Result<(), UnknownLogger> {
        let names = Self::named(logger)?;
        self.change(|changed| changed.extend(names.into_iter().map(|name| (name, level))));
        Ok(())
    }

    fn revert(&self, logger: Option<&str>) -> Result<(), UnknownLogger> {
        let names = Self::named(logger)?;
        self.change(|changed| changed.retain(|name, _| !names.contains(name)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(at_start: &str) -> (Log, Arc<Mutex<String>>) {
        let applied = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&applied);
        let log = Log {
            at_start: EnvFilter::new(at_start).to_string(),
            changed: Mutex::default(),
            apply: Box::new(move |filter| *seen.lock().unwrap() = filter.to_string()),
        };
        (log, applied)
    }

    #[track_caller]
    fn check(log: &Log, logger: &str, level: LogLevel) {
        let levels = log.levels();
        let (_, found) = levels.iter().find(|(name, _)| *name == logger).unwrap();
        assert_eq!(*found, level, "{logger}");
    }

    #[test]
    fn one_logger_changes_and_comes_back() {
        let (log, applied) = log("info");
        check(&log, "core", LogLevel::Info);
        log.set(Some("core"), LogLevel::Debug).unwrap();
        assert!(applied.lock().unwrap().contains("vouchsafe_core=debug"));
        check(&log, "core", LogLevel::Debug);
        // What is a part of it follows, unless it was set itself.
        check(&log, "audit", LogLevel::Debug);
        log.set(Some("audit"), LogLevel::Error).unwrap();
        check(&log, "audit", LogLevel::Error);
        check(&log, "server", LogLevel::Info);
        log.revert(Some("core")).unwrap();
        check(&log, "core", LogLevel::Info);
        check(&log, "audit", LogLevel::Error);
        log.revert(None).unwrap();
        assert_eq!(*applied.lock().unwrap(), "info");
    }

    #[test]
    fn all_loggers_change_and_libraries_do_not() {
        let (log, applied) = log("warn");
        log.set(None, LogLevel::Trace).unwrap();
        for (name, _) in LOGGERS {
            check(&log, name, LogLevel::Trace);
        }
        let applied = applied.lock().unwrap().clone();
        for part in applied.split(',') {
            assert!(part == "warn" || part.starts_with("vouchsafe"), "{part}");
        }
    }

    #[test]
    fn the_environments_filter_is_what_is_come_back_to() {
        let (log, _) = log("error,vouchsafe_server=debug,[request]=trace");
        check(&log, "server", LogLevel::Debug);
        check(&log, "core", LogLevel::Error);
        log.set(Some("server"), LogLevel::Warn).unwrap();
        check(&log, "server", LogLevel::Warn);
        log.revert(Some("server")).unwrap();
        check(&log, "server", LogLevel::Debug);
    }

    #[test]
    fn a_logger_that_there_is_not_changes_nothing() {
        let (log, applied) = log("info");
        assert_eq!(log.set(Some("hyper"), LogLevel::Trace), Err(UnknownLogger));
        assert_eq!(log.revert(Some("")), Err(UnknownLogger));
        assert!(applied.lock().unwrap().is_empty());
    }
}
