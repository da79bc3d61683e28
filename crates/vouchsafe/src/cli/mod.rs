//! The command line: Vault's verbs, flags, output and exit codes (vault-core.md §18).
//!
//! One file per command, each with its arguments and its `run`. A command builds requests, hands
//! them to the [`Context`] and prints the answers; it neither reads the environment nor ends the
//! process.
//!
//! Invariants:
//! - Only [`Environment::of_process`] reads the environment.
//! - Standard output carries answers alone; warnings, failures and hints go to standard error.
//! - A token is printed only where the user asked for it.

mod arguments;
mod audit;
mod auth;
mod completion;
mod connection;
mod console;
mod context;
mod data;
mod delete;
mod duration;
mod environment;
mod failure;
mod flags;
mod gotext;
mod hint;
mod jwt;
mod kv;
mod lease;
mod list;
mod listing;
mod login;
mod login_method;
mod mount;
mod oidc;
mod operator;
mod patch;
mod path_help;
mod policy;
mod preview;
mod print;
mod program;
mod publish;
mod pvault;
mod read;
mod render;
mod root_paths;
mod secrets;
mod status;
mod sync;
mod table;
mod token;
mod token_helper;
mod unwrap;
mod version;
mod write;
mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use arguments::nearest;
pub(crate) use console::{Console, read_text};
pub(crate) use environment::Environment;

use arguments::Normal;
use context::Context;
use failure::{Exit, Failure, Stop};
use program::Program;

/// Workload identity in one binary: issue, accept, publish.
#[derive(Parser)]
#[command(
    name = "vouchsafe",
    disable_help_subcommand = true,
    args_override_self = true,
    after_help = "Example:\n  vouchsafe server -dev -dev-root-token-id=root\n  \
                  VOUCHSAFE_ADDR=http://127.0.0.1:8200 vouchsafe login root\n  \
                  vouchsafe read identity/oidc/config"
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Read(read::Args),
    Write(write::Args),
    Patch(patch::Args),
    List(list::Args),
    Delete(delete::Args),
    Login(login::Args),
    Unwrap(unwrap::Args),
    Status(status::Args),
    Token(token::Args),
    Policy(policy::Args),
    Auth(auth::Args),
    Secrets(secrets::Args),
    Jwt(jwt::Args),
    Kv(kv::Args),
    Lease(lease::Args),
    Audit(audit::Args),
    Operator(operator::Args),
    PathHelp(path_help::Args),
    Print(print::Args),
    Pvault(pvault::Args),
    Completion(completion::Args),
    Publish(publish::Args),
    Sync(sync::Args),
    Version(version::Args),
    /// Start a server
    #[command(
        after_help = "Example:\n  vouchsafe server -dev -dev-root-token-id=root\n  \
                            vouchsafe server -config=/etc/vouchsafe.d"
    )]
    Server(crate::serve::Args),
    /// Take a guided tour with a server of its own
    #[command(after_help = "Example:\n  vouchsafe demo")]
    Demo(crate::demo::Args),
}

/// Runs the program and returns the exit code of the process.
pub(crate) fn main(
    arguments: Vec<OsString>,
    environment: Environment,
    console: Console,
) -> ExitCode {
    let program = Program::called_as(arguments.first().map(OsString::as_os_str));
    let mut context = Context::new(program, environment, console);
    let exit = match run(&arguments, &mut context) {
        Ok(exit) => exit,
        Err(Stop::Described(text)) => {
            context.console.line(&text);
            Exit::Success
        }
        Err(Stop::Failed(failure)) => report(&failure, &mut context),
    };
    ExitCode::from(exit as u8)
}

fn run(arguments: &[OsString], context: &mut Context) -> Result<Exit, Stop> {
    let words: Vec<String> = arguments
        .iter()
        .skip(1)
        .map(|word| {
            word.clone()
                .into_string()
                .map_err(|word| Failure::usage(format!("argument {word:?} is not UTF-8")))
        })
        .collect::<Result<_, _>>()?;
    // Its flags stand before its commands, so that it reads its words itself.
    match (context.program, words.first().map(String::as_str)) {
        (Program::Pvault, _) => return pvault::main(&words, context),
        (_, Some("pvault")) => return pvault::main(words.get(1..).unwrap_or_default(), context),
        _ => {}
    }
    let mut root = CommandLine::command();
    // Flags may repeat and the last one wins, as in Vault.
    root = root.args_override_self(true);
    if let [only] = &words[..] {
        match only.trim_start_matches('-') {
            "autocomplete-install" => return completion::install(context),
            "autocomplete-uninstall" => return completion::uninstall(context),
            _ => {}
        }
    }
    match arguments::normalize(&root, &words)? {
        Normal::Help(path) => {
            let text = help(&mut root, &path, context.program);
            context.console.line(text.trim_end());
            Ok(Exit::Success)
        }
        Normal::Group { path, unknown } => group(&mut root, &path, unknown, context),
        Normal::Words(words) => dispatch(parse(root, words)?, context),
    }
}

fn dispatch(command: Command, context: &mut Context) -> Result<Exit, Stop> {
    match command {
        Command::Read(args) => read::run(args, context),
        Command::Write(args) => write::run(args, context),
        Command::Patch(args) => patch::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Delete(args) => delete::run(args, context),
        Command::Login(args) => login::run(args, context),
        Command::Unwrap(args) => unwrap::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Token(args) => token::run(args, context),
        Command::Policy(args) => policy::run(args, context),
        Command::Auth(args) => auth::run(args, context),
        Command::Secrets(args) => secrets::run(args, context),
        Command::Jwt(args) => jwt::run(args, context),
        Command::Kv(args) => kv::run(args, context),
        Command::Lease(args) => lease::run(args, context),
        Command::Audit(args) => audit::run(args, context),
        Command::Operator(args) => operator::run(args, context),
        Command::PathHelp(args) => path_help::run(args, context),
        Command::Print(args) => print::run(args, context),
        Command::Pvault(args) => pvault::main(&args.words, context),
        Command::Completion(args) => completion::run(args, CommandLine::command(), context),
        Command::Publish(args) => publish::run(args, context),
        Command::Sync(args) => sync::run(args, context),
        Command::Version(args) => version::run(args, context),
        Command::Server(args) => finish(crate::serve::run(args)),
        Command::Demo(args) => finish(crate::demo::run(args)),
    }
}

fn finish(result: anyhow::Result<()>) -> Result<Exit, Stop> {
    match result {
        Ok(()) => Ok(Exit::Success),
        Err(error) => Err(Failure::Usage {
            message: format!("error: {error:#}"),
            hint: hint_for_start(&error),
        }
        .into()),
    }
}

fn hint_for_start(error: &anyhow::Error) -> Option<String> {
    let in_use = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::AddrInUse;
    let hint = "another program listens there; choose another address with `-dev-listen-address`";
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(in_use)
        .then(|| hint.to_owned())
}

fn parse(root: clap::Command, words: Vec<String>) -> Result<Command, Stop> {
    let words = std::iter::once("vouchsafe".to_owned()).chain(words);
    let parsed = root
        .try_get_matches_from(words)
        .and_then(|mut matches| CommandLine::from_arg_matches_mut(&mut matches));
    parsed
        .map(|line| line.command)
        .map_err(|error| usage_failure(&error).into())
}

// The parser's errors in the words of Vault's flags.
fn usage_failure(error: &clap::Error) -> Failure {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let name_of = |kind| text(kind).map(|flag| flag.trim_start_matches('-').to_owned());
    let argument = name_of(ContextKind::InvalidArg).unwrap_or_default();
    let is_flag = matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(text)) if text.starts_with('-'));
    let name = argument.split([' ', '=']).next().unwrap_or_default();
    let suggestion =
        name_of(ContextKind::SuggestedArg).map(|flag| format!("did you mean `-{flag}`?"));
    let cause = || {
        std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let message = match error.kind() {
        ErrorKind::UnknownArgument if is_flag => format!("flag provided but not defined: -{name}"),
        ErrorKind::UnknownArgument => format!("Too many arguments (unexpected `{argument}`)"),
        ErrorKind::ValueValidation => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            format!("invalid value \"{value}\" for flag -{name}: {}", cause())
        }
        _ => error
            .render()
            .to_string()
            .trim_start_matches("error: ")
            .trim_end()
            .to_owned(),
    };
    Failure::Usage {
        message,
        hint: suggestion,
    }
}

fn report(failure: &Failure, context: &mut Context) -> Exit {
    context.console.error_line(&failure.to_string());
    let situation = context.situation(failure);
    for hint in failure.hints(&situation) {
        context.console.error_line(&format!("hint: {hint}"));
    }
    failure.exit()
}

fn help(root: &mut clap::Command, path: &[String], program: Program) -> String {
    root.build();
    let command = path
        .iter()
        .try_fold(&*root, |command, name| command.find_subcommand(name));
    let mut command = command.unwrap_or(root).clone();
    program.speak(&command.render_help().to_string())
}

fn group(
    root: &mut clap::Command,
    path: &[String],
    unknown: Option<String>,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let Some(unknown) = unknown else {
        let text = help(root, path, context.program);
        context.console.error_line(text.trim_end());
        return Ok(if path.is_empty() {
            Exit::UnknownCommand
        } else {
            Exit::Local
        });
    };
    let group = path
        .iter()
        .try_fold(&*root, |command, name| command.find_subcommand(name));
    let names = group.into_iter().flat_map(clap::Command::get_subcommands);
    let nearest = arguments::nearest(&unknown, names.map(clap::Command::get_name));
    let full = |name: &str| [path, &[name.to_owned()]].concat().join(" ");
    let failure = Failure::UnknownCommand {
        typed: full(&unknown),
        nearest: nearest.map(full),
        group: path.join(" "),
    };
    Err(failure.into())
}

/// The path that a command is about, and the words after it.
fn path_and_words(words: &[String]) -> Result<(&str, &[String]), Failure> {
    match words.split_first() {
        Some((path, rest)) => Ok((path, rest)),
        None => Err(Failure::usage("Not enough arguments (expected 1, got 0)")),
    }
}

/// Checks how many words a command was given besides flags.
fn expect_words(words: &[String], min: usize, max: usize) -> Result<(), Failure> {
    let expected = if min == max {
        min.to_string()
    } else {
        format!("{min}-{max}")
    };
    let count = words.len();
    if count < min {
        let text = format!("Not enough arguments (expected {expected}, got {count})");
        return Err(Failure::usage(text));
    }
    if count > max {
        return Err(Failure::usage(format!(
            "Too many arguments (expected {expected}, got {count})"
        )));
    }
    Ok(())
}

/// A mount's path with exactly one slash at its end.
fn with_final_slash(path: &str) -> String {
    format!("{}/", path.trim_matches('/'))
}
