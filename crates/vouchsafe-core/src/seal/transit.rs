//! `seal "transit"`: the transit engine of another server (Vault, OpenBao) wraps the unseal key.
//!
//! Requests go through the outbound port, so its rules hold: https unless the server is on this
//! machine, no redirects, bounded time and size. What is stored is the engine's own ciphertext.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vouchsafe_logical::fetch::{Fetch, FetchError, FetchRequest};
use vouchsafe_logical::{BoxFuture, Secret, Timestamp};
use vouchsafe_storage::barrier::{SealKind, UNSEAL_KEY_BYTES};
use vouchsafe_storage::seal::{AutoSeal, AutoSealError, Unwrapped};
use zeroize::Zeroizing;

/// The longest answer that is read of the other server, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How much of what the other server says in a refusal is told.
const TOLD_CHARACTERS_MAX: usize = 200;
/// When a renewal failed: the time to the next one.
const RENEW_AGAIN: Duration = Duration::from_secs(60);

/// Which key of which server.
#[derive(Clone, Debug)]
pub struct TransitSettings {
    /// The server: scheme and host, without a slash at the end.
    pub address: String,
    /// The token; it needs `update` on `encrypt/` and `decrypt/` of the key.
    pub token: Secret<String>,
    /// The namespace, without slashes around it; may be empty.
    pub namespace: String,
    /// Where the engine is mounted, without slashes around it.
    pub mount_path: String,
    /// The key.
    pub key_name: String,
    /// Certificate authorities in PEM that alone are trusted; `None` trusts the system's.
    pub ca_pem: Option<String>,
    /// Whether the token is renewed.
    pub renews_token: bool,
}

/// The seal.
pub struct TransitSeal {
    settings: TransitSettings,
    fetcher: Arc<dyn Fetch>,
    renewal: Mutex<Renewal>,
}

/// When the token is to be renewed next.
#[derive(Clone, Copy)]
enum Renewal {
    At(Timestamp),
    Never,
}

impl TransitSeal {
    /// A seal of another server's key. Nothing is asked yet.
    #[must_use]
    pub fn new(settings: TransitSettings, fetcher: Arc<dyn Fetch>) -> Self {
        let renewal = match settings.renews_token {
            true => Renewal::At(Timestamp::UNIX_EPOCH),
            false => Renewal::Never,
        };
        Self {
            settings,
            fetcher,
            renewal: Mutex::new(renewal),
        }
    }

    /// Asks the other server, and answers the part of its envelope with that name.
    async fn ask(&self, path: &str, body: &Value, part: &str) -> Result<Value, AutoSealError> {
        let settings = &self.settings;
        let namespace = match settings.namespace.as_str() {
            "" => String::new(),
            namespace => format!("{namespace}/"),
        };
        let url = format!("{}/v1/{namespace}{path}", settings.address);
        let request = FetchRequest {
            bearer: Some(settings.token.clone()),
            ca_pem: settings.ca_pem.clone(),
            bytes_max: ANSWER_BYTES_MAX,
            ..FetchRequest::post_json(url, body.to_string())
        };
        let at = &settings.address;
        let answer = self.fetcher.fetch(request).await.map_err(|error| {
            let text = format!("seal `transit` at {at}: {error}");
            match error {
                FetchError::Url(_)
                | FetchError::Plaintext(_)
                | FetchError::Address(_)
                | FetchError::CertificateAuthority(_) => AutoSealError::Refused(text),
                FetchError::Connect(_)
                | FetchError::Timeout(_)
                | FetchError::TooLarge(_)
                | FetchError::Broken(_) => AutoSealError::Unavailable(text),
            }
        })?;
        let mut envelope: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match answer.status {
            200..=299 => Ok(envelope[part].take()),
            status => {
                let told = told(&envelope);
                let text = format!("seal `transit` at {at}: `{path}` answered {status}{told}");
                Err(match status {
                    400..=499 if status != 429 => AutoSealError::Refused(text),
                    _ => AutoSealError::Unavailable(text),
                })
            }
        }
    }

    fn path(&self, operation: &str) -> String {
        let TransitSettings {
            mount_path,
            key_name,
            ..
        } = &self.settings;
        format!("{mount_path}/{operation}/{key_name}")
    }

    async fn text(
        &self,
        operation: &str,
        body: &Value,
        field: &str,
    ) -> Result<Zeroizing<String>, AutoSealError> {
        let mut data = self.ask(&self.path(operation), body, "data").await?;
        match data[field].take() {
            Value::String(text) => Ok(Zeroizing::new(text)),
            _ => Err(AutoSealError::Unavailable(format!(
                "seal `transit` at {}: the answer has no `{field}`",
                self.settings.address
            ))),
        }
    }

    async fn renew(&self, now: Timestamp) -> Result<(), AutoSealError> {
        let due = *self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let Renewal::At(due) = due else { return Ok(()) };
        if now < due {
            return Ok(());
        }
        let answer = self.ask("auth/token/renew-self", &json!({}), "auth").await;
        let next = match &answer {
            // A token that does not expire, or that can't be renewed, is not asked about again.
            Ok(auth) => match auth["lease_duration"].as_u64() {
                Some(seconds) if seconds > 0 && auth["renewable"] == true => {
                    after(now, Duration::from_secs(seconds / 2))
                }
                _ => Renewal::Never,
            },
            Err(_) => after(now, RENEW_AGAIN),
        };
        *self.renewal.lock().unwrap_or_else(PoisonError::into_inner) = next;
        answer.map(drop)
    }
}

fn after(now: Timestamp, time: Duration) -> Renewal {
    now.checked_add(time).map_or(Renewal::Never, Renewal::At)
}

/// The first thing that the other server says of a refusal. It names paths, never keys.
fn told(envelope: &Value) -> String {
    let error = envelope["errors"][0].as_str().unwrap_or_default().trim();
    if error.is_empty() {
        return String::new();
    }
    let shown: String = error
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TOLD_CHARACTERS_MAX)
        .collect();
    format!(": {shown}")
}

impl AutoSeal for TransitSeal {
    fn kind(&self) -> SealKind {
        SealKind::Transit
    }

    fn wrap<'a>(
        &'a self,
        key: &'a [u8; UNSEAL_KEY_BYTES],
    ) -> BoxFuture<'a, Result<Vec<u8>, AutoSealError>> {
        Box::pin(async move {
            let body = json!({ "plaintext": STANDARD.encode(key) });
            let ciphertext = self.text("encrypt", &body, "ciphertext").await?;
            Ok(ciphertext.as_bytes().to_vec())
        })
    }

    fn unwrap<'a>(&'a self, wrapped: &'a [u8]) -> BoxFuture<'a, Result<Unwrapped, AutoSealError>> {
        Box::pin(async move {
            let body = json!({ "ciphertext": String::from_utf8_lossy(wrapped) });
            let plaintext = self.text("decrypt", &body, "plaintext").await?;
            let key = STANDARD.decode(plaintext.as_bytes()).map_err(|_| {
                let at = &self.settings.address;
                AutoSealError::Refused(format!("seal `transit` at {at}: the answer is not base64"))
            })?;
            Ok(Unwrapped {
                key: Zeroizing::new(key),
                // The engine opens every version of its key that it keeps.
                is_current: true,
            })
        })
    }

    fn tend(&self, now: Timestamp) -> BoxFuture<'_, Result<(), AutoSealError>> {
        Box::pin(self.renew(now))
    }
}
