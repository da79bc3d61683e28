//! `sys/host-info`, `sys/loggers`, `sys/in-flight-req` and `sys/config/state/sanitized`: the process and its machine.

use serde_json::Value;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, Operation, Reply, Route, input, rfc3339,
};

use super::Sys;
use crate::host::{LogLevel, MachineFacts, UnknownLogger};

input! {
    /// Body of `loggers`.
    pub(crate) struct LevelInput {
        /// `trace`, `debug`, `info`, `warn` or `error`.
        level: Option<String>,
    }
}

input! {
    /// Only the name.
    pub(crate) struct LoggerInput {
        /// The logger's name.
        name: String,
    }
}

input! {
    /// Body of `loggers/{name}`.
    pub(crate) struct LoggerLevelInput {
        /// The logger's name.
        name: String,
        /// `trace`, `debug`, `info`, `warn` or `error`.
        level: Option<String>,
    }
}

/// Vault asks for no `sudo` here. What a machine is made of is the operator's, not that of everybody
/// who may read `sys/*`.
pub(crate) const HOST_INFO: Route<Sys> = Route {
    pattern: "host-info",
    access: Access::Sudo,
    methods: &[Method::read(host_info)],
    exists: None,
    help: "Show the processors, memory, disks and system of the machine.",
};

pub(crate) const LOGGERS: Route<Sys> = Route {
    pattern: "loggers",
    access: Access::Token,
    methods: &[
        Method::read(levels),
        Method::update::<LevelInput>(set_all),
        Method::delete(revert_all),
    ],
    exists: None,
    help: "Show the levels of all loggers, change them until the server ends, or revert them.",
};

pub(crate) const LOGGER: Route<Sys> = Route {
    pattern: "loggers/{name}",
    access: Access::Token,
    methods: &[
        Method::with::<LoggerInput>(Operation::Read, level),
        Method::update::<LoggerLevelInput>(set),
        Method::with::<LoggerInput>(Operation::Delete, revert),
    ],
    exists: None,
    help: "Show the level of a logger, change it until the server ends, or revert it.",
};

pub(crate) const CONFIGURATION: Route<Sys> = Route {
    pattern: "config/state/sanitized",
    access: Access::Token,
    methods: &[Method::read(configuration)],
    exists: None,
    help: "Show the configuration that the server runs with, without anything secret.",
};

/// Vault asks for no `sudo` here either. What others are doing is no business of theirs.
pub(crate) const IN_FLIGHT: Route<Sys> = Route {
    pattern: "in-flight-req",
    access: Access::Sudo,
    methods: &[Method::read(in_flight).document()],
    exists: None,
    help: "Show the requests that have begun and not ended: where from, what path, since when.",
};

fn in_flight<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let shown = sys.core()?.in_flight.shown();
        Ok(Reply::raw_json(200, &Value::Object(shown)))
    })
}

fn host_info<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let core = sys.core()?;
        let facts = core.host.get().map(|host| host.machine.facts());
        let MachineFacts { mut parts, faults } = facts.unwrap_or_default();
        parts.insert("timestamp".to_owned(), rfc3339(core.now()).into());
        let mut reply = Reply::data(parts);
        reply.warnings = faults;
        Ok(reply)
    })
}

fn shown(levels: impl Iterator<Item = (&'static str, LogLevel)>) -> Reply {
    let named = levels.map(|(name, level)| (name.to_owned(), Value::from(level.name())));
    Reply::data(named.collect::<Data>())
}

fn levels<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let core = sys.core()?;
        let levels = core.host.get().map(|host| host.loggers.levels());
        Ok(shown(levels.unwrap_or_default().into_iter()))
    })
}

/// As in Vault, a logger that there is not has no level.
fn level<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoggerInput = call.input()?;
        let core = sys.core()?;
        let levels = core.host.get().map(|host| host.loggers.levels());
        let levels = levels.unwrap_or_default().into_iter();
        Ok(shown(levels.filter(|(name, _)| *name == input.name)))
    })
}

fn set_all<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LevelInput = call.input()?;
        change(sys, None, Some(parse(input.level)?))
    })
}

fn set<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoggerLevelInput = call.input()?;
        change(sys, Some(&input.name), Some(parse(input.level)?))
    })
}

fn revert_all<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { change(sys, None, None) })
}

fn revert<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoggerInput = call.input()?;
        change(sys, Some(&input.name), None)
    })
}

fn parse(level: Option<String>) -> Result<LogLevel, Error> {
    let level = level.filter(|level| !level.is_empty());
    let text = level.ok_or_else(|| Error::invalid("level is required"))?;
    LogLevel::parse(&text).ok_or_else(|| {
        Error::invalid(
            "invalid level provided: expected `trace`, `debug`, `info`, `warn` or `error`",
        )
        .with_reason("log_level_unknown")
    })
}

/// Changes the level of a logger, or of all; without a level it is reverted.
fn change(sys: &Sys, logger: Option<&str>, level: Option<LogLevel>) -> Result<Reply, Error> {
    let core = sys.core()?;
    let changed = match (core.host.get(), level) {
        (Some(host), Some(level)) => host.loggers.set(logger, level),
        (Some(host), None) => host.loggers.revert(logger),
        (None, _) if logger.is_some() => Err(UnknownLogger),
        (None, _) => Ok(()),
    };
    changed.map_err(|UnknownLogger| {
        let name = logger.unwrap_or_default();
        Error::invalid(format!("logger {name:?} not found")).with_reason("logger_unknown")
    })?;
    let level = level.map(LogLevel::name);
    tracing::info!(logger, level, "the level of a logger was changed");
    Ok(Reply::empty())
}

fn configuration<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let core = sys.core()?;
        let configuration = core.host.get().map(|host| host.configuration.clone());
        Ok(Reply::data(configuration.unwrap_or_default()))
    })
}
