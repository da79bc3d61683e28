//! How a command ends other than well: what is printed, the exit code, and hints.
//!
//! Hints belong to the kind of failure, not to the command that met it, so that every command gives
//! the same advice (`hint.rs`). Exit codes are Vault's (vault-core.md §18): 1 for what was wrong
//! here, 2 for what the server refused or did not hold, 127 for a command that does not exist.

use std::fmt;

use vouchsafe_api::{ClientError, PathError, Request};

/// The exit codes of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Success = 0,
    /// The command line, a file or the terminal is at fault.
    Local = 1,
    /// The server refused, is sealed, or holds nothing there.
    Server = 2,
    /// There is no such command.
    UnknownCommand = 127,
}

/// Why a command ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The request was to be described, not sent: this is the description.
    Described(String),
    /// The command failed.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<PathError> for Stop {
    fn from(error: PathError) -> Self {
        Self::Failed(Failure::usage(error.to_string()))
    }
}

/// A command that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The words `key=value` that a command was given do not read.
    Data {
        /// What is wrong.
        message: String,
        /// Whether the words look like the rest of a shell comment.
        looks_like_comment: bool,
    },
    /// The wish `-field` names something that the answer does not hold.
    FieldAbsent {
        /// The field's name.
        field: String,
        /// The fields that are there.
        present: Vec<String>,
    },
    /// Something on this machine is at fault.
    Local(String),
    /// Standard input was needed for a question and is no terminal.
    NotATerminal {
        /// What was to be asked.
        question: String,
    },
    /// The server holds nothing at a path.
    NothingAt(String),
    /// A request failed.
    Request(Box<RequestFailure>),
    /// Something that the server answered ends the command.
    Server {
        /// What is wrong.
        message: String,
        /// The command, without the program's name, that lists what there is instead.
        listing: Option<&'static str>,
    },
    /// The command does not exist.
    UnknownCommand {
        /// What was typed.
        typed: String,
        /// The nearest that exists.
        nearest: Option<String>,
        /// The group of commands that it was looked for in; empty for none. Vault counts a word
        /// that no command of a group has as a usage error.
        group: String,
    },
    /// The command line is at fault.
    Usage {
        /// What is wrong.
        message: String,
        /// What may have been meant.
        hint: Option<String>,
    },
}

/// A request that failed, and what it was for.
#[derive(Debug)]
pub(crate) struct RequestFailure {
    /// What the command was doing, such as `Error reading x`.
    pub(crate) doing: String,
    /// The request; `None` when there was no client to send one.
    pub(crate) request: Option<Request>,
    /// What happened.
    pub(crate) source: ClientError,
    /// The exit code: `status` counts every failure as 1.
    pub(crate) exit: Exit,
}

impl Failure {
    /// A fault of the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: None,
        }
    }

    /// A fault of this machine.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::Local(message.into())
    }

    /// A fault that counts as the server's.
    pub(crate) fn server_side(message: impl Into<String>) -> Self {
        Self::Server {
            message: message.into(),
            listing: None,
        }
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Data { .. } | Self::FieldAbsent { .. } | Self::Local(_) | Self::Usage { .. } => {
                Exit::Local
            }
            Self::NotATerminal { .. } | Self::NothingAt(_) | Self::Server { .. } => Exit::Server,
            Self::Request(failure) => failure.exit,
            Self::UnknownCommand { group, .. } if group.is_empty() => Exit::UnknownCommand,
            Self::UnknownCommand { .. } => Exit::Local,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data { message, .. } => {
                write!(formatter, "Failed to parse K=V data: {message}")
            }
            Self::FieldAbsent { field, .. } => {
                write!(formatter, "Field \"{field}\" not present in secret")
            }
            Self::Local(message) | Self::Server { message, .. } | Self::Usage { message, .. } => {
                formatter.write_str(message)
            }
            Self::NotATerminal { question } => {
                write!(
                    formatter,
                    "{question} cannot be asked for: standard input is no terminal"
                )
            }
            Self::NothingAt(path) => write!(formatter, "No value found at {path}"),
            Self::Request(failure) => write!(formatter, "{}: {}", failure.doing, failure.source),
            Self::UnknownCommand { typed, .. } => {
                write!(formatter, "`{typed}` is not a command")
            }
        }
    }
}
