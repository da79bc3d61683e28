//! A process and a machine that are not there: two loggers, and a machine whose disks can't be read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use vouchsafe_core::host::{Host, LogLevel, Loggers, Machine, MachineFacts, UnknownLogger};
use vouchsafe_logical::Data;

/// A process of its own.
pub(super) fn host() -> Host {
    Host {
        loggers: Arc::new(FakeLoggers::default()),
        machine: Arc::new(FakeMachine),
        configuration: Data::from_iter([("log_level".to_owned(), "info".into())]),
    }
}

const NAMES: [&str; 2] = ["audit", "core"];

/// A log of two loggers.
#[derive(Default)]
struct FakeLoggers(Mutex<BTreeMap<&'static str, LogLevel>>);

impl FakeLoggers {
    fn named(logger: Option<&str>) -> Result<Vec<&'static str>, UnknownLogger> {
        let fits = |name: &&str| logger.is_none_or(|logger| logger == *name);
        let named: Vec<_> = NAMES.into_iter().filter(fits).collect();
        if named.is_empty() {
            return Err(UnknownLogger);
        }
        Ok(named)
    }
}

impl Loggers for FakeLoggers {
    fn levels(&self) -> Vec<(&'static str, LogLevel)> {
        let changed = self.0.lock().expect("not poisoned");
        let level = |name| changed.get(name).copied().unwrap_or_default();
        NAMES.map(|name| (name, level(name))).to_vec()
    }

    fn set(&self, logger: Option<&str>, level: LogLevel) -> Result<(), UnknownLogger> {
        let named = Self::named(logger)?.into_iter().map(|name| (name, level));
        self.0.lock().expect("not poisoned").extend(named);
        Ok(())
    }

    fn revert(&self, logger: Option<&str>) -> Result<(), UnknownLogger> {
        for name in Self::named(logger)? {
            self.0.lock().expect("not poisoned").remove(name);
        }
        Ok(())
    }
}

/// A machine of which the disks can't be read.
struct FakeMachine;

impl Machine for FakeMachine {
    fn facts(&self) -> MachineFacts {
        let parts = Data::from_iter([("host".to_owned(), json!({ "hostname": "here" }))]);
        let faults = vec!["`disk` can't be read: no".to_owned()];
        MachineFacts { parts, faults }
    }
}
