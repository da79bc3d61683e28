//! The requests themselves: the discovery document where there is one, then the key sets.

use std::time::Duration;

use vouchsafe_logical::Fetched;

use super::{
    Arc, Cause, Document, Endpoint, Fetch, FetchRules, Freshness, IssuerKeys, JwkSet, KeySource,
    ProviderMetadata, Refusal, Snapshot, Timestamp, together,
};
use crate::discovery;

/// The status of an answer that is the document asked for.
const OK: u16 = 200;

type Retrieved<T> = Result<Document<T>, Refusal>;

impl IssuerKeys {
    /// Asks for everything. The metadata is `None` where none was asked for.
    pub(super) async fn retrieve(
        &self,
        previous: Option<&Snapshot>,
        cause: Cause,
        fetch: &dyn Fetch,
        now: Timestamp,
    ) -> (Option<Retrieved<ProviderMetadata>>, Vec<Retrieved<JwkSet>>) {
        match &self.source {
            KeySource::Fixed(_) => (None, Vec::new()),
            KeySource::Jwks(endpoints) => {
                let sets = endpoints
                    .iter()
                    .map(|endpoint| self.retrieve_set(endpoint, &self.fetch_rules, fetch, now));
                (None, together(sets).await)
            }
            KeySource::Discovery(endpoint) => {
                // Keys change more often than their address. A token causes one request, not two.
                let known = previous.and_then(|known| known.metadata.as_ref());
                let known = known.filter(|known| match known.life.freshness(now) {
                    Freshness::Fresh => true,
                    Freshness::Due | Freshness::Stale => cause == Cause::Token,
                    Freshness::Dead => false,
                });
                let (asked, jwks_uri) = match known {
                    Some(known) => (None, known.content.jwks_uri.clone()),
                    None => match self.retrieve_metadata(endpoint, fetch, now).await {
                        Ok(metadata) => {
                            let jwks_uri = metadata.content.jwks_uri.clone();
                            (Some(Ok(metadata)), jwks_uri)
                        }
                        Err(refusal) => return (Some(Err(refusal)), Vec::new()),
                    },
                };
                let keys = Endpoint {
                    url: jwks_uri,
                    ca_pem: endpoint.ca_pem.clone(),
                };
                let rules = self.fetch_rules.for_named_by(&endpoint.url);
                let set = self.retrieve_set(&keys, &rules, fetch, now).await;
                (asked, vec![set])
            }
        }
    }

    async fn retrieve_metadata(
        &self,
        endpoint: &Endpoint,
        fetch: &dyn Fetch,
        now: Timestamp,
    ) -> Retrieved<ProviderMetadata> {
        let document = Endpoint {
            url: discovery::document_url(&endpoint.url),
            ca_pem: endpoint.ca_pem.clone(),
        };
        let fetched = self.get(&document, &self.fetch_rules, fetch).await?;
        let metadata = discovery::parse_document(&endpoint.url, &fetched.body)
            .map_err(|error| unavailable(error.to_string()))?;
        Ok(self.document(metadata, fetched.max_age, now))
    }

    async fn retrieve_set(
        &self,
        endpoint: &Endpoint,
        rules: &FetchRules,
        fetch: &dyn Fetch,
        now: Timestamp,
    ) -> Retrieved<JwkSet> {
        let fetched = self.get(endpoint, rules, fetch).await?;
        let keys = JwkSet::parse(&fetched.body)
            .map_err(|error| unavailable(format!("the keys at {}: {error}", endpoint.url)))?;
        Ok(self.document(keys, fetched.max_age, now))
    }

    async fn get(
        &self,
        endpoint: &Endpoint,
        rules: &FetchRules,
        fetch: &dyn Fetch,
    ) -> Result<Fetched, Refusal> {
        let fetched = fetch
            .fetch(rules.get(endpoint))
            .await
            .map_err(|error| unavailable(format!("GET {}: {error}", endpoint.url)))?;
        if fetched.status != OK {
            let (url, status) = (&endpoint.url, fetched.status);
            return Err(unavailable(format!(
                "GET {url}: status {status}; expected {OK}"
            )));
        }
        Ok(fetched)
    }

    /// A life begins when the request was sent: the answer is no younger than that.
    fn document<T>(&self, content: T, said: Option<Duration>, now: Timestamp) -> Document<T> {
        Document {
            content: Arc::new(content),
            life: self.key_rules.life(now, said),
        }
    }
}

fn unavailable(message: String) -> Refusal {
    Refusal::keys("keys_unavailable", message)
}
