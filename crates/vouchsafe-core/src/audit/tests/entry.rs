//! Entries, member by member.

use serde_json::json;
use vouchsafe_logical::{Auth, Error, Raw, Reply, WrapInfo};

use super::*;
use crate::audit::redact::Redactor;
use crate::audit::scribe::Scribe;

const REQUEST_ID: &str = "4d6f3b0a-0000-4000-8000-000000000001";
const TIME: &str = "2026-01-01T00:00:00.000000000Z";
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"), "+builtin.vouchsafe");

fn device() -> Arc<Device> {
    device_over("file", options(), &Disk::default())
}

/// The hash that [`device`] shows.
fn hash(text: &str) -> String {
    Redactor::new(b"Jefe", false, true).hash(text.as_bytes())
}

#[track_caller]
fn check(line: &[u8], expected: &Value) {
    let (last, line) = line.split_last().expect("a line");
    assert_eq!(*last, b'\n');
    assert!(!line.contains(&b'\n'), "an entry is one line");
    let kind = expected["type"].as_str().expect("an expected type");
    let beginning = format!("{{\"time\":\"{TIME}\",\"type\":\"{kind}\",\"auth\":");
    assert!(
        line.starts_with(beginning.as_bytes()),
        "the file device knows entries by this"
    );
    let entry: Value = serde_json::from_slice(line).expect("JSON");
    assert_eq!(entry, *expected, "\n{entry:#}\n{expected:#}");
}

fn check_request(record: &Record<'_>, expected: &Value) {
    let line = Scribe::new(&device(), &Headers::default())
        .request(record)
        .expect("an entry");
    check(&line, expected);
}

fn check_response(record: &Record<'_>, result: &Result<Reply, Error>, expected: &Value) {
    let line = Scribe::new(&device(), &Headers::default())
        .response(record, result, now())
        .expect("an entry");
    check(&line, expected);
}

#[test]
fn hashes_are_hmac_sha256() {
    // RFC 4231 §4.3, test case 2.
    assert_eq!(
        hash("what do ya want for nothing?"),
        "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[test]
fn a_request_for_everybody() {
    let mut request = request(
        REQUEST_ID,
        Operation::Read,
        "identity/oidc/.well-known/keys",
        Data::new(),
    );
    request.remote = Some("[::ffff:192.0.2.7]:40000".parse().expect("an address"));
    check_request(
        &record(&request),
        &json!({
            "time": TIME,
            "type": "request",
            "auth": { "policy_results": { "allowed": true }, "token_type": "default" },
            "request": {
                "id": REQUEST_ID,
                "operation": "read",
                "namespace": { "id": "root" },
                "path": "identity/oidc/.well-known/keys",
                "remote_address": "192.0.2.7",
                "remote_port": 40000,
            },
        }),
    );
}

fn auth_of_bob() -> Value {
    json!({
        "client_token": hash("hvs.canary"),
        "accessor": hash("accessor-canary"),
        "display_name": "userpass-bob",
        "policies": ["default", "team"],
        "token_policies": ["default"],
        "identity_policies": ["team"],
        "policy_results": {
            "allowed": true,
            "granting_policies": [{ "name": "team", "namespace_id": "root", "type": "acl" }],
        },
        "metadata": { "username": "bob" },
        "remaining_uses": 2,
        "entity_id": "entity-1",
        "token_type": "service",
        "token_ttl": 3600,
        "token_issue_time": "2026-01-01T00:00:00Z",
    })
}

fn request_of_bob(operation: &str, data: Option<Value>) -> Value {
    let mut expected = json!({
        "id": REQUEST_ID,
        "client_id": "entity-1",
        "operation": operation,
        "mount_point": "kv/",
        "mount_type": "kv",
        "mount_accessor": "kv_00000001",
        "mount_running_version": VERSION,
        "mount_class": "secret",
        "client_token": hash("hvs.canary"),
        "client_token_accessor": hash("accessor-canary"),
        "namespace": { "id": "root" },
        "path": "kv/a",
    });
    if let Some(data) = data {
        expected["data"] = data;
    }
    expected
}

fn response_of_kv(data: Option<Value>) -> Value {
    let mut expected = json!({
        "mount_point": "kv/",
        "mount_type": "kv",
        "mount_accessor": "kv_00000001",
        "mount_running_plugin_version": VERSION,
        "mount_class": "secret",
    });
    if let Some(data) = data {
        expected["data"] = data;
    }
    expected
}

#[test]
fn a_write_with_every_kind_of_value() {
    let scene = Scene::new();
    let members = data(json!({
        "password": "hunter2",
        "empty": "",
        "shown": "in the clear",
        "list": ["a", 1, null, ["b"]],
        "nested": { "shown": ["clear", "too"], "other": "c", "shown_not": "d" },
        "number": 17,
        "flag": true,
        "nothing": null,
        "time": "2026-01-01T00:00:00Z",
    }));
    let mut request = with_token(
        request(REQUEST_ID, Operation::Update, "kv/a", members),
        "hvs.canary",
    );
    request.wrap_ttl = Some(Duration::from_secs(60));
    let mut record = scene.record(&request);
    record.operation = Operation::Create;
    let mut expected = request_of_bob(
        "create",
        Some(json!({
            "password": hash("hunter2"),
            "empty": hash(""),
            "shown": "in the clear",
            "list": [hash("a"), 1, null, [hash("b")]],
            "nested": { "shown": ["clear", "too"], "other": hash("c"), "shown_not": hash("d") },
            "number": 17,
            "flag": true,
            "nothing": null,
            "time": "2026-01-01T00:00:00Z",
        })),
    );
    expected["wrap_ttl"] = 60.into();
    check_request(
        &record,
        &json!({ "time": TIME, "type": "request", "auth": auth_of_bob(), "request": expected }),
    );
}

#[test]
fn a_token_without_an_entity_is_counted_by_its_policies() {
    let mut scene = Scene::new();
    scene.token.entity_id = None;
    scene.token.policies = PolicyNames::parse(&["root"]).expect("a name");
    let request = with_token(
        request(REQUEST_ID, Operation::Read, "kv/a", Data::new()),
        "hvs.canary",
    );
    let line = Scribe::new(&device(), &Headers::default()).request(&scene.record(&request));
    let entry: Value = serde_json::from_slice(&line.expect("an entry")).expect("JSON");
    // The client id that Vault shows for every root token.
    assert_eq!(
        entry["request"]["client_id"],
        "0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8="
    );
}

#[test]
fn an_answer_with_data_and_warnings() {
    let scene = Scene::new();
    let request = with_token(
        request(REQUEST_ID, Operation::Read, "kv/a", Data::new()),
        "hvs.canary",
    );
    let members = data(json!({ "token": "eyJ.issued.jwt", "ttl": 60, "shown": "clear" }));
    let reply = Reply::data(members).with_warning("mind the gap");
    let mut response = response_of_kv(Some(
        json!({ "token": hash("eyJ.issued.jwt"), "ttl": 60, "shown": "clear" }),
    ));
    response["warnings"] = json!(["mind the gap"]);
    check_response(
        &scene.record(&request),
        &Ok(reply),
        &json!({
            "time": TIME,
            "type": "response",
            "auth": auth_of_bob(),
            "request": request_of_bob("read", None),
            "response": response,
        }),
    );
}

#[test]
fn a_wrapped_answer_is_shown_by_where_it_lies() {
    let scene = Scene::new();
    let request = with_token(
        request(REQUEST_ID, Operation::Read, "kv/a", Data::new()),
        "hvs.canary",
    );
    let mut info = WrapInfo {
        token: "hvs.wrapping".to_owned(),
        accessor: "its accessor".to_owned(),
        ttl: 60,
        creation_time: TIME.to_owned(),
        creation_path: "kv/a".to_owned(),
        wrapped_accessor: String::new(),
    };
    let mut shown = json!({
        "token": hash("hvs.wrapping"),
        "accessor": hash("its accessor"),
        "ttl": 60,
        "creation_time": TIME,
        "creation_path": "kv/a",
    });
    let check_info = |info: WrapInfo, shown: &Value| {
        let mut response = response_of_kv(None);
        response["wrap_info"] = shown.clone();
        check_response(
            &scene.record(&request),
            &Ok(Reply::wrapped(info)),
            &json!({
                "time": TIME,
                "type": "response",
                "auth": auth_of_bob(),
                "request": request_of_bob("read", None),
                "response": response,
            }),
        );
    };
    check_info(info.clone(), &shown);
    info.wrapped_accessor = "the accessor inside".to_owned();
    shown["wrapped_accessor"] = hash("the accessor inside").into();
    check_info(info, &shown);
}

#[test]
fn a_document_outside_the_envelope() {
    let request = request(
        REQUEST_ID,
        Operation::Read,
        "identity/oidc/.well-known/keys",
        Data::new(),
    );
    let reply = Reply::raw(Raw {
        status: 200,
        content_type: "application/json",
        body: bytes::Bytes::from_static(b"{\"keys\":[]}"),
        cache_control: None,
        etag: None,
    });
    check_response(
        &record(&request),
        &Ok(reply),
        &json!({
            "time": TIME,
            "type": "response",
            "auth": { "policy_results": { "allowed": true }, "token_type": "default" },
            "request": {
                "id": REQUEST_ID,
                "operation": "read",
                "namespace": { "id": "root" },
                "path": "identity/oidc/.well-known/keys",
            },
            "response": {
                "data": {
                    "http_content_type": "application/json",
                    "http_raw_body": hash("{\"keys\":[]}"),
                    "http_status_code": 200,
                },
            },
        }),
    );
}

pub(super) fn issued() -> Auth {
    Auth {
        client_token: "hvs.issued".to_owned(),
        accessor: "accessor-issued".to_owned(),
        policies: vec!["default".to_owned(), "team".to_owned()],
        token_policies: vec!["default".to_owned()],
        identity_policies: vec!["team".to_owned()],
        metadata: Some([("username".to_owned(), "bob".to_owned())].into()),
        lease_duration: 60,
        renewable: true,
        entity_id: "entity-1".to_owned(),
        token_type: "service",
        orphan: true,
        mfa_requirement: None,
        num_uses: 5,
        entity_created: true,
        display_name: "userpass-bob".to_owned(),
        ttl: Duration::from_secs(60),
    }
}

#[test]
fn a_login_is_recorded_as_who_logged_in() {
    let members = data(json!({ "password": "hunter2" }));
    let request = request(
        REQUEST_ID,
        Operation::Update,
        "auth/userpass/login/bob",
        members,
    );
    let mut record = record(&request);
    record.is_login = true;
    let auth = json!({
        "client_token": hash("hvs.issued"),
        "accessor": hash("accessor-issued"),
        "display_name": "userpass-bob",
        "policies": ["default", "team"],
        "token_policies": ["default"],
        "identity_policies": ["team"],
        "metadata": { "username": "bob" },
        "num_uses": 5,
        "entity_id": "entity-1",
        "entity_created": true,
        "token_type": "service",
        "token_ttl": 60,
        "token_issue_time": "2026-01-01T00:00:00Z",
    });
    let mut auth_with_results = auth.clone();
    auth_with_results["policy_results"] = json!({ "allowed": true });
    check_response(
        &record,
        &Ok(Reply::auth(issued())),
        &json!({
            "time": TIME,
            "type": "response",
            "auth": auth_with_results,
            "request": {
                "id": REQUEST_ID,
                "operation": "update",
                "namespace": { "id": "root" },
                "path": "auth/userpass/login/bob",
                "data": { "password": hash("hunter2") },
            },
            "response": { "auth": auth },
        }),
    );
}

#[test]
fn a_token_made_for_somebody_else_is_not_the_caller() {
    let scene = Scene::new();
    let request = with_token(
        request(REQUEST_ID, Operation::Update, "kv/a", Data::new()),
        "hvs.canary",
    );
    let result = Ok(Reply::auth(issued()));
    let line = Scribe::new(&device(), &Headers::default())
        .response(&scene.record(&request), &result, now())
        .expect("an entry");
    let entry: Value = serde_json::from_slice(&line).expect("JSON");
    assert_eq!(entry["auth"], auth_of_bob());
    assert_eq!(
        entry["response"]["auth"]["client_token"],
        hash("hvs.issued")
    );
}

#[test]
fn a_refusal_says_why() {
    let scene = Scene::new();
    let request = with_token(
        request(REQUEST_ID, Operation::Delete, "kv/a", Data::new()),
        "hvs.canary",
    );
    let refusal = Error::denied("policy_denied")
        .with_detail("for operators only")
        .wrapped();
    let record = Record {
        granted_by: None,
        refusal: Some(refusal.clone()),
        ..scene.record(&request)
    };
    let mut auth = auth_of_bob();
    auth["policy_results"] = json!({ "allowed": false });
    let mut expected = json!({
        "time": TIME,
        "type": "request",
        "auth": auth,
        "request": request_of_bob("delete", None),
        "error": "1 error occurred:\n\t* permission denied\n\n",
        "reason": "policy_denied",
    });
    check_request(&record, &expected);
    expected["type"] = "response".into();
    expected["response"] = response_of_kv(None);
    check_response(&record, &Err(refusal), &expected);
}

#[test]
fn a_token_that_is_not_known_is_shown_as_its_hash() {
    let request = with_token(
        request(REQUEST_ID, Operation::Read, "kv/a", Data::new()),
        "hvs.stolen",
    );
    let refusal = Error::denied("token_invalid");
    let record = Record {
        granted_by: None,
        refusal: Some(refusal),
        ..record(&request)
    };
    check_request(
        &record,
        &json!({
            "time": TIME,
            "type": "request",
            "auth": { "policy_results": { "allowed": false }, "token_type": "default" },
            "request": {
                "id": REQUEST_ID,
                "operation": "read",
                "client_token": hash("hvs.stolen"),
                "namespace": { "id": "root" },
                "path": "kv/a",
            },
            "error": "permission denied",
            "reason": "token_invalid",
        }),
    );
}

#[test]
fn a_failure_with_data_and_one_without_words() {
    let scene = Scene::new();
    let request = with_token(
        request(REQUEST_ID, Operation::Read, "kv/a", Data::new()),
        "hvs.canary",
    );
    let expected = |response, error: &[(&str, &str)]| {
        let mut expected = json!({
            "time": TIME,
            "type": "response",
            "auth": auth_of_bob(),
            "request": request_of_bob("read", None),
            "response": response,
        });
        for (name, text) in error {
            expected[*name] = (*text).into();
        }
        expected
    };
    let failure = Error::invalid("no").with_data(json!({ "hint": "a secret", "count": 2 }));
    check_response(
        &scene.record(&request),
        &Err(failure),
        &expected(
            response_of_kv(Some(json!({ "hint": hash("a secret"), "count": 2 }))),
            &[("error", "no"), ("reason", "invalid_request")],
        ),
    );
    check_response(
        &scene.record(&request),
        &Err(Error::not_found()),
        &expected(response_of_kv(None), &[("reason", "not_found")]),
    );
}
