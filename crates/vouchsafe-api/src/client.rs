//! The client: one server, one token, one request at a time.
//!
//! It adds the headers (vault-core.md §1), retries what is harmless to retry, follows at most
//! [`REDIRECTS_MAX`] redirect and reads at most [`Config::response_bytes_max`] bytes.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Url, redirect};

use crate::address::Address;
use crate::error::{ClientError, TransportFault, causes};
use crate::request::{Credential, Method, Request};
use crate::response::Response;
use crate::retry::{self, RETRY_WAIT};
use crate::tls::TlsConfig;
use crate::token::Token;

/// How long the client waits for an answer, unless told otherwise (`VAULT_CLIENT_TIMEOUT`).
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// How often a request is sent again, unless told otherwise (`VAULT_MAX_RETRIES`).
pub const RETRIES_DEFAULT: u32 = 2;

/// How many redirects are followed: a standby points at the active server, which does not redirect.
pub const REDIRECTS_MAX: u32 = 1;

/// What the names of headers begin with, in lower case, that bring a login along with each request.
pub const INLINE_LOGIN_PREFIX: &str = "x-vault-inline-auth-";

/// The largest answer that the client reads, unless told otherwise: twice the largest request body
/// that a server takes (vault-core.md §1), since an answer wraps what was written.
pub const RESPONSE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What to do when the server points elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// Follow on the same host, never from HTTPS to HTTP.
    #[default]
    SameHost,
    /// Follow none.
    Refused,
}

/// Everything that a client must be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server.
    pub address: Address,
    /// The token to send, if any.
    pub token: Option<Token>,
    /// The namespace to ask in; empty for the root.
    pub namespace: String,
    /// Further headers, as name and value.
    pub headers: Vec<(String, String)>,
    /// TLS settings.
    pub tls: TlsConfig,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// How often to send a request again.
    pub max_retries: u32,
    /// How long to wait before the first retry.
    pub retry_wait: Duration,
    /// The largest answer to read, in bytes.
    pub response_bytes_max: usize,
    /// What to do when the server points elsewhere.
    pub redirects: Redirects,
    /// A proxy's URL, in place of the system's.
    pub proxy: Option<String>,
}

impl Config {
    /// The defaults for a server: no token, no namespace, the system's roots.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            token: None,
            namespace: String::new(),
            headers: Vec::new(),
            tls: TlsConfig::default(),
            timeout: TIMEOUT_DEFAULT,
            max_retries: RETRIES_DEFAULT,
            retry_wait: RETRY_WAIT,
            response_bytes_max: RESPONSE_BYTES_MAX,
            redirects: Redirects::default(),
            proxy: None,
        }
    }
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    headers: HeaderMap,
    config: Config,
}

impl Client {
    /// Makes a client. It connects on the first request.
    ///
    /// # Errors
    ///
    /// [`ClientError::Configuration`] for certificates, headers or a proxy that cannot be used.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .timeout(config.timeout);
        builder = match &config.proxy {
            Some(proxy) => {
                let proxy = reqwest::Proxy::all(proxy).map_err(|error| {
                    ClientError::Configuration(format!("the proxy's address is no URL: {error}"))
                })?;
                builder.proxy(proxy)
            }
            // A proxy cannot reach this machine's loopback, and must not see its traffic.
            None if config.address.is_loopback() => builder.no_proxy(),
            None => builder,
        };
        builder = if config.address.is_https() {
            config.tls.apply(&config.address, builder)?
        } else {
            // Loading the system's roots takes longer than a request; plain HTTP needs none.
            builder.tls_certs_only([])
        };
        let http = builder
            .build()
            .map_err(|error| ClientError::Configuration(root_cause(&error)))?;
        let headers = headers(&config)?;
        Ok(Self {
            http,
            headers,
            config,
        })
    }

    /// The server's address.
    pub fn address(&self) -> &Address {
        &self.config.address
    }

    /// The token that requests carry, if any.
    pub fn token(&self) -> Option<&Token> {
        self.config.token.as_ref()
    }

    /// The namespace, with a slash at its end; empty for the root.
    pub fn namespace(&self) -> String {
        with_final_slash(&self.config.namespace)
    }

    /// The URL that a request goes to.
    pub fn url(&self, request: &Request) -> String {
        self.target(request).into()
    }

    /// Whether requests bring their own login, in headers: then they carry no token, which the server
    /// would refuse beside it.
    pub fn brings_login(&self) -> bool {
        let mut names = self.headers.keys();
        names.any(|name| name.as_str().starts_with(INLINE_LOGIN_PREFIX))
    }

    /// The headers that a request carries, apart from those that describe the body and the token.
    pub fn header_lines(&self, request: &Request) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        wrap_header(&mut headers, request);
        headers
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect()
    }

    /// Sends a request and returns the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`], [`ClientError::Redirect`] or [`ClientError::TooLarge`] when there
    /// is no answer to return.
    pub async fn send(&self, request: &Request) -> Result<Response, ClientError> {
        let mut url = self.target(request);
        let mut redirects = 0;
        let mut attempt = 0;
        loop {
            let answer = self.exchange(request, &url).await?;
            let status = answer.status().as_u16();
            let may_repeat = !request.is_sent_once && retry::is_retryable(request.method, status);
            if attempt < self.config.max_retries && may_repeat {
                tokio::time::sleep(retry::wait(self.config.retry_wait, attempt)).await;
                attempt += 1;
                continue;
            }
            if matches!(status, 301 | 302 | 307 | 308) {
                url = self.redirect(request, &url, &answer, redirects)?;
                redirects += 1;
                continue;
            }
            return self.receive(request, &url, answer).await;
        }
    }

    /// Sends a request and returns a successful answer.
    ///
    /// # Errors
    ///
    /// As [`Client::send`], and [`ClientError::Api`] when the server refuses.
    pub async fn execute(&self, request: &Request) -> Result<Response, ClientError> {
        self.send(request).await?.into_success()
    }

    /// Sends a request and returns the answer, or nothing when the server holds nothing there.
    ///
    /// # Errors
    ///
    /// As [`Client::execute`], without 404.
    pub async fn find(&self, request: &Request) -> Result<Option<Response>, ClientError> {
        self.send(request).await?.into_found()
    }

    pub(crate) fn target(&self, request: &Request) -> Url {
        let mut url = self.config.address.url().clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(request.prefix.split('/'))
                .extend(request.path.split('/'));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }

    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
    ) -> Result<reqwest::Response, ClientError> {
        let sent = self.prepare(request, url)?.send().await;
        sent.map_err(|error| transport(request, url, &error))
    }

    /// A request with its headers and its JSON body.
    pub(crate) fn prepare(
        &self,
        request: &Request,
        url: &Url,
    ) -> Result<reqwest::RequestBuilder, ClientError> {
        let method = match request.method {
            Method::Delete => reqwest::Method::DELETE,
            Method::Get => reqwest::Method::GET,
            Method::Patch => reqwest::Method::PATCH,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut headers = self.headers.clone();
        wrap_header(&mut headers, request);
        let token = match &request.credential {
            Credential::Anonymous => None,
            Credential::Client if self.brings_login() => None,
            Credential::Client => self.config.token.as_ref(),
            Credential::Other(token) => Some(token),
        };
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            let mut value = HeaderValue::from_str(token.expose()).map_err(|_| {
                let text = "the token has characters that no header can carry";
                ClientError::Configuration(text.to_owned())
            })?;
            value.set_sensitive(true);
            headers.insert("x-vault-token", value);
        }
        let mut target = url.clone();
        if let Some(name) = self
            .config
            .tls
            .server_name
            .as_deref()
            .filter(|_| url.scheme() == "https")
        {
            // The library checks the certificate against the URL's host; `TlsConfig::apply` has
            // bound this name to the address's own socket addresses.
            target.set_host(Some(name)).map_err(|_| {
                ClientError::Configuration(format!("TLS server name `{name}` is no host name"))
            })?;
        }
        if request.method == Method::Patch {
            let merge = HeaderValue::from_static("application/merge-patch+json");
            headers.insert(CONTENT_TYPE, merge);
        }
        let mut sent = self.http.request(method, target).headers(headers);
        if let Some(body) = &request.body {
            sent = sent.json(body);
        }
        if let Some((text, media_type)) = &request.document {
            sent = sent.header(CONTENT_TYPE, *media_type).body(text.clone());
        }
        Ok(sent)
    }

    fn redirect(
        &self,
        request: &Request,
        url: &Url,
        answer: &reqwest::Response,
        followed: u32,
    ) -> Result<Url, ClientError> {
        let location = answer
            .headers()
            .get(LOCATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default();
        let refused = |why| ClientError::Redirect {
            method: request.method,
            url: request.shown(url),
            location: location.clone(),
            why,
        };
        if self.config.redirects == Redirects::Refused {
            return Err(refused("redirects are disabled"));
        }
        if followed >= REDIRECTS_MAX {
            return Err(refused("it is the second redirect of one request"));
        }
        let target = url
            .join(&location)
            .map_err(|_| refused("it is not a URL"))?;
        if target.host_str() != url.host_str() {
            return Err(refused("the token would go to another host"));
        }
        if target.scheme() != url.scheme() {
            return Err(refused("the scheme would change"));
        }
        Ok(target)
    }

    pub(crate) async fn receive(
        &self,
        request: &Request,
        url: &Url,
        mut answer: reqwest::Response,
    ) -> Result<Response, ClientError> {
        let bytes_max = self.config.response_bytes_max;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| transport(request, url, &error))?
        {
            if body.len() + chunk.len() > bytes_max {
                let (method, url) = (request.method, request.shown(url));
                return Err(ClientError::TooLarge {
                    method,
                    url,
                    bytes_max,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            method: request.method,
            url: request.shown(url),
            namespace: self.namespace(),
            status,
            body,
        })
    }
}

fn headers(config: &Config) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    headers.insert("x-vault-request", HeaderValue::from_static("true"));
    let namespace = with_final_slash(&config.namespace);
    let own = (!namespace.is_empty()).then(|| ("X-Vault-Namespace".to_owned(), namespace));
    for (name, value) in own.iter().chain(&config.headers) {
        let fault = || ClientError::Configuration(format!("header `{name}` cannot be sent"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| fault())?);
    }
    Ok(headers)
}

fn wrap_header(headers: &mut HeaderMap, request: &Request) {
    if let Some(ttl) = request.wrap_ttl.filter(|ttl| !ttl.is_zero()) {
        headers.insert("x-vault-wrap-ttl", HeaderValue::from(ttl.as_secs()));
    }
}

fn with_final_slash(namespace: &str) -> String {
    match namespace.trim_matches('/') {
        "" | "root" => String::new(),
        name => format!("{name}/"),
    }
}

pub(crate) fn transport(request: &Request, url: &Url, error: &reqwest::Error) -> ClientError {
    ClientError::Transport {
        method: request.method,
        url: request.shown(url),
        fault: TransportFault::classify(error),
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
