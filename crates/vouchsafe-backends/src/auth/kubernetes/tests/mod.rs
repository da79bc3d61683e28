//! The method by path and operation, before a cluster that behaves as Kubernetes documents it.

mod cluster;
mod config;
mod local;
mod login;
mod refusal;
mod role;
mod selector;

use serde_json::{Value, json};
use vouchsafe_logical::Error;

use super::METHOD;
use crate::auth::driver::Driver;
use cluster::{CA_CERT, Cluster, HOST};

/// A configured mount before a cluster, with the role `app` for the account `app` in `prod`.
async fn mounted() -> (Driver, Cluster) {
    let kubernetes = Driver::open(&METHOD);
    let cluster = Cluster::start(&kubernetes);
    kubernetes.write("config", config(json!({}))).await;
    kubernetes.write("role/app", role(json!({}))).await;
    (kubernetes, cluster)
}

fn config(changes: Value) -> Value {
    changed(
        json!({
            "kubernetes_host": HOST,
            "kubernetes_ca_cert": CA_CERT,
            "token_reviewer_jwt": "reviewer",
            "disable_local_ca_jwt": true,
        }),
        changes,
    )
}

fn role(changes: Value) -> Value {
    changed(
        json!({
            "bound_service_account_names": "app",
            "bound_service_account_namespaces": "prod",
            "audience": "vault",
            "token_policies": "app",
        }),
        changes,
    )
}

fn changed(mut body: Value, changes: Value) -> Value {
    let (Value::Object(members), Value::Object(changes)) = (&mut body, changes) else {
        panic!("objects");
    };
    members.extend(changes);
    body
}

fn with(jwt: &str) -> Value {
    json!({"role": "app", "jwt": jwt})
}

/// What of a refusal the client sees: its message; and its reason code, which it does not.
async fn refused(kubernetes: &Driver, body: Value) -> (&'static str, String) {
    let error: Error = kubernetes.refusal("login", body).await;
    (error.reason(), error.to_string())
}
