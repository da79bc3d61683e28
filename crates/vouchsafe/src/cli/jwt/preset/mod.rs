//! `jwt preset`: trust a known platform, with a role that does not let in more than is meant.
//!
//! The platforms are data ([`mod@file`]). A role that the rules of its platform call dangerous is refused
//! unless that is asked for. The command makes at most three requests, all of which anybody could
//! make with `read` and `write`.

mod file;
mod lint;
mod plan;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::data;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::nearest;
use crate::cli::render;
use crate::cli::table::Table;
use file::Preset;
use plan::Plan;

/// Trust a known platform: write its issuer and a safe role
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe jwt preset [options] [PLATFORM [K=V...]]",
    after_help = "Without a platform, lists them. With one alone, says what has to be known. Words \
                  K=V are that, and settings\nof the role or the issuer, which stand in the place \
                  of the preset's.\n\nExample:\n  vouchsafe jwt preset github\n  \
                  vouchsafe jwt preset -role=deploy github audience=https://vault.example.com \\\n    \
                  owner_id=9919 repository_id=456789 token_policies=deploy"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    /// Name of the role to write. Default: that of the platform
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Path of the mount
    #[arg(long, value_name = "PATH", default_value = "auth/jwt")]
    path: String,
    /// Write the issuer as one of several under this name, instead of as the mount's own
    #[arg(long, value_name = "NAME")]
    issuer_name: Option<String>,
    /// Print what would be written, and ask no server
    #[arg(long)]
    dry_run: bool,
    /// Write a role although it is dangerous
    #[arg(long)]
    allow_unsafe: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let Some((name, words)) = args.words.split_first() else {
        context.console.line(&listing());
        return Ok(Exit::Success);
    };
    let preset = Preset::find(name).ok_or_else(|| unknown(name))?;
    if words.is_empty() {
        context.console.line(&description(name, &preset));
        return Ok(Exit::Success);
    }
    let words = data::parse(words, &mut context.console)?;
    let plan = Plan::new(&preset, words)?;
    judge(&plan, args.allow_unsafe, context)?;
    let role = args.role.as_deref().unwrap_or(name);
    let writes = writes(&args, role, plan);
    for write in &writes {
        context.console.line(&write.command(context));
    }
    if args.dry_run {
        return Ok(Exit::Success);
    }
    context.connect(&args.http)?;
    for write in writes {
        write.send(context)?;
    }
    Ok(Exit::Success)
}

fn listing() -> String {
    let mut table = Table::with_header(["Platform", "Tokens of"]);
    for name in file::names() {
        if let Some(preset) = Preset::find(name) {
            table.pair(name, preset.title);
        }
    }
    table.render()
}

fn description(name: &str, preset: &Preset) -> String {
    let mut table = Table::with_header(["Parameter", "Default", "Example", "Meaning"]);
    for parameter in &preset.parameters {
        let default = match &parameter.default {
            Some(default) => default.clone(),
            None if parameter.optional => "left out".to_owned(),
            None => "needed".to_owned(),
        };
        table.row([
            parameter.name.clone(),
            default,
            parameter.example.clone(),
            parameter.help.clone(),
        ]);
    }
    let rules = preset
        .rules
        .iter()
        .map(|rule| format!("\n  {}: {}; {}", rule.code, rule.why, rule.fix));
    format!(
        "{name}: {}\n\n{}\n\nRefused unless told -allow-unsafe:{}",
        preset.title,
        table.render(),
        rules.collect::<String>()
    )
}

fn unknown(name: &str) -> Failure {
    Failure::Usage {
        message: format!("there is no preset `{name}`"),
        hint: Some(match nearest(name, file::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", file::names().collect::<Vec<_>>().join(", ")),
        }),
    }
}

/// Refuses what is dangerous, or warns of it.
fn judge(plan: &Plan, allow_unsafe: bool, context: &mut Context) -> Result<(), Failure> {
    if plan.findings.is_empty() {
        return Ok(());
    }
    let findings = plan
        .findings
        .iter()
        .map(|finding| format!("\n  {}: {}; {}", finding.code, finding.why, finding.fix));
    let findings: String = findings.collect();
    if allow_unsafe {
        let warning = format!("WARNING! This role is dangerous:{findings}");
        context.console.error_line(&warning);
        return Ok(());
    }
    Err(Failure::Usage {
        message: format!("This role would be dangerous, nothing was written:{findings}"),
        hint: Some("if it is meant so, say `-allow-unsafe`".to_owned()),
    })
}

/// One write, and what it must not overwrite.
struct Write {
    path: String,
    body: Map<String, Value>,
    /// The issuer that the mount may have already, and no other.
    only_issuer: Option<String>,
}

fn writes(args: &Args, role: &str, plan: Plan) -> [Write; 2] {
    let mount = super::mount(&args.path);
    let (mut config, mut bound) = (plan.config, plan.role);
    let issuer = match &args.issuer_name {
        Some(name) => {
            config.insert("issuer".to_owned(), plan.issuer.into());
            // Else the role would be for tokens of the mount's own issuer.
            bound
                .entry("bound_issuers")
                .or_insert_with(|| json!([name]));
            Write {
                path: format!("{mount}/issuer/{name}"),
                body: config,
                only_issuer: None,
            }
        }
        None => {
            config.insert("bound_issuer".to_owned(), plan.issuer.clone().into());
            Write {
                path: format!("{mount}/config"),
                body: config,
                only_issuer: Some(plan.issuer),
            }
        }
    };
    let role = Write {
        path: format!("{mount}/role/{role}"),
        body: bound,
        only_issuer: None,
    };
    [issuer, role]
}

impl Write {
    /// The command that writes the same.
    fn command(&self, context: &Context) -> String {
        let body = render::json(&Value::Object(self.body.clone()));
        let vouchsafe = context.program.command();
        format!("{vouchsafe} write {} - <<'EOF'\n{body}\nEOF", self.path)
    }

    fn send(self, context: &mut Context) -> Result<(), Stop> {
        if let Some(issuer) = &self.only_issuer
            && self.is_there(issuer, context)?
        {
            let kept = format!("Left as it is, the issuer is trusted: {}", self.path);
            context.console.line(&kept);
            return Ok(());
        }
        let doing = format!("Error writing data to {}", self.path);
        let request = Request::write(&self.path, Value::Object(self.body))?;
        context.execute(&request, &doing)?;
        let done = format!("Success! Data written to: {}", request.path());
        context.console.line(&done);
        Ok(())
    }

    /// Whether the mount trusts this issuer already. A write replaces a configuration as a whole, so
    /// one for another issuer is not touched.
    fn is_there(&self, issuer: &str, context: &Context) -> Result<bool, Stop> {
        let request = Request::new(Method::Get, &self.path)?;
        let doing = format!("Error reading {}", self.path);
        let Some(answer) = context.find(&request, &doing)? else {
            return Ok(false);
        };
        let envelope = answer.envelope().ok().flatten();
        let text = |name: &str| {
            let value = envelope.as_ref().and_then(|envelope| envelope.field(name));
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let present = match &*text("bound_issuer") {
            "" => text("oidc_discovery_url"),
            bound => bound.to_owned(),
        };
        match present {
            present if present.is_empty() => Ok(false),
            present if present == issuer => Ok(true),
            present => Err(Failure::Usage {
                message: format!(
                    "{} trusts `{present}`, which a write would replace; nothing was written",
                    self.path
                ),
                hint: Some(
                    "say `-issuer-name=NAME` to trust both, or `-path` for another mount"
                        .to_owned(),
                ),
            }
            .into()),
        }
    }
}
