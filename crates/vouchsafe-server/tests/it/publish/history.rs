//! What was published before: who and when, what changed, and the way back.

use serde_json::json;

use super::{KEYS, get, jwk, key_ids, publishing, upload};
use crate::harness::TestServer;

/// How many publications of a service are kept.
const KEPT: u64 = 20;

/// Publishes one key of `a` in place of the one before, which goes at once.
async fn publish(server: &TestServer, key: &str) {
    let mut body = upload("https://a.example", &[key]);
    body["force"] = json!(true);
    server.write("publish/services/a/config", body).await;
}

#[tokio::test]
async fn a_diff_names_the_keys_that_came_and_went() {
    let server = publishing().await;
    publish(&server, "a2").await;
    publish(&server, "a3").await;
    let diff = server.read("publish/services/a/diff").await;
    assert_eq!((&diff["from"], &diff["to"]), (&json!(2), &json!(3)));
    assert_eq!(diff["keys_added"], json!([jwk("a3")]));
    assert_eq!(diff["keys_removed"], json!([jwk("a2")]));
    assert_eq!(diff["metadata"], json!({}));
    let diff = server
        .get("publish/services/a/diff?from=1&to=3")
        .token(&server.root_token)
        .send()
        .await;
    let diff = &diff.expect(200).json()["data"];
    assert_eq!(diff["keys_removed"], json!([jwk("a")]));
    // A version that there is not is named, with those that there are.
    let refused = server
        .get("publish/services/a/diff?to=9")
        .token(&server.root_token)
        .send()
        .await;
    let text = refused.expect(400).text;
    assert!(text.contains("no version 9; kept: 1, 2, 3"), "{text}");
    server
        .get("publish/services/none/diff")
        .token(&server.root_token)
        .send()
        .await
        .expect(404);
}

#[tokio::test]
async fn a_rollback_publishes_an_earlier_version_as_a_new_one() {
    let server = publishing().await;
    publish(&server, "a2").await;
    let body = json!({ "version": 1 });
    let answer = server.write("publish/services/a/rollback", body).await;
    assert_eq!(answer["version"], 3);
    let served = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(
        key_ids(&served),
        ["a", "a2"],
        "the key that it takes back stays for a while"
    );
    let body = json!({ "version": 1, "force": true });
    server.write("publish/services/a/rollback", body).await;
    let served = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(key_ids(&served), ["a"]);
    let refused = server
        .post("publish/services/a/rollback", json!({ "version": 99 }))
        .token(&server.root_token);
    refused.send().await.expect(400);
    let after = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(after.header("etag"), served.header("etag"));
}

#[tokio::test]
async fn the_last_publications_are_kept_with_who_and_when() {
    let server = publishing().await;
    for number in 2..=KEPT {
        publish(&server, &format!("a{number}")).await;
    }
    let history = server.read("publish/services/a/history").await;
    let versions = |history: &serde_json::Value| -> Vec<u64> {
        let entries = history["history"].as_array().expect("a list").iter();
        entries
            .map(|entry| entry["version"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!(versions(&history), (1..=KEPT).rev().collect::<Vec<_>>());
    assert_eq!(history["history"][0]["published_by"], "root");
    assert_ne!(history["history"][0]["published_at"], json!(null));
    publish(&server, "last").await;
    let history = server.read("publish/services/a/history").await;
    assert_eq!(versions(&history), (2..=KEPT + 1).rev().collect::<Vec<_>>());
}
