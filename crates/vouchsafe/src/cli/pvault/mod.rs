//! `pvault`: Piiano Vault's command line, as far as it is about the version and IAM.
//!
//! Its flags stand before or behind its commands and have two dashes; it has variables of its own
//! (`PVAULT_ADDR`, `PVAULT_AUTH_TOKEN`). A refusal is one line on standard error and exit status 1.

mod iam;
mod show;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::Value;
use vouchsafe_api::{Address, Client, Config, Method, Request, Response, ServerVerification};

use super::console::Console;
use super::context::Context;
use super::environment::Environment;
use super::failure::{Exit, Failure, Stop};

/// The address when nobody says another: that of Piiano Vault.
const ADDRESS_DEFAULT: &str = "http://localhost:8123";
/// Below what the API's paths stand.
const PREFIX: &str = "api/pvlt/1.0";

/// Piiano Vault's commands for the version and IAM
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe pvault [options] COMMAND",
    after_help = "Example:\n  vouchsafe pvault --addr http://127.0.0.1:8200 --authtoken \"$JWT\" version"
)]
pub(crate) struct Args {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) words: Vec<String>,
}

/// Piiano Vault's commands for the version and IAM
#[derive(Parser)]
#[command(
    name = "pvault",
    disable_help_subcommand = true,
    args_override_self = true,
    after_help = "The token is an API key, a JWT of an identity provider of the IAM file, or a root token.\n\n\
                  Example:\n  vouchsafe pvault --authtoken \"$JWT\" version"
)]
struct Line {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args)]
struct Flags {
    /// Address of the server (PVAULT_ADDR) [default: http://localhost:8123]
    #[arg(long, global = true, value_name = "URL")]
    addr: Option<String>,
    /// API key or JWT (PVAULT_AUTH_TOKEN); there is no default one
    #[arg(long, global = true, value_name = "TOKEN")]
    authtoken: Option<String>,
    /// Print JSON
    #[arg(long, short = 'j', global = true)]
    json: bool,
    /// Do not verify the server's certificate
    #[arg(long, short = 'k', global = true)]
    insecure: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Print the versions of server and command line
    #[command(after_help = "Example:\n  vouchsafe pvault --authtoken \"$JWT\" version")]
    Version,
    /// Read and apply the IAM file, and make API keys
    #[command(
        subcommand,
        after_help = "Example:\n  vouchsafe pvault iam apply --conf=@iam.toml"
    )]
    Iam(iam::Command),
}

/// Runs a command of this command line.
pub(super) fn main(words: &[String], context: &mut Context) -> Result<Exit, Stop> {
    let words = std::iter::once("pvault").chain(words.iter().map(String::as_str));
    let parsed = Line::command()
        .try_get_matches_from(words)
        .and_then(|mut matches| Line::from_arg_matches_mut(&mut matches));
    let line = match parsed {
        Ok(line) => line,
        Err(error) => {
            let text = context.program.speak(&error.render().to_string());
            return if error.use_stderr() {
                Err(Failure::usage(text.trim_end().to_owned()).into())
            } else {
                Err(Stop::Described(text.trim_end().to_owned()))
            };
        }
    };
    let server = Server::open(&line.flags, &context.environment)?;
    match line.command {
        Command::Version => version(&server, context),
        Command::Iam(command) => iam::run(command, &server, context),
    }
}

fn version(server: &Server, context: &mut Context) -> Result<Exit, Stop> {
    let mut answer = server.json(&server.get("system/info/version")?)?;
    answer["cli_version"] = concat!("v", env!("CARGO_PKG_VERSION")).into();
    let columns = [
        "vault_id",
        "vault_version",
        "cli_version",
        "db_schema_version",
    ];
    server.print(&mut context.console, &answer, &columns);
    Ok(Exit::Success)
}

/// A server, and how its answers are printed.
struct Server {
    client: Client,
    runtime: tokio::runtime::Runtime,
    json: bool,
}

impl Server {
    fn open(flags: &Flags, environment: &Environment) -> Result<Self, Failure> {
        let given = |flag: &Option<String>, variable| {
            flag.clone()
                .or_else(|| environment.variable(variable).map(str::to_owned))
        };
        let address = given(&flags.addr, "PVAULT_ADDR");
        let address = Address::parse(address.as_deref().unwrap_or(ADDRESS_DEFAULT));
        let mut config = Config::new(address.map_err(|error| Failure::local(error.to_string()))?);
        let token = given(&flags.authtoken, "PVAULT_AUTH_TOKEN").ok_or_else(|| {
            Failure::usage("there is no token; use --authtoken or PVAULT_AUTH_TOKEN (no key is known by default)")
        })?;
        config
            .headers
            .push(("Authorization".to_owned(), format!("Bearer {token}")));
        if flags.insecure {
            config.tls.verification = ServerVerification::Skipped;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::local(format!("no runtime: {error}")))?;
        let client = Client::new(config).map_err(|error| Failure::local(error.to_string()))?;
        Ok(Self {
            client,
            runtime,
            json: flags.json,
        })
    }

    fn get(&self, path: &str) -> Result<Request, Stop> {
        Ok(Request::read(path)?.with_prefix(PREFIX))
    }

    fn post(&self, path: &str) -> Result<Request, Stop> {
        Ok(Request::new(Method::Post, path)?.with_prefix(PREFIX))
    }

    /// The answer, which must be a success.
    fn send(&self, request: &Request) -> Result<Response, Failure> {
        let answer = self.runtime.block_on(self.client.send(request));
        let answer = answer.map_err(|error| Failure::local(error.to_string()))?;
        if answer.status() < 400 {
            return Ok(answer);
        }
        Err(Failure::local(show::refusal(
            answer.status(),
            answer.body(),
        )))
    }

    fn json(&self, request: &Request) -> Result<Value, Failure> {
        let answer = self.send(request)?;
        serde_json::from_slice(answer.body())
            .map_err(|_| Failure::local("the server's answer is not JSON; is it a vault?"))
    }

    fn text(&self, request: &Request) -> Result<String, Failure> {
        let answer = self.send(request)?;
        String::from_utf8(answer.body().to_vec())
            .map_err(|_| Failure::local("the server's answer is not UTF-8"))
    }

    fn print(&self, console: &mut Console, answer: &Value, columns: &[&str]) {
        if self.json {
            console.line(&super::render::json(answer));
        } else {
            console.line(&show::table(answer, columns));
        }
    }
}
