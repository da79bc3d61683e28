//! API keys of users, and that of the built-in `Admin`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_core::API_KEY_TTL_MAX;
use vouchsafe_logical::{Operation, Response, Secret};

use super::{ALLOWED, Idp, apply, core_with, refusal_of};
use crate::harness::TestCore;

const VERSION: &str = "sys/pvlt/system/info/version";
const CONF: &str = "sys/pvlt/ctl/iam/conf";

/// A write as root; what it answers, or the reason of its refusal.
async fn write(core: &TestCore, path: &str, body: Value) -> Result<Value, String> {
    let path = format!("sys/pvlt/ctl/iam/user/{path}");
    let outcome = core
        .handle(Operation::Update, &path, Some(&core.root_token), body)
        .await;
    match outcome.result {
        Ok(reply) => match reply.response {
            Response::Raw(raw) => Ok(serde_json::from_slice(&raw.body).expect("JSON")),
            other => panic!("{other:?}"),
        },
        Err(error) => Err(error.reason().to_owned()),
    }
}

async fn key_of(core: &TestCore, user: &str) -> String {
    let made = write(core, "regen", json!({ "name": user }))
        .await
        .expect("a key");
    made["api_key"].as_str().expect("text").to_owned()
}

#[tokio::test]
async fn a_users_key_has_the_users_role() {
    let core = core_with("").await;
    let key = key_of(&core, "Webapp").await;
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "");
    assert_eq!(refusal_of(&core, VERSION, &key).await, "");
    assert_eq!(
        refusal_of(&core, "probe/echo/b", &key).await,
        "policy_denied"
    );
    assert_eq!(refusal_of(&core, CONF, &key).await, "policy_denied");
}

#[tokio::test]
async fn a_new_key_ends_the_old_one() {
    let core = core_with("").await;
    let first = key_of(&core, "Webapp").await;
    let second = key_of(&core, "Webapp").await;
    assert_ne!(first, second);
    assert_eq!(refusal_of(&core, ALLOWED, &first).await, "token_invalid");
    assert_eq!(refusal_of(&core, ALLOWED, &second).await, "");
}

#[tokio::test]
async fn a_key_is_stored_nowhere_as_it_is() {
    let core = core_with("").await;
    let key = key_of(&core, "Webapp").await;
    // Keys of records are not encrypted: no name of one may tell it.
    assert!(core.keys().await.iter().all(|name| !name.contains(&key)));
}

#[tokio::test]
async fn a_key_ends_when_it_should() {
    let core = core_with("").await;
    let key = key_of(&core, "Webapp").await;
    let change = |seconds: u64| json!({"name": "Webapp", "expiration_secs": seconds});
    let answer = write(&core, "update-expiration", change(60))
        .await
        .expect("moved");
    assert_eq!(answer["api_key_expiry"], "2026-01-01T00:01:00.000000000Z");
    core.clock.advance(Duration::from_secs(59));
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "");
    core.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "api_key_expired");
    let longest = API_KEY_TTL_MAX.as_secs();
    write(&core, "update-expiration", change(longest))
        .await
        .expect("moved");
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "");
    for bad in [0, longest + 1] {
        let refused = write(&core, "update-expiration", change(bad)).await;
        assert_eq!(refused, Err("invalid_request".to_owned()), "{bad}");
    }
    let negative = json!({"name": "Webapp", "expiration_secs": -5});
    assert!(write(&core, "update-expiration", negative).await.is_err());
}

#[tokio::test]
async fn users_that_are_disabled_gone_or_never_were_have_no_way_in() {
    let core = core_with("").await;
    let disabled = key_of(&core, "Gone").await;
    assert_eq!(refusal_of(&core, ALLOWED, &disabled).await, "user_disabled");
    for name in ["Nobody", "webapp", ""] {
        let refused = write(&core, "regen", json!({ "name": name })).await;
        assert_eq!(refused, Err("unknown_user".to_owned()), "{name}");
    }
    let none = json!({"name": "Webapp", "expiration_secs": 5});
    assert_eq!(
        write(&core, "update-expiration", none).await,
        Err("user_without_key".to_owned())
    );

    // Who gets the name of a user that was removed does not get the key.
    let key = key_of(&core, "Webapp").await;
    let empty = "[users]\n[roles]\n[policies]\n";
    core.write(CONF, json!({ "conf": empty })).await;
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "token_invalid");
    apply(&core, "").await;
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "token_invalid");
}

#[tokio::test]
async fn the_admin_has_the_key_that_the_server_was_started_with_and_no_other() {
    let core = core_with("").await;
    let key = "Correct-Horse-Battery-1";
    assert_eq!(refusal_of(&core, CONF, key).await, "token_invalid");
    assert_eq!(refusal_of(&core, CONF, "pvaultauth").await, "token_invalid");
    let admin = Arc::new(Secret::new(key.to_owned()));
    core.core.iam().admin_api_key.store(Some(admin));
    assert_eq!(refusal_of(&core, CONF, key).await, "");
    for near in [
        "Correct-Horse-Battery-",
        "Correct-Horse-Battery-2",
        "correct-horse-battery-1",
    ] {
        assert_eq!(
            refusal_of(&core, CONF, near).await,
            "token_invalid",
            "{near}"
        );
    }
    // It administers IAM; it is no root token.
    assert_eq!(refusal_of(&core, "sys/mounts", key).await, "policy_denied");
    let refused = write(&core, "regen", json!({ "name": "Admin" })).await;
    assert_eq!(refused, Err("admin_key_is_fixed".to_owned()));
}

/// Requests with API keys write nothing either.
#[tokio::test]
async fn a_request_with_a_key_writes_nothing() {
    let core = core_with(&Idp::new("k").table("a", "", "")).await;
    let key = key_of(&core, "Webapp").await;
    let before = core.records().await;
    for _ in 0..3 {
        assert_eq!(refusal_of(&core, ALLOWED, &key).await, "");
    }
    assert_eq!(core.records().await, before);
}
