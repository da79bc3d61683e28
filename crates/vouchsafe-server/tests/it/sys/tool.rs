//! `sys/tools` and counters.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

async fn refusal(core: &TestCore, path: &str, body: Value) -> String {
    let root = Some(core.root_token.as_str());
    let outcome = core.handle(Operation::Update, path, root, body).await;
    outcome.result.expect_err("refused").to_string()
}

#[tokio::test]
async fn hashes() {
    let core = TestServer::builder().start_core().await;
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let sha224 = "ea09ae9cc6768c50fcee903ed054556e5bfc8347907f12598aa24193";
    let sha3 = "3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392";
    let hello = "aGVsbG8=";
    for (path, body, sum) in [
        ("sys/tools/hash", json!({ "input": hello }), sha256),
        (
            "sys/tools/hash/sha2-224",
            json!({ "input": hello, "algorithm": "sha2-512" }),
            sha224,
        ),
        (
            "sys/tools/hash",
            json!({ "input": hello, "algorithm": "sha3-256" }),
            sha3,
        ),
        (
            "sys/tools/hash/sha2-256",
            json!({ "input": hello, "format": "base64" }),
            "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ),
    ] {
        assert_eq!(core.write(path, body).await["sum"], sum, "{path}");
    }
    for body in [
        json!({ "input": "???" }),
        json!({ "input": hello, "algorithm": "md5" }),
        json!({ "input": hello, "format": "octal" }),
    ] {
        refusal(&core, "sys/tools/hash", body).await;
    }
}

#[tokio::test]
async fn random_bytes() {
    let core = TestServer::builder().start_core().await;
    for (path, body, characters) in [
        ("sys/tools/random", json!({}), 44),
        ("sys/tools/random/16", json!({ "format": "hex" }), 32),
        ("sys/tools/random/platform/3", json!({}), 4),
        (
            "sys/tools/random",
            json!({ "bytes": "5", "format": "hex" }),
            10,
        ),
    ] {
        let first = core.write(path, body.clone()).await["random_bytes"].clone();
        assert_eq!(first.as_str().expect("text").len(), characters, "{path}");
        assert_ne!(core.write(path, body).await["random_bytes"], first);
    }
    refusal(&core, "sys/tools/random/0", json!({})).await;
    refusal(&core, "sys/tools/random/nowhere", json!({})).await;
}

#[tokio::test]
async fn entities_and_tokens_are_counted() {
    let core = TestServer::builder().with_probes().start_core().await;
    core.login("bob", json!({})).await;
    let entities = core.read("sys/internal/counters/entities").await;
    assert_eq!(
        entities,
        json!({ "counters": { "entities": { "total": 1 } } })
    );
    let tokens = core.read("sys/internal/counters/tokens").await;
    assert_eq!(
        tokens,
        json!({ "counters": { "service_tokens": { "total": 2 } } })
    );
}
