//! A relying party: it knows an issuer's URL and the audience that it answers to, nothing else.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};
use vouchsafe_jose::{AlgorithmSet, ClaimRules, JwkSet, NumericDate, jwt};
use vouchsafe_logical::Clock;

use crate::ports::SystemClock;

/// How long the relying party waits for the issuer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a relying party learnt of an issuer.
pub(crate) struct Issuer {
    url: String,
    /// The discovery document.
    pub(crate) metadata: Value,
    /// The published keys.
    pub(crate) keys: JwkSet,
    /// The published keys, as text.
    pub(crate) keys_text: String,
}

impl Issuer {
    /// Discovers an issuer: its metadata, then the keys that these point to.
    ///
    /// # Errors
    /// The issuer can't be reached, or its documents don't hold together.
    pub(crate) fn discover(url: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start a runtime")?;
        runtime.block_on(async {
            let client = reqwest::Client::builder()
                .timeout(PATIENCE)
                .no_proxy()
                .tls_certs_only([])
                .build()
                .context("make an HTTP client")?;
            let document = format!("{url}/.well-known/openid-configuration");
            let metadata: Value = serde_json::from_str(&fetch(&client, &document).await?)
                .context("the discovery document is not JSON")?;
            ensure!(
                metadata["issuer"] == url,
                "the document of {url} says that its issuer is {}",
                metadata["issuer"]
            );
            let keys_url = metadata["jwks_uri"]
                .as_str()
                .context("the document has no `jwks_uri`")?;
            let keys_text = fetch(&client, keys_url).await?;
            let keys = JwkSet::parse(keys_text.as_bytes()).context("the key set")?;
            Ok(Self {
                url: url.to_owned(),
                metadata,
                keys,
                keys_text,
            })
        })
    }

    /// Verifies a token: signature, issuer, audience, times. Returns its claims.
    ///
    /// # Errors
    /// The first check that fails.
    pub(crate) fn verify(&self, token: &str, audience: &str) -> anyhow::Result<Map<String, Value>> {
        let verified = jwt::verify(token, &self.keys, AlgorithmSet::ALL)?;
        let now = u64::try_from(SystemClock.now().as_second()).unwrap_or_default();
        ClaimRules::new()
            .issuer(&self.url)
            .audiences([audience])
            .verify(verified.claims(), NumericDate::from_seconds(now)?)?;
        Ok(verified.claims().all().clone())
    }
}

async fn fetch(client: &reqwest::Client, url: &str) -> anyhow::Result<String> {
    let answer = client
        .get(url)
        .send()
        .await
        .with_context(|| format!("fetch {url}"))?;
    ensure!(
        answer.status().is_success(),
        "{url} answered {}",
        answer.status()
    );
    answer.text().await.with_context(|| format!("read {url}"))
}
