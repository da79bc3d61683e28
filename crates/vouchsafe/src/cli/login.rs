//! `login`: get a token by an auth method, and keep it for later commands.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vouchsafe_api::{Auth, Credential, Envelope, Request, Token, WrapInfo};

use super::context::Context;
use super::data;
use super::failure::{Exit, Failure, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};
use super::login_method::LoginMethod;
use super::oidc;
use super::token_helper::TokenHelper;

/// Log in, and keep the token for later commands
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe login [options] [TOKEN | K=V...]",
    after_help = "Example:\n  vouchsafe login -method=userpass username=sam\n  \
                  vouchsafe login -method=jwt role=ci jwt=@token.jwt\n  \
                  vouchsafe login -method=oidc role=dev"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// Type of the auth method
    #[arg(long, value_name = "TYPE", default_value = "token")]
    method: String,
    /// Where the auth method is mounted. Default: the type's name
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Print nothing
    #[arg(long)]
    no_print: bool,
    /// Keep the token nowhere
    #[arg(long)]
    no_store: bool,
    /// Print the token alone and keep it nowhere
    #[arg(long)]
    token_only: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(mut args: Args, context: &mut Context) -> Result<Exit, Stop> {
    if args.token_only {
        args.no_store = true;
        args.output.field = Some("token".to_owned());
        args.output.format.format = Some("table".to_owned());
    }
    let format = args.output.format.resolve(&context.environment)?;
    let name = args.method.trim().to_lowercase();
    let Some(method) = LoginMethod::of_type(&name) else {
        return Err(unknown_method(&name, context).into());
    };
    context.connect(&args.http)?;
    let envelope = match method {
        LoginMethod::Token => by_token(&args, context)?,
        method => by_method(method, &name, &args, context)?,
    };
    if let (Some(wrap), false) = (&envelope.wrap_info, envelope.auth.is_some()) {
        return show_wrapped(&args, wrap, &envelope, context);
    }
    let token = match &envelope.auth {
        Some(auth) if !auth.client_token.is_empty() => auth.client_token.clone(),
        Some(auth) if auth.mfa_requirement.is_some() => {
            return context.print(&envelope, &args.output);
        }
        _ => {
            return Err(
                Failure::server_side("Error authenticating: the answer holds no token").into(),
            );
        }
    };
    if !args.no_store {
        TokenHelper::of(&context.environment).store(&token)?;
        warn_of_variable(context);
    }
    if args.no_print {
        return Ok(Exit::Success);
    }
    if format == Format::Table && args.output.field.is_none() {
        announce(args.no_store, context);
    }
    context.print(&envelope, &args.output)
}

fn by_method(
    method: LoginMethod,
    name: &str,
    args: &Args,
    context: &mut Context,
) -> Result<Envelope, Stop> {
    let data = data::parse(&args.words, &mut context.console)?;
    let mount = args.path.as_deref().unwrap_or(name).trim_matches('/');
    let envelope = match method {
        LoginMethod::Oidc => oidc::login(mount, &data, context)?,
        method => {
            let request = method.request(mount, data, context)?;
            let nothing = || Failure::server_side("Error authenticating: the answer is empty");
            let envelope = context.envelope(&request, "Error authenticating")?;
            envelope.ok_or_else(nothing)?
        }
    };
    match &envelope.wrap_info {
        // A wrapped token is of use only to whoever gets the wrapping token.
        Some(wrap) if !args.no_store => unwrap(wrap, context),
        _ => Ok(envelope),
    }
}

fn unwrap(wrap: &WrapInfo, context: &Context) -> Result<Envelope, Stop> {
    let request = Request::write("sys/wrapping/unwrap", Value::Null)?
        .with_credential(Credential::Other(wrap.token.clone()))
        .with_wrap_ttl(Some(std::time::Duration::ZERO));
    let nothing = || Failure::server_side("Error unwrapping token: the answer is empty");
    Ok(context
        .envelope(&request, "Error unwrapping token")?
        .ok_or_else(nothing)?)
}

fn by_token(args: &Args, context: &mut Context) -> Result<Envelope, Stop> {
    let token = given_token(&args.words, context)?;
    if args.token_only {
        let auth = Auth {
            client_token: token,
            ..Auth::default()
        };
        return Ok(Envelope {
            auth: Some(auth),
            ..Envelope::default()
        });
    }
    let request = Request::read("auth/token/lookup-self")?
        .with_credential(Credential::Other(token.clone()))
        .with_wrap_ttl(Some(std::time::Duration::ZERO));
    let doing = "Error authenticating: error looking up token";
    let nothing = || Failure::server_side(format!("{doing}: the answer is empty"));
    let lookup = context.envelope(&request, doing)?.ok_or_else(nothing)?;
    let auth = Some(auth_of_lookup(token, &lookup));
    Ok(Envelope {
        auth,
        ..Envelope::default()
    })
}

fn given_token(words: &[String], context: &mut Context) -> Result<Token, Stop> {
    let text = match words.first().map(String::as_str) {
        None => context.ask_secret("Token")?,
        Some("-") => context
            .console
            .read_input()
            .map_err(|error| Failure::local(format!("Error reading standard input: {error}")))?,
        Some(word) => match word.strip_prefix("token=") {
            Some(_) => {
                let data = data::parse(&words[..1], &mut context.console)?;
                data.get("token")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            }
            None => word.to_owned(),
        },
    };
    let token = Token::new(text);
    if token.is_empty() {
        return Err(Failure::server_side("Error authenticating: the token is empty").into());
    }
    Ok(token)
}

// A lookup tells what a login would have told, in other words.
fn auth_of_lookup(token: Token, lookup: &Envelope) -> Auth {
    let text = |name: &str| {
        lookup
            .field(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let list = |name: &str| -> Option<Vec<String>> {
        let items = lookup.field(name)?.as_array()?;
        Some(
            items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
        )
    };
    let metadata = lookup.field("meta").and_then(Value::as_object).map(strings);
    let (own, identity) = (list("policies"), list("identity_policies"));
    let mut policies: Vec<String> = own.iter().chain(&identity).flatten().cloned().collect();
    policies.sort();
    policies.dedup();
    Auth {
        client_token: token,
        accessor: text("accessor"),
        policies: Some(policies),
        token_policies: own,
        identity_policies: identity,
        metadata,
        orphan: lookup.field("orphan") == Some(&Value::Bool(true)),
        entity_id: text("entity_id"),
        lease_duration: lookup.field("ttl").and_then(Value::as_u64).unwrap_or(0),
        renewable: lookup.field("renewable") == Some(&Value::Bool(true)),
        mfa_requirement: None,
    }
}

fn strings(map: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    map.iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn show_wrapped(
    args: &Args,
    wrap: &WrapInfo,
    envelope: &Envelope,
    context: &mut Context,
) -> Result<Exit, Stop> {
    if args.token_only {
        context.console.value(wrap.token.expose());
        return Ok(Exit::Success);
    }
    context.print(envelope, &args.output)
}

fn warn_of_variable(context: &mut Context) {
    if let Some((variable, _)) = context.environment.setting_with_name("TOKEN") {
        context.console.error_line(&format!(
            "WARNING! The {variable} environment variable is set! Its value takes precedence over\n\
             the token just stored; unset {variable} to use the new token.\n"
        ));
    }
}

fn announce(no_store: bool, context: &mut Context) {
    let (command, product) = (context.program.command(), context.program.product());
    if no_store {
        let variable = context.program.variable("TOKEN");
        context.console.error_line(&format!(
            "The token was not stored in token helper. Set the {variable} environment\n\
             variable or pass the token below with each request to {product}.\n"
        ));
        return;
    }
    context.console.line(&format!(
        "Success! You are now authenticated. The token information displayed below is\n\
         already stored in the token helper. You do NOT need to run \"{command} login\" again.\n\
         Future {product} requests will automatically use this token.\n"
    ));
}

fn unknown_method(name: &str, context: &Context) -> Failure {
    let command = context.program.command();
    Failure::Usage {
        message: format!(
            "Unknown auth method: {name}. Use \"{command} auth list\" to see the auth methods that \
             are enabled; some can only be used over the HTTP API."
        ),
        hint: Some(format!(
            "any method works with `{command} write auth/{name}/login K=V...`"
        )),
    }
}
