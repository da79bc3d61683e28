//! A provider through which people log in, and the logins.

mod auth_url;
mod callback;
mod id_token;
mod pending;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::form_urlencoded::parse;
use vouchsafe_logical::fetch::Method;
use vouchsafe_logical::{Error, FetchRequest, Fetched, Login, Operation, Reply, Response};

use super::{Issuer, NOW};
use crate::auth::driver::Driver;

pub(super) const ISSUER: &str = "https://idp.example";
pub(super) const CALLBACK: &str = "http://localhost:8250/oidc/callback";
pub(super) const CLIENT_SECRET: &str = "s3cret: of the client";
pub(super) const ACCESS_TOKEN: &str = "access-token-1";

/// What the person at the provider agreed to.
struct Grant {
    redirect_uri: String,
    challenge: String,
    claims: Value,
}

#[derive(Default)]
struct Desk {
    grants: BTreeMap<String, Grant>,
    /// Answered in place of the token response.
    answer: Option<(u16, String)>,
    /// The ID token that is answered in place of the one that is due.
    id_token: Option<String>,
    /// Members beside the ID token.
    beside: Value,
}

/// An OpenID provider: it exchanges each code once, for whoever has secret and verifier.
pub(super) struct Provider {
    pub(super) issuer: Arc<Issuer>,
    desk: Arc<Mutex<Desk>>,
}

/// What the provider sends back through the browser.
#[derive(Clone)]
pub(super) struct Answered {
    pub(super) state: String,
    pub(super) code: String,
    pub(super) nonce: String,
}

impl Provider {
    fn new(mount: &Driver) -> Self {
        let provider = Self {
            issuer: Arc::new(Issuer::new(ISSUER)),
            desk: Arc::default(),
        };
        provider.publish(mount, json!({}));
        let (desk, issuer) = (Arc::clone(&provider.desk), Arc::clone(&provider.issuer));
        let fetcher = &mount.system.fetcher;
        fetcher.respond(&format!("{ISSUER}/token"), move |request| {
            let mut desk = desk.lock().unwrap();
            let (status, body) = desk.exchange(request, &issuer);
            Ok(Fetched {
                status,
                media_type: "application/json".to_owned(),
                max_age: None,
                body: body.into_bytes().into(),
            })
        });
        provider
    }

    /// Publishes the discovery document with these members besides; null takes one away.
    pub(super) fn publish(&self, mount: &Driver, members: Value) {
        let mut document = json!({
            "issuer": ISSUER,
            "jwks_uri": self.issuer.jwks_url(),
            "authorization_endpoint": format!("{ISSUER}/authorize?tenant=a%26b"),
            "token_endpoint": format!("{ISSUER}/token"),
            "userinfo_endpoint": format!("{ISSUER}/userinfo"),
        });
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        let fetcher = &mount.system.fetcher;
        let url = format!("{ISSUER}/.well-known/openid-configuration");
        fetcher.serve(&url, document);
        fetcher.serve(&self.issuer.jwks_url(), self.issuer.jwks());
    }

    /// The person logs in and agrees; `claims` beside those that are always there.
    pub(super) fn agree(&self, auth_url: &str, claims: &Value) -> Answered {
        let asked = query(auth_url);
        let mut all = json!({
            "sub": "person-1", "aud": "client-1", "nonce": asked["nonce"], "auth_time": NOW,
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let mut desk = self.desk.lock().unwrap();
        let code = format!("code+{}/=&", desk.grants.len());
        let grant = Grant {
            redirect_uri: asked["redirect_uri"].clone(),
            challenge: asked["code_challenge"].clone(),
            claims: all,
        };
        desk.grants.insert(code.clone(), grant);
        Answered {
            state: asked["state"].clone(),
            nonce: asked["nonce"].clone(),
            code,
        }
    }

    pub(super) fn answers(&self, status: u16, body: impl ToString) {
        self.desk.lock().unwrap().answer = Some((status, body.to_string()));
    }

    pub(super) fn answers_id_token(&self, id_token: Option<String>) {
        self.desk.lock().unwrap().id_token = id_token;
    }

    pub(super) fn answers_beside(&self, members: Value) {
        self.desk.lock().unwrap().beside = members;
    }
}

impl Desk {
    fn exchange(&mut self, request: &FetchRequest, issuer: &Issuer) -> (u16, String) {
        if let Some(answer) = &self.answer {
            return answer.clone();
        }
        let fault = |status, error: &str| (status, json!({"error": error}).to_string());
        let Method::PostForm(form) = &request.method else {
            return fault(405, "invalid_request");
        };
        let form: BTreeMap<String, String> = parse(form.expose().as_bytes()).into_owned().collect();
        let client = match &request.basic {
            Some(basic) => basic.expose().clone(),
            None => format!("{}:{}", form["client_id"], form["client_secret"]),
        };
        // By RFC 6749 §2.3.1 both are encoded before they are joined.
        let in_header = "client-1:s3cret%3A+of+the+client";
        let is_client = match request.basic {
            Some(_) => client == in_header && !form.contains_key("client_secret"),
            None => client == format!("client-1:{CLIENT_SECRET}"),
        };
        if !is_client {
            return fault(401, "invalid_client");
        }
        let Some(grant) = self.grants.remove(&form["code"]) else {
            return fault(400, "invalid_grant");
        };
        let challenge = digest(&SHA256, form["code_verifier"].as_bytes());
        if grant.redirect_uri != form["redirect_uri"]
            || grant.challenge != URL_SAFE_NO_PAD.encode(challenge)
            || form["grant_type"] != "authorization_code"
        {
            return fault(400, "invalid_grant");
        }
        let id_token = self.id_token.clone();
        let id_token = id_token.unwrap_or_else(|| issuer.token(&grant.claims));
        let mut body = json!({"token_type": "Bearer", "id_token": id_token});
        body["access_token"] = ACCESS_TOKEN.into();
        for (name, value) in self.beside.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        (200, body.to_string())
    }
}

/// The parameters of an address.
pub(super) fn query(url: &str) -> BTreeMap<String, String> {
    let (_, query) = url.split_once('?').expect("a query");
    parse(query.as_bytes()).into_owned().collect()
}

/// A mount whose config has a client at the provider, and the role `person`.
pub(super) async fn mount() -> (Driver, Provider) {
    let mount = Driver::open(&super::super::OIDC_METHOD);
    let provider = Provider::new(&mount);
    configure(&mount, json!({})).await;
    role(&mount, json!({})).await;
    (mount, provider)
}

pub(super) async fn configure(mount: &Driver, parameters: Value) {
    let mut body = json!({
        "oidc_discovery_url": ISSUER,
        "oidc_client_id": "client-1",
        "oidc_client_secret": CLIENT_SECRET,
        "default_role": "Person",
    });
    for (name, value) in parameters.as_object().unwrap() {
        body[name] = value.clone();
    }
    mount.write("config", body).await;
}

/// Writes the role `person` with these parameters besides.
pub(super) async fn role(mount: &Driver, parameters: Value) {
    let mut body = json!({
        "role_type": "oidc", "user_claim": "sub", "allowed_redirect_uris": CALLBACK,
    });
    for (name, value) in parameters.as_object().unwrap() {
        body[name] = value.clone();
    }
    mount.write("role/person", body).await;
}

/// Begins a login; the address that is answered.
pub(super) async fn begin(mount: &Driver) -> String {
    let body = json!({"role": "person", "redirect_uri": CALLBACK, "client_nonce": "n0nce"});
    url(mount, body).await
}

/// The address that is answered for these parameters.
pub(super) async fn url(mount: &Driver, body: Value) -> String {
    let data = mount.write("oidc/auth_url", body).await;
    data["auth_url"].as_str().unwrap().to_owned()
}

/// The callback of whoever began, with these parameters besides.
pub(super) async fn call_back(
    mount: &Driver,
    answered: &Answered,
    parameters: Value,
) -> Result<Reply, Error> {
    let mut body = json!({
        "state": answered.state, "code": answered.code, "client_nonce": "n0nce",
    });
    for (name, value) in parameters.as_object().unwrap() {
        body[name] = value.clone();
    }
    mount.send(Operation::Read, "oidc/callback", body).await
}

/// The login that a callback ends with.
pub(super) async fn end(mount: &Driver, answered: &Answered) -> Result<Login, Error> {
    match call_back(mount, answered, json!({})).await?.response {
        Response::Login(login) => Ok(*login),
        other => panic!("{other:?}"),
    }
}

/// A whole login with these claims in the ID token.
pub(super) async fn log_in(
    mount: &Driver,
    provider: &Provider,
    claims: Value,
) -> Result<Login, Error> {
    let answered = provider.agree(&begin(mount).await, &claims);
    end(mount, &answered).await
}

/// How a whole login went: `ok`, or reason code and message.
pub(super) async fn outcome(mount: &Driver, provider: &Provider, claims: Value) -> String {
    told(log_in(mount, provider, claims).await)
}

pub(super) fn told<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{}: {}", error.reason(), error.messages().join("; ")),
    }
}

/// `at_hash` of the access token for an ES256 (or, as it must not be, an EdDSA) signature.
pub(super) fn at_hash(access_token: &str, is_ed25519: bool) -> String {
    let hash = if is_ed25519 { &SHA512 } else { &SHA256 };
    let whole = digest(hash, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&whole.as_ref()[..whole.as_ref().len() / 2])
}

/// What a header `Authorization: Basic` would have, to look for it where it must not be.
pub(super) fn basic() -> String {
    STANDARD.encode("client-1:s3cret%3A+of+the+client")
}
