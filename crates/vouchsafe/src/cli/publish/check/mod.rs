//! `publish check`: fetches a public issuer as a verifier would, and tells what verifiers would
//! object to.
//!
//! `observation` asks, once for each document; `rule` is the table of what is asked of the answers.

mod observation;
mod rule;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde_json::{Value, json};
use vouchsafe_fetch::HttpFetcher;
use vouchsafe_logical::Clock as _;

use crate::cli::console::{io_fault, read_text};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::FormatFlags;
use crate::cli::jwt;
use crate::ports::SystemClock;
use observation::Observation;
use rule::{Finding, Severity};

/// Tell what AWS, GCP, Azure, Vault and Kubernetes would object to in a public issuer
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe publish check [options] ISSUER_URL",
    after_help = "Exit code: 0 nobody would refuse it, 1 the command line is at fault, 2 somebody \
                  would.\n\nExample:\n  vouchsafe publish check https://k8s-prod.publish.example.com\n  \
                  vouchsafe publish check -token=- -format=json https://id.example.com < token"
)]
pub(crate) struct Args {
    #[command(flatten)]
    format: FormatFlags,
    /// A token of the issuer to verify: `-` reads standard input, `@FILE` a file
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// PEM file with the certificate authorities to trust; verifiers trust the public ones
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let issuer = &args.words[0];
    let is_url = reqwest::Url::parse(issuer).is_ok_and(|url| url.has_host());
    if !is_url {
        return Err(Failure::usage(format!("`{issuer}` is no URL; expected https://HOST")).into());
    }
    let token = args.token.as_deref();
    let token = token.map(|word| jwt::token(word, context)).transpose()?;
    let ca_pem = args.ca_cert.map(|path| -> Result<String, Failure> {
        std::fs::File::open(&path)
            .and_then(|mut file| read_text(&mut file))
            .map_err(|error| {
                let place = path.display();
                Failure::local(format!("Error reading {place}: {}", io_fault(&error)))
            })
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local(format!("the runtime cannot start: {error}")))?;
    let fetcher = HttpFetcher::new();
    let ca_pem = ca_pem.transpose()?;
    let observed = Observation::make(issuer, ca_pem.as_deref(), &fetcher);
    let mut observation = runtime.block_on(observed);
    if let Some(token) = token {
        observation.see_token(&token, SystemClock.now())?;
    }
    let findings = rule::apply(&observation);
    let refused = findings
        .iter()
        .any(|finding| finding.rule.severity == Severity::Error);
    let value = value(&observation, &findings, refused);
    context.print_value(&value, format, || text(&observation, &findings, refused));
    // The code 2 says here that the issuer is not as it should be.
    Ok(match refused {
        true => Exit::Server,
        false => Exit::Success,
    })
}

fn value(observation: &Observation, findings: &[Finding], refused: bool) -> Value {
    let findings = findings.iter().map(|finding| {
        let rule = finding.rule;
        json!({
            "severity": rule.severity.as_str(),
            "code": rule.code,
            "verifiers": rule.verifiers,
            "finding": finding.text,
            "reason": rule.reason,
            "hint": rule.hint,
        })
    });
    json!({
        "issuer": observation.issuer,
        "acceptable": !refused,
        "keys": observation.keys().len(),
        "token": observation.token().map(|token| json!({ "verified": token.verified.is_ok() })),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn text(observation: &Observation, findings: &[Finding], refused: bool) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        let rule = finding.rule;
        lines.push(format!(
            "{} {} ({})",
            rule.severity.as_str(),
            rule.code,
            rule.verifiers.join(", ")
        ));
        lines.push(format!("    {}", finding.text));
        lines.push(format!("    why: {}", rule.reason));
        lines.push(format!("    hint: {}", rule.hint));
    }
    let keys = observation.keys().len();
    let token = observation.token().filter(|token| token.verified.is_ok());
    let verified = match token {
        Some(_) => "; the token is by one of them",
        None => "",
    };
    lines.push(match (refused, findings.len()) {
        (true, _) => "Verifiers would refuse this issuer.".to_owned(),
        (false, 0) => format!("Success! Nothing to object to: keys: {keys}{verified}"),
        (false, _) => {
            format!("Success! No verifier would refuse this issuer: keys: {keys}{verified}")
        }
    });
    lines.join("\n")
}
