//! Automatic seals: a static key, and the transit engine of another server.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vouchsafe_core::{TransitSeal, TransitSettings};
use vouchsafe_logical::fetch::Method;
use vouchsafe_logical::{FetchError, FetchRequest, Fetched, Secret};
use vouchsafe_storage::seal::{AutoSeal, StaticKey, StaticSeal};
use vouchsafe_testing::SeededEntropy;
use zeroize::Zeroizing;

use crate::harness::TestServer;

fn key(id: &str, byte: u8) -> StaticKey {
    StaticKey {
        id: id.to_owned(),
        key: Zeroizing::new([byte; 32]),
    }
}

fn static_seal(current: StaticKey, previous: Option<StaticKey>) -> Arc<dyn AutoSeal> {
    let entropy = Arc::new(SeededEntropy::default());
    Arc::new(StaticSeal::new(current, previous, entropy))
}

/// An empty server with an automatic seal.
async fn server_with(seal: Arc<dyn AutoSeal>) -> TestServer {
    let server = TestServer::uninitialized().await;
    server.core.use_auto_seal(seal);
    server
}

/// Initialises a server with two of three recovery keys; those, and the root token.
async fn init(server: &TestServer) -> (Vec<String>, String) {
    let body = json!({ "recovery_shares": 3, "recovery_threshold": 2 });
    let made = server
        .post("sys/init", body)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(made["keys"], json!([]));
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().expect("a list").iter();
        items
            .map(|item| item.as_str().expect("a text").to_owned())
            .collect()
    };
    assert_eq!(texts(&made["recovery_keys_base64"]).len(), 3);
    let token = made["root_token"].as_str().expect("a token").to_owned();
    (texts(&made["recovery_keys"]), token)
}

async fn status(server: &TestServer) -> Value {
    server
        .get("sys/seal-status")
        .send()
        .await
        .expect(200)
        .json()
}

#[tokio::test]
async fn initialising_unseals_and_gives_recovery_keys() {
    let server = server_with(static_seal(key("a", 1), None)).await;
    let before = status(&server).await;
    assert_eq!(before["type"], "static");
    assert_eq!(
        (&before["initialized"], &before["sealed"]),
        (&json!(false), &json!(true))
    );
    let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let refused = server.post("sys/init", body).send().await.expect(400);
    let told = "parameters secret_shares,secret_threshold not applicable to seal type static";
    assert_eq!(refused.error(), told);
    let (_, root) = init(&server).await;
    let after = status(&server).await;
    assert_eq!((&after["n"], &after["t"]), (&json!(3), &json!(2)));
    assert_eq!(after["recovery_seal"], true);
    assert_eq!(after["recovery_seal_type"], "shamir");
    assert_eq!(after["sealed"], false);
    let written = server.post("cubbyhole/x", json!({ "a": "b" })).token(&root);
    written.send().await.expect(204);
}

#[tokio::test]
async fn server_without_recovery_keys_has_no_keepers() {
    let server = server_with(static_seal(key("a", 1), None)).await;
    let made = server
        .post("sys/init", json!({}))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(made["recovery_keys"], Value::Null);
    for path in ["sys/generate-root/attempt", "sys/rekey-recovery-key/init"] {
        let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let refused = server.post(path, body).send().await.expect(400).error();
        assert!(refused.contains("without recovery keys"), "{refused}");
    }
}

#[tokio::test]
async fn started_server_opens_by_itself_and_one_sealed_on_purpose_stays_sealed() {
    let server = server_with(static_seal(key("a", 1), None)).await;
    let (keys, root) = init(&server).await;
    server
        .ask("PUT", "sys/seal")
        .token(&root)
        .send()
        .await
        .expect(204);
    assert!(matches!(server.core.auto_unseal().await, Ok(false)));
    assert_eq!(status(&server).await["sealed"], true);
    let share = json!({ "key": keys[0] });
    let refused = server.post("sys/unseal", share).send().await.expect(400);
    assert!(refused.error().starts_with("no shares unseal this server"));

    let started = server.restarted().await;
    started.core.use_auto_seal(static_seal(key("a", 1), None));
    started.core.check_seal().await.expect("the same kind");
    assert!(matches!(started.core.auto_unseal().await, Ok(true)));
    assert!(matches!(started.core.auto_unseal().await, Ok(false)));
    assert_eq!(status(&started).await["sealed"], false);
    started
        .get("auth/token/lookup-self")
        .token(&root)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn static_key_is_rotated_by_listing_the_previous_one() {
    let server = server_with(static_seal(key("a", 1), None)).await;
    init(&server).await;
    let without = server.restarted().await;
    without.core.use_auto_seal(static_seal(key("b", 2), None));
    let refused = without
        .core
        .auto_unseal()
        .await
        .expect_err("an unknown key");
    assert_eq!(refused.reason(), "seal_refused");
    assert!(refused.to_string().contains("wrapped by the key `a`"));

    let next = server.restarted().await;
    next.core
        .use_auto_seal(static_seal(key("b", 2), Some(key("a", 1))));
    assert!(matches!(next.core.auto_unseal().await, Ok(true)));
    // It was wrapped anew, so the previous one is not needed any more.
    let last = server.restarted().await;
    last.core.use_auto_seal(static_seal(key("b", 2), None));
    assert!(matches!(last.core.auto_unseal().await, Ok(true)));
}

#[tokio::test]
async fn another_kind_of_seal_than_the_stored_one_is_refused_by_name() {
    let server = server_with(static_seal(key("a", 1), None)).await;
    init(&server).await;
    let people = server.restarted().await;
    let refused = people.core.check_seal().await.expect_err("another kind");
    assert_eq!(refused.reason(), "seal_kind_differs");
    assert!(refused.to_string().contains("configure `seal \"static\"`"));
}

#[tokio::test]
async fn recovery_keys_make_a_root_token_and_new_recovery_keys_and_nothing_else() {
    let server = server_with(static_seal(key("a", 1), None)).await;
    let (keys, _) = init(&server).await;
    let begin = json!({ "secret_shares": 2, "secret_threshold": 2 });
    let refused = server.post("sys/rekey/init", begin.clone()).send().await;
    assert!(
        refused
            .expect(400)
            .error()
            .contains("sys/rekey-recovery-key")
    );
    let begun = server
        .post("sys/rekey-recovery-key/init", begin)
        .send()
        .await;
    let nonce = begun.expect(200).json()["nonce"].clone();
    let bring = async |path: &str, nonce: &Value, key: &str| {
        let body = json!({ "key": key, "nonce": nonce });
        server.post(path, body).send().await
    };
    let update = "sys/rekey-recovery-key/update";
    bring(update, &nonce, &keys[0]).await.expect(200);
    // One that is none of them, so the two make another key.
    let wrong = format!("{}07", "00".repeat(32));
    let refused = bring(update, &nonce, &wrong).await.expect(400).error();
    assert!(
        refused.starts_with("recovery key verification failed"),
        "{refused}"
    );
    bring(update, &nonce, &keys[0]).await.expect(200);
    let made = bring(update, &nonce, &keys[2]).await.expect(200).json();
    assert_eq!(made["complete"], true);
    let fresh: Vec<&str> = made["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(fresh.len(), 2);

    let begun = server
        .post("sys/generate-root/attempt", json!({}))
        .send()
        .await;
    let begun = begun.expect(200).json();
    assert_eq!(begun["required"], 2);
    let update = "sys/generate-root/update";
    bring(update, &begun["nonce"], &keys[0]).await.expect(200);
    bring(update, &begun["nonce"], &keys[1]).await.expect(400);
    bring(update, &begun["nonce"], fresh[0]).await.expect(200);
    let done = bring(update, &begun["nonce"], fresh[1])
        .await
        .expect(200)
        .json();
    assert_eq!(done["complete"], true);
    // The seal still opens it.
    let started = server.restarted().await;
    started.core.use_auto_seal(static_seal(key("a", 1), None));
    assert!(matches!(started.core.auto_unseal().await, Ok(true)));
}

fn transit(server: &TestServer) -> Arc<dyn AutoSeal> {
    let settings = TransitSettings {
        address: "https://vault.example:8200".to_owned(),
        token: Secret::new("hvs.transit".to_owned()),
        namespace: "ns1".to_owned(),
        mount_path: "transit".to_owned(),
        key_name: "autounseal".to_owned(),
        ca_pem: None,
        renews_token: true,
    };
    Arc::new(TransitSeal::new(settings, Arc::clone(&server.fetcher) as _))
}

fn answer(status: u16, body: &Value) -> Fetched {
    Fetched {
        status,
        body: body.to_string().into(),
        ..Fetched::default()
    }
}

const ENCRYPT: &str = "https://vault.example:8200/v1/ns1/transit/encrypt/autounseal";
const DECRYPT: &str = "https://vault.example:8200/v1/ns1/transit/decrypt/autounseal";
const RENEW: &str = "https://vault.example:8200/v1/ns1/auth/token/renew-self";

/// What a request carries in its JSON body.
fn sent(request: &FetchRequest, field: &str) -> String {
    let Method::PostJson(body) = &request.method else {
        panic!("a POST");
    };
    let body: Value = serde_json::from_slice(body).expect("JSON");
    body[field].as_str().expect("a text").to_owned()
}

/// A transit engine that turns plaintext around.
fn serve_transit(server: &TestServer) {
    let turned = |text: &str| text.chars().rev().collect::<String>();
    server.fetcher.respond(ENCRYPT, move |request| {
        let ciphertext = format!("vault:v1:{}", turned(&sent(request, "plaintext")));
        Ok(answer(
            200,
            &json!({ "data": { "ciphertext": ciphertext } }),
        ))
    });
    server.fetcher.respond(DECRYPT, move |request| {
        let sent = sent(request, "ciphertext");
        let text = sent.strip_prefix("vault:v1:").expect("a version");
        Ok(answer(
            200,
            &json!({ "data": { "plaintext": turned(text) } }),
        ))
    });
}

#[tokio::test]
async fn transit_engine_keeps_the_unseal_key() {
    let server = TestServer::uninitialized().await;
    server.core.use_auto_seal(transit(&server));
    // Nothing is stored while the engine does not wrap.
    let body = json!({ "recovery_shares": 1, "recovery_threshold": 1 });
    let refused = server.post("sys/init", body).send().await.expect(503);
    assert!(
        refused
            .error()
            .contains("seal `transit` at https://vault.example:8200")
    );
    assert_eq!(status(&server).await["initialized"], false);

    serve_transit(&server);
    let (_, root) = init(&server).await;
    assert_eq!(status(&server).await["type"], "transit");
    assert_eq!(status(&server).await["sealed"], false);
    let request = server.fetcher.requests().pop().expect("a request");
    assert_eq!(
        request
            .bearer
            .map(|token| token.expose().clone())
            .as_deref(),
        Some("hvs.transit")
    );
    let wrapped = sent(&server.fetcher.requests()[1], "plaintext");
    assert_eq!(STANDARD.decode(wrapped).expect("base64").len(), 32);

    let started = server.restarted().await;
    started.core.use_auto_seal(transit(&started));
    started.fetcher.take_down(DECRYPT);
    let dead = started.core.auto_unseal().await.expect_err("it is down");
    assert_eq!(dead.reason(), "seal_unavailable");
    assert_eq!(status(&started).await["sealed"], true);
    let denied = json!({ "errors": ["1 error occurred:\n\t* permission denied\n\n"] });
    started.fetcher.answer(DECRYPT, Ok(answer(403, &denied)));
    let refused = started.core.auto_unseal().await.expect_err("it refuses");
    assert_eq!(refused.reason(), "seal_refused");
    let told = "`transit/decrypt/autounseal` answered 403: 1 error occurred:  * permission denied";
    assert!(refused.to_string().ends_with(told), "{refused}");
    started.fetcher.answer(
        DECRYPT,
        Ok(answer(503, &json!({ "errors": ["Vault is sealed"] }))),
    );
    let sealed = started.core.auto_unseal().await.expect_err("it is sealed");
    assert_eq!(sealed.reason(), "seal_unavailable");
    let garbage = json!({ "data": { "plaintext": STANDARD.encode([1; 32]) } });
    started.fetcher.answer(DECRYPT, Ok(answer(200, &garbage)));
    started.core.auto_unseal().await.expect_err("another key");
    assert_eq!(status(&started).await["sealed"], true);

    serve_transit(&started);
    assert!(matches!(started.core.auto_unseal().await, Ok(true)));
    started
        .get("auth/token/lookup-self")
        .token(&root)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn token_of_the_transit_engine_is_renewed_in_time() {
    let server = TestServer::uninitialized().await;
    server.core.use_auto_seal(transit(&server));
    serve_transit(&server);
    init(&server).await;
    let lease = json!({ "auth": { "lease_duration": 3_600, "renewable": true } });
    server.fetcher.answer(RENEW, Ok(answer(200, &lease)));
    let count = || server.fetcher.count(RENEW);
    server.core.run_errands().await;
    assert_eq!(count(), 1);
    server.clock.advance(std::time::Duration::from_secs(1_799));
    server.core.run_errands().await;
    assert_eq!(count(), 1);
    server.clock.advance(std::time::Duration::from_secs(1));
    server
        .fetcher
        .answer(RENEW, Err(FetchError::Connect("down".to_owned())));
    server.core.run_errands().await;
    assert_eq!(count(), 2);
    // It is tried again soon.
    server.clock.advance(std::time::Duration::from_secs(60));
    let root = json!({ "auth": { "lease_duration": 0, "renewable": false } });
    server.fetcher.answer(RENEW, Ok(answer(200, &root)));
    server.core.run_errands().await;
    assert_eq!(count(), 3);
    // One that never expires is not renewed.
    server
        .clock
        .advance(std::time::Duration::from_secs(1_000_000));
    server.core.run_errands().await;
    assert_eq!(count(), 3);
}
