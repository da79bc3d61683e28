//! Response wrapping over HTTP and through the core's door.

use serde_json::{Value, json};
use vouchsafe_core::wrapping::WRAP_TTL_MAX;
use vouchsafe_logical::{Operation, Response};

use crate::harness::{Answer, T0, TestCore, TestServer, spawn};

const INVALID: &str = "wrapping token is not valid or does not exist";

/// A wrapping token for `{"a":"b"}`.
async fn wrapped(server: &TestServer) -> String {
    let ask = server.post("sys/wrapping/wrap", json!({ "a": "b" }));
    let answer = ask
        .token(&server.root_token)
        .header("x-vault-wrap-ttl", "60s")
        .send()
        .await;
    token_in(&answer.expect(200))
}

fn token_in(answer: &Answer) -> String {
    let info = &answer.json()["wrap_info"];
    info["token"].as_str().expect("a token").to_owned()
}

async fn unwrap(server: &TestServer, body: Value, token: &str) -> Answer {
    let ask = server.post("sys/wrapping/unwrap", body);
    ask.token(token).send().await
}

#[tokio::test]
async fn a_wrapped_answer_is_nothing_but_its_wrap_info() {
    let server = TestServer::start().await;
    let answer = server
        .get("sys/policies/acl/default")
        .token(&server.root_token)
        .header("x-vault-wrap-ttl", "90")
        .send()
        .await
        .expect(200);
    let body = answer.json();
    for empty in ["data", "auth", "warnings"] {
        assert_eq!(body[empty], Value::Null, "{empty}");
    }
    assert_eq!(body["request_id"], "");
    let info = body["wrap_info"].as_object().expect("wrap_info");
    let names: Vec<&str> = info.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["token", "accessor", "ttl", "creation_time", "creation_path"]
    );
    assert_eq!(info["ttl"], 90);
    assert_eq!(info["creation_time"], "2026-01-01T00:00:00.000000000Z");
    assert_eq!(info["creation_path"], "sys/policies/acl/default");

    let plain = server.read("sys/policies/acl/default").await;
    let answer = unwrap(&server, json!({}), &token_in(&answer))
        .await
        .expect(200);
    let body = answer.json();
    assert_eq!(body["data"], plain);
    assert_eq!(body["wrap_info"], Value::Null);
    assert_ne!(body["request_id"], "");
}

#[tokio::test]
async fn a_wrapping_token_is_a_credential_or_is_presented() {
    let server = TestServer::start().await;
    let secret = json!({ "a": "b" });

    let token = wrapped(&server).await;
    let answer = unwrap(&server, json!({}), &token).await.expect(200);
    assert_eq!(answer.json()["data"], secret);

    // Both at once is the same as the credential alone.
    let token = wrapped(&server).await;
    let answer = unwrap(&server, json!({ "token": token }), &token).await;
    assert_eq!(answer.expect(200).json()["data"], secret);

    let token = wrapped(&server).await;
    let body = json!({ "token": token });
    let answer = unwrap(&server, body.clone(), &server.root_token).await;
    assert_eq!(answer.expect(200).json()["data"], secret);

    // Who presents one needs to be somebody who may; being refused does not use it up.
    let body = json!({ "token": wrapped(&server).await });
    let nobody = server
        .post("sys/wrapping/unwrap", body.clone())
        .send()
        .await;
    assert_eq!(nobody.expect(403).error(), "permission denied");
    let powerless = server.token_with(&["nothing"]).await;
    unwrap(&server, body.clone(), &powerless).await.expect(403);
    unwrap(&server, body.clone(), "hvs.unknown")
        .await
        .expect(403);
    unwrap(&server, body, &server.root_token).await.expect(200);
}

#[tokio::test]
async fn what_is_no_wrapping_token_is_refused() {
    let server = TestServer::start().await;
    let root = &server.root_token;
    let used = wrapped(&server).await;
    unwrap(&server, json!({}), &used).await.expect(200);
    for (body, token) in [
        (json!({ "token": used }), root.as_str()),
        (json!({}), used.as_str()),
        (json!({}), root.as_str()),
        (json!({ "token": "hvs.unknown" }), root.as_str()),
        (json!({}), "hvs.unknown"),
    ] {
        let answer = unwrap(&server, body.clone(), token).await.expect(400);
        assert_eq!(answer.error(), INVALID, "{body}");
    }
    let answer = unwrap(&server, json!({ "token": "" }), root)
        .await
        .expect(403);
    let text = "error validating wrapping token: empty token in request body";
    assert_eq!(answer.error(), text);
    let answer = server.post("sys/wrapping/unwrap", json!({})).send().await;
    let text = "error validating wrapping token: token is empty";
    assert_eq!(answer.expect(403).error(), text);
}

/// Who finds a wrapping token used up knows that somebody else has the secret.
#[tokio::test]
async fn of_many_who_unwrap_one_succeeds() {
    for presented in [true, false] {
        let server = TestServer::start().await;
        let token = wrapped(&server).await;
        let (body, credential) = if presented {
            (json!({ "token": token }), server.root_token.clone())
        } else {
            (json!({}), token)
        };
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let ask = server.post("sys/wrapping/unwrap", body.clone());
                spawn(ask.token(&credential).send())
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.expect("no panic").status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200);
        assert!(
            statuses[1..].iter().all(|status| *status == 400),
            "{statuses:?}"
        );
    }
}

#[tokio::test]
async fn lookup_needs_no_token_and_uses_nothing_up() {
    let server = TestServer::start().await;
    let token = wrapped(&server).await;
    let expected = json!({
        "creation_path": "sys/wrapping/wrap",
        "creation_time": "2026-01-01T00:00:00.000000000Z",
        "creation_ttl": 60,
    });
    let path = format!("sys/wrapping/lookup?token={token}");
    let asks = [
        server.post("sys/wrapping/lookup", json!({ "token": token })),
        server.post("sys/wrapping/lookup", json!({})).token(&token),
        server.get("sys/wrapping/lookup").token(&token),
        server.get(&path),
    ];
    for ask in asks {
        assert_eq!(ask.send().await.expect(200).json()["data"], expected);
    }
    let other = json!({ "token": server.root_token });
    let answer = server.post("sys/wrapping/lookup", other).send().await;
    assert_eq!(answer.expect(400).error(), INVALID);
    unwrap(&server, json!({}), &token).await.expect(200);
}

#[tokio::test]
async fn a_wrapped_answer_ends_with_its_time() {
    let server = TestServer::start().await;
    let token = wrapped(&server).await;
    server.clock.set(T0 + 59);
    server
        .post("sys/wrapping/lookup", json!({ "token": token }))
        .send()
        .await
        .expect(200);
    server.clock.set(T0 + 60);
    let answer = unwrap(&server, json!({}), &token).await.expect(400);
    assert_eq!(answer.error(), INVALID);
}

#[tokio::test]
async fn a_wrapping_token_is_good_for_nothing_else() {
    let server = TestServer::start().await;
    let token = wrapped(&server).await;
    // Trying it elsewhere uses it up, so that its receiver notices.
    let answer = server.get("cubbyhole/response").token(&token).send().await;
    answer.expect(403);
    unwrap(&server, json!({}), &token).await.expect(400);

    // Nobody can make one by hand.
    let body = json!({ "policies": ["response-wrapping"] });
    let ask = server
        .post("auth/token/create", body)
        .token(&server.root_token);
    let error = ask.send().await.expect(400).error();
    assert_eq!(error, "cannot assign policy \"response-wrapping\"");
    for method in ["POST", "DELETE"] {
        let ask = server.ask(method, "sys/policies/acl/response-wrapping");
        let ask = ask.token(&server.root_token);
        let body = json!({ "policy": "path \"*\" { capabilities = [\"sudo\"] }" });
        ask.json(body).send().await.expect(400);
    }
    // Not even by a secret in a place that looks like it.
    let forger = server
        .token(json!({ "policies": ["default"], "num_uses": 3 }))
        .await;
    server
        .post("cubbyhole/response", json!({ "a": "b" }))
        .token(&forger)
        .send()
        .await
        .expect(204);
    unwrap(&server, json!({}), &forger).await.expect(400);
}

#[tokio::test]
async fn a_wrapped_login_shows_the_accessor_alone() {
    let server = TestServer::builder().with_probes().start().await;
    let ask = server.post("auth/probe/login/bob", json!({}));
    let answer = ask
        .header("x-vault-wrap-ttl", "5m")
        .send()
        .await
        .expect(200);
    let body = answer.json();
    assert_eq!(body["auth"], Value::Null);
    let accessor = body["wrap_info"]["wrapped_accessor"].clone();
    assert_eq!(body["wrap_info"]["creation_path"], "auth/probe/login/bob");

    let answer = unwrap(&server, json!({}), &token_in(&answer))
        .await
        .expect(200);
    let auth = answer.json()["auth"].clone();
    assert_eq!(auth["accessor"], accessor);
    assert_eq!(auth["token_type"], "service");
    let token = auth["client_token"].as_str().expect("a token");
    let own = server
        .get("auth/token/lookup-self")
        .token(token)
        .send()
        .await;
    assert_eq!(own.expect(200).json()["data"]["accessor"], accessor);
}

#[tokio::test]
async fn rewrapping_keeps_answer_path_and_life() {
    let server = TestServer::start().await;
    let first = wrapped(&server).await;
    server.clock.set(T0 + 50);
    let ask = server.post("sys/wrapping/rewrap", json!({ "token": first }));
    let answer = ask.token(&server.root_token).send().await.expect(200);
    let info = answer.json()["wrap_info"].clone();
    assert_eq!(info["ttl"], 60);
    assert_eq!(info["creation_path"], "sys/wrapping/wrap");
    assert_eq!(info["creation_time"], "2026-01-01T00:00:50.000000000Z");
    unwrap(&server, json!({}), &first).await.expect(400);

    server.clock.set(T0 + 100);
    let answer = unwrap(&server, json!({}), &token_in(&answer))
        .await
        .expect(200);
    assert_eq!(answer.json()["data"], json!({ "a": "b" }));

    // A wrapping token can't rewrap itself, as in Vault.
    let own = wrapped(&server).await;
    let ask = server.post("sys/wrapping/rewrap", json!({})).token(&own);
    ask.send().await.expect(403);
}

#[tokio::test]
async fn what_says_nothing_or_fails_is_not_wrapped() {
    let server = TestServer::start().await;
    let ask = |method: &str, path: &str| {
        let ask = server.ask(method, path).token(&server.root_token);
        ask.header("x-vault-wrap-ttl", "60")
    };
    ask("DELETE", "sys/policies/acl/none")
        .send()
        .await
        .expect(204);
    let answer = ask("GET", "sys/policies/acl/none").send().await.expect(404);
    assert_eq!(answer.json(), json!({ "errors": [] }));
    // No header, or one of zero, is no wrapping.
    let plain = server.post("sys/wrapping/wrap", json!({ "a": 1 }));
    let plain = plain
        .token(&server.root_token)
        .header("x-vault-wrap-ttl", "0");
    let error = plain.send().await.expect(400).error();
    assert_eq!(error, "endpoint requires response wrapping to be used");
}

/// Wrapping stores something: who is nobody must not fill the storage with it.
#[tokio::test]
async fn answers_for_everybody_are_not_wrapped() {
    let server = TestServer::start().await;
    for path in ["sys/internal/ui/mounts", "identity/oidc/.well-known/keys"] {
        let ask = server.get(path).header("x-vault-wrap-ttl", "60");
        ask.send().await.expect(400);
    }
}

#[tokio::test]
async fn the_life_of_a_wrapped_answer_is_bounded() {
    let core = TestServer::builder().start_core().await;
    let most = WRAP_TTL_MAX;
    let second = std::time::Duration::from_secs(1);
    for (asked, given) in [(most, most), (most + second, most)] {
        let token = Some(core.root_token.as_str());
        let mut request = core.request(Operation::Read, "sys/mounts", token, Value::Null);
        request.wrap_ttl = Some(asked);
        let reply = core.core.handle(&request).await.result.expect("wrapped");
        assert!(matches!(reply.response, Response::Empty));
        assert_eq!(reply.wrap_info.expect("wrap_info").ttl, given.as_secs());
    }
}

#[tokio::test]
async fn policies_can_demand_wrapping() {
    let policy = r#"
        path "sys/policies/acl/default" {
            capabilities = ["read"]
            min_wrapping_ttl = "10s"
            max_wrapping_ttl = "60s"
        }"#;
    let builder = TestServer::builder().with_policy("wrapped", policy);
    let server = builder.start().await;
    let token = server.token_with(&["wrapped"]).await;
    for (ttl, status) in [
        ("0", 403),
        ("9", 403),
        ("10", 200),
        ("60", 200),
        ("61", 403),
    ] {
        let ask = server.get("sys/policies/acl/default").token(&token);
        ask.header("x-vault-wrap-ttl", ttl)
            .send()
            .await
            .expect(status);
    }
}

/// What is left behind when wrapped answers end: nothing.
#[tokio::test]
async fn nothing_stays_of_a_wrapped_answer() {
    let core: TestCore = TestServer::builder().start_core().await;
    let before = core.keys().await;
    let token = Some(core.root_token.as_str());
    let mut request = core.request(Operation::Read, "sys/mounts", token, Value::Null);
    request.wrap_ttl = Some(std::time::Duration::from_secs(60));
    core.core.handle(&request).await.result.expect("wrapped");
    assert_ne!(core.keys().await, before);
    core.clock.set(T0 + 120);
    core.core.tick().await;
    assert_eq!(core.keys().await, before);
}
