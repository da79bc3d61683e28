//! Tokens that are good for so many requests.

use serde_json::json;
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

async fn works(core: &TestCore, path: &str, token: &str) -> bool {
    core.handle(Operation::Read, path, Some(token), json!({}))
        .await
        .result
        .is_ok()
}

const SELF: &str = "auth/token/lookup-self";

#[tokio::test]
async fn the_last_use_works_and_the_next_does_not() {
    let core = TestServer::builder().start_core().await;
    let token = core.token(json!({ "num_uses": 3 })).await;
    for left in [2, 1, 0] {
        let outcome = core
            .handle(Operation::Read, SELF, Some(&token), json!({}))
            .await;
        let reply = outcome.result.expect("a use is left");
        let vouchsafe_logical::Response::Data(data) = reply.response else {
            panic!("no data")
        };
        assert_eq!(data["num_uses"], left);
    }
    let refused = core
        .handle(Operation::Read, SELF, Some(&token), json!({}))
        .await
        .result;
    assert_eq!(
        refused.expect_err("used up").to_string(),
        "permission denied"
    );
    assert_eq!(
        core.list("auth/token/accessors").await.len(),
        1,
        "the used-up token is gone"
    );
}

/// A denied request costs a use as well: guessing paths is not free.
#[tokio::test]
async fn a_denied_request_costs_a_use() {
    let core = TestServer::builder().start_core().await;
    let token = core
        .token(json!({ "num_uses": 2, "policies": ["default"] }))
        .await;
    assert!(!works(&core, "sys/mounts", &token).await);
    assert!(!works(&core, "nothing/there", &token).await);
    assert!(!works(&core, SELF, &token).await);
}

/// Every route that looks at the calling token works with its last use.
#[tokio::test]
async fn the_last_use_works_everywhere() {
    let core = TestServer::builder().start_core().await;
    for (operation, path) in [
        (Operation::Read, SELF),
        (Operation::Update, "auth/token/renew-self"),
        (Operation::Update, "auth/token/revoke-self"),
        (Operation::Update, "sys/capabilities-self"),
        (Operation::Read, "sys/internal/ui/resultant-acl"),
    ] {
        let token = core
            .token(json!({ "num_uses": 1, "policies": "default", "ttl": "1h" }))
            .await;
        let data = json!({ "paths": "a" });
        let outcome = core.handle(operation, path, Some(&token), data).await;
        assert!(outcome.result.is_ok(), "{path}: {:?}", outcome.result);
        assert!(!works(&core, SELF, &token).await, "{path}");
    }
}

/// Two requests can't both have the last use.
#[tokio::test]
async fn concurrent_requests_share_the_uses() {
    let server = TestServer::builder().start().await;
    for uses in [1, 3] {
        let token = server.token(json!({ "num_uses": uses })).await;
        let asks: Vec<_> = (0..16)
            .map(|_| crate::harness::spawn(server.get(SELF).token(&token).send()))
            .collect();
        let mut served = 0;
        for ask in asks {
            match ask.await.expect("no panic").status.as_u16() {
                200 => served += 1,
                403 => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(served, uses);
    }
}

/// What fails before the request is anybody's costs nothing.
#[tokio::test]
async fn a_request_of_a_disabled_entity_costs_no_use() {
    let core = TestServer::builder().with_probes().start_core().await;
    let auth = core.login("bob", json!({ "token_num_uses": 1 })).await;
    let entity = format!("identity/entity/id/{}", auth.entity_id);
    core.write(&entity, json!({ "disabled": true })).await;
    assert!(!works(&core, SELF, &auth.client_token).await);
    core.write(&entity, json!({ "disabled": false })).await;
    assert!(works(&core, SELF, &auth.client_token).await);
    assert!(!works(&core, SELF, &auth.client_token).await);
}

#[tokio::test]
async fn a_token_with_limited_uses_makes_no_others() {
    let core = TestServer::builder().start_core().await;
    for uses in [1, 2] {
        let token = core.token(json!({ "num_uses": uses })).await;
        let create = "auth/token/create";
        let refused = core
            .handle(Operation::Update, create, Some(&token), json!({}))
            .await
            .result;
        let message = refused.expect_err("no children").to_string();
        assert_eq!(message, "restricted use token cannot generate child tokens");
    }
}
