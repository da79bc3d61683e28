//! A Kubernetes API server that is not there: `TokenReview`, namespaces and service accounts, as
//! the Kubernetes API documents them, and tokens like those that the kubelet projects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::{Clock as _, FetchError, FetchRequest, Fetched, fetch};

use crate::auth::driver::Driver;

pub(super) const HOST: &str = "https://10.96.0.1:443";
pub(super) const CA_CERT: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
pub(super) const REVIEW_URL: &str =
    "https://10.96.0.1:443/apis/authentication.k8s.io/v1/tokenreviews";
/// The audience of tokens that were made for the API server itself.
const API_AUDIENCE: &str = "https://kubernetes.default.svc";
/// How long projected tokens live here, in seconds: the shortest that the API server makes.
pub(super) const TOKEN_SECONDS: i64 = 600;

/// What the cluster signs with, and its public key in PEM.
static KEY: LazyLock<(JwsSigner, String)> = LazyLock::new(|| {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let pem = key.public_key().to_pem().unwrap();
    let signer = JwsSigner::new(key, KeyId::new("cluster").unwrap(), None);
    (signer, pem)
});

/// The cluster's public key in PEM.
pub(super) fn pem() -> String {
    KEY.1.clone()
}

/// Signs any claims with the cluster's key.
pub(super) fn sign(claims: &Value) -> String {
    KEY.0.sign_compact(claims.to_string().as_bytes()).unwrap()
}

#[derive(Clone)]
struct Token {
    username: String,
    uid: String,
    audiences: Vec<String>,
    expires_at: i64,
}

#[derive(Default)]
struct State {
    tokens: BTreeMap<String, Token>,
    /// Tokens with the role `system:auth-delegator`.
    delegators: BTreeSet<String>,
    now: i64,
}

/// The API server. Clones are the same one.
#[derive(Clone)]
pub(super) struct Cluster {
    state: Arc<Mutex<State>>,
    kubernetes: Driver,
}

impl Cluster {
    /// A cluster that the driver's outbound requests reach.
    pub(super) fn start(kubernetes: &Driver) -> Self {
        let cluster = Self {
            state: Arc::default(),
            kubernetes: kubernetes.clone(),
        };
        cluster.delegate("reviewer");
        let server = Arc::clone(&cluster.state);
        let respond = move |request: &FetchRequest| Ok(server.lock().unwrap().review(request));
        kubernetes.system.fetcher.respond(REVIEW_URL, respond);
        cluster
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.now = self.kubernetes.system.clock.now().as_second();
        state
    }

    /// Lets requests with this token ask about others.
    pub(super) fn delegate(&self, bearer: &str) {
        self.state().delegators.insert(bearer.to_owned());
    }

    /// Refuses requests with this token from now on.
    pub(super) fn withdraw(&self, bearer: &str) {
        self.state().delegators.remove(bearer);
    }

    /// The claims of a token of an account, as the kubelet asks for it.
    pub(super) fn claims(&self, namespace: &str, name: &str, audiences: &[&str]) -> Value {
        let now = self.state().now;
        json!({
            "aud": audiences,
            "exp": now + TOKEN_SECONDS,
            "iat": now,
            "iss": "https://kubernetes.default.svc.cluster.local",
            "jti": "6b1a6b0e-2cd5-4b43-8d30-0a6d4b1f1f0e",
            "kubernetes.io": {
                "namespace": namespace,
                "node": {"name": "worker-1", "uid": "4d6d5b1c"},
                "pod": {"name": format!("{name}-0"), "uid": "9f3a1d52"},
                "serviceaccount": {"name": name, "uid": format!("uid-{namespace}-{name}")},
            },
            "nbf": now,
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
        })
    }

    /// A projected token of an account.
    pub(super) fn token(&self, namespace: &str, name: &str, audiences: &[&str]) -> String {
        let claims = self.claims(namespace, name, audiences);
        self.know(&claims, namespace, name)
    }

    /// Signs claims, and answers about the token that it is of this account.
    pub(super) fn know(&self, claims: &Value, namespace: &str, name: &str) -> String {
        let jwt = sign(claims);
        let audiences = match &claims["aud"] {
            Value::Array(list) => list
                .iter()
                .map(|a| a.as_str().unwrap().to_owned())
                .collect(),
            // Tokens in Secrets have none, and are for the API server.
            _ => vec![API_AUDIENCE.to_owned()],
        };
        let token = Token {
            username: format!("system:serviceaccount:{namespace}:{name}"),
            uid: format!("uid-{namespace}-{name}"),
            audiences,
            expires_at: claims["exp"].as_i64().unwrap_or(i64::MAX),
        };
        self.state().tokens.insert(jwt.clone(), token);
        jwt
    }

    /// Deletes the pod of a token: the API server does not accept it any more.
    pub(super) fn delete_pod(&self, jwt: &str) {
        self.state().tokens.remove(jwt);
    }

    /// Deletes an account and makes it again: another one of the same name.
    pub(super) fn recreate_account(&self, jwt: &str) {
        self.state().tokens.get_mut(jwt).unwrap().uid = "another".to_owned();
    }

    /// Lets time pass, here and there.
    pub(super) fn wait(&self, seconds: u64) {
        let clock = &self.kubernetes.system.clock;
        clock.advance(std::time::Duration::from_secs(seconds));
        drop(self.state());
    }

    /// Labels of a namespace.
    pub(super) fn label(&self, namespace: &str, labels: Value) {
        let url = format!("{HOST}/api/v1/namespaces/{namespace}");
        let object =
            json!({"kind": "Namespace", "metadata": {"name": namespace, "labels": labels}});
        self.kubernetes.system.fetcher.serve(&url, object);
    }

    /// Annotations of a service account.
    pub(super) fn annotate(&self, namespace: &str, name: &str, annotations: Value) {
        let url = format!("{HOST}/api/v1/namespaces/{namespace}/serviceaccounts/{name}");
        let object = json!({"kind": "ServiceAccount", "metadata": {"annotations": annotations}});
        self.kubernetes.system.fetcher.serve(&url, object);
    }

    /// The requests for reviews so far: the token asked with, and the `spec`.
    pub(super) fn reviews(&self) -> Vec<(String, Value)> {
        let requests = self.kubernetes.system.fetcher.requests();
        let reviews = requests.iter().filter(|request| request.url == REVIEW_URL);
        reviews
            .map(|r| (bearer(r), body(r)["spec"].clone()))
            .collect()
    }

    /// Answers reviews like this from now on.
    pub(super) fn answer(&self, answer: Result<Fetched, FetchError>) {
        self.kubernetes.system.fetcher.answer(REVIEW_URL, answer);
    }
}

fn bearer(request: &FetchRequest) -> String {
    let bearer = request.bearer.as_ref();
    bearer
        .map(|secret| secret.expose().clone())
        .unwrap_or_default()
}

fn body(request: &FetchRequest) -> Value {
    let fetch::Method::PostJson(body) = &request.method else {
        panic!("a review is a POST");
    };
    serde_json::from_slice(body).unwrap()
}

pub(super) fn answered(status: u16, document: &Value) -> Fetched {
    Fetched {
        status,
        media_type: "application/json".to_owned(),
        max_age: None,
        body: document.to_string().into(),
    }
}

/// The `Status` object that failed requests are answered with.
pub(super) fn failed(status: u16, message: &str) -> Fetched {
    let document =
        json!({"kind": "Status", "status": "Failure", "message": message, "code": status});
    answered(status, &document)
}

impl State {
    fn review(&self, request: &FetchRequest) -> Fetched {
        let asking = bearer(request);
        let may_ask = self.delegators.contains(&asking);
        let good = |token: &Token| self.now < token.expires_at;
        if !may_ask && !self.tokens.get(&asking).is_some_and(good) {
            return failed(401, "Unauthorized");
        }
        if !may_ask {
            return failed(403, "tokenreviews.authentication.k8s.io is forbidden");
        }
        let spec = body(request)["spec"].clone();
        let mut review = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"});
        review["spec"] = spec.clone();
        review["status"] = match self.authenticate(&spec) {
            Ok((token, audiences)) => json!({
                "authenticated": true,
                "user": {
                    "username": token.username,
                    "uid": token.uid,
                    "groups": ["system:serviceaccounts", "system:authenticated"],
                },
                "audiences": audiences,
            }),
            Err(error) => json!({"user": {}, "error": error}),
        };
        answered(201, &review)
    }

    fn authenticate(&self, spec: &Value) -> Result<(&Token, Vec<String>), String> {
        let token = self.tokens.get(spec["token"].as_str().unwrap());
        let token =
            token.ok_or("[invalid bearer token, service account token has been invalidated]")?;
        if self.now >= token.expires_at {
            return Err("[invalid bearer token, service account token has expired]".to_owned());
        }
        let asked: Vec<String> = match &spec["audiences"] {
            Value::Null => vec![API_AUDIENCE.to_owned()],
            list => serde_json::from_value(list.clone()).unwrap(),
        };
        let common: Vec<String> = asked
            .iter()
            .filter(|audience| token.audiences.contains(audience))
            .cloned()
            .collect();
        if common.is_empty() {
            return Err(format!(
                "[invalid bearer token, token audiences {:?} is invalid for the target audiences {asked:?}]",
                token.audiences
            ));
        }
        Ok((token, common))
    }
}
