//! What a body says, and that a refusal never repeats it.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{Answer, TestServer};

async fn send(server: &TestServer, media_type: &str, body: &'static [u8]) -> Answer {
    let ask = server.ask("POST", "probe/echo/a").token(&server.root_token);
    ask.header("content-type", media_type)
        .body(body)
        .send()
        .await
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn bodies_are_objects_or_nothing() {
    let server = TestServer::builder().with_probes().start().await;
    let check = async |media_type: &str, body: &'static [u8], data: Value| {
        let answer = send(&server, media_type, body).await.expect(200);
        assert_eq!(
            answer.json()["data"]["data"],
            data,
            "{}",
            String::from_utf8_lossy(body)
        );
    };
    check(JSON, b"", json!({})).await;
    check(JSON, b" \n", json!({})).await;
    check(JSON, b"null", json!({})).await;
    check(
        JSON,
        b" {\"b\":1,\"a\":[null,true,\"x\"]}\n",
        json!({"b":1,"a":[null,true,"x"]}),
    )
    .await;
    check(JSON, b"{\"a\":1,\"a\":2}", json!({"a":2})).await;
    check("", b"{\"a\":1}", json!({"a":1})).await;
    check("text/plain", b"{\"a\":1}", json!({"a":1})).await;
    check(FORM, b"a=1&b=x+y%21&a=2", json!({"a":"1,2","b":"x y!"})).await;
    check(
        "application/x-www-form-urlencoded; charset=utf-8",
        b"a",
        json!({"a":""}),
    )
    .await;
    check(FORM, b"{\"a\":1}", json!({"a":1})).await;
    check(FORM, b"list=true&help=1", json!({"list":"true","help":"1"})).await;
}

#[tokio::test]
async fn query_parameters_are_data_of_reads() {
    let server = TestServer::builder().with_probes().start().await;
    for method in ["GET", "LIST", "DELETE"] {
        let ask = server
            .ask(method, "probe/echo/a?x=1&y=a%2fb+c&x=2&z")
            .token(&server.root_token);
        let answer = ask
            .json(json!({ "ignored": true }))
            .send()
            .await
            .expect(200);
        let expected = json!({"x":["1","2"],"y":"a/b c","z":""});
        assert_eq!(answer.json()["data"]["data"], expected, "{method}");
    }
    let ask = server
        .ask("POST", "probe/echo/a?x=1")
        .token(&server.root_token);
    let answer = ask.json(json!({ "y": 2 })).send().await.expect(200);
    assert_eq!(answer.json()["data"]["data"], json!({"y":2}));
}

#[tokio::test]
async fn invalid_bodies_are_refused_without_their_content() {
    let server = TestServer::builder().with_probes().start().await;
    for (media_type, body, fault) in [
        (
            JSON,
            &b"{\"password\":\"CANARY"[..],
            "line 1, column 19: unexpected end of input",
        ),
        (
            JSON,
            b"{\"CANARY\":CANARY}",
            "line 1, column 11: invalid character",
        ),
        (JSON, b"[\"CANARY\"]", "expected an object"),
        (JSON, b"\"CANARY\"", "expected an object"),
        (
            JSON,
            b"{\"CANARY\":1}{\"CANARY\":2}",
            "line 1, column 13: invalid character",
        ),
        (
            JSON,
            b"{\"a\":\"CANARY\xff\"}",
            "line 1, column 13: invalid character",
        ),
        (
            JSON,
            b"{\"a\":\"CANARY\n\"}",
            "line 2, column 0: invalid character",
        ),
        (
            JSON,
            b"{\"a\":1e400,\"b\":\"CANARY\"}",
            "line 1, column 10: invalid character",
        ),
        (JSON, b"{\"a\":NaN}", "line 1, column 6: invalid character"),
        (
            "text/plain",
            b"password=CANARY",
            "line 1, column 1: invalid character",
        ),
        (
            FORM,
            b"a=CANARY%zz",
            "a parameter has an invalid percent-encoding",
        ),
        (FORM, b"a=CANARY\xff", "the form body is not UTF-8"),
    ] {
        let answer = send(&server, media_type, body).await.expect(400);
        let text = String::from_utf8_lossy(body);
        assert!(answer.error().ends_with(fault), "{text}: {answer:?}");
        assert!(!answer.text.contains("CANARY"), "{text}: {answer:?}");
    }
}

/// CVE-2025-4166: a value of the wrong kind in any field of any route is not repeated.
#[tokio::test]
async fn no_refusal_repeats_a_field_of_the_wrong_kind() {
    let server = TestServer::builder()
        .with_auth("userpass")
        .with_auth("approle")
        .with_probes()
        .start_core()
        .await;
    let wrong = json!([[{ "CANARY": "CANARY" }], { "CANARY": ["CANARY"] }]);
    let mut refused = 0;
    for mount in server.core.mounts() {
        for (info, methods) in mount.routes() {
            let path = format!("{}{}", mount.summary().path, info.pattern);
            let path: Vec<&str> = path
                .split('/')
                .map(|segment| {
                    if segment.starts_with('{') {
                        "sample"
                    } else {
                        segment
                    }
                })
                .collect();
            for method in methods {
                for field in method.fields.iter().copied().flatten() {
                    let data = json!({ field.name: wrong });
                    let root = Some(&*server.root_token);
                    let outcome = server
                        .handle(method.operation, &path.join("/"), root, data)
                        .await;
                    let Err(error) = outcome.result else { continue };
                    let shown = format!("{error} {:?} {error:?}", error.detail());
                    assert!(
                        !shown.contains("CANARY"),
                        "{path:?} {}: {shown}",
                        field.name
                    );
                    refused += usize::from(method.operation == Operation::Update);
                }
            }
        }
    }
    assert!(refused > 100, "only {refused} writes were refused");
}

#[tokio::test]
async fn a_token_is_a_header_or_a_bearer() {
    let server = TestServer::start().await;
    let token = &server.root_token;
    let lookup = || server.get("auth/token/lookup-self");
    lookup()
        .header("x-vault-token", token)
        .send()
        .await
        .expect(200);
    lookup()
        .header("authorization", &format!("Bearer {token}"))
        .send()
        .await
        .expect(200);
    lookup()
        .header("authorization", &format!("bearer  {token} "))
        .send()
        .await
        .expect(200);
    // The first one of the scheme counts, whatever comes before it.
    let basic = lookup().header("authorization", "Basic YTpi");
    basic
        .header("authorization", &format!("Bearer {token}"))
        .send()
        .await
        .expect(200);
    // `X-Vault-Token` is looked at first; an empty one is none.
    let both = lookup().header("authorization", &format!("Bearer {token}"));
    both.header("x-vault-token", "").send().await.expect(200);
    let both = lookup().header("authorization", &format!("Bearer {token}"));
    both.header("x-vault-token", "other")
        .send()
        .await
        .expect(403);
    for value in ["Basic YTpi", "Bearer", "Bearer ", token] {
        let answer = lookup()
            .header("authorization", value)
            .send()
            .await
            .expect(403);
        assert_eq!(answer.error(), "permission denied");
    }
    // A token in the query is no token.
    server
        .get(&format!("auth/token/lookup-self?token={token}"))
        .send()
        .await
        .expect(403);
}
