//! Tokens cannot drive traffic to an issuer, one after the other or all at once.

use std::sync::Arc;

use vouchsafe_jose::{AlgorithmSet, UnverifiedJwt};
use vouchsafe_logical::{BoxFuture, Clock, Fetch, FetchError, FetchRequest, Fetched};
use vouchsafe_testing::FakeFetcher;
use vouchsafe_trust::schedule::COOL_DOWN;

use crate::issuer::{DOCUMENT, KEYS, Key, World};

#[tokio::test]
async fn a_rotation_at_the_issuer_needs_no_action() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let world = World::with_discovery();
    world.publish(KEYS, &[&old]);
    assert_eq!(world.reason(&old.token()).await, "verified");
    world.publish(KEYS, &[&old, &new]);
    assert_eq!(world.reason(&new.token()).await, "verified");
    // The document was not asked for again.
    assert_eq!(world.servers.count(DOCUMENT), 1);
    assert_eq!(world.servers.count(KEYS), 2);
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_id_is_found_again() {
    let (old, new) = (Key::new("a"), Key::new("a"));
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&old]);
    assert_eq!(world.reason(&old.token()).await, "verified");
    world.publish(KEYS, &[&new]);
    assert_eq!(world.reason(&new.token()).await, "verified");
    assert_eq!(world.reason(&old.token()).await, "signature_invalid");
    assert_eq!(world.servers.count(KEYS), 2);
}

#[tokio::test]
async fn ten_thousand_forged_tokens_cause_two_requests() {
    let key = Key::new("a");
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&key]);
    let forger = Key::new("stranger");
    let genuine = key.token();
    let forged = forger.token();
    for n in 0..10_000 {
        assert_eq!(world.reason(&forged).await, "key_not_found");
        if n % 1_000 == 0 {
            assert_eq!(world.reason(&genuine).await, "verified");
        }
    }
    assert_eq!(world.servers.count(KEYS), 2);
    world.wait(COOL_DOWN.as_secs() - 1);
    assert_eq!(world.reason(&forged).await, "key_not_found");
    assert_eq!(world.servers.count(KEYS), 2);
    world.wait(1);
    assert_eq!(world.reason(&forged).await, "key_not_found");
    assert_eq!(world.servers.count(KEYS), 3);
}

/// Lets others run before it answers.
struct Slow(FakeFetcher);

impl Fetch for Slow {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(async move {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            self.0.fetch(request).await
        })
    }
}

async fn crowd(world: World, tokens: Vec<String>) -> (Vec<&'static str>, usize) {
    let World {
        clock,
        servers,
        keys,
    } = world;
    let (keys, servers, clock) = (Arc::new(keys), Arc::new(Slow(servers)), Arc::new(clock));
    let mut crowd = tokio::task::JoinSet::new();
    for token in tokens {
        let (keys, servers) = (Arc::clone(&keys), Arc::clone(&servers));
        let clock: Arc<dyn Clock> = Arc::<vouchsafe_testing::ManualClock>::clone(&clock);
        crowd.spawn(async move {
            let parsed = UnverifiedJwt::parse(&token).unwrap();
            let verified = keys
                .verify(parsed, AlgorithmSet::ALL, &*servers, &*clock)
                .await;
            verified.map_or_else(|refusal| refusal.reason(), |_| "verified")
        });
    }
    let reasons = crowd.join_all().await;
    let count = servers.0.count(KEYS);
    (reasons, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_forged_tokens_at_once_cause_two_requests() {
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&Key::new("a")]);
    let forged = Key::new("stranger").token();
    let (reasons, count) = crowd(world, vec![forged; 10_000]).await;
    assert!(reasons.iter().all(|reason| *reason == "key_not_found"));
    assert_eq!(count, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_with_a_new_key_shares_one_fetch_and_all_are_let_in() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let world = World::with_jwks(&[KEYS]);
    world.publish(KEYS, &[&old]);
    assert_eq!(world.reason(&old.token()).await, "verified");
    world.publish(KEYS, &[&old, &new]);
    let (reasons, count) = crowd(world, vec![new.token(); 500]).await;
    assert!(
        reasons.iter().all(|reason| *reason == "verified"),
        "{reasons:?}"
    );
    assert_eq!(count, 2);
}

#[tokio::test]
async fn to_break_off_a_request_gains_no_other() {
    let world = World::with_jwks(&[KEYS]);
    let token = Key::new("a").token();
    let slow = Slow(world.servers);
    for _ in 0..100 {
        let parsed = UnverifiedJwt::parse(&token).unwrap();
        let mut login = std::pin::pin!(world.keys.verify(
            parsed,
            AlgorithmSet::ALL,
            &slow,
            &world.clock
        ));
        // Polled until it waits for the answer, then dropped.
        let once = std::future::poll_fn(|context| {
            std::task::Poll::Ready(login.as_mut().poll(context).is_pending())
        });
        once.await;
    }
    assert!(slow.0.count(KEYS) <= 1);
}
