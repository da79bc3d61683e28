//! The private issuer's documents: read with what the settings say, and checked before they leave.

use serde_json::{Map, Value};
use vouchsafe_backends::publish::{Documents, PrivateIssuer, ReadFault, private_member};
use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_logical::{Fetch, Secret};

use super::fault::Fault;
use super::settings::{self, Source};

/// The keys by `kid`, or by their place where they have none.
pub(super) fn key_names(documents: &Documents) -> Vec<String> {
    let keys = documents.jwks.get("keys").and_then(Value::as_array);
    let named = keys.into_iter().flatten().enumerate();
    named.map(|(place, key)| name(place, key)).collect()
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
    let token = read_file(&source.token_path, "the token for the source")?.map(Secret::new);
    let ca_pem = read_file(&source.ca_path, "the source's certificate authorities")?;
    let issuer = PrivateIssuer {
        url: &source.url,
        bearer: token.as_ref(),
        ca_pem: ca_pem.as_deref(),
        plaintext,
        public: None,
        fetch,
    };
    let documents = issuer.read().await.map_err(|fault| match fault {
        ReadFault::Source(fault) => Fault::Source(fault),
        ReadFault::Documents(fault) => Fault::Documents(fault),
    })?;
    check(&documents.jwks, &documents.jwks_address)?;
    Ok(documents)
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
