//! `jwt explain`: why a token logs in with a role, or does not.
//!
//! The server makes every check and says what it expected and what it found; this prints it. The
//! token that asks needs `update` on `auth/MOUNT/explain`.

use serde_json::{Value, json};
use vouchsafe_api::{Envelope, Request};

use super::printable;
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::table::Table;

/// The most characters of a cell; `-format=json` has all.
const CELL_CHARACTERS: usize = 48;

/// Explain why a JWT logs in with a role, or does not
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe jwt explain [options] -role=ROLE TOKEN",
    after_help = "The token `-` is read from standard input, `@file` from a file. Nobody is logged \
                  in.\nThe exit code is 0 if the token would log in, and 2 if not.\n\nExample:\n  \
                  vouchsafe jwt explain -role=ci - < token"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Role to log in with. Default: the mount's default role
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Path of the mount
    #[arg(long, value_name = "PATH", default_value = "auth/jwt")]
    path: String,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let jwt = super::token(&args.words[0], context)?;
    let mut body = json!({ "jwt": jwt });
    if let Some(role) = args.role {
        body["role"] = role.into();
    }
    let request = Request::write(&format!("{}/explain", super::mount(&args.path)), body)?;
    context.connect(&args.http)?;
    let answer = context
        .envelope(&request, "Error explaining the token")?
        .ok_or_else(|| Failure::server_side("the server explained nothing"))?;
    let explanation = Explanation::of(&answer);
    let document = answer.data.map_or(Value::Null, Value::Object);
    context.print_value(&document, format, || explanation.text());
    for hint in explanation.hints() {
        context.console.error_line(&format!("hint: {hint}"));
    }
    Ok(match explanation.passes {
        true => Exit::Success,
        false => Exit::Server,
    })
}

/// The answer of `explain`.
struct Explanation {
    checks: Vec<Check>,
    passes: bool,
    reason: String,
}

struct Check {
    name: String,
    verdict: String,
    expected: String,
    present: String,
    reason: String,
    hint: String,
}

impl Explanation {
    fn of(answer: &Envelope) -> Self {
        let text = |name: &str| answer.field(name).map(shown).unwrap_or_default();
        let checks = answer.field("checks").and_then(Value::as_array);
        Self {
            checks: checks.into_iter().flatten().map(Check::of).collect(),
            passes: text("verdict") == "pass",
            reason: text("reason"),
        }
    }

    fn text(&self) -> String {
        let mut table = Table::with_header(["Check", "Verdict", "Expected", "Present", "Reason"]);
        for check in &self.checks {
            table.row([
                check.name.clone(),
                check.verdict.clone(),
                cell(&check.expected),
                cell(&check.present),
                check.reason.clone(),
            ]);
        }
        let verdict = match (self.passes, &*self.reason) {
            (true, _) => "The token would log in.".to_owned(),
            (false, "") => "The token would not log in.".to_owned(),
            (false, reason) => format!("The token would not log in: {reason}."),
        };
        format!("{}\n\n{verdict}", table.render())
    }

    fn hints(&self) -> Vec<String> {
        let failed = self.checks.iter().filter(|check| check.verdict == "fail");
        failed
            .filter(|check| !check.hint.is_empty())
            .map(|check| format!("{}: {}", check.name, check.hint))
            .collect()
    }
}

impl Check {
    fn of(check: &Value) -> Self {
        let text = |name: &str| check.get(name).map(shown).unwrap_or_default();
        Self {
            name: text("check"),
            verdict: text("verdict"),
            expected: text("expected"),
            present: text("present"),
            reason: text("reason"),
            hint: text("hint"),
        }
    }
}

/// A value as text: strings as they are, lists with commas, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => printable(&other.to_string()),
    }
}

/// A text as a cell, so that the table keeps its form whatever the token holds.
fn cell(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
