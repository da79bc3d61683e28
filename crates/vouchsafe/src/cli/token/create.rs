//! `token create`: a new token, by default a child of the token in use.

use serde_json::{Map, Value, json};
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::duration::{self, Seconds};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{HttpFlags, OutputFlags, name_and_value};

/// Create a token
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe token create [options]",
    after_help = "Example:\n  vouchsafe token create -policy=my-policy -ttl=1h\n  \
                  vouchsafe token create -role=ci -field=token"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// Policy of the token; may repeat. Default: those of the token in use
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// How long the token lives, unless renewed
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    ttl: Option<Seconds>,
    /// How long the token lives at most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    explicit_max_ttl: Option<Seconds>,
    /// Make a periodic token: each renewal is for this long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    period: Option<Seconds>,
    /// Whether the token can be renewed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    renewable: bool,
    /// Make a token that its creator's end does not revoke
    #[arg(long)]
    orphan: bool,
    /// Leave the policy `default` out
    #[arg(long)]
    no_default_policy: bool,
    /// How often the token can be used. Default: no limit
    #[arg(long, value_name = "COUNT")]
    use_limit: Option<i64>,
    /// Name shown in the audit log and in lookups
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Metadata as KEY=VALUE; may repeat
    #[arg(long, value_name = "KEY=VALUE", value_parser = name_and_value)]
    metadata: Vec<(String, String)>,
    /// Kind of token: service or batch
    #[arg(long = "type", value_name = "KIND", default_value = "service")]
    kind: String,
    /// Role to create the token by
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Entity alias to tie the token to; needs a role
    #[arg(long, value_name = "NAME")]
    entity_alias: Option<String>,
    /// The token's own text, in place of a generated one
    #[arg(long, value_name = "TOKEN")]
    id: Option<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let path = match &args.role {
        Some(role) => format!("auth/token/create/{role}"),
        None => "auth/token/create".to_owned(),
    };
    let request = Request::new(Method::Post, &path)?.with_body(body(args));
    context.connect(&args.http)?;
    match context.envelope(&request, "Error creating token")? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => Err(Failure::server_side("Error creating token: the answer holds no token").into()),
    }
}

fn body(args: &Args) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    let optional = [("id", &args.id), ("entity_alias", &args.entity_alias)];
    for (name, value) in optional {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    // An absent list means the creator's policies, an empty one would mean none.
    if !args.policy.is_empty() {
        put("policies", json!(args.policy));
    }
    if !args.metadata.is_empty() {
        let pairs = args
            .metadata
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)));
        put("meta", Value::Object(pairs.collect()));
    }
    put("ttl", json!(args.ttl.unwrap_or_default().go()));
    put(
        "explicit_max_ttl",
        json!(args.explicit_max_ttl.unwrap_or_default().go()),
    );
    put("period", json!(args.period.unwrap_or_default().go()));
    if args.orphan {
        put("no_parent", json!(true));
    }
    if args.no_default_policy {
        put("no_default_policy", json!(true));
    }
    put(
        "display_name",
        json!(args.display_name.as_deref().unwrap_or_default()),
    );
    put("num_uses", json!(args.use_limit.unwrap_or(0)));
    put("renewable", json!(args.renewable));
    put("type", json!(args.kind));
    Value::Object(body)
}
