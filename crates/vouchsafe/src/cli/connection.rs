//! From flags and environment to a client: address, token, namespace, TLS, limits.
//!
//! Flags win over the environment, the environment over the token helper's file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use vouchsafe_api::{
    Address, Client, ClientError, Config, INLINE_LOGIN_PREFIX, Redirects, Request, Response,
    ServerVerification, TlsConfig, Token,
};

use super::console::io_fault;
use super::duration;
use super::environment::Environment;
use super::failure::{Exit, Failure, RequestFailure};
use super::flags::{HttpFlags, name_and_value};
use super::token_helper::TokenHelper;

/// The address when nobody says another: Vault's.
const ADDRESS_DEFAULT: &str = "https://127.0.0.1:8200";

/// What to print instead of sending a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preview {
    /// A curl command.
    Curl,
    /// A policy.
    Policy,
}

/// A client with the runtime that it needs.
pub(crate) struct Connection {
    client: Client,
    runtime: tokio::runtime::Runtime,
    address_is_default: bool,
    preview: Option<Preview>,
    wrap_ttl: Option<Duration>,
}

impl Connection {
    /// Prepares to talk to the server. Nothing is sent yet.
    pub(crate) fn open(flags: &HttpFlags, environment: &Environment) -> Result<Self, Failure> {
        let chosen = chosen_address(flags, environment);
        let mut config = Config::new(
            Address::parse(chosen.as_deref().unwrap_or(ADDRESS_DEFAULT))
                .map_err(|error| no_client(error.into()))?,
        );
        config.token = token(environment)?;
        let namespace = flags
            .namespace
            .as_deref()
            .or_else(|| environment.setting("NAMESPACE"));
        config.namespace = namespace.unwrap_or_default().to_owned();
        config.headers = headers(flags, environment)?;
        config.tls = tls(flags, environment)?;
        config.proxy = environment
            .setting("PROXY_ADDR")
            .or_else(|| environment.setting("HTTP_PROXY"))
            .map(str::to_owned);
        if let Some(seconds) = duration_setting(environment, "CLIENT_TIMEOUT")? {
            config.timeout = seconds;
        }
        if let Some((name, retries)) = environment.setting_with_name("MAX_RETRIES") {
            config.max_retries = retries.parse().map_err(|_| {
                Failure::usage(format!(
                    "{name} is `{retries}`; expected a number of retries"
                ))
            })?;
        }
        if flags.disable_redirects || environment.switch("DISABLE_REDIRECTS")? {
            config.redirects = Redirects::Refused;
        }
        let wrap_ttl = match flags.wrap_ttl {
            Some(ttl) => Some(ttl.duration()),
            None => duration_setting(environment, "WRAP_TTL")?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::local(format!("the runtime cannot start: {error}")))?;
        Ok(Self {
            client: Client::new(config).map_err(no_client)?,
            runtime,
            address_is_default: chosen.is_none(),
            preview: preview(flags),
            wrap_ttl: wrap_ttl.filter(|ttl| !ttl.is_zero()),
        })
    }

    /// The client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether nobody chose the address.
    pub(crate) fn address_is_default(&self) -> bool {
        self.address_is_default
    }

    /// What to print instead of sending, if that is wished.
    pub(crate) fn preview(&self) -> Option<Preview> {
        self.preview
    }

    /// How long a wrapped answer is to live, if wrapping is wished.
    pub(crate) fn wrap_ttl(&self) -> Option<Duration> {
        self.wrap_ttl
    }

    /// Sends a request and returns the answer, whatever its status.
    pub(crate) fn send(&self, request: &Request) -> Result<Response, ClientError> {
        self.runtime.block_on(self.client.send(request))
    }

    /// Sends a request whose answer is too large to hold, and gives each piece of it to `take`.
    pub(crate) fn download(
        &self,
        request: &Request,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<Result<(), Failure>, ClientError> {
        self.runtime.block_on(async {
            let mut download = self.client.download(request).await?;
            while let Some(piece) = download.next().await? {
                if let Err(failure) = take(&piece) {
                    return Ok(Err(failure));
                }
            }
            Ok(Ok(()))
        })
    }

    /// Sends a request with a body of `bytes` bytes that is too large to hold.
    pub(crate) fn upload(
        &self,
        request: &Request,
        source: impl std::io::Read,
        bytes: u64,
    ) -> Result<Response, ClientError> {
        self.runtime
            .block_on(self.client.upload(request, source, bytes))
    }

    /// Waits for work that is not a request; what was begun before goes on meanwhile.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits, for a command that asks again and again.
    pub(crate) fn sleep(&self, time: Duration) {
        self.runtime.block_on(tokio::time::sleep(time));
    }
}

/// The token of the environment, else of the token helper.
pub(crate) fn token(environment: &Environment) -> Result<Option<Token>, Failure> {
    match environment.setting("TOKEN") {
        Some(token) => Ok(Some(Token::new(token))),
        None => TokenHelper::of(environment).load(),
    }
}

// An agent, if there is one, is asked instead of the server; a flag wins over the environment.
fn chosen_address(flags: &HttpFlags, environment: &Environment) -> Option<String> {
    let flag = flags.agent_address.as_deref().or(flags.address.as_deref());
    let setting = || {
        environment
            .setting("AGENT_ADDR")
            .or_else(|| environment.setting("ADDR"))
    };
    flag.filter(|address| !address.is_empty())
        .or_else(setting)
        .map(str::to_owned)
}

fn preview(flags: &HttpFlags) -> Option<Preview> {
    match (flags.output_curl_string, flags.output_policy) {
        (true, _) => Some(Preview::Curl),
        (_, true) => Some(Preview::Policy),
        _ => None,
    }
}

fn headers(flags: &HttpFlags, environment: &Environment) -> Result<Vec<(String, String)>, Failure> {
    let mut headers = Vec::new();
    for word in &flags.header {
        let (name, value) = name_and_value(word).map_err(|fault| {
            Failure::usage(format!(
                "invalid value \"{word}\" for flag -header: {fault}"
            ))
        })?;
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("x-vault-") && !lower.starts_with(INLINE_LOGIN_PREFIX) {
            let message = format!(
                "header `{name}` may not start with `X-Vault-`, unless with `X-Vault-Inline-Auth-`"
            );
            return Err(Failure::usage(message));
        }
        headers.push((name, value));
    }
    let factors = match flags.mfa.as_slice() {
        [] => environment
            .setting("MFA")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        factors => factors.to_vec(),
    };
    headers.extend(
        factors
            .into_iter()
            .map(|factor| ("X-Vault-MFA".to_owned(), factor)),
    );
    if flags.policy_override {
        headers.push(("X-Vault-Policy-Override".to_owned(), "true".to_owned()));
    }
    Ok(headers)
}

fn tls(flags: &HttpFlags, environment: &Environment) -> Result<TlsConfig, Failure> {
    let path = |flag: &Option<PathBuf>, name: &str| {
        flag.clone()
            .or_else(|| environment.setting(name).map(PathBuf::from))
    };
    let mut tls = TlsConfig::default();
    if let Some(file) = path(&flags.ca_cert, "CACERT") {
        tls.roots.push(read(&file)?);
    } else if let Some(pem) = environment.setting("CACERT_BYTES") {
        tls.roots.push(pem.as_bytes().to_vec());
    } else if let Some(folder) = path(&flags.ca_path, "CAPATH") {
        for entry in std::fs::read_dir(&folder).map_err(|error| cannot_open(&folder, &error))? {
            let file = entry.map_err(|error| cannot_open(&folder, &error))?.path();
            if file.is_file() {
                tls.roots.push(read(&file)?);
            }
        }
    }
    let certificate = path(&flags.client_cert, "CLIENT_CERT");
    let key = path(&flags.client_key, "CLIENT_KEY");
    tls.identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((read(&certificate)?, read(&key)?)),
        (None, None) => None,
        _ => {
            return Err(Failure::usage(
                "both client cert and client key must be provided",
            ));
        }
    };
    let name = flags
        .tls_server_name
        .as_deref()
        .or(environment.setting("TLS_SERVER_NAME"));
    tls.server_name = name.map(str::to_owned);
    if flags.tls_skip_verify || environment.switch("SKIP_VERIFY")? {
        tls.verification = ServerVerification::Skipped;
    }
    Ok(tls)
}

fn duration_setting(environment: &Environment, name: &str) -> Result<Option<Duration>, Failure> {
    let Some((variable, text)) = environment.setting_with_name(name) else {
        return Ok(None);
    };
    let seconds = duration::parse(text).map_err(|_| {
        Failure::usage(format!(
            "{variable} is `{text}`; expected a duration like `60s` or `60`"
        ))
    })?;
    Ok(Some(seconds.duration()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| cannot_open(path, &error))
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Failure {
    Failure::local(format!("open {}: {}", path.display(), io_fault(error)))
}

fn no_client(source: ClientError) -> Failure {
    let doing = "failed to create client".to_owned();
    let exit = Exit::Server;
    Failure::Request(Box::new(RequestFailure {
        doing,
        request: None,
        source,
        exit,
    }))
}
