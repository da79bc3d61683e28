//! Connections: how many, how long, and how they end.

use std::time::Duration;

use vouchsafe_server::Limits;

use crate::harness::{TestServer, eventually, gate, spawn};

const SOON: Duration = Duration::from_millis(100);

const HEALTH: &[u8] = b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n";

async fn limited(limits: Limits) -> TestServer {
    TestServer::builder()
        .with_probes()
        .with_limits(limits)
        .start()
        .await
}

/// Whoever sends no whole head in time is hung up on, whatever the head begins like.
#[tokio::test]
async fn a_slow_head_loses_its_connection() {
    let server = limited(Limits {
        head_timeout: SOON,
        ..Limits::default()
    })
    .await;
    for begin in [
        &b""[..],
        b"G",
        b"GET /v1/sys/health HTTP/1.1\r\nHost",
        b"PRI * HT",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut raw = server.raw().await;
        raw.send(begin).await;
        let answer = raw.rest().await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    let mut raw = server.raw().await;
    raw.send(HEALTH).await;
    assert_eq!(raw.status().await, 200);
    raw.rest().await;
}

#[tokio::test]
async fn a_slow_body_is_refused() {
    let server = limited(Limits {
        body_timeout: SOON,
        ..Limits::default()
    })
    .await;
    let mut raw = server.raw().await;
    raw.send(b"POST /v1/probe/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        .await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.contains("the body did not arrive in time"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_unfinished_body_is_refused() {
    let server = limited(Limits::default()).await;
    let mut raw = server.raw().await;
    raw.send(b"POST /v1/probe/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        .await;
    raw.finish().await;
    assert_eq!(raw.status().await, 400);
}

/// The next connection waits in the kernel's queue until there is a place.
#[tokio::test]
async fn connections_have_places() {
    let server = limited(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let mut first = server.raw().await;
    first.send(HEALTH).await;
    assert_eq!(first.status().await, 200);
    let mut second = server.raw().await;
    second.send(HEALTH).await;
    assert_eq!(second.status().await, 200);
    let mut third = server.raw().await;
    third.send(HEALTH).await;
    assert!(tokio::time::timeout(SOON, third.status()).await.is_err());
    drop(first);
    assert_eq!(third.status().await, 200);
}

/// A server whose places are all taken can be stopped all the same.
#[tokio::test]
async fn a_full_server_stops() {
    let server = limited(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut only = server.raw().await;
    only.send(HEALTH).await;
    assert_eq!(only.status().await, 200);
    let stopped = tokio::time::timeout(Duration::from_secs(10), server.stop()).await;
    assert!(stopped.is_ok(), "idle connections don't hold the server up");
}

#[tokio::test]
async fn requests_in_flight_finish_before_the_server_ends() {
    let server = limited(Limits::default()).await;
    let address = server.address();
    let ask = server
        .ask("POST", "probe/gate/drain")
        .token(&server.root_token);
    let waiting = spawn(ask.send());
    gate("drain").entered().await;
    let stopping = spawn(server.stop());
    // No new connection gets in any more, while the old request still waits.
    eventually("the socket is closed", || {
        std::net::TcpStream::connect(address).is_err()
    })
    .await;
    assert!(!stopping.is_finished());
    gate("drain").open();
    waiting.await.expect("no panic").expect(200);
    stopping.await.expect("no panic");
}

#[tokio::test]
async fn draining_has_an_end() {
    let server = limited(Limits {
        drain_timeout: SOON,
        ..Limits::default()
    })
    .await;
    let mut raw = server.raw().await;
    let request = format!(
        "POST /v1/probe/gate/never HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {}\r\nContent-Length: 0\r\n\r\n",
        server.root_token
    );
    raw.send(request.as_bytes()).await;
    gate("never").entered().await;
    server.stop().await;
}
