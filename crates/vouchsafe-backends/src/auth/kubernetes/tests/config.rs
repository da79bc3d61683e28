//! The configuration.

use serde_json::json;
use vouchsafe_logical::{ErrorKind, Operation};

use super::cluster::{CA_CERT, HOST, pem};
use super::{METHOD, config};
use crate::auth::driver::Driver;
use crate::auth::kubernetes::config::{CA_CERT_BYTES_MAX, HOST_BYTES_MAX, PEM_KEYS_MAX};

#[tokio::test]
async fn it_is_read_as_it_was_written_but_for_the_token() {
    let kubernetes = Driver::open(&METHOD);
    let absent = kubernetes
        .send(Operation::Read, "config", json!({}))
        .await
        .unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    let changes = json!({"pem_keys": [pem()], "issuer": "https://i"});
    kubernetes.write("config", config(changes)).await;
    let mut expected = json!({
        "disable_iss_validation": true,
        "disable_local_ca_jwt": true,
        "issuer": "https://i",
        "kubernetes_ca_cert": CA_CERT,
        "kubernetes_host": HOST,
        "pem_keys": [pem().trim()],
        "token_reviewer_jwt_set": true,
        "use_annotations_as_alias_metadata": false,
    });
    assert_eq!(
        serde_json::Value::from(kubernetes.read("config").await),
        expected
    );
    // A write replaces all of it.
    kubernetes
        .write("config", config(json!({"token_reviewer_jwt": ""})))
        .await;
    expected["issuer"] = json!("");
    expected["pem_keys"] = json!([]);
    expected["token_reviewer_jwt_set"] = json!(false);
    assert_eq!(
        serde_json::Value::from(kubernetes.read("config").await),
        expected
    );
}

#[tokio::test]
async fn what_can_not_be_asked_is_refused() {
    let kubernetes = Driver::open(&METHOD);
    for (host, message) in [
        ("", "no host provided"),
        ("/", "no host provided"),
        (
            "10.0.0.1:443",
            "kubernetes_host `10.0.0.1:443` has no scheme",
        ),
        ("ftp://10.0.0.1", "is neither https nor http"),
        ("https://", "has no scheme"),
        (
            "https://user:canary@10.0.0.1",
            "is not an address without user",
        ),
        ("https://10.0.0.1/?a=b", "is not an address without user"),
        ("https://10.0.0.1/#x", "is not an address without user"),
        (
            "https://10.0.0.1 ,https://evil",
            "is not an address without user",
        ),
        ("http://10.0.0.1", "would send tokens in clear"),
        (
            "http://localhost.evil.example",
            "would send tokens in clear",
        ),
        ("http://[::2]:80", "would send tokens in clear"),
    ] {
        let error = kubernetes
            .refusal("config", config(json!({"kubernetes_host": host})))
            .await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{host}");
        let shown = error.to_string();
        assert!(
            shown.contains(message) && !shown.contains("canary"),
            "{host}: {shown}"
        );
    }
    for host in [
        "http://127.0.0.1:8001/",
        "http://localhost",
        "http://[::1]:80",
        "https://a/k8s/c-1",
    ] {
        kubernetes
            .write("config", config(json!({"kubernetes_host": host})))
            .await;
        let read = kubernetes.read("config").await;
        assert_eq!(read["kubernetes_host"], host.trim_end_matches('/'));
    }
}

#[tokio::test]
async fn without_the_pods_files_certificates_are_needed() {
    let kubernetes = Driver::open(&METHOD);
    let message = "kubernetes_ca_cert must be given when disable_local_ca_jwt is true";
    let body = config(json!({"kubernetes_ca_cert": ""}));
    kubernetes.refuses("config", body, message).await;
    // This test does not run in a pod.
    let message =
        "open /var/run/secrets/kubernetes.io/serviceaccount/ca.crt: no such file or directory";
    let body = config(json!({"kubernetes_ca_cert": "", "disable_local_ca_jwt": false}));
    kubernetes.refuses("config", body, message).await;
}

#[tokio::test]
async fn limits_hold_at_the_limit_and_not_past_it() {
    let kubernetes = Driver::open(&METHOD);
    let host = |length: usize| format!("https://{}", "a".repeat(length - "https://".len()));
    let ca_cert = |length: usize| format!("{CA_CERT}{}", "\n".repeat(length - CA_CERT.len()));
    for (at, past) in [
        (
            json!({"kubernetes_host": host(HOST_BYTES_MAX)}),
            json!({"kubernetes_host": host(HOST_BYTES_MAX + 1)}),
        ),
        (
            json!({"kubernetes_ca_cert": ca_cert(CA_CERT_BYTES_MAX)}),
            json!({"kubernetes_ca_cert": ca_cert(CA_CERT_BYTES_MAX + 1)}),
        ),
        (
            json!({"pem_keys": vec![pem(); PEM_KEYS_MAX]}),
            json!({"pem_keys": vec![pem(); PEM_KEYS_MAX + 1]}),
        ),
    ] {
        kubernetes.write("config", config(at)).await;
        let error = kubernetes.refusal("config", config(past)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}

#[tokio::test]
async fn keys_and_certificates_that_are_none_are_refused_with_their_place() {
    let kubernetes = Driver::open(&METHOD);
    let key = pem();
    for (changes, part) in [
        (
            json!({"pem_keys": ["x"]}),
            "pem_keys[0]: expected exactly one PEM block",
        ),
        (json!({"pem_keys": [key, "canary"]}), "pem_keys[1]: "),
        (
            json!({"pem_keys": format!("comment\n{key}")}),
            "pem_keys[0]: ",
        ),
        (
            json!({"kubernetes_ca_cert": "canary"}),
            "kubernetes_ca_cert has no certificate",
        ),
    ] {
        let error = kubernetes.refusal("config", config(changes)).await;
        let shown = error.to_string();
        assert!(shown.contains(part) && !shown.contains("canary"), "{shown}");
    }
}
