//! `auth tune`: change the settings of an auth method's mount.

use serde_json::{Value, json};
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::duration::{self, Seconds};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::mount::TuneFlags;
use crate::cli::with_final_slash;

/// Change the settings of an auth method
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe auth tune [options] PATH",
    after_help = "Example:\n  vouchsafe auth tune -default-lease-ttl=1h approle/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    tune: TuneFlags,
    /// How many failed logins lock a user
    #[arg(long, value_name = "COUNT")]
    user_lockout_threshold: Option<u64>,
    /// How long a user stays locked
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    user_lockout_duration: Option<Seconds>,
    /// After how long failed logins are forgotten
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    user_lockout_counter_reset_duration: Option<Seconds>,
    /// Lock no user
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    user_lockout_disable: Option<bool>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let path = with_final_slash(&args.words[0]);
    let request =
        Request::new(Method::Post, &format!("sys/mounts/auth/{path}tune"))?.with_body(body(&args));
    context.connect(&args.http)?;
    context.execute(&request, &format!("Error tuning auth method {path}"))?;
    context
        .console
        .line(&format!("Success! Tuned the auth method at: {path}"));
    Ok(Exit::Success)
}

fn body(args: &Args) -> Value {
    let mut body = args.tune.body();
    let lockout = [
        (
            "lockout_threshold",
            args.user_lockout_threshold
                .map(|count| json!(count.to_string())),
        ),
        (
            "lockout_duration",
            args.user_lockout_duration.map(|time| json!(time.go())),
        ),
        (
            "lockout_counter_reset_duration",
            args.user_lockout_counter_reset_duration
                .map(|time| json!(time.go())),
        ),
        (
            "lockout_disable",
            args.user_lockout_disable.map(|disable| json!(disable)),
        ),
    ];
    let lockout: serde_json::Map<String, Value> = lockout
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
        .collect();
    if !lockout.is_empty() {
        body["user_lockout_config"] = Value::Object(lockout);
    }
    body
}
