//! `oidc/key/{name}/rotate`: the next pair signs now.
//!
//! Always allowed: it is what one does when a private key may have leaked. What it costs verifiers
//! that cache the key set is said in warnings.

use std::time::Duration;

use vouchsafe_identity::issuer::{Dropped, Rotated, Spares, UnixSeconds};
use vouchsafe_logical::{Access, Call, Error, Method, Reply, Route, input};

use super::Oidc;
use super::records::Records;
use super::write::Undecided;
use crate::secrets::identity::Identity;

input! {
    /// Body of `oidc/key/{name}/rotate`.
    struct RotateInput {
        /// How long the pair that signs now stays published, in place of the key's own verification TTL; `0s` removes it at once.
        verification_ttl: Option<Duration>,
    }
}

pub(in crate::secrets::identity) const ROUTE: Route<Identity> = Route {
    pattern: "oidc/key/{name}/rotate",
    access: Access::Token,
    methods: &[Method::update::<RotateInput>(|identity, call| {
        Box::pin(async move { identity.oidc.rotate(&call).await })
    })],
    exists: None,
    help: "Rotates a named key at once.",
};

impl Oidc {
    async fn rotate(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let name = call.captured("name");
        let keep_seconds = call
            .input::<RotateInput>()?
            .verification_ttl
            .map(|ttl| ttl.as_secs());
        let warnings = self
            .write(|spares| {
                Box::pin(async move {
                    let mut records = self.begin();
                    let warnings = rotate(&mut records, name, keep_seconds, spares).await?;
                    Ok((records, warnings))
                })
            })
            .await?;
        Ok(warnings
            .into_iter()
            .fold(Reply::empty(), Reply::with_warning))
    }
}

async fn rotate(
    records: &mut Records<'_>,
    name: &str,
    keep_seconds: Option<u64>,
    mut spares: Spares,
) -> Result<Vec<String>, Undecided> {
    let now = records.now;
    let Some(mut key) = records.key(name).await? else {
        return Err(Error::invalid_because(
            "key_not_found",
            format!("no named key found at {name:?}"),
        )
        .into());
    };
    let references = records.references(name).await?;
    let publication = records.publication(&references).await?;
    let rotated = key.rotate(now, keep_seconds, publication, &mut spares)?;
    records.put_key(name, &key).await?;
    // Where no role uses the key there are no tokens and no verifiers to think of.
    let is_used = publication.is_some();
    let last_token_expires = now.plus(references.longest_ttl_seconds());
    Ok(if is_used {
        warnings(&rotated, last_token_expires)
    } else {
        Vec::new()
    })
}

fn warnings(rotated: &Rotated, last_token_expires: UnixSeconds) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(until) = rotated.unknown_until {
        warnings.push(format!(
            "until {until} a verifier may hold a cached key set without the new key `{}` and refuse \
             its tokens",
            rotated.key_id
        ));
    }
    if rotated.old_expires_at < last_token_expires {
        warnings.push(format!(
            "tokens that the old key has signed are valid until {last_token_expires}, but the key \
             leaves the key set at {}: verifiers will refuse them from then on",
            rotated.old_expires_at
        ));
    }
    warnings.extend(rotated.dropped.iter().map(dropped_warning));
    warnings
}

/// What it means that a pair had to make room.
pub(super) fn dropped_warning(dropped: &Dropped) -> String {
    format!(
        "the key `{}` has left the key set before its time, {}, to make room: verifiers will refuse \
         the tokens that it has signed",
        dropped.key_id, dropped.expires_at
    )
}
