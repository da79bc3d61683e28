//! `/api/pvlt/1.0` on the wire: paths, bodies, codes.

use serde_json::{Value, json};

use super::{APP_POLICY, Idp, ROLES, apply};
use crate::harness::{Answer, Ask, T0, TestServer};

async fn server(idp: &Idp) -> TestServer {
    let server = TestServer::builder()
        .with_policy("app", APP_POLICY)
        .start()
        .await;
    apply(&server, &idp.table("app1", "", "")).await;
    server
}

pub(super) fn ask(server: &TestServer, method: &str, path: &str, credential: &str) -> Ask {
    let ask = server.ask_outside(method, &format!("/api/pvlt/1.0/{path}"));
    if credential.is_empty() {
        ask
    } else {
        ask.header("authorization", &format!("Bearer {credential}"))
    }
}

/// Checks a refusal: status, code, and the shape that clients rely on.
#[track_caller]
pub(super) fn check(answer: Answer, status: u16, code: &str) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["error_code"], code, "{body}");
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body}"
    );
    let context = body["context"].as_object().expect("an object");
    assert!(context.values().all(Value::is_string), "{body}");
    body
}

#[tokio::test]
async fn health_is_for_everybody() {
    let server = server(&Idp::new("k1")).await;
    for path in ["ctl/info/health", "data/info/health"] {
        for credential in ["", "wrong"] {
            let answer = ask(&server, "GET", path, credential)
                .send()
                .await
                .expect(200);
            assert_eq!(answer.json(), json!({"status": "pass"}));
            assert_eq!(answer.header("content-type"), "application/json");
        }
        let head = ask(&server, "HEAD", path, "").send().await.expect(200);
        assert_eq!(head.text, "");
    }
    check(
        TestServer::sealed()
            .await
            .ask_outside("GET", "/api/pvlt/1.0/ctl/info/health")
            .send()
            .await,
        503,
        "PV1010",
    );
}

#[tokio::test]
async fn a_file_is_applied_and_given_back_as_it_was() {
    let idp = Idp::new("k1");
    let server = server(&idp).await;
    let admin = idp.token(json!({"roles": "VaultAdminRole"}));
    let text = format!("# a comment\n{ROLES}{}\n\n", idp.table("app1", "", ""));
    let answer = ask(&server, "POST", "ctl/iam/conf", &admin)
        .header("content-type", "application/toml")
        .body(text.clone())
        .send()
        .await
        .expect(200);
    assert_eq!(
        (answer.text.as_str(), answer.header("content-type")),
        ("", "")
    );
    let answer = ask(&server, "GET", "ctl/iam/conf", &admin)
        .header("accept", "application/json")
        .send()
        .await
        .expect(200);
    assert_eq!(answer.text, text);
    assert_eq!(answer.header("content-type"), "application/toml");
}

#[tokio::test]
async fn a_faulty_file_is_answered_with_its_faults_by_key() {
    let idp = Idp::new("k1");
    let server = server(&idp).await;
    let admin = idp.token(json!({"roles": "VaultAdminRole"}));
    let post = |body: Vec<u8>| {
        ask(&server, "POST", "ctl/iam/conf", &admin)
            .body(body)
            .send()
    };
    let body = check(
        post(b"[users.a]\nrole = 'x'\n[roles]\n[policies]\n".to_vec()).await,
        400,
        "PV1012",
    );
    assert_eq!(
        body["context"]["#0 users.a.role"],
        "line 2: there is no role \"x\""
    );
    check(post(vec![0xff, 0xfe]).await, 400, "PV1012");
    check(post(b"{}".to_vec()).await, 400, "PV1012");
    // What was there is there still.
    ask(&server, "GET", "ctl/iam/conf", &admin)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn every_failed_proof_is_the_same_401() {
    let idp = Idp::new("k1");
    let server = server(&idp).await;
    let stranger = Idp::new("k1");
    let mut bodies = Vec::new();
    for credential in [
        String::new(),
        "wrong".to_owned(),
        "pvaultauth".to_owned(),
        idp.token(json!({"exp": T0 - 600})),
        idp.token(json!({"iss": "https://other/"})),
        idp.token(json!({"aud": "other"})),
        idp.token(json!({"roles": "Nobody"})),
        idp.token(json!({"roles": []})),
        stranger.token(json!({})),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ] {
        let answer = ask(&server, "GET", "system/info/version", &credential)
            .send()
            .await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        bodies.push(check(answer, 401, "PV1005"));
    }
    let expected = json!({
        "error_code": "PV1005", "message": "The request is unauthorized.", "context": {},
    });
    assert!(bodies.iter().all(|body| *body == expected), "{bodies:?}");
}

#[tokio::test]
async fn capabilities_are_asked_and_the_user_is_named() {
    let idp = Idp::new("k1");
    let server = server(&idp).await;
    let token = |role: &str| idp.token(json!({ "roles": role }));
    let conf = format!("{ROLES}{}", idp.table("app1", "", ""));
    for (role, read, write) in [
        ("App", 403, 403),
        ("Reader", 200, 403),
        ("Writer", 403, 200),
        ("VaultAdminRole", 200, 200),
    ] {
        let token = token(role);
        ask(&server, "GET", "system/info/version", &token)
            .send()
            .await
            .expect(200);
        for (answer, status) in [
            (
                ask(&server, "GET", "ctl/iam/conf", &token).send().await,
                read,
            ),
            (
                ask(&server, "GET", "ctl/iam/user/Webapp", &token)
                    .send()
                    .await,
                read,
            ),
            (
                ask(&server, "POST", "ctl/iam/conf", &token)
                    .body(conf.clone())
                    .send()
                    .await,
                write,
            ),
            (
                ask(&server, "POST", "ctl/iam/user/regen", &token)
                    .json(json!({"name": "Webapp"}))
                    .send()
                    .await,
                write,
            ),
        ] {
            if status == 200 {
                answer.expect(200);
                continue;
            }
            let body = check(answer, 403, "PV1007");
            assert_eq!(
                body["message"],
                "The operation is forbidden due to missing capabilities."
            );
            assert_eq!(body["context"], json!({"username": "app1/ci"}));
        }
    }
    // Root tokens are Admin; other tokens of ours need a policy.
    let root = server.root_token.clone();
    ask(&server, "GET", "ctl/iam/conf", &root)
        .send()
        .await
        .expect(200);
    let plain = server.token_with(&["app"]).await;
    check(
        ask(&server, "GET", "ctl/iam/conf", &plain).send().await,
        403,
        "PV1007",
    );
}

#[tokio::test]
async fn users_have_keys_that_are_made_moved_and_shown() {
    let idp = Idp::new("k1");
    let server = server(&idp).await;
    let admin = idp.token(json!({"roles": "VaultAdminRole"}));
    let post = |path: &str, body: Value| ask(&server, "POST", path, &admin).json(body).send();
    let get = |path: &str| ask(&server, "GET", path, &admin).send();
    let shown = get("ctl/iam/user/Webapp").await.expect(200).json();
    assert_eq!(
        shown,
        json!({"name": "Webapp", "api_key": {"expiry": null}})
    );
    let made = post("ctl/iam/user/regen", json!({"name": "Webapp"}))
        .await
        .expect(200)
        .json();
    let expiry = made["api_key_expiry"].clone();
    let shown = get("ctl/iam/user/Webapp").await.expect(200).json();
    assert_eq!(shown["api_key"]["expiry"], expiry);
    let moved = json!({"name": "Webapp", "expiration_secs": 10});
    let moved = post("ctl/iam/user/update-expiration", moved)
        .await
        .expect(200)
        .json();
    assert_eq!(moved["name"], "Webapp");
    assert_ne!(moved["api_key_expiry"], expiry);
    check(
        post("ctl/iam/user/regen", json!({"name": "Admin"})).await,
        403,
        "PV1006",
    );
    check(
        post("ctl/iam/user/regen", json!({"name": "Nobody"})).await,
        404,
        "PV1004",
    );
    check(post("ctl/iam/user/regen", json!({})).await, 400, "PV1012");
    check(get("ctl/iam/user/Nobody").await, 404, "PV1004");
    // A disabled user's key.
    let gone = post("ctl/iam/user/regen", json!({"name": "Gone"}))
        .await
        .expect(200)
        .json();
    let gone = gone["api_key"].as_str().expect("text");
    check(
        ask(&server, "GET", "system/info/version", gone)
            .send()
            .await,
        403,
        "PV1011",
    );
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let idp = Idp::new("k1");
    let server = server(&idp).await;
    let admin = idp.token(json!({"roles": "VaultAdminRole"}));
    for (method, path) in [
        ("GET", "data/collections/users/objects/1"),
        ("POST", "data/encrypt"),
        ("GET", "system/info/configuration"),
        ("POST", "ctl/iam/admin/set-api-key"),
        ("DELETE", "system/confvar"),
        ("PATCH", "ctl/collections/x"),
        ("GET", ""),
    ] {
        for credential in ["", admin.as_str()] {
            let answer = ask(&server, method, path, credential).send().await;
            check(answer, 501, "PV2001");
        }
    }
    check(
        ask(&server, "DELETE", "ctl/iam/conf", &server.root_token)
            .send()
            .await,
        405,
        "PV1012",
    );
    check(
        ask(&server, "PUT", "ctl/iam/conf", &admin).send().await,
        405,
        "PV1012",
    );
    check(
        ask(&server, "GET", "ctl//iam/conf", &admin).send().await,
        400,
        "PV1012",
    );
    let wrapped = ask(&server, "GET", "ctl/iam/conf", &admin).header("x-vault-wrap-ttl", "60");
    check(wrapped.send().await, 400, "PV1012");
    // Beside the prefix there is nothing.
    server
        .ask_outside("GET", "/api/pvlt/2.0/system/info/version")
        .send()
        .await
        .expect(404);
}

#[tokio::test]
async fn without_a_file_there_is_none_to_read() {
    let server = TestServer::start().await;
    let root = server.root_token.clone();
    check(
        ask(&server, "GET", "ctl/iam/conf", &root).send().await,
        404,
        "PV1004",
    );
}
