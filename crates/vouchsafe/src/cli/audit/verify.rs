//! `audit verify`: check the chain of an audit log, without a server.

use std::fs::File;
use std::io::BufReader;

use serde_json::{Value, json};
use vouchsafe_core::audit::{Fault, Head, Place, Verdict, Verifier, parse_head};

use crate::cli::console::io_fault;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{Format, FormatFlags};

/// How much of a file is read at once.
const READ_BYTES: usize = 64 << 10;

/// Check that no line of an audit log was changed, removed or moved
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe audit verify [options] FILE...",
    after_help = "The files are parts of one log, the oldest first. Exit code: 0 if the log is \
                  whole, 1 if it can't be read, 2 if it is broken.\n\n\
                  Example:\n  vouchsafe audit verify audit.log.1 audit.log"
)]
pub(crate) struct Args {
    #[command(flatten)]
    format: FormatFlags,
    /// An entry that must be there, as an earlier check has shown the last one
    #[arg(long, value_name = "NUMBER:HASH")]
    expect: Option<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let format = args.format.resolve(&context.environment)?;
    if args.words.is_empty() {
        return Err(Failure::usage("Not enough arguments (expected at least 1, got 0)").into());
    }
    let expected = args.expect.as_deref().map(parse_expected).transpose()?;
    let mut verifier = Verifier::expecting(expected);
    for path in &args.words {
        let read = File::open(path)
            .and_then(|file| verifier.check(&mut BufReader::with_capacity(READ_BYTES, file)));
        read.map_err(|error| {
            let fault = io_fault(&error);
            Failure::local(format!("Error reading audit log: {path}: {fault}"))
        })?;
    }
    let verdict = verifier.finish();
    let value = value(&verdict, &args.words);
    context.print_value(&value, format, || text(&verdict, &args.words));
    if verdict.faults_total == 0 {
        return Ok(Exit::Success);
    }
    if format == Format::Table {
        for hint in hints(&verdict) {
            context.console.error_line(&format!("hint: {hint}"));
        }
    }
    // The code 2 says here that the log is not as it should be; no server is asked.
    Ok(Exit::Server)
}

fn parse_expected(text: &str) -> Result<Head, Failure> {
    parse_head(text).ok_or_else(|| Failure::Usage {
        message: format!("-expect is {text:?}; expected NUMBER:HASH"),
        hint: Some("`audit verify` shows the last entry of a log in this form".to_owned()),
    })
}

fn value(verdict: &Verdict, files: &[String]) -> Value {
    let place = |place: &Place| json!({ "file": file(*place, files), "line": place.line });
    let faults = verdict.faults.iter().map(|(at, fault)| {
        let mut value = place(at);
        value["kind"] = kind(fault).into();
        value["description"] = description(fault).into();
        value
    });
    json!({
        "whole": verdict.faults_total == 0,
        "entries": verdict.entries,
        "first": verdict.first,
        "last": verdict.last.map(noted),
        "faults": faults.collect::<Vec<_>>(),
        "faults_total": verdict.faults_total,
        "torn": verdict.torn.iter().map(place).collect::<Vec<_>>(),
        "torn_total": verdict.torn_total,
    })
}

fn text(verdict: &Verdict, files: &[String]) -> String {
    let place = |place: Place| format!("{}:{}", file(place, files), place.line);
    let mut lines = Vec::new();
    for (at, fault) in &verdict.faults {
        lines.push(format!(
            "{}: {}: {}",
            place(*at),
            kind(fault),
            description(fault)
        ));
    }
    lines.extend(more(verdict.faults_total, verdict.faults.len(), "faults"));
    for at in &verdict.torn {
        lines.push(format!("{}: torn: its writing was cut short", place(*at)));
    }
    lines.extend(more(verdict.torn_total, verdict.torn.len(), "torn lines"));
    lines.push(match verdict.faults_total {
        0 => format!("Success! The log is whole: {} entries", verdict.entries),
        1 => format!("The log is broken: 1 fault in {} entries", verdict.entries),
        many => format!(
            "The log is broken: {many} faults in {} entries",
            verdict.entries
        ),
    });
    if let Some(first) = verdict.first.filter(|first| *first > 1) {
        lines.push(format!(
            "First entry: {first}; those before it are in an earlier file"
        ));
    }
    if let Some(last) = verdict.last {
        lines.push(format!("Last entry: {}", noted(last)));
    }
    lines.join("\n")
}

/// How many more there are than are shown.
fn more(total: u64, shown: usize, what: &str) -> Option<String> {
    let hidden = total.saturating_sub(shown as u64);
    (hidden > 0).then(|| format!("and {hidden} more {what}"))
}

fn file(place: Place, files: &[String]) -> &str {
    files.get(place.file).map_or("", String::as_str)
}

/// An entry in the form that `-expect` takes.
fn noted(head: Head) -> String {
    let digits = head.hash.iter().map(|byte| format!("{byte:02x}"));
    format!("{}:{}", head.number, digits.collect::<String>())
}

fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Changed { .. } | Fault::Renumbered { .. } => "changed",
        Fault::Removed { .. } | Fault::Absent { .. } => "removed",
        Fault::Reordered { .. } => "reordered",
        Fault::Inserted { .. } => "inserted",
        Fault::BegunAnew => "begun-anew",
        Fault::Foreign => "foreign",
    }
}

fn description(fault: &Fault) -> String {
    match fault {
        Fault::Changed { number } => format!(
            "entry {number} or the hash in the entry after it was changed; they do not match"
        ),
        Fault::Renumbered { number, expected } => {
            format!("its number is {number}; expected {expected}")
        }
        Fault::Removed { numbers } if numbers.start() == numbers.end() => {
            format!("entry {} is missing before this line", numbers.start())
        }
        Fault::Removed { numbers } => format!(
            "entries {} to {} are missing before this line",
            numbers.start(),
            numbers.end()
        ),
        Fault::Reordered { number } => {
            format!("entry {number} belongs further up, where it is missing")
        }
        Fault::Inserted { number } => format!("entry {number} was there already"),
        Fault::BegunAnew => "entry 1 does not follow the entries before it".to_owned(),
        Fault::Foreign => "no entry of a chain".to_owned(),
        Fault::Absent { number } => {
            format!("entry {number} with the expected hash is not there")
        }
    }
}

/// What else can be behind the faults than somebody who meddled.
fn hints(verdict: &Verdict) -> Vec<&'static str> {
    let has = |wanted: fn(&Fault, &Place) -> bool| {
        verdict
            .faults
            .iter()
            .any(|(place, fault)| wanted(fault, place))
    };
    let mut hints = Vec::new();
    if has(|fault, place| matches!(fault, Fault::Removed { .. }) && place.line == 1) {
        hints.push("give all files of the log, the oldest first");
    }
    if has(|fault, _| matches!(fault, Fault::BegunAnew)) {
        hints.push(
            "the oldest file comes first; a server that starts with an empty file can't know of the \
             one before: rotate while it runs, or check the files one by one",
        );
    }
    if has(|fault, _| matches!(fault, Fault::Inserted { .. } | Fault::Reordered { .. })) {
        hints.push("a file with two servers or two devices writing to it looks like this too");
    }
    if verdict.entries == 0 {
        hints.push("only what a device of the type `file` wrote is chained");
    }
    hints
}
