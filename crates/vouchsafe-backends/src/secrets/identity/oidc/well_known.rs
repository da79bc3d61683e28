//! `oidc/.well-known/`: the documents that verifiers fetch, for everybody.

use vouchsafe_identity::issuer::UnixSeconds;
use vouchsafe_logical::{Access, Error, Method, Raw, Reply, Route};

use super::Oidc;
use super::documents::Rendered;
use crate::secrets::identity::Identity;

/// `max-age` of the provider metadata, which changes with the configuration only.
const DISCOVERY_MAX_AGE: &str = "max-age=3600";
/// `max-age` of the key set is cut by up to this share, by the moment at which it is asked for, so
/// that caches that were filled together do not come back together.
const JITTER_SHARE: u64 = 10;

pub(in crate::secrets::identity) const DISCOVERY: Route<Identity> = Route {
    pattern: "oidc/.well-known/openid-configuration",
    access: Access::Public,
    methods: &[
        Method::<Identity>::read(|identity, _| Box::pin(identity.oidc.read_discovery())).document(),
    ],
    exists: None,
    help: "The issuer's metadata (OpenID Connect Discovery).",
};

pub(in crate::secrets::identity) const KEYS: Route<Identity> = Route {
    pattern: "oidc/.well-known/keys",
    access: Access::Public,
    methods: &[
        Method::<Identity>::read(|identity, _| Box::pin(identity.oidc.read_keys())).document(),
    ],
    exists: None,
    help: "The public keys that verify identity tokens (JWK Set).",
};

pub(in crate::secrets::identity) const JWKS_JSON: Route<Identity> = Route {
    pattern: "oidc/.well-known/jwks.json",
    ..KEYS
};

impl Oidc {
    async fn read_discovery(&self) -> Result<Reply, Error> {
        let document = self.discovery().await?;
        Ok(document_reply(
            &document.rendered,
            DISCOVERY_MAX_AGE.to_owned(),
        ))
    }

    async fn read_keys(&self) -> Result<Reply, Error> {
        let exactly = self.system.clock().now();
        let now = UnixSeconds::floor(exactly);
        // Rounded up, so that the promise covers a `max-age` that starts within this second.
        let leaves = UnixSeconds::ceil(exactly);
        let mut document = self.key_set(now).await?;
        let longest = document.key_set.max_age_seconds(leaves);
        if document.promised_until() < leaves.plus(longest) {
            document = self.promise_key_set(document, leaves, longest).await;
        }
        let longest = document.key_set.max_age_seconds(leaves);
        let cut_max = longest / JITTER_SHARE + 1;
        let wanted = longest - u64::from(exactly.subsec_nanosecond().unsigned_abs()) % cut_max;
        let max_age_seconds = wanted.min(document.promised_until().since(leaves));
        Ok(document_reply(
            &document.rendered,
            format!("max-age={max_age_seconds}"),
        ))
    }
}

fn document_reply(rendered: &Rendered, cache_control: String) -> Reply {
    Reply::raw(Raw {
        status: 200,
        content_type: "application/json",
        body: rendered.body.clone(),
        cache_control: Some(cache_control),
        etag: Some(rendered.etag.clone()),
    })
}
