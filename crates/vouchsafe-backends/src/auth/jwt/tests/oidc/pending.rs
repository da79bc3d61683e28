use std::time::Duration;

use serde_json::json;

use super::super::super::oidc::{PENDING_AGE_MAX, PENDING_MAX};
use super::{begin, end, mount, told};

const EXPIRED: &str = "oidc_state_unknown: Vault login failed. Expired or missing OAuth state.";

#[tokio::test]
async fn a_person_has_ten_minutes_and_not_a_second_more() {
    let (mount, provider) = mount().await;
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    mount.system.clock.advance(PENDING_AGE_MAX);
    end(&mount, &answered).await.unwrap();

    let answered = provider.agree(&begin(&mount).await, &json!({}));
    mount
        .system
        .clock
        .advance(PENDING_AGE_MAX + Duration::from_secs(1));
    assert_eq!(told(end(&mount, &answered).await), EXPIRED);
}

#[tokio::test]
async fn one_login_too_many_takes_the_place_of_the_oldest() {
    let (mount, provider) = mount().await;
    let oldest = provider.agree(&begin(&mount).await, &json!({}));
    let second = provider.agree(&begin(&mount).await, &json!({}));
    for _ in 2..PENDING_MAX {
        begin(&mount).await;
    }
    // Now there are as many as there may be, and the oldest is one of them.
    let newest = provider.agree(&begin(&mount).await, &json!({}));
    assert_eq!(told(end(&mount, &oldest).await), EXPIRED);
    assert_eq!(told(end(&mount, &second).await), "ok");
    assert_eq!(told(end(&mount, &newest).await), "ok");
}

#[tokio::test]
async fn as_many_as_there_may_be_keep_nobody_out() {
    let (mount, provider) = mount().await;
    let oldest = provider.agree(&begin(&mount).await, &json!({}));
    for _ in 1..PENDING_MAX {
        begin(&mount).await;
    }
    assert_eq!(told(end(&mount, &oldest).await), "ok");
}

#[tokio::test]
async fn another_node_and_a_restart_know_no_login_that_was_begun() {
    let (mount, provider) = mount().await;
    let other = mount.second_node(&super::super::super::OIDC_METHOD);
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    assert_eq!(told(end(&other, &answered).await), EXPIRED);
    // Where it was begun, nothing has become of it.
    end(&mount, &answered).await.unwrap();
}
