//! Removal of what can't be used any more.

use std::time::Duration;

use serde_json::json;
use vouchsafe_logical::{Operation, Response};

use super::{METHOD, proof, secret_id, with_web};
use crate::auth::approle::AppRole;
use crate::auth::approle::sweep::BATCH_MAX;
use crate::auth::driver::Driver;

async fn count(approle: &Driver) -> usize {
    approle.view.list_all("").await.unwrap().len()
}

#[tokio::test]
async fn expired_secret_ids_are_removed_and_live_ones_stay() {
    let approle = with_web(json!({ "role_id": "fixed" })).await;
    let (for_ever, _) = secret_id(&approle, "web", json!({})).await;
    let (later, _) = secret_id(&approle, "web", json!({ "ttl": 61 })).await;
    let before = approle.stored().await;
    secret_id(&approle, "web", json!({ "ttl": 60 })).await;
    secret_id(&approle, "web", json!({ "ttl": 1 })).await;
    approle.system.clock.advance(Duration::from_secs(60));
    approle.backend.tick().await.unwrap();
    assert_eq!(approle.stored().await, before);
    for secret in [&for_ever, &later] {
        assert!(approle.login("login", proof("fixed", secret)).await.is_ok());
    }
}

/// The index by time is in whole seconds: what dies within one must not be removed before it.
#[tokio::test]
async fn what_lives_for_a_fraction_of_a_second_is_not_removed_before_it_has_expired() {
    let approle = with_web(json!({ "role_id": "fixed" })).await;
    approle.system.clock.advance(Duration::from_millis(500));
    let (secret, _) = secret_id(&approle, "web", json!({ "ttl": 10 })).await;
    approle.system.clock.advance(Duration::from_millis(9_900));
    approle.backend.tick().await.unwrap();
    assert!(
        approle
            .login("login", proof("fixed", &secret))
            .await
            .is_ok()
    );
    approle.system.clock.advance(Duration::from_millis(700));
    approle.backend.tick().await.unwrap();
    assert!(
        !approle
            .view
            .list_all("")
            .await
            .unwrap()
            .iter()
            .any(|key| key.starts_with("expiry/"))
    );
}

#[tokio::test]
async fn more_than_a_batch_is_removed_in_batches() {
    let approle = with_web(json!({ "secret_id_ttl": 60 })).await;
    let before = approle.stored().await;
    for _ in 0..=BATCH_MAX {
        approle.write("role/web/secret-id", json!({})).await;
    }
    assert_eq!(count(&approle).await, before.len() + 3 * (BATCH_MAX + 1));
    approle.system.clock.advance(Duration::from_secs(60));
    let reply = approle
        .send(Operation::Update, "tidy/secret-id", json!({}))
        .await
        .unwrap();
    assert!(matches!(reply.response, Response::Accepted));
    assert_eq!(reply.warnings.len(), 1);
    assert_eq!(approle.stored().await, before);
}

#[tokio::test]
async fn a_sweep_ends_after_its_batches() {
    let approle = with_web(json!({ "secret_id_ttl": 60 })).await;
    for _ in 0..=2 * BATCH_MAX {
        approle.write("role/web/secret-id", json!({})).await;
    }
    approle.system.clock.advance(Duration::from_secs(60));
    let mount = AppRole::open(approle.settings());
    for left in [2 * BATCH_MAX + 1, BATCH_MAX + 1, 1, 0] {
        assert_eq!(
            approle.view.list_all("secret-id/").await.unwrap().len(),
            left
        );
        mount.sweep(1).await.unwrap();
    }
}

#[tokio::test]
async fn secret_ids_of_deleted_roles_are_removed() {
    let approle = Driver::open(&METHOD);
    approle
        .write("role/kept", json!({ "role_id": "kept" }))
        .await;
    let (kept, _) = secret_id(&approle, "kept", json!({ "ttl": 60 })).await;
    let before = approle.stored().await;
    for role in ["a", "b"] {
        approle.write(&format!("role/{role}"), json!({})).await;
        for _ in 0..=BATCH_MAX {
            approle
                .write(&format!("role/{role}/secret-id"), json!({ "ttl": 60 }))
                .await;
        }
        approle
            .write(&format!("role/{role}/secret-id"), json!({}))
            .await;
        approle.delete(&format!("role/{role}")).await;
    }
    approle.backend.tick().await.unwrap();
    assert_eq!(approle.stored().await, before);
    assert!(approle.login("login", proof("kept", &kept)).await.is_ok());
}

/// Two nodes sweep at the same time; one of them looks again.
#[tokio::test]
async fn sweeps_do_not_disturb_each_other() {
    let approle = with_web(json!({ "secret_id_ttl": 60 })).await;
    let before = approle.stored().await;
    for _ in 0..20 {
        approle.write("role/web/secret-id", json!({})).await;
    }
    approle.system.clock.advance(Duration::from_secs(60));
    let mut sweeps = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let approle = approle.clone();
        sweeps.spawn(async move { approle.backend.tick().await.is_ok() });
    }
    assert!(sweeps.join_all().await.into_iter().all(|ok| ok));
    assert_eq!(approle.stored().await, before);
}
