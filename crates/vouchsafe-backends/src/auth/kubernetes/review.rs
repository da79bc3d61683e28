//! What is asked of the API server: is this token good, and what does the cluster know of who it
//! speaks of (`authentication.k8s.io/v1` `TokenReview`, core/v1 `Namespace` and `ServiceAccount`).
//!
//! Every failure is Vault's `permission denied` to who logs in, whatever the cause: it is told to
//! the operator, by a reason code in the audit log and by a detail in the server's log.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, json};
use vouchsafe_logical::{Error, Fetch, FetchRequest, Fetched, Secret};

use super::account::ServiceAccount;

/// How long the API server may take for one answer. It takes milliseconds; a login waits this long
/// for one that is gone, and twice that if it has to ask for labels as well.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an API server's own words goes into the operator's log, in bytes.
const QUOTED_BYTES_MAX: usize = 256;

/// The reason code for an API server that does not know the token that it is asked with.
pub(super) const REVIEWER_UNAUTHORIZED: &str = "token_review_unauthorized";

/// An API server and the token to ask it with.
pub(super) struct ApiServer<'a> {
    pub(super) fetch: &'a dyn Fetch,
    pub(super) host: &'a str,
    /// Certificate authorities in PEM; empty for a plain loopback address, which needs none.
    pub(super) ca_cert: String,
    pub(super) bearer: Secret<String>,
}

/// Who a token belongs to, in the words of the API server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reviewed {
    username: String,
    uid: String,
}

impl Reviewed {
    /// Whether the token says of itself what the API server says of it.
    ///
    /// # Errors
    /// It does not: it was made up, or the account was deleted and made again.
    pub(super) fn confirm(&self, account: &ServiceAccount) -> Result<(), Error> {
        if self.username != account.username() || self.uid != account.uid {
            return Err(Error::denied("service_account_mismatch").with_detail(format!(
                "kubernetes: the token speaks of {:?} with uid {:?}, the API server of {:?} with \
                 uid {:?}",
                account.username(),
                account.uid,
                self.username,
                self.uid
            )));
        }
        Ok(())
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenReview {
    status: TokenReviewStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenReviewStatus {
    authenticated: bool,
    error: String,
    audiences: Vec<String>,
    user: User,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    username: String,
    uid: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Object {
    metadata: ObjectMetadata,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ObjectMetadata {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

impl ApiServer<'_> {
    /// Asks whose token this is. With audiences, the token must be for one of them.
    ///
    /// # Errors
    /// The token is not good, or the API server does not say so.
    pub(super) async fn review(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Reviewed, Error> {
        let mut spec = Map::new();
        spec.insert("token".to_owned(), token.into());
        if !audiences.is_empty() {
            spec.insert("audiences".to_owned(), audiences.into());
        }
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": spec,
        });
        let url = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", self.host);
        let request = FetchRequest::post_json(url, body.to_string());
        let review: TokenReview = self.ask("TokenReview", request).await?;
        review.status.judge(audiences)
    }

    /// The labels of a namespace.
    ///
    /// # Errors
    /// The API server does not say.
    pub(super) async fn namespace_labels(
        &self,
        account: &ServiceAccount,
    ) -> Result<BTreeMap<String, String>, Error> {
        let url = format!(
            "{}/api/v1/namespaces/{}",
            self.host,
            segment(&account.namespace)?
        );
        let object: Object = self.ask("Namespace", FetchRequest::get(url)).await?;
        Ok(object.metadata.labels.unwrap_or_default())
    }

    /// The annotations of a service account.
    ///
    /// # Errors
    /// The API server does not say.
    pub(super) async fn annotations(
        &self,
        account: &ServiceAccount,
    ) -> Result<BTreeMap<String, String>, Error> {
        let url = format!(
            "{}/api/v1/namespaces/{}/serviceaccounts/{}",
            self.host,
            segment(&account.namespace)?,
            segment(&account.name)?
        );
        let object: Object = self.ask("ServiceAccount", FetchRequest::get(url)).await?;
        Ok(object.metadata.annotations.unwrap_or_default())
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        what: &str,
        request: FetchRequest,
    ) -> Result<T, Error> {
        let request = FetchRequest {
            bearer: Some(self.bearer.clone()),
            ca_pem: Some(self.ca_cert.clone()).filter(|pem| !pem.is_empty()),
            timeout: ANSWER_TIMEOUT,
            ..request
        };
        let answer = self.fetch.fetch(request).await.map_err(|error| {
            let detail = format!("kubernetes: {what}: {} ({error})", error.reason());
            Error::denied("token_review_unreachable").with_detail(detail)
        })?;
        match answer.status {
            200 | 201 => serde_json::from_slice(&answer.body).map_err(|_| {
                let detail = format!("kubernetes: {what}: the answer is no such object");
                Error::denied("token_review_failed").with_detail(detail)
            }),
            _ => Err(refusal(what, &answer)),
        }
    }
}

impl TokenReviewStatus {
    fn judge(self, audiences: &[String]) -> Result<Reviewed, Error> {
        let refuse = |reason, detail: String| Err(Error::denied(reason).with_detail(detail));
        if !self.authenticated {
            return refuse(
                "token_not_authenticated",
                format!(
                    "kubernetes: TokenReview: not authenticated: {}",
                    quoted(&self.error)
                ),
            );
        }
        if !self.error.is_empty() {
            return refuse(
                "token_review_failed",
                format!("kubernetes: TokenReview: {}", quoted(&self.error)),
            );
        }
        // An API server that knows nothing of audiences answers with none: then nobody has checked
        // them (Kubernetes API: TokenReviewStatus.audiences).
        let common = |audience| audiences.contains(audience);
        if !audiences.is_empty() && !self.audiences.iter().any(common) {
            return refuse(
                "audience_mismatch",
                format!(
                    "kubernetes: TokenReview: asked for {audiences:?}, valid for {:?}",
                    self.audiences
                ),
            );
        }
        Ok(Reviewed {
            username: self.user.username,
            uid: self.user.uid,
        })
    }
}

fn refusal(what: &str, answer: &Fetched) -> Error {
    let (reason, hint) = match answer.status {
        401 => (
            REVIEWER_UNAUTHORIZED,
            "it does not accept the token that it is asked with, which may be expired",
        ),
        403 => (
            "token_review_forbidden",
            "the account it is asked by may not do this; see `system:auth-delegator`",
        ),
        404 => ("token_review_not_found", "it has no such object"),
        _ => ("token_review_failed", "it did not answer"),
    };
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Status {
        message: String,
    }
    let said: Status = serde_json::from_slice(&answer.body).unwrap_or_default();
    Error::denied(reason).with_detail(format!(
        "kubernetes: {what}: status {}: {hint}: {}",
        answer.status,
        quoted(&said.message)
    ))
}

fn quoted(text: &str) -> String {
    let end = text.floor_char_boundary(QUOTED_BYTES_MAX.min(text.len()));
    format!("{:?}", text.get(..end).unwrap_or_default())
}

/// A name as a segment of a path. Names of namespaces and accounts are DNS names (RFC 1123), which
/// need no escaping; another one could reach another object.
fn segment(name: &str) -> Result<&str, Error> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.');
    if name.bytes().all(plain) && !name.starts_with('.') && name.len() <= 253 {
        return Ok(name);
    }
    Err(
        Error::denied("service_account_mismatch").with_detail(format!(
            "kubernetes: {} is no name of an object",
            quoted(name)
        )),
    )
}
