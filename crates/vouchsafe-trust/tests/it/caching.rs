//! How long keys are kept: within bounds, beyond the death of their issuer, and not for ever.

use std::sync::Arc;

use vouchsafe_testing::at_once;
use vouchsafe_trust::schedule::{AGE_DEFAULT, AGE_MIN, RETRY_AFTER_FAILURE, STALE_MAX};

use crate::issuer::{DOCUMENT, KEYS, Key, World};

#[tokio::test]
async fn a_key_that_the_issuer_withdraws_is_refused_when_its_age_is_over() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let world = World::with_jwks(&[KEYS]);
    world.publish_for(KEYS, &[&old], Some(120));
    assert_eq!(world.reason(&old.token()).await, "verified");
    world.publish_for(KEYS, &[&new], Some(120));
    world.wait(119);
    assert_eq!(world.reason(&old.token()).await, "verified");
    world.wait(1);
    assert_eq!(world.reason(&old.token()).await, "key_not_found");
}

#[tokio::test]
async fn an_age_of_nothing_does_not_mean_a_fetch_at_each_login() {
    let key = Key::new("a");
    let world = World::with_jwks(&[KEYS]);
    world.publish_for(KEYS, &[&key], Some(0));
    for _ in 0..100 {
        assert_eq!(world.reason(&key.token()).await, "verified");
    }
    assert_eq!(world.servers.count(KEYS), 1);
    world.wait(AGE_MIN.as_secs());
    assert_eq!(world.reason(&key.token()).await, "verified");
    assert_eq!(world.servers.count(KEYS), 2);
}

#[tokio::test]
async fn keys_in_use_are_fetched_again_before_they_are_old_and_idle_ones_are_not() {
    let key = Key::new("a");
    let world = World::with_jwks(&[KEYS]);
    let tick = || world.keys.refresh_if_due(&world.servers, &world.clock);
    world.publish_for(KEYS, &[&key], Some(400));
    tick().await.unwrap();
    assert_eq!(
        world.servers.count(KEYS),
        0,
        "nobody has asked for keys yet"
    );
    world.verify(&key.token()).await.unwrap();
    world.verify(&key.token()).await.unwrap();
    world.wait(299);
    tick().await.unwrap();
    assert_eq!(world.servers.count(KEYS), 1);
    world.wait(1);
    tick().await.unwrap();
    tick().await.unwrap();
    assert_eq!(world.servers.count(KEYS), 2);
    // Nobody used them since.
    world.wait(300);
    tick().await.unwrap();
    assert_eq!(world.servers.count(KEYS), 2);
}

#[tokio::test]
async fn keys_outlive_their_issuer_for_a_bounded_while() {
    let key = Key::new("a");
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&key]);
    assert_eq!(world.reason(&key.token()).await, "verified");
    world.servers.take_down(KEYS);
    world.wait(AGE_DEFAULT.as_secs() + STALE_MAX.as_secs() - 1);
    assert_eq!(world.reason(&key.token()).await, "verified");
    assert!(world.keys.state().failure.is_some());
    world.wait(1);
    let refusal = world.verify(&key.token()).await.unwrap_err();
    assert_eq!(refusal.reason(), "keys_unavailable");
    assert!(refusal.to_string().contains("issuer.example"), "{refusal}");
    assert_eq!(world.keys.state().keys, 0);
    // It comes back by itself.
    world.publish(KEYS, &[&key]);
    world.wait(RETRY_AFTER_FAILURE.as_secs());
    assert_eq!(world.reason(&key.token()).await, "verified");
    assert_eq!(world.keys.state().failure, None);
}

#[tokio::test]
async fn a_dead_issuer_is_asked_now_and_then_and_not_at_each_login() {
    let key = Key::new("a");
    let world = World::with_discovery();
    world.servers.take_down(DOCUMENT);
    for _ in 0..100 {
        assert_eq!(world.reason(&key.token()).await, "keys_unavailable");
    }
    assert_eq!(world.servers.count(DOCUMENT), 1);
    world.wait(RETRY_AFTER_FAILURE.as_secs() - 1);
    assert_eq!(world.reason(&key.token()).await, "keys_unavailable");
    assert_eq!(world.servers.count(DOCUMENT), 1);
    world.wait(1);
    assert_eq!(world.reason(&key.token()).await, "keys_unavailable");
    assert_eq!(world.servers.count(DOCUMENT), 2);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_replaces_nothing() {
    let key = Key::new("a");
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&key]);
    assert_eq!(world.reason(&key.token()).await, "verified");
    for body in ["", "<html>", "{}", "[]"] {
        world.servers.serve(KEYS, body);
        world.wait(AGE_DEFAULT.as_secs());
        assert_eq!(world.reason(&key.token()).await, "verified", "{body:?}");
    }
    // An empty set is a statement: everything is withdrawn.
    world.publish(KEYS, &[]);
    world.wait(AGE_DEFAULT.as_secs());
    assert_eq!(world.reason(&key.token()).await, "key_not_found");
}

#[tokio::test]
async fn the_generation_changes_with_the_keys_and_with_nothing_else() {
    let (a, b) = (Key::new("a"), Key::new("b"));
    let world = World::with_jwks(&[KEYS]);
    assert_eq!(world.keys.generation(), 0);
    world.publish(KEYS, &[&a]);
    world.verify(&a.token()).await.unwrap();
    let first = world.keys.generation();
    world.wait(AGE_DEFAULT.as_secs());
    world.verify(&a.token()).await.unwrap();
    assert_eq!(world.servers.count(KEYS), 2);
    assert_eq!(world.keys.generation(), first);
    world.publish(KEYS, &[&a, &b]);
    world.verify(&b.token()).await.unwrap();
    assert_ne!(world.keys.generation(), first);

    let other = World::with_jwks(&[KEYS]);
    other.publish(KEYS, &[&a, &b]);
    other.verify(&b.token()).await.unwrap();
    assert_ne!(other.keys.generation(), world.keys.generation());
}

/// The keys change after they were taken up to verify a token: the token is verified by those, and
/// what is said to have verified it are not the new ones.
#[tokio::test]
async fn the_generation_is_that_of_the_keys_that_verified() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let world = Arc::new(World::with_jwks(&[KEYS]));
    world.publish_for(KEYS, &[&old], Some(400));
    assert_eq!(world.reason(&old.token()).await, "verified");
    let before = world.keys.generation();
    world.wait(300);
    world.publish_for(KEYS, &[&new], Some(400));
    let other = Arc::clone(&world);
    world.clock.when_asked(move || {
        at_once(other.keys.refresh_if_due(&other.servers, &other.clock)).unwrap();
    });
    assert_eq!(world.generation_of(&old.token()).await.unwrap(), before);
    assert_ne!(world.keys.generation(), before);
    let refusal = world.generation_of(&old.token()).await.unwrap_err();
    assert_eq!(refusal.reason(), "key_not_found");
    let now = world.generation_of(&new.token()).await.unwrap();
    assert_eq!(now, world.keys.generation());
}

/// Keys that a token causes to be fetched are those that verify it.
#[tokio::test]
async fn the_generation_is_that_of_keys_that_were_fetched_for_the_token() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&old]);
    let first = world.generation_of(&old.token()).await.unwrap();
    world.publish(KEYS, &[&old, &new]);
    let second = world.generation_of(&new.token()).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(world.generation_of(&old.token()).await.unwrap(), second);
}
