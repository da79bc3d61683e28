//! Where everything is: flags, then oidc.pub's variables, then the cluster that the worker runs in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vouchsafe_logical::Secret;
use vouchsafe_logical::fetch::Plaintext;

use super::Args;
use super::fault::Fault;
use crate::cli::console::io_fault;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;

/// Where Kubernetes puts what a pod's service account needs.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The largest token or certificate file, in bytes.
pub(super) const FILE_BYTES_MAX: u64 = 256 * 1024;

/// How long the worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Once,
    Forever,
}

/// The token for the publisher.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// A static token.
    Key(Secret<String>),
    /// A file with a token that somebody renews.
    File(PathBuf),
}

/// The private issuer.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) token_path: Option<PathBuf>,
    pub(super) ca_path: Option<PathBuf>,
}

/// Everything that was chosen.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) source: Source,
    /// The base of the publisher's API, without a slash at its end.
    pub(super) publisher: String,
    pub(super) publisher_ca_path: Option<PathBuf>,
    pub(super) service: String,
    pub(super) credential: Credential,
    pub(super) plaintext: Plaintext,
    pub(super) interval: Duration,
    pub(super) mode: Mode,
    pub(super) health_address: Option<SocketAddr>,
}

impl Settings {
    /// Chooses, and says what is missing.
    pub(super) fn choose(args: &Args, environment: &Environment) -> Result<Self, Failure> {
        let text = |flag: &Option<String>, name: &str| {
            flag.as_deref()
                .or_else(|| environment.variable(name))
                .map(str::to_owned)
        };
        let service = text(&args.service_id, "OIDCPUB_SERVICE_ID")
            .ok_or_else(|| missing("service-id", "OIDCPUB_SERVICE_ID"))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if service.is_empty() || !service.chars().all(is_name) || service.starts_with('.') {
            return Err(Failure::usage(format!(
                "the service `{service}` is no subdomain; expected letters, digits and hyphens"
            )));
        }
        let publisher =
            text(&args.url, "OIDCPUB_URL").ok_or_else(|| missing("url", "OIDCPUB_URL"))?;
        let source = match text(&args.source_url, "OIDC_SOURCE_URL") {
            Some(url) => Source {
                url: base(&url)?,
                token_path: args.source_token_path.clone(),
                ca_path: args.ca_cert.clone(),
            },
            None => cluster(args, environment)?,
        };
        let is_ci = environment.variable("CI") == Some("true");
        let interval = args.interval.duration();
        if interval.is_zero() {
            return Err(Failure::usage("-interval is 0; expected at least 1s"));
        }
        Ok(Self {
            source,
            publisher: base(&publisher)?,
            publisher_ca_path: args.publisher_ca_cert.clone(),
            service,
            credential: credential(args, environment)?,
            plaintext: if args.allow_http {
                Plaintext::Allowed
            } else {
                Plaintext::Loopback
            },
            interval,
            mode: if args.once || is_ci {
                Mode::Once
            } else {
                Mode::Forever
            },
            health_address: args.health_address,
        })
    }
}

fn missing(flag: &str, variable: &str) -> Failure {
    Failure::usage(format!("-{flag} is missing, and {variable} is not set"))
}

/// A URL to which paths are appended.
fn base(url: &str) -> Result<String, Failure> {
    let parsed = reqwest::Url::parse(url);
    match parsed {
        Ok(parsed)
            if parsed.has_host() && parsed.query().is_none() && parsed.fragment().is_none() =>
        {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err(Failure::usage(format!(
            "`{url}` is no base URL; expected https://HOST without query and fragment"
        ))),
    }
}

fn credential(args: &Args, environment: &Environment) -> Result<Credential, Failure> {
    let path = environment.variable("OIDCPUB_OIDC_TOKEN_PATH");
    if let Some(path) = args.token_path.clone().or_else(|| path.map(PathBuf::from)) {
        return Ok(Credential::File(path));
    }
    match environment.variable("OIDCPUB_API_KEY") {
        Some(key) => Ok(Credential::Key(Secret::new(key.to_owned()))),
        None => Err(Failure::usage(
            "there is no token for the publisher: set OIDCPUB_API_KEY, or -token-path \
             (OIDCPUB_OIDC_TOKEN_PATH) to the file of a projected one",
        )),
    }
}

/// The API server of the cluster that this process runs in.
fn cluster(args: &Args, environment: &Environment) -> Result<Source, Failure> {
    let host = environment.variable("KUBERNETES_SERVICE_HOST");
    let Some(host) = host else {
        return Err(Failure::Usage {
            message: "-source-url is missing, and OIDC_SOURCE_URL is not set".to_owned(),
            hint: Some("only inside Kubernetes is the source found by itself".to_owned()),
        });
    };
    let port = environment
        .variable("KUBERNETES_SERVICE_PORT")
        .unwrap_or("443");
    // An IPv6 address stands in brackets in a URL.
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let file = |name: &str| Path::new(SERVICE_ACCOUNT).join(name);
    let token_path = args.source_token_path.clone();
    Ok(Source {
        url: base(&format!("https://{host}:{port}"))?,
        token_path: token_path.or_else(|| Some(file("token"))),
        ca_path: args.ca_cert.clone().or_else(|| Some(file("ca.crt"))),
    })
}

/// The text of a file of bounded size, without spaces around it.
pub(super) fn read(path: &Path, what: &str) -> Result<String, Fault> {
    use std::io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    let place = path.display();
    let is_too_large = u64::try_from(text.len()).map_or(true, |bytes| bytes > FILE_BYTES_MAX);
    match read {
        // The first part of a certificate bundle or of a token would be taken for the whole.
        Ok(_) if is_too_large => Err(Fault::Local(format!(
            "{what}: {place} has more than {FILE_BYTES_MAX} bytes"
        ))),
        Ok(_) if text.trim().is_empty() => Err(Fault::Local(format!("{what}: {place} is empty"))),
        Ok(_) => Ok(text.trim().to_owned()),
        Err(error) => Err(Fault::Local(format!(
            "{what}: {place}: {}",
            io_fault(&error)
        ))),
    }
}
