//! `config`: which API server is asked, and how.
//!
//! A write replaces all of it, as in Vault: what it does not say is as in a new configuration. It
//! asks nobody, so it works while the API server is down.

use serde::{Deserialize, Serialize};
use vouchsafe_jose::{Jwk, JwkSet, PublicKey};
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, ErrorKind, Method, Reply, Route, input,
};

use super::Kubernetes;

/// The configuration.
pub(super) const ROUTE: Route<Kubernetes> = Route {
    pattern: "config",
    access: Access::Token,
    methods: &[Method::read(read), Method::update::<ConfigInput>(write)],
    exists: None,
    help: "Read or write which Kubernetes API server is asked about tokens.",
};

/// Where it is stored.
const KEY: &str = "config";
/// The longest address of an API server, in bytes.
pub(super) const HOST_BYTES_MAX: usize = 2_048;
/// The most bytes of CA certificates: room for all that a system trusts, several times over.
pub(super) const CA_CERT_BYTES_MAX: usize = 1024 * 1024;
/// The most public keys that tokens are checked with; each may have to be tried.
pub(super) const PEM_KEYS_MAX: usize = vouchsafe_jose::limits::KEYS_TRIED_MAX;
/// The issuer of tokens of clusters that were not told another one.
const DEFAULT_ISSUER: &str = "kubernetes/serviceaccount";

input! {
    /// What a write says about the configuration.
    pub(super) struct ConfigInput {
        /// Address of the Kubernetes API server, e.g. `https://10.96.0.1:443`.
        kubernetes_host: Option<String>,
        /// CA certificates of the API server in PEM. The pod's own where none are given.
        kubernetes_ca_cert: Option<String>,
        /// Token to ask the API server with; never returned. Where none is given: the pod's own,
        /// else the token that logs in.
        token_reviewer_jwt: Option<String>,
        /// Public keys or certificates in PEM; where there are any, one must have signed a token
        /// before the API server is asked about it.
        pem_keys: Option<CommaList>,
        /// The `iss` of tokens, where it is looked at.
        issuer: Option<String>,
        /// Do not look at `iss`, which the API server judges anyway. On unless switched off.
        disable_iss_validation: Option<bool>,
        /// Use neither token nor CA certificates of the pod that this server runs in.
        disable_local_ca_jwt: Option<bool>,
        /// Keep the service account's annotations `vault.hashicorp.com/alias-metadata-…` as metadata
        /// of the alias.
        use_annotations_as_alias_metadata: Option<bool>,
    }
}

/// The configuration as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) host: String,
    pub(super) ca_cert: String,
    pub(super) token_reviewer_jwt: String,
    pem_keys: Vec<String>,
    issuer: String,
    disable_iss_validation: bool,
    pub(super) disable_local_ca_jwt: bool,
    pub(super) use_annotations_as_alias_metadata: bool,
}

impl Config {
    fn new(input: ConfigInput) -> Result<Self, Error> {
        let text = |value: Option<String>| value.unwrap_or_default();
        let config = Self {
            host: parse_host(&text(input.kubernetes_host))?,
            ca_cert: text(input.kubernetes_ca_cert),
            token_reviewer_jwt: text(input.token_reviewer_jwt).trim().to_owned(),
            pem_keys: blocks(&input.pem_keys.unwrap_or_default().0),
            issuer: text(input.issuer),
            disable_iss_validation: input.disable_iss_validation.unwrap_or(true),
            disable_local_ca_jwt: input.disable_local_ca_jwt.unwrap_or(false),
            use_annotations_as_alias_metadata: input
                .use_annotations_as_alias_metadata
                .unwrap_or(false),
        };
        if config.disable_local_ca_jwt && config.ca_cert.is_empty() {
            return Err(Error::invalid(
                "kubernetes_ca_cert must be given when disable_local_ca_jwt is true",
            ));
        }
        check_ca_cert(&config.ca_cert)?;
        check_pem_keys(&config.pem_keys)?;
        Ok(config)
    }

    /// The keys of which one must have signed a token; `None` where there are none.
    ///
    /// # Errors
    /// A stored key is none, which can't happen: it was parsed before it was stored.
    pub(super) fn keys(&self) -> Result<Option<JwkSet>, Error> {
        if self.pem_keys.is_empty() {
            return Ok(None);
        }
        let keys = self.pem_keys.iter().map(|pem| {
            let key = PublicKey::from_pem(pem)?;
            Jwk::new(key, None, None)
        });
        let keys: Result<JwkSet, vouchsafe_jose::KeyError> = keys.collect();
        keys.map(Some)
            .map_err(|fault| Error::internal(format!("kubernetes: a stored pem_key: {fault}")))
    }

    /// The `iss` that a token must have, where it is looked at.
    pub(super) fn expected_issuer(&self) -> Option<&str> {
        match (self.disable_iss_validation, &*self.issuer) {
            (true, _) => None,
            (false, "") => Some(DEFAULT_ISSUER),
            (false, issuer) => Some(issuer),
        }
    }

    /// Whether the API server has to be known by a certificate.
    pub(super) fn needs_ca_cert(&self) -> bool {
        self.host.starts_with("https://")
    }

    fn describe(self) -> Data {
        let mut data = Data::new();
        let mut put = |name: &str, value: serde_json::Value| data.insert(name.to_owned(), value);
        put("disable_iss_validation", self.disable_iss_validation.into());
        put("disable_local_ca_jwt", self.disable_local_ca_jwt.into());
        put("issuer", self.issuer.into());
        put("kubernetes_ca_cert", self.ca_cert.into());
        put("kubernetes_host", self.host.into());
        put("pem_keys", self.pem_keys.into());
        let set = !self.token_reviewer_jwt.is_empty();
        put("token_reviewer_jwt_set", set.into());
        let annotations = self.use_annotations_as_alias_metadata;
        put("use_annotations_as_alias_metadata", annotations.into());
        data
    }
}

impl Kubernetes {
    /// The configuration.
    ///
    /// # Errors
    /// The mount has none; the store's.
    pub(super) async fn config(&self) -> Result<Config, Error> {
        let config: Option<Config> = self.view.read(KEY).await?;
        config.ok_or_else(|| {
            Error::invalid_because("not_configured", "could not load backend configuration")
        })
    }
}

fn read<'a>(kubernetes: &'a Kubernetes, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let config: Option<Config> = kubernetes.view.read(KEY).await?;
        Ok(Reply::data(config.ok_or_else(Error::not_found)?.describe()))
    })
}

fn write<'a>(kubernetes: &'a Kubernetes, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let config = Config::new(call.input()?)?;
        if config.ca_cert.is_empty() && config.needs_ca_cert() {
            // Better now than at the first login.
            let files = kubernetes.local.reread(&*kubernetes.system).await?;
            files
                .ca_cert
                .map_err(|fault| Error::invalid_because("local_file_unreadable", fault))?;
        }
        let mut transaction = kubernetes.view.begin();
        transaction.put_record(&kubernetes.view, KEY, &config)?;
        transaction.commit().await?;
        Ok(Reply::empty())
    })
}

/// The address without slashes at its end. Paths of the API are appended to it, so it has neither
/// query nor fragment.
fn parse_host(text: &str) -> Result<String, Error> {
    let host = text.trim().trim_end_matches('/');
    if host.is_empty() {
        return Err(Error::invalid("no host provided"));
    }
    let refuse = |fault: &str| {
        Err(Error::invalid_because(
            "host_invalid",
            format!("kubernetes_host {fault}; expected `https://host:port`"),
        ))
    };
    if host.len() > HOST_BYTES_MAX {
        return refuse(&format!(
            "is {} bytes long, at most {HOST_BYTES_MAX} are allowed",
            host.len()
        ));
    }
    let Some((scheme, rest)) = host.split_once("://") else {
        return refuse(&format!("`{host}` has no scheme"));
    };
    if !matches!(scheme, "https" | "http") {
        return refuse(&format!("`{host}` is neither https nor http"));
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '\\');
    if rest.is_empty() || rest.contains(odd) {
        // With `@` there would be a password in it: it is not repeated.
        return refuse("is not an address without user, query and fragment");
    }
    if scheme == "http" && !is_loopback(rest) {
        return refuse(&format!(
            "`{host}` would send tokens in clear; `http` is for loopback only"
        ));
    }
    Ok(host.to_owned())
}

fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address: Result<std::net::IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn check_ca_cert(pem: &str) -> Result<(), Error> {
    if pem.len() > CA_CERT_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::InvalidRequest,
            "ca_cert_invalid",
            format!(
                "kubernetes_ca_cert is {} bytes long; at most {CA_CERT_BYTES_MAX} are allowed",
                pem.len()
            ),
        ));
    }
    if pem.is_empty() || pem.contains("-----BEGIN CERTIFICATE-----") {
        return Ok(());
    }
    Err(Error::invalid_because(
        "ca_cert_invalid",
        "kubernetes_ca_cert has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)",
    ))
}

fn check_pem_keys(pems: &[String]) -> Result<(), Error> {
    if pems.len() > PEM_KEYS_MAX {
        return Err(Error::invalid_because(
            "pem_key_invalid",
            format!(
                "pem_keys has {} keys; at most {PEM_KEYS_MAX} are allowed",
                pems.len()
            ),
        ));
    }
    for (index, pem) in pems.iter().enumerate() {
        PublicKey::from_pem(pem).map_err(|fault| {
            Error::invalid_because("pem_key_invalid", format!("pem_keys[{index}]: {fault}"))
        })?;
    }
    Ok(())
}

/// One text for each PEM block: a file may hold several, and the command line sends a file whole.
fn blocks(texts: &[String]) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN";
    let mut found = Vec::new();
    for text in texts {
        let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
        let Some(first) = starts.first() else {
            // Kept to be refused with its place in the list.
            found.push(text.clone());
            continue;
        };
        // What stands before the first block belongs to it, so that it is refused and not lost.
        let mut bounds = vec![0];
        bounds.extend(starts.iter().filter(|at| *at != first));
        bounds.push(text.len());
        for pair in bounds.windows(2) {
            if let Some(block) = text.get(pair[0]..pair[1]) {
                found.push(block.trim().to_owned());
            }
        }
    }
    found
}
