//! Where a secret is: its mount, its path below, and whether the mount keeps versions.

use serde_json::Value;
use vouchsafe_api::{Envelope, Request};

use crate::cli::context::{Context, failed};
use crate::cli::failure::Stop;

/// The flag `-mount`.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct MountFlag {
    /// Path of the mount; the argument is then the path below it
    #[arg(long, value_name = "PATH")]
    mount: Option<String>,
}

impl MountFlag {
    /// Whether the flag was given.
    pub(super) const fn is_given(&self) -> bool {
        self.mount.is_some()
    }
}

/// Where a secret is.
pub(super) struct Place {
    mount: String,
    secret: String,
    versioned: bool,
}

impl Place {
    /// Asks the server. The question is sent even where the request itself is only described, since
    /// its answer is part of the description; it is never wrapped.
    pub(super) fn find(flag: &MountFlag, argument: &str, context: &Context) -> Result<Self, Stop> {
        let whole = argument.trim().trim_matches('/');
        let asked = flag.mount.as_deref().unwrap_or(whole);
        let question = Request::read(&format!("sys/internal/ui/mounts/{asked}"))?;
        let doing = format!("Error looking up the mount of {asked}");
        let failed = |source| failed(&doing, &question, source);
        let answer = context.connection()?.send(&question);
        let answer = answer.and_then(vouchsafe_api::Response::into_success);
        let envelope = answer.and_then(|answer| answer.envelope());
        let envelope = envelope.map_err(failed)?.unwrap_or_default();
        let mount = match (&flag.mount, text(envelope.field("path"))) {
            (Some(mount), _) => mount.trim_matches('/').to_owned(),
            (None, path) => path.trim_matches('/').to_owned(),
        };
        let secret = match &flag.mount {
            Some(_) => whole,
            None => whole.strip_prefix(&mount).unwrap_or(whole),
        };
        Ok(Self {
            secret: secret.trim_start_matches('/').to_owned(),
            versioned: is_versioned(&envelope),
            mount,
        })
    }

    /// Whether the mount keeps versions.
    pub(super) const fn is_versioned(&self) -> bool {
        self.versioned
    }

    /// The API's path of one aspect of the secret (`data`, `metadata`, …).
    pub(super) fn path(&self, aspect: &str) -> String {
        let Self { mount, secret, .. } = self;
        if self.versioned {
            format!("{mount}/{aspect}/{secret}")
        } else {
            format!("{mount}/{secret}")
        }
    }
}

fn is_versioned(mount: &Envelope) -> bool {
    let version = mount
        .field("options")
        .and_then(|options| options.get("version"));
    text(version) == "2" || text(mount.field("type")) == "kv-v2"
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
