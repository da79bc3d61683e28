//! The entity that a role has made for a JWT's subject: when it comes into being, and that it is one.

use std::sync::Arc;

use serde_json::{Value, json};
use vouchsafe_logical::{ErrorKind, Operation};

use super::entity::identity_token;
use super::{ALLOWED, Idp, apply, audit, core_with, refusal_of};
use crate::harness::{TestCore, spawn};

/// A token of a role that has an entity made.
fn person(idp: &Idp, jti: usize) -> String {
    idp.token(json!({"roles": "Person", "jti": jti.to_string()}))
}

async fn entities(core: &TestCore) -> usize {
    let keys = core.keys().await;
    keys.iter()
        .filter(|key| key.contains("/alias-factor/"))
        .count()
}

/// What can't be recorded does not happen: no device takes the entry, and nothing is stored.
#[tokio::test]
async fn no_entity_is_made_for_a_request_that_can_not_be_recorded() {
    let idp = Idp::new("k1");
    let (core, folder) = audit::audited(&idp.table("app1", "", "")).await;
    let log = folder.path().join("audit.log");
    std::fs::remove_file(&log).expect("there");
    std::fs::create_dir(&log).expect("a folder in the way");
    let before = core.records().await;
    let token = person(&idp, 1);
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "audit_failed");
    assert_eq!(core.records().await, before);
    std::fs::remove_dir(&log).expect("there");
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    assert_eq!(entities(&core).await, 1);
}

#[tokio::test]
async fn no_entity_is_made_for_a_request_that_is_refused() {
    let idp = Idp::new("k1");
    let (core, folder) = audit::audited(&idp.table("app1", "", "")).await;
    let before = core.records().await;
    let token = person(&idp, 1);
    for _ in 0..2 {
        assert_eq!(
            refusal_of(&core, "probe/echo/b", &token).await,
            "policy_denied"
        );
    }
    assert_eq!(core.records().await, before);
    // The entries name nobody who never was, and then who is made.
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    let text = std::fs::read_to_string(folder.path().join("audit.log")).expect("a log");
    let found: Vec<(bool, bool)> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|entry| entry["request"]["mount_point"] == "probe/")
        .map(|entry| {
            let auth = &entry["auth"];
            (
                auth["entity_id"].is_string(),
                auth["entity_created"] == true,
            )
        })
        .collect();
    let (nobody, made, known) = ((false, false), (true, true), (true, false));
    assert_eq!(
        found,
        [nobody, nobody, nobody, nobody, made, made, known, known]
    );
}

/// A policy whose path names the entity allows the very first request.
#[tokio::test]
async fn templates_of_policies_know_the_entity_that_will_be() {
    let idp = Idp {
        issuer: "corp",
        ..Idp::new("k1")
    };
    let core = core_with(&idp.table("app1", "", "")).await;
    let policy =
        r#"path "probe/echo/{{identity.entity.aliases.SYS.name}}" { capabilities = ["read"] }"#;
    let policy = policy.replace("SYS", &core.accessor("sys/").await);
    core.write("sys/policies/acl/app", json!({ "policy": policy }))
        .await;
    let token = person(&idp, 1);
    let path = "probe/echo/corp#ci";
    assert_eq!(
        refusal_of(&core, "probe/echo/corp#other", &token).await,
        "policy_denied"
    );
    assert_eq!(entities(&core).await, 0);
    assert_eq!(refusal_of(&core, path, &token).await, "");
    assert_eq!(entities(&core).await, 1);
}

/// Many replicas of one workload start at once: all are served, as one entity.
#[tokio::test]
async fn first_requests_that_come_at_once_have_one_entity() {
    const AT_ONCE: usize = 64;
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let key = json!({"algorithm": "ES256", "allowed_client_ids": "*"});
    core.write("identity/oidc/key/ci", key).await;
    core.write("identity/oidc/role/ci", json!({"key": "ci"}))
        .await;
    let core = Arc::new(core);
    let requests = (0..AT_ONCE).map(|jti| {
        let (core, token) = (Arc::clone(&core), person(&idp, jti));
        spawn(async move { identity_token(&core, &token).await })
    });
    let mut subjects = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        let claims = request.await.expect("no panic").expect("an identity token");
        subjects.push(claims["sub"].clone());
    }
    subjects.dedup();
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    assert_eq!(entities(&core).await, 1);
}

/// Another request of the subject is recorded and done while this one is about to store the entity.
#[tokio::test]
async fn a_request_in_the_middle_of_another_has_the_same_entity() {
    let idp = Idp::new("k1");
    let core = Arc::new(core_with(&idp.table("app1", "", "")).await);
    let (inner, token) = (Arc::clone(&core), person(&idp, 1));
    core.before_next_commit(async move {
        assert_eq!(refusal_of(&inner, ALLOWED, &token).await, "");
        assert_eq!(entities(&inner).await, 1);
    });
    assert_eq!(refusal_of(&core, ALLOWED, &person(&idp, 2)).await, "");
    assert_eq!(entities(&core).await, 1);
}

/// On another node it is another one. Then the request that was recorded with an entity that will
/// never be is not done; it can be sent again.
#[tokio::test]
async fn of_two_nodes_one_makes_the_entity_and_the_other_says_to_try_again() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let (other, token) = (core.beside().await, person(&idp, 1));
    core.before_next_commit(async move {
        assert_eq!(refusal_of(&other, ALLOWED, &token).await, "");
    });
    let token = person(&idp, 2);
    let outcome = core
        .handle(Operation::Read, ALLOWED, Some(&token), json!({}))
        .await;
    let error = outcome.result.expect_err("another entity was recorded");
    assert_eq!(error.reason(), "write_conflict");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    assert_eq!(entities(&core).await, 1);
}

/// Who comes back after the entity was deleted is somebody new: nothing of the old one returns.
#[tokio::test]
async fn a_deleted_entity_does_not_come_back_under_its_id() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let mut ids = Vec::new();
    for jti in 0..2 {
        assert_eq!(refusal_of(&core, ALLOWED, &person(&idp, jti)).await, "");
        let listed = core.list("identity/entity/id").await;
        let [id] = &listed[..] else {
            panic!("{listed:?}")
        };
        let id = id.as_str().expect("text").to_owned();
        core.delete(&format!("identity/entity/id/{id}")).await;
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    apply(&core, "").await;
}
