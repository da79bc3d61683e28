//! The files of the pod that this server runs in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use vouchsafe_logical::Mounted;

use super::cluster::{CA_CERT, Cluster};
use super::{METHOD, config, refused, role, with};
use crate::auth::driver::Driver;
use crate::auth::kubernetes::local::REREAD_AFTER;
use crate::auth::kubernetes::{Kubernetes, ROUTES};

/// A mount of a server in a pod, configured to use what is there.
async fn in_a_pod() -> (TempDir, Driver, Cluster) {
    let pod = tempfile::tempdir().unwrap();
    put(pod.path(), "token", "local-1\n");
    put(pod.path(), "ca.crt", CA_CERT);
    let mut kubernetes = Driver::open(&METHOD);
    let backend = Kubernetes::with_folder(kubernetes.settings(), pod.path());
    kubernetes.backend = Mounted::open(backend, ROUTES);
    let cluster = Cluster::start(&kubernetes);
    cluster.delegate("local-1");
    kubernetes
        .write(
            "config",
            config(json!({
                "kubernetes_ca_cert": "", "token_reviewer_jwt": "", "disable_local_ca_jwt": false,
            })),
        )
        .await;
    kubernetes.write("role/app", role(json!({}))).await;
    (pod, kubernetes, cluster)
}

fn put(pod: &Path, name: &str, content: &str) {
    fs::write(pod.join(name), content).unwrap();
}

async fn log_in(kubernetes: &Driver, cluster: &Cluster) -> Result<(), &'static str> {
    let jwt = cluster.token("prod", "app", &["vault"]);
    let outcome = kubernetes.login("login", with(&jwt)).await;
    outcome.map(|_| ()).map_err(|error| error.reason())
}

fn asked_with(cluster: &Cluster) -> String {
    cluster.reviews().last().unwrap().0.clone()
}

#[tokio::test]
async fn the_pods_token_and_certificates_stand_in_for_configured_ones() {
    let (_pod, kubernetes, cluster) = in_a_pod().await;
    log_in(&kubernetes, &cluster).await.unwrap();
    assert_eq!(asked_with(&cluster), "local-1");
    let requests = kubernetes.system.fetcher.requests();
    assert_eq!(requests[0].ca_pem.as_deref(), Some(CA_CERT));
}

#[tokio::test]
async fn configured_ones_come_first() {
    let (_pod, kubernetes, cluster) = in_a_pod().await;
    kubernetes
        .write(
            "config",
            config(json!({"disable_local_ca_jwt": false, "kubernetes_ca_cert": ""})),
        )
        .await;
    log_in(&kubernetes, &cluster).await.unwrap();
    assert_eq!(asked_with(&cluster), "reviewer");
}

#[tokio::test]
async fn a_token_that_was_replaced_is_found_within_a_minute() {
    let (pod, kubernetes, cluster) = in_a_pod().await;
    log_in(&kubernetes, &cluster).await.unwrap();
    put(pod.path(), "token", "local-2");
    cluster.delegate("local-2");
    cluster.wait(REREAD_AFTER.as_secs() - 1);
    log_in(&kubernetes, &cluster).await.unwrap();
    assert_eq!(asked_with(&cluster), "local-1", "not read again yet");
    cluster.wait(1);
    log_in(&kubernetes, &cluster).await.unwrap();
    assert_eq!(asked_with(&cluster), "local-2");
}

#[tokio::test]
async fn a_token_that_is_refused_is_read_again_at_once() {
    let (pod, kubernetes, cluster) = in_a_pod().await;
    log_in(&kubernetes, &cluster).await.unwrap();
    put(pod.path(), "token", "local-2");
    cluster.delegate("local-2");
    cluster.withdraw("local-1");
    log_in(&kubernetes, &cluster).await.unwrap();
    let asked: Vec<String> = cluster
        .reviews()
        .into_iter()
        .map(|(with, _)| with)
        .collect();
    assert_eq!(asked, ["local-1", "local-1", "local-2"]);
    // One that is refused and was not replaced is not tried twice.
    cluster.withdraw("local-2");
    assert_eq!(
        log_in(&kubernetes, &cluster).await,
        Err("token_review_unauthorized")
    );
    assert_eq!(cluster.reviews().len(), 4);
}

#[tokio::test]
async fn without_a_token_in_the_pod_the_client_asks_with_its_own() {
    let (pod, kubernetes, cluster) = in_a_pod().await;
    fs::remove_file(pod.path().join("token")).unwrap();
    cluster.wait(REREAD_AFTER.as_secs());
    let jwt = cluster.token("prod", "app", &["vault"]);
    let (reason, _) = refused(&kubernetes, with(&jwt)).await;
    assert_eq!(reason, "token_review_forbidden", "its account may not ask");
    cluster.delegate(&jwt);
    kubernetes.login("login", with(&jwt)).await.unwrap();
    assert_eq!(asked_with(&cluster), jwt);
}

#[tokio::test]
async fn switched_off_the_pods_files_are_not_looked_at() {
    let (_pod, kubernetes, cluster) = in_a_pod().await;
    kubernetes
        .write("config", config(json!({"token_reviewer_jwt": ""})))
        .await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    cluster.delegate(&jwt);
    kubernetes.login("login", with(&jwt)).await.unwrap();
    assert_eq!(asked_with(&cluster), jwt);
}

#[tokio::test]
async fn certificates_that_are_gone_or_too_large_let_nobody_in() {
    let (pod, kubernetes, cluster) = in_a_pod().await;
    for content in [
        None,
        Some("x".repeat(super::super::config::CA_CERT_BYTES_MAX + 1)),
    ] {
        match content {
            None => fs::remove_file(pod.path().join("ca.crt")).unwrap(),
            Some(content) => put(pod.path(), "ca.crt", &content),
        }
        cluster.wait(REREAD_AFTER.as_secs());
        assert_eq!(
            log_in(&kubernetes, &cluster).await,
            Err("local_file_unreadable")
        );
    }
    assert!(cluster.reviews().is_empty());
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_keep_a_token_for_long() {
    let (pod, kubernetes, cluster) = in_a_pod().await;
    log_in(&kubernetes, &cluster).await.unwrap();
    put(pod.path(), "token", "local-2");
    cluster.delegate("local-2");
    let clock = &Arc::clone(&kubernetes.system).clock;
    clock.set(1_700_000_000);
    log_in(&kubernetes, &cluster).await.unwrap();
    assert_eq!(asked_with(&cluster), "local-2");
}
