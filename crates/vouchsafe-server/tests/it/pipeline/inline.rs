//! In-line login: a request that brings its own login, acts, and leaves nothing behind.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::provider::{self, Provider};
use crate::harness::{Answer, Ask, Builder, TestServer};

pub(super) const PATH: &str = "x-vault-inline-auth-path";
const FAILED: &str = "x-vault-inline-auth-failed";
const BOB: &str = "auth/userpass/login/bob";

const POLICY: &str = r#"
path "probe/echo/*" { capabilities = ["create", "read", "update"] }
path "sys/wrapping/*" { capabilities = ["update"] }
path "auth/token/*" { capabilities = ["create", "read", "update", "sudo"] }
path "cubbyhole/*" { capabilities = ["create", "read", "update"] }
path "identity/oidc/token/ci" { capabilities = ["read"] }
"#;

fn builder() -> Builder {
    TestServer::builder()
        .with_probes()
        .with_policy("app", POLICY)
        .with_auth("userpass")
        .with(
            "auth/userpass/users/bob",
            json!({ "password": "correct", "token_policies": "app" }),
        )
}

/// A field of the login.
pub(super) trait WithField {
    fn field(self, key: &str, value: impl Into<Value>) -> Self;
}

impl WithField for Ask {
    fn field(self, key: &str, value: impl Into<Value>) -> Self {
        let field = json!({ "key": key, "value": value.into() });
        let name = format!("x-vault-inline-auth-parameter-{key}");
        self.header(&name, &URL_SAFE_NO_PAD.encode(field.to_string()))
    }
}

/// A request that logs in as bob.
fn as_bob(ask: Ask, password: &str) -> Ask {
    ask.header(PATH, BOB).field("password", password)
}

/// A read that logs in at the probe method with these fields.
async fn as_probe(server: &TestServer, path: &str, name: &str, fields: Value) -> Answer {
    let mut ask = server
        .get(path)
        .header(PATH, &format!("auth/probe/login/{name}"));
    for (key, value) in fields.as_object().expect("fields") {
        ask = ask.field(key, value.clone());
    }
    ask.send().await
}

#[tokio::test]
async fn one_request_logs_in_and_acts_and_stores_nothing() {
    let server = builder().start().await;
    let before = server.records().await;
    for _ in 0..2 {
        let answer = as_bob(server.get("probe/echo/a"), "correct").send().await;
        let answer = answer.expect(200);
        assert_eq!(answer.header(FAILED), "");
        let told = &answer.json()["data"];
        assert_eq!(told["policies"], json!(["app", "default"]));
        // The body is the request's own.
        let ask = server.post("probe/echo/a", json!({ "password": "mine" }));
        let answer = as_bob(ask, "correct").send().await.expect(200);
        assert_eq!(answer.json()["data"]["data"], json!({ "password": "mine" }));
        let answer = as_bob(server.get("sys/mounts"), "correct").send().await;
        let answer = answer.expect(403);
        // It was not the login that failed.
        assert_eq!(answer.header(FAILED), "");
    }
    assert_eq!(server.records().await, before);
}

/// A role that gives one use and a second of life gives the request what it needs.
#[tokio::test]
async fn any_method_and_any_role_will_do() {
    let server = builder()
        .with_auth("approle")
        .with(
            "auth/approle/role/ci",
            json!({ "bind_secret_id": false, "secret_id_bound_cidrs": "127.0.0.0/8", "token_policies": "app",
                    "token_num_uses": 1, "token_ttl": "1s" }),
        )
        .start()
        .await;
    let role_id = server.read("auth/approle/role/ci/role-id").await["role_id"].clone();
    for operation in ["", "create", "update"] {
        let ask = server
            .get("probe/echo/a")
            .header(PATH, "auth/approle/login")
            .header("x-vault-inline-auth-operation", operation)
            .field("role_id", role_id.clone());
        ask.send().await.expect(200);
    }
    for (operation, status) in [("read", 405), ("UPDATE", 400), ("sudo", 400)] {
        let ask = server
            .get("probe/echo/a")
            .header(PATH, "auth/approle/login")
            .header("x-vault-inline-auth-operation", operation)
            .field("role_id", role_id.clone());
        ask.send().await.expect(status);
    }
}

#[tokio::test]
async fn a_login_that_fails_is_the_answer_and_nothing_happens() {
    let server = builder().start().await;
    let ask = server.post("probe/thing/a", json!({}));
    let answer = as_bob(ask, "wrong").send().await.expect(400);
    assert_eq!(answer.error(), "invalid username or password");
    assert_eq!(answer.header(FAILED), "true");
    let there = server.get("probe/thing/a").token(&server.root_token);
    there.send().await.expect(404);
    // Also where nobody has to say who calls.
    for path in ["auth/probe/login/eve", "identity/oidc/.well-known/keys"] {
        let answer = as_bob(server.get(path), "wrong").send().await.expect(400);
        assert_eq!(answer.header(FAILED), "true", "{path}");
    }
    let ask = server.post("auth/probe/login/eve", json!({}));
    let login = as_bob(ask, "correct").send().await.expect(200).json();
    assert_eq!(login["auth"]["policies"], json!(["default"]));
}

/// GHSA-rh46-vc3j-w2w3: nothing but a login can be asked for, and what is there shows in no answer.
#[tokio::test]
async fn no_route_but_a_login_can_be_reached() {
    let server = builder().start().await;
    let mut answers = std::collections::BTreeSet::new();
    for path in [
        "sys/health",
        "sys/seal-status",
        "sys/mounts",
        "sys/internal/ui/mounts",
        "sys/wrapping/unwrap",
        "sys/wrapping/lookup",
        "auth/token/create",
        "auth/token/lookup-self",
        "auth/userpass/users/bob",
        "auth/userpass/login",
        "auth/nothing/login",
        "userpass/login/bob",
        "v1/auth/userpass/login/bob",
        "probe/echo/a",
        "probe/login",
        "probe/panic",
        "nothing",
        "identity/oidc/.well-known/keys",
    ] {
        for operation in ["update", "read"] {
            let ask = server
                .get("probe/echo/a")
                .header(PATH, path)
                .header("x-vault-inline-auth-operation", operation)
                .field("token", server.root_token.clone());
            let answer = ask.send().await.expect(403);
            assert_eq!(answer.header(FAILED), "true", "{path}");
            answers.insert(answer.text);
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// A step of a login of several steps proves nothing, and its answer is not shown.
#[tokio::test]
async fn a_login_of_several_steps_cannot_be_brought_along() {
    let server = builder().with_auth("oidc").start().await;
    let _provider = Provider::new(&server.fetcher);
    server.write("auth/oidc/config", provider::client()).await;
    server
        .write("auth/oidc/role/person", provider::role())
        .await;
    let mut ask = server
        .get("probe/echo/a")
        .header(PATH, "auth/oidc/oidc/auth_url");
    for (key, value) in provider::beginning().as_object().expect("fields") {
        ask = ask.field(key, value.clone());
    }
    let answer = ask.send().await.expect(400);
    assert_eq!(answer.header(FAILED), "true");
    let told = answer.error();
    assert!(told.contains("without a proof of identity"), "{told}");
    assert!(!told.contains("provider.example"), "{told}");
}

#[tokio::test]
async fn headers_that_say_no_one_thing_are_refused() {
    let server = builder().start().await;
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let parameter = "x-vault-inline-auth-parameter-a";
    let good = encoded(r#"{"key":"password","value":"correct"}"#);
    let deep = format!(
        r#"{{"key":"a","value":{}1{}}}"#,
        "[".repeat(64),
        "]".repeat(64)
    );
    let deep = encoded(&deep);
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[(parameter, &good)], "inline_login_path_missing"),
        (
            &[(PATH, ""), (parameter, &good)],
            "inline_login_path_missing",
        ),
        (&[(PATH, BOB), (PATH, BOB)], "inline_login_header"),
        (
            &[(PATH, BOB), (parameter, &good), (parameter, &good)],
            "inline_login_header",
        ),
        (
            &[
                (PATH, BOB),
                (parameter, &good),
                ("x-vault-inline-auth-parameter-b", &good),
            ],
            "inline_login_header",
        ),
        (
            &[(PATH, BOB), ("x-vault-inline-auth-params", &good)],
            "inline_login_header",
        ),
        (&[(PATH, BOB), (FAILED, "true")], "inline_login_header"),
        (&[(PATH, BOB), (parameter, "@@@")], "inline_login_header"),
        (
            &[(PATH, BOB), (parameter, "eyJrZXkiOiJhIiwidmFsdWUiOiJiIn0=")],
            "inline_login_header",
        ),
        (
            &[(PATH, BOB), (parameter, &encoded("CANARY"))],
            "inline_login_header",
        ),
        (
            &[(PATH, BOB), (parameter, &encoded("[]"))],
            "inline_login_header",
        ),
        (
            &[(PATH, BOB), (parameter, &encoded(r#"{"value":"CANARY"}"#))],
            "inline_login_header",
        ),
        (
            &[(PATH, BOB), (parameter, &encoded(r#"{"key":"CANARY"}"#))],
            "inline_login_header",
        ),
        (
            &[
                (PATH, BOB),
                (parameter, &encoded(r#"{"key":"","value":1}"#)),
            ],
            "inline_login_header",
        ),
        (
            &[(PATH, BOB), (parameter, &encoded(r#"{"key":1,"value":1}"#))],
            "inline_login_header",
        ),
        (
            &[
                (PATH, BOB),
                (parameter, &encoded(r#"{"key":"a","value":1,"CANARY":1}"#)),
            ],
            "inline_login_header",
        ),
        (&[(PATH, BOB), (parameter, &deep)], "inline_login_header"),
        (&[(PATH, "auth/../sys/seal")], "inline_login_path_invalid"),
        (
            &[(PATH, "/auth/userpass/login/bob")],
            "inline_login_path_invalid",
        ),
        (
            &[(PATH, BOB), ("x-vault-inline-auth-operation", "zz")],
            "inline_login_operation",
        ),
        (
            &[(PATH, BOB), ("x-vault-inline-auth-namespace", "team")],
            "inline_login_namespace",
        ),
        (
            &[(PATH, BOB), ("x-vault-token", &server.root_token)],
            "inline_login_and_token",
        ),
        (
            &[(PATH, BOB), ("authorization", "Bearer x")],
            "inline_login_and_token",
        ),
    ];
    for (headers, reason) in cases {
        let refusals = || {
            server
                .metrics
                .value("vouchsafe_refusals_total", ["", "", *reason])
        };
        let before = refusals();
        let ask = headers
            .iter()
            .fold(server.get("probe/echo/a"), |ask, (name, value)| {
                ask.header(name, value)
            });
        let answer = ask.send().await.expect(400);
        assert_eq!(refusals(), before + 1, "{reason}: {answer:?}");
        assert!(!answer.text.contains("CANARY"), "{answer:?}");
        assert!(!answer.error().is_empty());
    }
    for namespace in ["", "root", "root/", "/"] {
        let ask = as_bob(server.get("probe/echo/a"), "correct");
        let ask = ask.header("x-vault-inline-auth-namespace", namespace);
        ask.send().await.expect(200);
    }
}

/// The command line asks for the mount of a path before it reads a secret.
#[tokio::test]
async fn the_mount_of_a_path_and_capabilities_are_told() {
    let server = builder().start().await;
    let mount = "sys/internal/ui/mounts/probe/echo/a";
    let told = as_bob(server.get(mount), "correct").send().await;
    assert_eq!(told.expect(200).json()["data"]["path"], "probe/");
    as_bob(server.get("sys/internal/ui/mounts/other"), "correct")
        .send()
        .await
        .expect(403);
    server.get(mount).send().await.expect(403);
    let ask = server.post(
        "sys/capabilities-self",
        json!({ "paths": ["probe/echo/a", "probe/thing/a"] }),
    );
    let told = as_bob(ask, "correct").send().await.expect(200).json();
    assert_eq!(
        told["data"]["probe/echo/a"],
        json!(["create", "read", "update"])
    );
    assert_eq!(told["data"]["probe/thing/a"], json!(["deny"]));
}

/// A caller without a token has nothing to renew, to revoke or to put aside.
#[tokio::test]
async fn what_needs_a_token_of_its_own_is_refused() {
    let server = builder().start().await;
    let before = server.records().await;
    for (method, path) in [
        ("POST", "auth/token/create"),
        ("POST", "auth/token/create-orphan"),
        ("GET", "auth/token/lookup-self"),
        ("POST", "auth/token/renew-self"),
        ("POST", "auth/token/revoke-self"),
        ("POST", "cubbyhole/a"),
    ] {
        let ask = server.ask(method, path).json(json!({ "a": "b" }));
        let answer = as_bob(ask, "correct").send().await.expect(400);
        assert_eq!(answer.header(FAILED), "", "{path}");
    }
    assert_eq!(server.records().await, before);
}

/// The answer is put aside for another, as with any credential.
#[tokio::test]
async fn the_answer_can_be_wrapped() {
    let server = builder().start().await;
    let ask = as_bob(server.get("probe/echo/a"), "correct").header("x-vault-wrap-ttl", "1m");
    let wrapped = ask.send().await.expect(200).json();
    let token = wrapped["wrap_info"]["token"].as_str().expect("a token");
    let ask = server.post("sys/wrapping/unwrap", json!({})).token(token);
    let unwrapped = ask.send().await.expect(200).json();
    assert_eq!(unwrapped["data"]["path"], "echo/a");
}

/// CVE-2026-46358: what the headers hold is in no entry, whatever headers an operator wants to see.
#[tokio::test]
async fn both_ends_of_the_login_are_recorded_and_no_secret_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("audit.log");
    let options = json!({ "file_path": file });
    let server = builder()
        .with(
            "sys/audit/file",
            json!({ "type": "file", "options": options }),
        )
        .with(
            "sys/config/auditing/request-headers/x-vault-inline-auth-path",
            json!({ "hmac": false }),
        )
        .start()
        .await;
    let header = "sys/config/auditing/request-headers/X-Vault-Inline-Auth-Parameter-password";
    let ask = server.post(header, json!({ "hmac": true }));
    let refused = ask.token(&server.root_token).send().await.expect(400);
    assert!(
        refused.error().contains("carries credentials"),
        "{refused:?}"
    );
    let taken = || -> Vec<Value> {
        let text = std::fs::read_to_string(&file).expect("a log");
        std::fs::write(&file, "").expect("cut");
        let secret = URL_SAFE_NO_PAD.encode(r#"{"key":"password","value":"CANARY"}"#);
        assert!(
            !text.contains("CANARY") && !text.contains(&secret),
            "{text}"
        );
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    server
        .write(
            "auth/userpass/users/bob/password",
            json!({ "password": "CANARY" }),
        )
        .await;
    taken();
    let answer = as_bob(server.get("probe/echo/a"), "CANARY").send().await;
    let id = answer.expect(200).json()["request_id"].clone();
    let entries = taken();
    let [asked, proved, request, response] = &entries[..] else {
        panic!("{entries:#?}")
    };
    assert_eq!(asked["request"]["path"], BOB);
    assert_eq!(asked["request"]["headers"][PATH], json!([BOB]));
    let hash = asked["request"]["data"]["password"].as_str();
    assert!(hash.is_some_and(|hash| hash.starts_with("hmac-sha256:")));
    assert_eq!(proved["request"]["id"], asked["request"]["id"]);
    assert_ne!(asked["request"]["id"], id);
    assert_eq!(proved["auth"]["display_name"], "userpass-bob");
    assert_eq!(proved["auth"]["token_policies"], json!(["app", "default"]));
    assert_eq!(proved["auth"]["token_type"], "batch");
    assert_eq!(proved["auth"]["client_token"], Value::Null);
    for entry in [request, response] {
        assert_eq!(entry["request"]["id"], id);
        assert_eq!(entry["request"]["path"], "probe/echo/a");
        assert_eq!(entry["auth"]["display_name"], "userpass-bob");
        assert_eq!(entry["auth"]["metadata"], json!({ "username": "bob" }));
        assert_eq!(entry["request"]["client_token"], Value::Null);
    }
    // A login that fails, and one that is none.
    as_bob(server.get("probe/echo/a"), "CANARY2")
        .send()
        .await
        .expect(400);
    let entries = taken();
    let reasons: Vec<_> = entries.iter().map(|entry| &entry["reason"]).collect();
    let paths: Vec<_> = entries.iter().map(|e| &e["request"]["path"]).collect();
    assert_eq!(paths, [BOB, BOB, "probe/echo/a", "probe/echo/a"]);
    assert_eq!(reasons[0], &Value::Null);
    assert_eq!(reasons[1..], vec![reasons[1]; 3]);
    assert!(reasons[1].is_string(), "{reasons:?}");
    let ask = server.get("probe/echo/a").header(PATH, "sys/mounts");
    ask.send().await.expect(403);
    let entries = taken();
    let reasons: Vec<_> = entries.iter().map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, ["inline_login_path", "inline_login_path"]);
}

/// Guesses count, whichever way they come, and a lock holds for both.
#[tokio::test]
async fn lockout_counts_both_kinds_of_login() {
    let server = builder().start().await;
    let standard = |password: &str| server.post(BOB, json!({ "password": password })).send();
    let inline = |password: &str| as_bob(server.get("probe/echo/a"), password).send();
    for _ in 0..4 {
        inline("wrong").await.expect(400);
    }
    // A success forgets them.
    inline("correct").await.expect(200);
    for _ in 0..3 {
        inline("wrong").await.expect(400);
    }
    standard("wrong").await.expect(400);
    inline("wrong").await.expect(400);
    standard("correct").await.expect(403);
    let answer = inline("correct").await.expect(403);
    assert_eq!(answer.header(FAILED), "true");
}

/// A limit on logins can't be passed by bringing the login along.
#[tokio::test]
async fn quotas_count_the_login_as_if_it_had_come_by_itself() {
    let quota = |path: &str, rate: u32| json!({ "path": path, "rate": rate, "interval": "60s" });
    let server = builder()
        .with("sys/quotas/rate-limit/l", quota("auth/userpass", 2))
        .with("sys/quotas/rate-limit/p", quota("probe", 4))
        .start()
        .await;
    let ask = || as_bob(server.get("probe/echo/a"), "correct").send();
    ask().await.expect(200);
    ask().await.expect(200);
    let refused = ask().await.expect(429);
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(refused.header(FAILED), "");
    assert!(refused.error().contains(BOB), "{refused:?}");
    // The request itself was counted three times, and has room once more.
    let probe = || {
        server
            .get("probe/echo/a")
            .header(PATH, "auth/probe/login/bob")
            .send()
    };
    probe().await.expect(403);
    probe().await.expect(429);
}

/// Metadata and groups are those of this proof, not of the last one that was stored.
#[tokio::test]
async fn policies_follow_the_proof_though_nothing_is_stored() {
    let mine = r#"path "probe/echo/{{identity.entity.aliases.ACCESSOR.metadata.team}}" { capabilities = ["read"] }"#;
    let server = builder()
        .with_policy(
            "member",
            r#"path "probe/echo/group" { capabilities = ["read"] }"#,
        )
        .with(
            "identity/group",
            json!({ "name": "crew", "type": "external", "policies": "member" }),
        )
        .start()
        .await;
    let accessor = server.accessor("auth/probe/").await;
    let policy = mine.replace("ACCESSOR", &accessor);
    server
        .write("sys/policies/acl/mine", json!({ "policy": policy }))
        .await;
    let group = server.read("identity/group/name/crew").await["id"].clone();
    let alias = json!({ "name": "crew", "mount_accessor": accessor, "canonical_id": group });
    server.write("identity/group-alias", alias).await;
    let fields = |team: &str, groups: &str| json!({ "token_policies": "mine", "metadata": { "team": team }, "groups": groups });
    let before = server.records().await;
    // Somebody whom the server has never seen, and then somebody with an entity.
    for name in ["bob", "alice"] {
        let read = |path: &'static str, team: &'static str, groups: &'static str| {
            as_probe(&server, path, name, fields(team, groups))
        };
        read("probe/echo/red", "red", "").await.expect(200);
        read("sys/internal/ui/mounts/probe/echo/red", "red", "")
            .await
            .expect(200);
        read("probe/echo/red", "blue", "").await.expect(403);
        read("probe/echo/group", "red", "crew").await.expect(200);
        read("probe/echo/group", "red", "").await.expect(403);
        if name == "bob" {
            assert_eq!(server.records().await, before);
            // Alice is in the group by a stored login, and out of it by the next proof.
            server.login("alice", fields("red", "crew")).await;
        }
    }
}

/// An identity token says what this proof says, not what the last stored login said: a group that was
/// lost since must not be signed.
#[tokio::test]
async fn an_identity_token_has_the_facts_of_this_proof() {
    let server = builder()
        .with(
            "identity/group",
            json!({ "name": "crew", "type": "external" }),
        )
        .start()
        .await;
    let accessor = server.accessor("auth/probe/").await;
    let group = server.read("identity/group/name/crew").await["id"].clone();
    let alias = json!({ "name": "crew", "mount_accessor": accessor, "canonical_id": group });
    server.write("identity/group-alias", alias).await;
    let template = r#"{"groups": {{identity.entity.groups.names}}, "ref": {{identity.entity.aliases.ACC.metadata.ref}}}"#;
    for (path, body) in [
        (
            "key",
            json!({ "algorithm": "ES256", "allowed_client_ids": "*" }),
        ),
        (
            "role",
            json!({ "key": "ci", "template": template.replace("ACC", &accessor) }),
        ),
    ] {
        server
            .write(&format!("identity/oidc/{path}/ci"), body)
            .await;
    }
    let fields = |reference: &str, groups: &str| json!({ "token_policies": "app", "metadata": { "ref": reference }, "groups": groups });
    server.login("bob", fields("main", "crew")).await;
    for (reference, groups, names) in [
        ("main", "crew", json!(["crew"])),
        ("other", "", Value::Null),
        ("main", "", Value::Null),
    ] {
        let path = "identity/oidc/token/ci";
        let answer = as_probe(&server, path, "bob", fields(reference, groups)).await;
        let claims = claims_of(&answer.expect(200).json()["data"]["token"]);
        assert_eq!(claims["groups"], names);
        assert_eq!(claims["ref"], reference);
    }
}

fn claims_of(jwt: &Value) -> Value {
    let claims = jwt.as_str().and_then(|jwt| jwt.split('.').nth(1));
    let claims = URL_SAFE_NO_PAD.decode(claims.expect("claims"));
    serde_json::from_slice(&claims.expect("base64url")).expect("JSON")
}

/// An identity token needs somebody to name: an entity is used, and never made.
#[tokio::test]
async fn an_entity_is_used_and_never_made() {
    let server = builder().with_oidc_role("ci", "").start().await;
    let token = || {
        as_probe(
            &server,
            "identity/oidc/token/ci",
            "bob",
            json!({ "token_policies": "app" }),
        )
    };
    token().await.expect(400);
    let entity_id = server.login("bob", json!({})).await.entity_id;
    let answer = token().await.expect(200).json();
    assert_eq!(claims_of(&answer["data"]["token"])["sub"], entity_id);
    let entity = format!("identity/entity/id/{entity_id}");
    server.write(&entity, json!({ "disabled": true })).await;
    let refused = token().await.expect(403);
    assert_eq!(refused.header(FAILED), "true");
    server.delete(&entity).await;
    token().await.expect(400);
}

/// What no login may have, one in line has not either.
#[tokio::test]
async fn the_bounds_of_logins_hold() {
    let server = builder().start().await;
    let ask = |fields: Value| as_probe(&server, "probe/echo/a", "bob", fields);
    ask(json!({ "token_policies": "app" })).await.expect(200);
    ask(json!({ "token_policies": "root" })).await.expect(400);
    let elsewhere = json!({ "token_policies": "app", "token_bound_cidrs": "192.0.2.0/24" });
    ask(elsewhere).await.expect(403);
    let here = json!({ "token_policies": "app", "token_bound_cidrs": "127.0.0.0/8" });
    ask(here).await.expect(200);
}

#[tokio::test]
async fn a_sealed_server_and_one_without_storage_say_so() {
    let sealed = TestServer::sealed().await;
    as_bob(sealed.get("probe/echo/a"), "correct")
        .send()
        .await
        .expect(503);
    let server = builder().start().await;
    server.take_storage_down();
    let answer = as_bob(server.get("probe/echo/a"), "correct").send().await;
    answer.expect(500);
}
