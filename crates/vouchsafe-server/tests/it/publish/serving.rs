//! Documents by host and path, their headers, and that they stay.

use std::time::Duration;

use serde_json::json;

use super::{KEYS, METADATA, get, key_ids, publishing, upload};
use crate::harness::TestServer;

#[tokio::test]
async fn a_service_is_found_by_its_issuers_host_and_path() {
    let server = publishing().await;
    let metadata = get(&server, "a.example", METADATA).await.expect(200);
    assert_eq!(
        metadata.json(),
        json!({
            "issuer": "https://a.example",
            "jwks_uri": "https://a.example/.well-known/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    );
    let keys = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(keys.json()["keys"], json!([super::jwk("a")]));

    // Names of hosts are not case-sensitive, and a proxy may listen at another port.
    for host in ["A.Example", "a.example:8443", "a.example."] {
        get(&server, host, KEYS).await.expect(200);
    }
    let by_path = get(&server, "shared.example", "/t/b/.well-known/jwks.json").await;
    assert_eq!(key_ids(&by_path.expect(200)), ["b"]);
    let metadata = get(&server, "shared.example", &format!("/t/b{METADATA}")).await;
    assert_eq!(metadata.json()["issuer"], "https://shared.example/t/b");
}

#[tokio::test]
async fn one_services_host_gives_nothing_of_anothers_path() {
    let server = publishing().await;
    let unknown = get(&server, "unknown.example", KEYS).await.expect(404);
    for (host, path) in [
        // There is such a service, and nothing is published.
        ("empty.example", KEYS),
        ("empty.example", METADATA),
        ("a.example", "/t/b/.well-known/jwks.json"),
        ("shared.example", KEYS),
        ("shared.example", "/t/.well-known/jwks.json"),
        ("shared.example", "/t/b/c/.well-known/jwks.json"),
        ("shared.example", "/t/b//.well-known/jwks.json"),
        ("shared.example", "/t/%62/.well-known/jwks.json"),
        ("shared.example", "/t/x/../b/.well-known/jwks.json/"),
        ("a.example", "/.well-known/keys"),
        ("a.example", "/.well-known/"),
        ("a.example@evil.example", KEYS),
    ] {
        let answer = get(&server, host, path).await.expect(404);
        assert_eq!(answer.text, unknown.text, "{host}{path}");
        assert_eq!(answer.headers.len(), unknown.headers.len(), "{host}{path}");
    }
}

#[tokio::test]
async fn documents_carry_what_caches_and_browsers_need() {
    let server = publishing().await;
    for path in [KEYS, METADATA] {
        let answer = get(&server, "a.example", path).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_ne!(answer.header("strict-transport-security"), "");
        let etag = answer.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.len() == 34, "{etag}");

        let ask = |method: &str| {
            let ask = server.ask_outside(method, path);
            ask.header("host", "a.example")
        };
        let head = ask("HEAD").send().await.expect(200);
        assert_eq!(head.text, "");
        assert_eq!(head.header("etag"), etag);
        assert_eq!(head.header("content-length"), answer.text.len().to_string());
        let known = ask("GET").header("if-none-match", &etag).send().await;
        let known = known.expect(304);
        assert_eq!((known.text.as_str(), known.header("etag")), ("", &*etag));
        assert_eq!(known.header("access-control-allow-origin"), "*");
        let other = ask("GET").header("if-none-match", "\"other\"");
        other.send().await.expect(200);
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "LIST"] {
            ask(method).send().await.expect(404);
        }
    }
    server
        .write(
            "publish/config",
            json!({ "keys_max_age": "5m", "metadata_max_age": "1h" }),
        )
        .await;
    let answer = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let answer = get(&server, "a.example", METADATA).await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
}

#[tokio::test]
async fn an_upload_changes_both_documents_and_an_equal_one_changes_nothing() {
    let server = publishing().await;
    let before = get(&server, "a.example", KEYS).await.expect(200);
    let same = upload("https://a.example", &["a"]);
    let answer = server.write("publish/services/a/config", same).await;
    assert_eq!(
        (&answer["changed"], &answer["version"]),
        (&json!(false), &json!(1))
    );
    let after = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(before.header("etag"), after.header("etag"));

    let rotated = upload("https://a.example", &["a2"]);
    let answer = server.write("publish/services/a/config", rotated).await;
    assert_eq!(
        (&answer["changed"], &answer["version"]),
        (&json!(true), &json!(2))
    );
    let after = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(
        key_ids(&after),
        ["a2", "a"],
        "the key before stays for a while"
    );
    server.clock.advance(Duration::from_secs(24 * 3_600));
    server.core.tick().await;
    let after = get(&server, "a.example", KEYS).await.expect(200);
    assert_eq!(key_ids(&after), ["a2"]);
}

#[tokio::test]
async fn what_is_deleted_is_no_longer_served() {
    let server = publishing().await;
    server.delete("publish/services/a/config").await;
    get(&server, "a.example", KEYS).await.expect(404);
    get(&server, "a.example", METADATA).await.expect(404);
    server.delete("publish/services/b").await;
    get(&server, "shared.example", "/t/b/.well-known/jwks.json")
        .await
        .expect(404);
    // Its place is free again.
    server
        .write(
            "publish/services/c",
            json!({ "issuer": "https://shared.example/t/b" }),
        )
        .await;
}

#[tokio::test]
async fn documents_stay_while_the_server_is_sealed() {
    let server = publishing().await;
    let before = get(&server, "a.example", KEYS).await.expect(200);
    server.write("sys/seal", json!({})).await;
    server.get("sys/mounts").send().await.expect(503);
    for _ in 0..2 {
        let sealed = get(&server, "a.example", KEYS).await.expect(200);
        assert_eq!(sealed.header("etag"), before.header("etag"));
        assert_eq!(sealed.text, before.text);
    }
    get(&server, "unknown.example", KEYS).await.expect(404);
}

#[tokio::test]
async fn documents_stay_while_storage_is_down() {
    let server = publishing().await;
    let before = get(&server, "a.example", KEYS).await.expect(200);
    server.take_storage_down();
    server
        .get("publish/services")
        .token(&server.root_token)
        .send()
        .await
        .expect(500);
    for _ in 0..2 {
        let after = get(&server, "a.example", KEYS).await.expect(200);
        assert_eq!(after.header("etag"), before.header("etag"));
        assert_eq!(after.text, before.text);
    }
    // The duties fail too, and take nothing away.
    server.core.tick().await;
    server.core.run_errands().await;
    get(&server, "a.example", METADATA).await.expect(200);
    get(&server, "unknown.example", KEYS).await.expect(404);
}

#[tokio::test]
async fn another_node_serves_what_this_one_published_from_its_start_on() {
    let server = publishing().await;
    let node = server.fork().await;
    let publications = node.core.publications();
    for (host, path) in [
        ("a.example", KEYS),
        ("shared.example", "/t/b/.well-known/jwks.json"),
    ] {
        let own = server.core.publications().find(host, path).expect("here");
        let other = publications.find(host, path).expect("there");
        assert_eq!(
            own.document, other.document,
            "byte for byte, with the same tag"
        );
    }
    assert!(publications.find("empty.example", KEYS).is_none());
}

#[tokio::test]
async fn nobody_can_put_documents_in_the_place_of_the_servers_own() {
    let server = TestServer::builder().with_oidc_role("ci", "").start().await;
    let own = server.get("identity/oidc/.well-known/jwks.json").send();
    let own = own.await.expect(200);
    let host = server.address().to_string();
    let issuer = format!("http://{host}/v1/identity/oidc");
    server
        .write("publish/services/evil", json!({ "issuer": issuer }))
        .await;
    server
        .write("publish/services/evil/config", upload(&issuer, &["evil"]))
        .await;
    let after = server.get("identity/oidc/.well-known/jwks.json").send();
    assert_eq!(after.await.expect(200).text, own.text);
}

#[tokio::test]
async fn the_engine_is_mounted_once_and_stays() {
    let server = TestServer::start().await;
    let ask = |method: &str, path: &str| server.ask(method, path).token(&server.root_token);
    let second = ask("POST", "sys/mounts/other").json(json!({ "type": "publish" }));
    let answer = second.send().await.expect(400);
    assert_eq!(
        answer.error(),
        "the engine `publish` is mounted once, from the start"
    );
    ask("DELETE", "sys/mounts/publish").send().await.expect(400);
    let moved = json!({ "from": "publish", "to": "other" });
    let answer = ask("POST", "sys/remount").json(moved).send().await;
    answer.expect(400);
}
