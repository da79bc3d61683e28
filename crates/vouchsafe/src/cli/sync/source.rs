//! The private issuer's two documents.
//!
//! The discovery document says where the keys are, but says it for verifiers outside: after the
//! issuer was told its public name, `jwks_uri` may point to the publisher itself, and a cluster's
//! names an address that its pods may not reach. Then the same path at the source's host is asked.

use reqwest::Url;
use serde_json::{Map, Value};
use vouchsafe_backends::publish::private_member;
use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_logical::{Fetch, FetchRequest, Fetched, Secret};

use super::fault::{Fault, success};
use super::settings::{self, Source};

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What is uploaded: both documents, and the names of the keys for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Documents {
    pub(super) openid_configuration: Map<String, Value>,
    pub(super) jwks: Map<String, Value>,
}

impl Documents {
    /// The keys by `kid`, or by their place where they have none.
    pub(super) fn key_names(&self) -> Vec<String> {
        let keys = self.jwks.get("keys").and_then(Value::as_array);
        let named = keys.into_iter().flatten().enumerate();
        named.map(|(place, key)| name(place, key)).collect()
    }
}

fn name(place: usize, key: &Value) -> String {
    match key.get("kid").and_then(Value::as_str) {
        Some(key_id) if !key_id.is_empty() => key_id.chars().take(80).collect(),
        _ => format!("number {}", place + 1),
    }
}

/// Reads both documents and checks that they may leave.
pub(super) async fn read(
    source: &Source,
    plaintext: Plaintext,
    fetch: &dyn Fetch,
) -> Result<Documents, Fault> {
    let read_file = |path: &Option<_>, what| {
        path.as_ref()
            .map(|path: &std::path::PathBuf| settings::read(path, what))
            .transpose()
    };
    let reader = Reader {
        base: Url::parse(&source.url).map_err(|error| Fault::Local(error.to_string()))?,
        token: read_file(&source.token_path, "the token for the source")?.map(Secret::new),
        ca_pem: read_file(&source.ca_path, "the source's certificate authorities")?,
        plaintext,
        fetch,
    };
    let address = format!("{}{WELL_KNOWN}", source.url);
    let discovery = reader.get(&address).await.map_err(Fault::Source)?;
    let openid_configuration = object(&discovery, &address)?;
    let text = |name: &str| openid_configuration.get(name).and_then(Value::as_str);
    let absent = |name: &str| Fault::Documents(format!("{address} has no `{name}`"));
    text("issuer").ok_or_else(|| absent("issuer"))?;
    let jwks_uri = text("jwks_uri").ok_or_else(|| absent("jwks_uri"))?;
    let issuer = text("issuer").and_then(|issuer| Url::parse(issuer).ok());
    let (address, keys) = reader.keys(jwks_uri, issuer.as_ref()).await?;
    let jwks = object(&keys, &address)?;
    check(&jwks, &address)?;
    Ok(Documents {
        openid_configuration,
        jwks,
    })
}

struct Reader<'a> {
    base: Url,
    token: Option<Secret<String>>,
    ca_pem: Option<String>,
    plaintext: Plaintext,
    fetch: &'a dyn Fetch,
}

impl Reader<'_> {
    async fn get(&self, url: &str) -> Result<Fetched, String> {
        let is_source = Url::parse(url).is_ok_and(|url| same_host(&url, &self.base));
        let request = FetchRequest {
            // The token is the source's; another host has no business with it.
            bearer: self.token.clone().filter(|_| is_source),
            ca_pem: self.ca_pem.clone(),
            plaintext: self.plaintext,
            ..FetchRequest::get(url)
        };
        success(url, self.fetch.fetch(request).await)
    }

    /// The key set, and where it was.
    async fn keys(&self, jwks_uri: &str, issuer: Option<&Url>) -> Result<(String, Fetched), Fault> {
        let stated = self.base.join(jwks_uri).map_err(|error| {
            Fault::Documents(format!("`jwks_uri` is `{jwks_uri}`, no URL: {error}"))
        })?;
        let at_source = {
            let mut moved = self.base.clone();
            moved.set_path(stated.path());
            moved.set_query(stated.query());
            moved
        };
        if same_host(&stated, &self.base) {
            let keys = self.get(stated.as_str()).await.map_err(Fault::Source)?;
            return Ok((stated.to_string(), keys));
        }
        // The public issuer's host serves what was published before: asking it would go round in
        // a circle, and no new key would ever get out.
        let is_public = issuer.is_some_and(|issuer| same_host(&stated, issuer));
        let elsewhere = if is_public {
            None
        } else {
            Some(self.get(stated.as_str()).await)
        };
        match elsewhere {
            Some(Ok(keys)) => Ok((stated.to_string(), keys)),
            failed => {
                let keys = self.get(at_source.as_str()).await.map_err(|fault| {
                    let before = failed.and_then(Result::err);
                    let before = before.map(|before| format!("; before that, {before}"));
                    Fault::Source(format!("{fault}{}", before.unwrap_or_default()))
                })?;
                Ok((at_source.to_string(), keys))
            }
        }
    }
}

fn same_host(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn object(fetched: &Fetched, address: &str) -> Result<Map<String, Value>, Fault> {
    serde_json::from_slice(&fetched.body)
        .map_err(|_| Fault::Documents(format!("{address} is no JSON object")))
}

/// What must not leave, and what no publisher would take. Everything else is the publisher's to say.
fn check(jwks: &Map<String, Value>, address: &str) -> Result<(), Fault> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let Some(keys) = keys.filter(|keys| !keys.is_empty()) else {
        return Err(Fault::Documents(format!("{address} has no keys")));
    };
    for (place, key) in keys.iter().enumerate() {
        let name = name(place, key);
        let Value::Object(key) = key else {
            return Err(Fault::Documents(format!("the key {name} is no object")));
        };
        if let Some(member) = private_member(key) {
            return Err(Fault::Documents(format!(
                "the key {name} at {address} is not public: it has `{member}`. Whoever can read \
                 that address can sign as this issuer: replace the key"
            )));
        }
    }
    Ok(())
}
