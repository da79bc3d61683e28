//! `oidc/auth_url`: begins a login, and says where the person goes for it.
//!
//! Anybody may ask. As in Vault, what is wrong beyond a few plain mistakes is answered with an empty
//! address, and the reason is in the operator's log: it is about the mount's settings.

use std::sync::Arc;

use serde_json::Value;
use url::Url;
use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_logical::{Access, Answer, Call, Data, Error, Method, Reply, Route, input};

use super::super::Jwt;
use super::super::config::{self, Config};
use super::super::login::address_allowed;
use super::super::role::{Role, RoleType};
use super::pending::{Beginning, Begun, CLIENT_NONCE_BYTES_MAX};
use super::redirect;

pub(in super::super) const ROUTE: Route<Jwt> = Route {
    pattern: "oidc/auth_url",
    access: Access::Login(|_| None),
    methods: &[Method::update::<AuthUrlInput>(auth_url)],
    exists: None,
    help: "Begin a login through the OpenID provider: the address at which it goes on.",
};

input! {
    /// Who begins, and where the provider shall send them back to.
    pub(super) struct AuthUrlInput {
        /// The role; the mount's default where none is named.
        role: Option<String>,
        /// Where the provider sends people back to: one of the role's `allowed_redirect_uris`.
        redirect_uri: Option<String>,
        /// A secret of whoever begins, to be repeated at the callback.
        client_nonce: Option<String>,
    }
}

fn auth_url<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: AuthUrlInput = call.input()?;
        let refuse = |reason, message: &str| Err(Error::invalid_because(reason, message));
        let Some(config) = jwt.config().await? else {
            return refuse("not_configured", "could not load configuration");
        };
        if !config.has_client() {
            let message = "OIDC login is not configured for this mount";
            return refuse("oidc_not_configured", message);
        }
        let named = input.role.as_deref().filter(|name| !name.is_empty());
        let name = named.unwrap_or(&config.default_role).to_ascii_lowercase();
        if name.is_empty() {
            return refuse("role_missing", "missing role");
        }
        let Some(role) = jwt.role(&name).await? else {
            let message = format!("role {name:?} could not be found");
            return refuse("role_unknown", &message);
        };
        let redirect_uri = input.redirect_uri.unwrap_or_default();
        if redirect_uri.is_empty() {
            return refuse("redirect_uri_missing", "missing redirect_uri");
        }
        let client_nonce = input.client_nonce.filter(|nonce| !nonce.is_empty());
        let nonce_bytes = client_nonce.as_ref().map_or(0, String::len);
        if nonce_bytes > CLIENT_NONCE_BYTES_MAX {
            let message = format!(
                "client_nonce has {nonce_bytes} bytes; at most {CLIENT_NONCE_BYTES_MAX} are allowed"
            );
            return refuse("client_nonce_too_long", &message);
        }
        if !address_allowed(&role.token.bound_cidrs, &call) {
            return Err(Error::denied("login_address_not_allowed"));
        }
        let beginning = Beginning {
            role: name,
            redirect_uri,
            client_nonce,
            config,
            address: call.request.remote.map(|peer| peer.ip()),
        };
        let url = match jwt.begin(beginning, &role).await {
            Ok(url) => url.into(),
            Err(fault) => {
                let mount = &call.mount.path;
                tracing::warn!(%mount, %fault, "no address for a login through the provider");
                String::new()
            }
        };
        Ok(Reply::data(Data::from_iter([(
            "auth_url".to_owned(),
            Value::from(url),
        )])))
    })
}

impl Jwt {
    /// Begins a login, or says to the operator why not.
    async fn begin(&self, beginning: Beginning, role: &Role) -> Result<Url, String> {
        let name = &beginning.role;
        if role.role_type != RoleType::Oidc {
            return Err(format!("role {name:?} is not of role_type `oidc`"));
        }
        let allowed = role.allowed_redirect_uris.as_deref().unwrap_or_default();
        if !redirect::is_allowed(&beginning.redirect_uri, allowed) {
            // Not repeated: anybody can ask, and whoever asks knows it.
            return Err(format!(
                "redirect_uri is not in allowed_redirect_uris of role {name:?}"
            ));
        }
        // A role of an older version may list it.
        if redirect::is_callback_of_server(&beginning.redirect_uri) {
            return Err(format!(
                "redirect_uri is the callback of the server itself, which role {name:?} must not list in \
                 allowed_redirect_uris"
            ));
        }
        let config = Arc::clone(&beginning.config);
        let redirect_uri = beginning.redirect_uri.clone();
        // First the provider: who can't be sent there begins nothing.
        let metadata = self.provider_metadata(&config).await?;
        let endpoint = metadata.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or("the provider names no authorization_endpoint")?;
        let endpoint = authorization_endpoint(endpoint, config.keys.named_plaintext())?;
        let (entropy, clock) = (self.system.entropy(), self.system.clock());
        let begun = self.pending.begin(beginning, entropy, clock.now());
        Ok(with_parameters(
            endpoint,
            &config,
            role,
            &redirect_uri,
            &begun,
        ))
    }

    /// What the provider says of itself.
    pub(super) async fn provider_metadata(
        &self,
        config: &Config,
    ) -> Result<Arc<vouchsafe_trust::discovery::ProviderMetadata>, String> {
        let keys = self.ring.keys(config::KEY, &config.keys);
        let keys = keys.map_err(|error| error.to_string())?;
        let loaded = keys.load(self.system.fetcher(), self.system.clock()).await;
        loaded.map_err(|refusal| refusal.to_string())?;
        keys.metadata()
            .ok_or_else(|| "the provider's discovery document is not there".to_owned())
    }
}

/// Where a browser is sent: nothing that is not fetched, and `http` only as the provider's other
/// addresses.
fn authorization_endpoint(text: &str, plaintext: Plaintext) -> Result<Url, String> {
    let fault = |what: &str| format!("authorization_endpoint {:?} {what}", shortened(text));
    let url = Url::parse(text).map_err(|_| fault("is not an absolute URL"))?;
    let may_be_http = match plaintext {
        Plaintext::Refused => false,
        Plaintext::Loopback => is_loopback(&url),
        Plaintext::Allowed => true,
    };
    match url.scheme() {
        "https" => {}
        "http" if may_be_http => {}
        _ => return Err(fault("is not `https`")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(fault("has user information or a fragment"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The authentication request (OpenID Connect Core 1.0 §3.1.2.1).
fn with_parameters(
    mut url: Url,
    config: &Config,
    role: &Role,
    redirect_uri: &str,
    begun: &Begun,
) -> Url {
    let mut scopes = vec!["openid"];
    for scope in role.oidc_scopes.iter().flatten() {
        if !scopes.contains(&scope.as_str()) {
            scopes.push(scope);
        }
    }
    let max_age = role.max_age.as_secs();
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &config.oidc_client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", &begun.state)
        .append_pair("nonce", &begun.nonce)
        .append_pair("code_challenge", &begun.challenge)
        .append_pair("code_challenge_method", "S256");
    if max_age > 0 {
        query.append_pair("max_age", &max_age.to_string());
    }
    if config.is_form_post() {
        query.append_pair("response_mode", "form_post");
    }
    drop(query);
    url
}

/// The beginning of a text that somebody else chose, for the log.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}
