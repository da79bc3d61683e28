//! HTTP/2 with prior knowledge.

use std::time::Duration;

use serde_json::Value;
use vouchsafe_server::{Limits, limit};

use crate::harness::{Raw, TestServer};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;

/// A frame on stream 1 or 0 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    bytes.extend_from_slice(payload);
    bytes
}

/// A GET of `path` in one HEADERS frame that ends headers and stream (RFC 7541 §6).
fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).expect("short")];
    block.extend_from_slice(path.as_bytes());
    block.extend_from_slice(b"\x01\x01x");
    frame(HEADERS, 0x05, 1, &block)
}

async fn next_frame(raw: &mut Raw) -> (u8, Vec<u8>) {
    let head = raw.bytes(9).await;
    let length = usize::from(head[1]) << 8 | usize::from(head[2]);
    (head[3], raw.bytes(length).await)
}

#[tokio::test]
async fn requests_over_http2() {
    let server = TestServer::start().await;
    let client = server.http2();
    let url = |path: &str| format!("http://{}/v1/{path}", server.address());
    let answer = client
        .get(url("sys/health"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.version(), http::Version::HTTP_2);
    assert_eq!(answer.status(), 200);
    let head = client
        .head(url("sys/health"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(head.bytes().await.expect("no body").len(), 0);
    let request = client
        .post(url("auth/token/create"))
        .header("x-vault-token", &server.root_token);
    let answer: Value = request
        .json(&serde_json::json!({ "ttl": "1h" }))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(answer["auth"]["lease_duration"], 3_600);
}

#[tokio::test]
async fn concurrent_requests_of_one_connection() {
    let server = TestServer::start().await;
    let client = server.http2();
    let url = format!("http://{}/v1/auth/token/lookup-self", server.address());
    let asks: Vec<_> = (0..100)
        .map(|_| {
            client
                .get(&url)
                .header("x-vault-token", &server.root_token)
                .send()
        })
        .map(crate::harness::spawn)
        .collect();
    for ask in asks {
        assert_eq!(
            ask.await.expect("no panic").expect("an answer").status(),
            200
        );
    }
}

#[tokio::test]
async fn the_server_says_its_limits() {
    let server = TestServer::start().await;
    let mut raw = server.raw().await;
    raw.send(PREFACE).await;
    raw.send(&frame(SETTINGS, 0, 0, &[])).await;
    let (kind, payload) = next_frame(&mut raw).await;
    assert_eq!(kind, SETTINGS);
    let settings: Vec<(u16, u32)> = payload
        .chunks_exact(6)
        .map(|six| {
            let value = [six[2], six[3], six[4], six[5]];
            (
                u16::from_be_bytes([six[0], six[1]]),
                u32::from_be_bytes(value),
            )
        })
        .collect();
    let (streams, header_bytes) = (3, 6);
    assert!(
        settings.contains(&(streams, limit::STREAMS_MAX)),
        "{settings:?}"
    );
    assert!(
        settings.contains(&(header_bytes, 64 * 1_024)),
        "{settings:?}"
    );
}

/// A connection on which nothing is asked for long is closed, though it was useful once.
#[tokio::test]
async fn an_idle_connection_is_closed() {
    let soon = Duration::from_millis(100);
    let limits = Limits {
        head_timeout: soon,
        idle_timeout: soon,
        ..Limits::default()
    };
    let server = TestServer::builder().with_limits(limits).start().await;
    let mut raw = server.raw().await;
    raw.send(PREFACE).await;
    raw.send(&frame(SETTINGS, 0, 0, &[])).await;
    raw.send(&get("/v1/sys/health")).await;
    loop {
        if next_frame(&mut raw).await.0 == HEADERS {
            break;
        }
    }
    raw.rest().await;
}
