//! Who presents a service account's credential: its token, or a JWT that its rules accept.
//!
//! What is recognised here becomes a [`Guest`] of this mount: the pipeline gives it an ACL of just the
//! paths that are named, so that it can publish its services and reaches nothing else of the server. A
//! token of ours (`hvs.`...) is none of this; the pipeline looks at it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;
use vouchsafe_jose::{AlgorithmSet, UnverifiedJwt, VerifiedJwt};
use vouchsafe_logical::{Admission, Entropy, EntropyExt as _, Error, Guest, Request};
use vouchsafe_trust::times::{self, Leeways};
use vouchsafe_trust::{Endpoint, FetchRules, IssuerKeys, KeySource};
use zeroize::Zeroize as _;

use super::Publish;
use super::account::{Account, LoginKind};
use super::record;

/// What every token begins with, as at oidc.pub, so that scanners for leaked secrets know it.
const PREFIX: &str = "oidcpub_";
/// Characters of the part that names the account; not secret.
const KEY_ID_CHARS: usize = 12;
/// Characters of the secret part: 238 bits.
const SECRET_CHARS: usize = 40;
/// The most issuers whose keys are kept; only issuers that rules name are.
const ISSUERS_MAX: usize = 256;

/// A token of a service account.
pub(super) struct StaticToken(String);

impl StaticToken {
    /// A fresh one.
    pub(super) fn make(entropy: &dyn Entropy) -> Self {
        Self(format!(
            "{PREFIX}{}",
            entropy.base62(KEY_ID_CHARS + SECRET_CHARS)
        ))
    }

    /// The part that names the account.
    pub(super) fn key_id(&self) -> &str {
        key_id(&self.0).unwrap_or_default()
    }

    /// What is stored of it.
    pub(super) fn digest(&self) -> String {
        digest_of(&self.0)
    }

    /// The text, to be shown once.
    pub(super) fn into_text(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl Drop for StaticToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The part of a well-formed token that names its account.
fn key_id(token: &str) -> Option<&str> {
    let rest = token.strip_prefix(PREFIX)?;
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && rest.len() == KEY_ID_CHARS + SECRET_CHARS).then(|| &rest[..KEY_ID_CHARS])
}

/// A token has more entropy than a digest that is slow to make could add.
fn digest_of(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()).as_ref())
}

/// Keys of the issuers that rules name.
#[derive(Default)]
pub(super) struct Issuers(Mutex<HashMap<String, Arc<IssuerKeys>>>);

impl Issuers {
    fn of(&self, issuer: &str) -> Arc<IssuerKeys> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = known.get(issuer) {
            return Arc::clone(keys);
        }
        if known.len() >= ISSUERS_MAX {
            known.clear();
        }
        let source = KeySource::Discovery(Endpoint {
            url: issuer.to_owned(),
            ca_pem: None,
        });
        let keys = Arc::new(IssuerKeys::new(source, FetchRules::default()));
        known.insert(issuer.to_owned(), Arc::clone(&keys));
        keys
    }
}

impl Publish {
    /// Whether a request's bearer may be a service account; `None` where it can't be.
    pub(super) fn admission<'a>(&'a self, request: &'a Request) -> Option<Admission<'a>> {
        let token = request.token.as_ref()?.expose();
        if token.starts_with(PREFIX) {
            return Some(Box::pin(self.by_token(token)));
        }
        if token.bytes().filter(|byte| *byte == b'.').count() == 2 && token.starts_with("ey") {
            return Some(Box::pin(self.by_jwt(token)));
        }
        None
    }

    async fn by_token(&self, token: &str) -> Result<Option<Guest>, Error> {
        let denied = || Error::denied("service_account_token_invalid");
        let key_id = key_id(token).ok_or_else(denied)?;
        let name: Option<String> = self.view.read(&record::account_key(key_id)).await?;
        let account = match name {
            Some(name) => self.account(&name).await?,
            None => None,
        };
        let found = digest_of(token);
        // An unknown account is compared too, and differs.
        let expected = match &account {
            Some(Account {
                login: LoginKind::Static { token_sha256, .. },
                ..
            }) => token_sha256.as_str(),
            _ => "",
        };
        let is_right = bool::from(found.as_bytes().ct_eq(expected.as_bytes()));
        match account {
            Some(account) if is_right => Ok(Some(guest([&account]))),
            _ => Err(denied()),
        }
    }

    /// The accounts whose rules accept a JWT. Where there is none, the token may still be somebody
    /// else's proof, which the pipeline looks at.
    async fn by_jwt(&self, token: &str) -> Result<Option<Guest>, Error> {
        let Ok(unverified) = UnverifiedJwt::parse(token) else {
            return Ok(None);
        };
        let Some(issuer) = unverified.issuer().map(str::to_owned) else {
            return Ok(None);
        };
        let mut candidates = Vec::new();
        for name in self.view.list_all(&record::accounts_of(&issuer)).await? {
            candidates.extend(self.account(&name).await?);
        }
        if candidates.is_empty() {
            return Ok(None);
        }
        let verified = match self.verify(unverified, &issuer).await {
            Ok(verified) => verified,
            Err((reason, fault)) => {
                tracing::info!(issuer, reason, fault, "a publisher's token is not accepted");
                return Ok(None);
            }
        };
        let claims = verified.claims().all();
        let accepted: Vec<&Account> = candidates
            .iter()
            .filter(|account| match &account.login {
                LoginKind::Oidc { rules } => rules.iter().any(|rule| rule.accepts(claims)),
                LoginKind::Static { .. } => false,
            })
            .collect();
        Ok((!accepted.is_empty()).then(|| guest(accepted)))
    }

    /// Verifies a JWT by the keys of an issuer that rules name.
    async fn verify(
        &self,
        token: UnverifiedJwt<'_>,
        issuer: &str,
    ) -> Result<VerifiedJwt, (&'static str, String)> {
        let system = &self.system;
        // Asked of the issuer itself, also where its keys are published here: whoever publishes a
        // service names its issuer, and is not thereby that issuer.
        let keys = self.issuers.of(issuer);
        let verified = keys
            .verify(token, AlgorithmSet::ALL, system.fetcher(), system.clock())
            .await
            .map_err(|refusal| (refusal.reason(), refusal.to_string()))?;
        let claims = verified.claims();
        // A token that never ends is a password; a publisher's must end.
        if claims.expires_at().is_none() {
            return Err(("expiry_missing", "the token has no `exp`".to_owned()));
        }
        times::check(claims, Leeways::default(), times::numeric_date(self.now()))
            .map_err(|fault| ("token_not_in_force", fault.to_string()))?;
        Ok(verified)
    }
}

/// What service accounts may do: see their services, and publish them.
fn guest<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> Guest {
    let mut names = Vec::new();
    let mut services = BTreeSet::new();
    for account in accounts {
        names.push(account.name.as_str());
        services.extend(account.services.iter().cloned());
    }
    let mut paths = vec![("services".to_owned(), &["read"][..])];
    for service in &services {
        paths.push((format!("services/{service}"), &["read"][..]));
        paths.push((
            format!("services/{service}/config"),
            &["read", "create", "update"][..],
        ));
    }
    Guest {
        name: format!("service-account-{}", names.join("+")),
        paths,
        sees: services,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is remembered of issuers is bounded: who may write rules can name any number of them.
    #[test]
    fn the_keys_of_so_many_issuers_are_kept_and_no_more() {
        let issuers = Issuers::default();
        let first = issuers.of("https://0.example");
        for number in 1..ISSUERS_MAX {
            issuers.of(&format!("https://{number}.example"));
        }
        assert!(Arc::ptr_eq(&first, &issuers.of("https://0.example")));
        issuers.of("https://more.example");
        assert!(!Arc::ptr_eq(&first, &issuers.of("https://0.example")));
    }
}
