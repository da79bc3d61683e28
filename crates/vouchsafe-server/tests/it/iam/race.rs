//! What happens in the middle of something else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vouchsafe_logical::{Operation, Response};
use vouchsafe_testing::at_once;

use super::{ALLOWED, Idp, apply, core_with, refusal_of};
use crate::harness::TestCore;

const REGENERATE: &str = "sys/pvlt/ctl/iam/user/regen";
const CONF: &str = "sys/pvlt/ctl/iam/conf";
const EMPTY: &str = "[users]\n[roles]\n[policies]\n";

/// A new key for `Webapp`, or why there is none.
async fn regenerate(core: &TestCore) -> Result<String, String> {
    let body = json!({"name": "Webapp"});
    let root = Some(core.root_token.as_str());
    let outcome = core.handle(Operation::Update, REGENERATE, root, body).await;
    match outcome.result.map(|reply| reply.response) {
        Ok(Response::Raw(raw)) => {
            let made: serde_json::Value = serde_json::from_slice(&raw.body).expect("JSON");
            Ok(made["api_key"].as_str().expect("a key").to_owned())
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.reason().to_owned()),
    }
}

async fn keys_of_users(core: &TestCore) -> Vec<String> {
    let is_of_user = |key: &String| key.contains("core/iam/user/") || key.contains("core/iam/key/");
    core.keys().await.into_iter().filter(is_of_user).collect()
}

/// The keys of a provider change after a token was looked at and before that is remembered: it is not
/// remembered as proved by keys that never saw it.
#[tokio::test]
async fn what_older_keys_verified_is_not_remembered_under_newer_ones() {
    let uri = "https://idp.example/jwks";
    let (old, new) = (Idp::new("2025"), Idp::new("2026"));
    let core = core_with(&old.remote_table("app1", uri)).await;
    core.fetcher.serve(uri, old.jwks());
    let before = old.token(json!({"jti": "before"}));
    assert_eq!(refusal_of(&core, ALLOWED, &before).await, "");
    // The keys are due: an errand fetches others when they have been asked how old they are.
    core.clock.advance(Duration::from_secs(4 * 60));
    core.fetcher.serve(uri, new.jwks());
    let (clock, errands) = (Arc::clone(&core.clock), Arc::clone(&core.core));
    core.after_next_read("core/iam/conf", async move {
        clock.when_asked(move || {
            at_once(tokio::task::unconstrained(errands.run_errands()));
        });
    });
    let token = old.token(json!({"jti": "meanwhile"}));
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    assert_eq!(core.fetcher.count(uri), 2, "the keys did not change");
    for token in [&token, &before] {
        assert_eq!(refusal_of(&core, ALLOWED, token).await, "key_not_found");
    }
    assert_eq!(refusal_of(&core, ALLOWED, &new.token(json!({}))).await, "");
}

/// A file that removes a user is about to be written when the user gets a key: the key does not
/// outlive its user, and is not the key of who has the name later.
#[tokio::test]
async fn a_key_that_is_made_while_its_user_is_removed_ends_with_the_user() {
    let core = Arc::new(core_with("").await);
    let (made, key) = tokio::sync::oneshot::channel();
    let other = Arc::new(core.beside().await);
    core.before_next_commit(async move {
        let key = regenerate(&other).await.expect("a key");
        assert_eq!(refusal_of(&other, ALLOWED, &key).await, "");
        made.send(key).expect("is waited for");
    });
    core.write(CONF, json!({ "conf": EMPTY })).await;
    let key = key.await.expect("a key was made");
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "token_invalid");
    assert_eq!(keys_of_users(&core).await, [""; 0]);
    apply(&core, "").await;
    assert_eq!(refusal_of(&core, ALLOWED, &key).await, "token_invalid");
}

/// The other way round: the user is removed when the key is about to be written.
#[tokio::test]
async fn a_user_who_is_removed_while_a_key_is_made_gets_none() {
    for again in [false, true] {
        let core = core_with("").await;
        if again {
            regenerate(&core).await.expect("a key");
        }
        let other = core.beside().await;
        core.before_next_commit(async move {
            other.write(CONF, json!({ "conf": EMPTY })).await;
        });
        let refused = regenerate(&core).await;
        assert_eq!(refused, Err("unknown_user".to_owned()), "{again}");
        assert_eq!(keys_of_users(&core).await, [""; 0], "{again}");
    }
}

/// Two new keys of one user at once: the later ends the earlier, and nothing is left of that.
#[tokio::test]
async fn of_two_keys_that_are_made_at_once_one_works() {
    let core = core_with("").await;
    let other = core.beside().await;
    let (made, first) = tokio::sync::oneshot::channel();
    core.before_next_commit(async move {
        made.send(regenerate(&other).await.expect("a key"))
            .expect("is waited for");
    });
    let second = regenerate(&core).await.expect("a key");
    let first = first.await.expect("a key was made");
    assert_eq!(refusal_of(&core, ALLOWED, &first).await, "token_invalid");
    assert_eq!(refusal_of(&core, ALLOWED, &second).await, "");
    assert_eq!(keys_of_users(&core).await.len(), 2);
}
