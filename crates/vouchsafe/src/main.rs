//! The `vouchsafe` program: the command line, and the composition root of the server behind it.
//!
//! This file reads what the process was given (arguments, environment, terminal) and hands it on;
//! nothing below it asks the process again.

mod background;
mod cli;
mod config;
mod demo;
mod embedded;
mod ports;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    let environment = cli::Environment::of_process();
    cli::main(arguments, environment, cli::Console::of_process())
}
