//! What must cost the same with one token and with a million: the start, and doing nothing.

use std::time::Duration;

use serde_json::json;
use vouchsafe_core::Due;

use crate::harness::TestServer;

/// How many records a start and then a tick read while so many tokens and entities are stored.
async fn reads_with(live: usize) -> (usize, usize) {
    let core = TestServer::builder().with_probes().start_core().await;
    for number in 0..live {
        core.token(json!({ "ttl": "1h", "no_parent": true })).await;
        core.token(json!({ "ttl": "1h" })).await;
        core.login(&format!("user-{number}"), json!({})).await;
    }
    core.clock.advance(Duration::from_secs(60));
    let restarted = core.fork().await;
    let start = restarted.take_reads();
    assert_eq!(restarted.core.tick().await, Due::Nothing);
    (start, restarted.take_reads())
}

#[tokio::test]
async fn what_start_and_an_idle_tick_read_does_not_depend_on_the_number_of_live_tokens() {
    let few = reads_with(3).await;
    let many = reads_with(300).await;
    assert!(few.0 > 0 && few.1 > 0, "nothing is counted: {few:?}");
    assert_eq!(few, many);
}

#[tokio::test]
async fn a_tick_does_a_bounded_amount_and_says_that_there_is_more() {
    const TOKENS: usize = 2_100;
    let core = TestServer::builder().start_core().await;
    for _ in 0..TOKENS {
        core.token(json!({ "ttl": "1m", "no_parent": true })).await;
    }
    core.clock.advance(Duration::from_secs(61));
    let mut ticks = 1;
    while core.core.tick().await == Due::More {
        ticks += 1;
        let left = core.list("auth/token/accessors").await.len();
        assert!(left > 1, "nothing is left, and more is said to be due");
    }
    assert_eq!(ticks, 2);
    assert_eq!(core.list("auth/token/accessors").await.len(), 1);
}
