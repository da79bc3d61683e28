//! The service account that a token speaks of, in either of the two forms of its claims.
//!
//! Projected tokens (all of today's) have one object `kubernetes.io`; the tokens in Secrets of old
//! have flat claims that begin with `kubernetes.io/serviceaccount/`.

use serde_json::Value;
use vouchsafe_jose::Claims;
use vouchsafe_logical::Error;

/// A service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServiceAccount {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Empty where the token does not say.
    pub(super) uid: String,
    /// The Secret that the token lies in; empty for projected tokens.
    pub(super) secret_name: String,
}

impl ServiceAccount {
    /// Reads the claims of a token.
    ///
    /// # Errors
    /// They name no service account.
    pub(super) fn of(claims: &Claims) -> Result<Self, Error> {
        let account = match claims.get("kubernetes.io") {
            Some(projected) => Self::projected(projected),
            None => Self::flat(claims),
        };
        // A missing name or namespace would match a pattern `*`, and be somebody else's in the
        // answer of the API server.
        if account.name.is_empty() {
            return Err(missing("service account name"));
        }
        if account.namespace.is_empty() {
            return Err(missing("service account namespace"));
        }
        Ok(account)
    }

    fn projected(claim: &Value) -> Self {
        let at = |pointer| text(claim.pointer(pointer));
        Self {
            namespace: at("/namespace"),
            name: at("/serviceaccount/name"),
            uid: at("/serviceaccount/uid"),
            secret_name: String::new(),
        }
    }

    fn flat(claims: &Claims) -> Self {
        let at = |name: &str| text(claims.get(&format!("kubernetes.io/serviceaccount/{name}")));
        Self {
            namespace: at("namespace"),
            name: at("service-account.name"),
            uid: at("service-account.uid"),
            secret_name: at("secret.name"),
        }
    }

    /// The name under which the API server knows it (Kubernetes: authentication, user names).
    pub(super) fn username(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

fn text(claim: Option<&Value>) -> String {
    claim.and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn missing(what: &str) -> Error {
    Error::invalid_because(
        "claim_missing",
        format!("could not parse {what} from claims"),
    )
}
