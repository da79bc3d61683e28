//! Every limit on requests, at the limit and one past it.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::path::PATH_BYTES_MAX;
use vouchsafe_server::{Limits, limit};

use crate::harness::{Answer, TestServer, status_of};

/// Hostile input must be refused before it has cost anything: this is far above what it costs on a
/// busy machine, and far below what a quadratic parser would take.
async fn fast(work: impl Future<Output = ()>) {
    let done = tokio::time::timeout(Duration::from_secs(10), work).await;
    assert!(done.is_ok(), "it took too long");
}

async fn probed() -> TestServer {
    TestServer::builder().with_probes().start().await
}

async fn post(server: &TestServer, body: impl Into<Vec<u8>>) -> Answer {
    let ask = server.ask("POST", "probe/echo/a").token(&server.root_token);
    ask.body(body.into()).send().await
}

fn text_of(bytes: usize) -> String {
    let frame = json!({ "a": "" }).to_string().len();
    json!({ "a": "x".repeat(bytes - frame) }).to_string()
}

#[tokio::test]
async fn body_bytes() {
    let limits = Limits {
        body_bytes: 1_000,
        ..Limits::default()
    };
    let server = TestServer::builder()
        .with_probes()
        .with_limits(limits)
        .start()
        .await;
    post(&server, text_of(1_000)).await.expect(200);
    let answer = post(&server, text_of(1_001)).await.expect(413);
    assert_eq!(answer.error(), "the body has more than 1000 bytes");
    // The same when the length is not announced.
    for (bytes, status) in [(1_000, 200), (1_001, 413)] {
        let request = format!(
            "POST /v1/probe/echo/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{}\r\n0\r\n\r\n",
            server.root_token,
            text_of(bytes)
        );
        assert_eq!(
            status_of(&server.exchange(request.as_bytes()).await),
            status
        );
    }
}

#[tokio::test]
async fn an_announced_length_is_enough_to_refuse() {
    let server = probed().await;
    for (length, status) in [
        (limit::BODY_BYTES_MAX, 400),
        (limit::BODY_BYTES_MAX + 1, 413),
    ] {
        let mut raw = server.raw().await;
        let head = format!(
            "POST /v1/probe/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        );
        raw.send(head.as_bytes()).await;
        if status == 400 {
            // Within the limit the server waits for the body; it is told that none will come.
            raw.finish().await;
        }
        assert_eq!(raw.status().await, status);
    }
}

fn nested(depth: usize) -> String {
    format!(
        "{{\"a\":{}1{}}}",
        "[".repeat(depth - 1),
        "]".repeat(depth - 1)
    )
}

#[tokio::test]
async fn json_depth() {
    let server = probed().await;
    post(&server, nested(limit::JSON_DEPTH_MAX))
        .await
        .expect(200);
    let answer = post(&server, nested(limit::JSON_DEPTH_MAX + 1))
        .await
        .expect(400);
    assert_eq!(
        answer.error(),
        "failed to decode JSON input: nested deeper than 64 levels"
    );
    // Brackets in strings are text.
    post(&server, json!({ "a": "[".repeat(1_000) }).to_string())
        .await
        .expect(200);
    post(&server, r#"{"a":"\"[[[[[[[[[[[\\"}"#.to_owned())
        .await
        .expect(200);
    fast(async {
        post(&server, nested(10_000)).await.expect(400);
        post(&server, "[".repeat(1_000_000)).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn json_values() {
    let server = probed().await;
    let flat = |values: usize| {
        // One member with the rest as its elements.
        json!({ "a": vec![Value::Null; values - 1] }).to_string()
    };
    post(&server, flat(limit::JSON_VALUES_MAX))
        .await
        .expect(200);
    let answer = post(&server, flat(limit::JSON_VALUES_MAX + 1))
        .await
        .expect(400);
    assert_eq!(
        answer.error(),
        "failed to decode JSON input: more than 200000 values"
    );
    // Values that no comma announces are counted as well: each of these elements has 60 of them.
    let deep = |elements: usize| {
        let element = format!("{}{}", "[".repeat(60), "]".repeat(60));
        format!("{{\"a\":[{}]}}", vec![element; elements].join(","))
    };
    let per_element = 60;
    let elements = (limit::JSON_VALUES_MAX - 1) / per_element;
    post(&server, deep(elements)).await.expect(200);
    let answer = post(&server, deep(elements + 1)).await.expect(400);
    assert_eq!(
        answer.error(),
        "failed to decode JSON input: more than 200000 values"
    );
    // Empty ones have nothing in them.
    post(&server, r#"{"a": [ ], "b": { }}"#.to_owned())
        .await
        .expect(200);
}

fn parameters(count: usize) -> String {
    (0..count)
        .map(|n| format!("p{n}=1"))
        .collect::<Vec<_>>()
        .join("&")
}

#[tokio::test]
async fn query_parameters() {
    let server = probed().await;
    let get = async |query: String| {
        let ask = server
            .get(&format!("probe/echo/a?{query}"))
            .token(&server.root_token);
        ask.send().await
    };
    let answer = get(parameters(limit::QUERY_PARAMETERS_MAX))
        .await
        .expect(200)
        .json();
    let data = answer["data"]["data"].as_object().map(serde_json::Map::len);
    assert_eq!(data, Some(limit::QUERY_PARAMETERS_MAX));
    let answer = get(parameters(limit::QUERY_PARAMETERS_MAX + 1))
        .await
        .expect(400);
    assert_eq!(answer.error(), "more than 256 query parameters");
}

#[tokio::test]
async fn a_million_parameters_cost_nothing() {
    let server = probed().await;
    fast(async {
        let ask = server.ask("POST", "probe/echo/a").token(&server.root_token);
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        ask.body("a=1&".repeat(1_000_000)).send().await.expect(400);
        let mut request = b"GET /v1/probe/echo/a?".to_vec();
        request.extend_from_slice("a&".repeat(1_000_000).as_bytes());
        request.extend_from_slice(b" HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut raw = server.raw().await;
        // The server answers and hangs up in the middle of it.
        raw.send(&request[..limit::HEAD_BYTES_MAX + 10_000]).await;
        assert!(matches!(raw.status().await, 414 | 431));
    })
    .await;
}

#[tokio::test]
async fn target_bytes() {
    let server = probed().await;
    let target = |bytes: usize| {
        let begin = "/v1/sys/health?x=";
        format!("{begin}{}", "a".repeat(bytes - begin.len()))
    };
    server
        .ask_outside("GET", &target(limit::TARGET_BYTES_MAX))
        .send()
        .await
        .expect(200);
    let past = target(limit::TARGET_BYTES_MAX + 1);
    let answer = server.ask_outside("GET", &past).send().await.expect(400);
    let message = "the request target has 16385 bytes; at most 16384 are allowed";
    assert_eq!(answer.error(), message);
}

#[tokio::test]
async fn path_bytes() {
    let server = probed().await;
    let path = |bytes: usize| {
        let begin = "probe/echo/";
        format!("{begin}{}", "a".repeat(bytes - begin.len()))
    };
    let ask = |bytes| server.get(&path(bytes)).token(&server.root_token);
    ask(PATH_BYTES_MAX).send().await.expect(200);
    let answer = ask(PATH_BYTES_MAX + 1).send().await.expect(400);
    assert_eq!(answer.error(), "path is longer than 4096 bytes");
}

fn with_headers(headers: &[String]) -> Vec<u8> {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    format!("GET /v1/sys/health HTTP/1.1\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn headers() {
    let server = probed().await;
    let request = |count: usize| {
        let mut headers = vec!["Host: x".to_owned(), "Connection: close".to_owned()];
        headers.extend((headers.len()..count).map(|n| format!("X-{n}: 1")));
        with_headers(&headers)
    };
    let answer = server.exchange(&request(limit::HEADERS_MAX)).await;
    assert_eq!(status_of(&answer), 200, "{answer}");
    let answer = server.exchange(&request(limit::HEADERS_MAX + 1)).await;
    assert_eq!(status_of(&answer), 431, "{answer}");
}

#[tokio::test]
async fn head_bytes() {
    let server = probed().await;
    let request = |bytes: usize| {
        let headers = |fill: usize| {
            with_headers(&[
                "Host: x".to_owned(),
                "Connection: close".to_owned(),
                format!("X-Fill: {}", "a".repeat(fill)),
            ])
        };
        headers(bytes - headers(0).len())
    };
    let answer = server.exchange(&request(limit::HEAD_BYTES_MAX - 1)).await;
    assert_eq!(status_of(&answer), 200, "{answer}");
    let mut raw = server.raw().await;
    raw.send(&request(limit::HEAD_BYTES_MAX + 1)[..=limit::HEAD_BYTES_MAX])
        .await;
    assert_eq!(raw.status().await, 431);
}

/// Bodies that never end, of callers who proved nothing, hold no more than their common limit.
#[tokio::test]
async fn bodies_of_all_requests_together() {
    use tokio::io::AsyncWriteExt;
    let limits = Limits {
        bodies_bytes: 2_000,
        ..Limits::default()
    };
    let server = TestServer::builder()
        .with_probes()
        .with_limits(limits)
        .start()
        .await;
    post(&server, text_of(2_000)).await.expect(200);
    post(&server, text_of(2_001)).await.expect(503);
    let mut slow = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let head = "POST /v1/probe/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1500\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&[b' '; 1_000]).await.unwrap();
    let small = || post(&server, text_of(1_500));
    let taken = async {
        while small().await.status != 503 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    fast(taken).await;
    post(&server, text_of(1_000)).await.expect(200);
    drop(slow);
    let given_back = async {
        while small().await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    fast(given_back).await;
}

#[tokio::test]
async fn string_bytes() {
    let server = probed().await;
    let text = |bytes: usize| json!({ "a": "x".repeat(bytes) }).to_string();
    post(&server, text(limit::JSON_STRING_BYTES_MAX))
        .await
        .expect(200);
    let answer = post(&server, text(limit::JSON_STRING_BYTES_MAX + 1))
        .await
        .expect(400);
    assert_eq!(
        answer.error(),
        "failed to decode JSON input: a string of more than 2097152 bytes"
    );
}

/// A number with commas between the thousands, as a page writes it.
fn written(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}

#[test]
fn the_page_of_limits_says_what_the_code_says() {
    let page = include_str!("../../../../../docs/limits.md");
    let numbers = [
        ("CONNECTIONS_MAX", limit::CONNECTIONS_MAX as u64),
        ("STREAMS_MAX", limit::STREAMS_MAX.into()),
        ("HEADERS_MAX", limit::HEADERS_MAX as u64),
        ("HEAD_BYTES_MAX", limit::HEAD_BYTES_MAX as u64),
        ("TARGET_BYTES_MAX", limit::TARGET_BYTES_MAX as u64),
        ("PATH_BYTES_MAX", PATH_BYTES_MAX as u64),
        (
            "PATH_SEGMENTS_MAX",
            vouchsafe_logical::path::PATH_SEGMENTS_MAX as u64,
        ),
        ("QUERY_PARAMETERS_MAX", limit::QUERY_PARAMETERS_MAX as u64),
        ("BODY_BYTES_MAX", limit::BODY_BYTES_MAX as u64),
        ("BODIES_BYTES_MAX", limit::BODIES_BYTES_MAX as u64),
        ("JSON_DEPTH_MAX", limit::JSON_DEPTH_MAX as u64),
        ("JSON_VALUES_MAX", limit::JSON_VALUES_MAX as u64),
        ("JSON_STRING_BYTES_MAX", limit::JSON_STRING_BYTES_MAX as u64),
        ("SNAPSHOT_BYTES_MAX", limit::SNAPSHOT_BYTES_MAX),
    ];
    let times = [
        ("HEAD_TIMEOUT", limit::HEAD_TIMEOUT),
        ("BODY_TIMEOUT", limit::BODY_TIMEOUT),
        ("REQUEST_TIMEOUT", limit::REQUEST_TIMEOUT),
        ("IDLE_TIMEOUT", limit::IDLE_TIMEOUT),
        ("DRAIN_TIMEOUT", limit::DRAIN_TIMEOUT),
    ];
    let numbers = numbers.map(|(name, number)| (name, written(number)));
    let times = times.map(|(name, time)| (name, format!("{} s", time.as_secs())));
    for (name, value) in numbers.into_iter().chain(times) {
        let row = format!("| `{name}` | {value} |");
        assert!(page.contains(&row), "no row {row}");
    }
}
