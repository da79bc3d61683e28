//! The whole way of requests through a core with an audit log.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use vouchsafe_logical::{
    Access, AliasProposal, Answer, BackendKind, Call, Duties, Error, Login, Method, MountClass,
    Mounted, Reply, Route,
};
use vouchsafe_storage::{Barrier, InMemory, RootKey};

use super::*;
use crate::{Core, Outcome, Settings};

struct Fake;

impl Duties for Fake {}

const DOCUMENT: Route<Fake> = Route {
    pattern: "document",
    access: Access::Public,
    methods: &[Method::read(document)],
    exists: None,
    help: "A document for everybody.",
};

const SECRET: Route<Fake> = Route {
    pattern: "secret/{name}",
    access: Access::Token,
    methods: &[
        Method::read(secret),
        Method::list(secret),
        Method::delete(broken),
    ],
    exists: None,
    help: "A secret.",
};

const LOGIN: Route<Fake> = Route {
    pattern: "login/{name}",
    access: Access::Login(|_| None),
    methods: &[Method::new(Operation::Update, &[], login)],
    exists: None,
    help: "Everybody may come in.",
};

fn document<'a>(_: &'a Fake, _: Call<'a>) -> Answer<'a> {
    Box::pin(async { Ok(Reply::raw_json(200, &json!({ "secret": "canary" }))) })
}

fn secret<'a>(_: &'a Fake, _: Call<'a>) -> Answer<'a> {
    Box::pin(async { Ok(Reply::data(data(json!({ "value": "canary", "ttl": 7 })))) })
}

fn broken<'a>(_: &'a Fake, _: Call<'a>) -> Answer<'a> {
    Box::pin(async { Err(Error::internal("a canary in the mine")) })
}

fn login<'a>(_: &'a Fake, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = call.captured("name").to_owned();
        let alias = AliasProposal {
            name: name.clone(),
            metadata: BTreeMap::new(),
        };
        let proposal = Login {
            alias: Some(alias),
            display_name: name,
            ..Login::default()
        };
        Ok(Reply::login(proposal))
    })
}

const CATALOG: &[&BackendKind] = &[
    &BackendKind {
        name: "identity",
        class: MountClass::Secret,
        summary: "Stands in for the identity engine.",
        locks_out: false,
        stands_for: None,
        open: |_| Mounted::open(Fake, &[&DOCUMENT, &SECRET]),
    },
    &BackendKind {
        name: "publish",
        class: MountClass::Secret,
        summary: "Stands in for the publishing engine.",
        locks_out: false,
        stands_for: None,
        open: |_| Mounted::open(Fake, &[&DOCUMENT, &SECRET]),
    },
    &BackendKind {
        name: "open-door",
        class: MountClass::Auth,
        summary: "Lets everybody in.",
        locks_out: false,
        stands_for: None,
        open: |_| Mounted::open(Fake, &[&LOGIN]),
    },
];

struct Server {
    core: Arc<Core>,
    root_token: String,
    folder: TempDir,
    requests: std::sync::atomic::AtomicUsize,
}

impl Server {
    /// A server without devices.
    async fn start() -> Self {
        let ports = ports();
        let physical = Arc::new(InMemory::new());
        let entropy = Arc::clone(&ports.entropy);
        let barrier = Arc::new(Barrier::new(physical, entropy, Arc::clone(&ports.clock)));
        let root_key = RootKey::generate(&*ports.entropy);
        barrier.initialize(&root_key).await.expect("a fresh store");
        let unsealed = barrier.unseal(&root_key).await.expect("the right key");
        let settings = Settings {
            version: "0".to_owned(),
            storage_type: "inmem".to_owned(),
            ..Settings::default()
        };
        let core = Core::new(barrier, CATALOG, ports, settings);
        core.start(&unsealed).await.expect("starts");
        let root_token = core.create_root_token(None).await.expect("a token");
        let folder = tempfile::tempdir().expect("a folder");
        let server = Self {
            core,
            root_token,
            folder,
            requests: 0.into(),
        };
        let mount = json!({ "type": "open-door" });
        server.ok(Operation::Update, "sys/auth/door", mount).await;
        server
    }

    /// A server that writes to [`Server::log`] from here on.
    async fn with_log() -> Self {
        let server = Self::start().await;
        let options = json!({ "file_path": server.log().display().to_string() });
        let device = json!({ "type": "file", "options": options });
        server.ok(Operation::Update, "sys/audit/file", device).await;
        fs::write(server.log(), "").expect("a log to empty");
        server
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    fn entries(&self) -> Vec<Map<String, Value>> {
        entries(&fs::read_to_string(self.log()).expect("a log"))
    }

    async fn send(
        &self,
        token: Option<&str>,
        operation: Operation,
        path: &str,
        body: Value,
    ) -> Outcome {
        let number = self
            .requests
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut request = request(&format!("request-{number}"), operation, path, data(body));
        request.token = token.map(|token| Secret::new(token.to_owned()));
        self.core.handle(&request).await
    }

    async fn root(&self, operation: Operation, path: &str, body: Value) -> Result<Reply, Error> {
        self.send(Some(&self.root_token), operation, path, body)
            .await
            .result
    }

    async fn ok(&self, operation: Operation, path: &str, body: Value) -> Reply {
        self.root(operation, path, body).await.expect("allowed")
    }
}

fn shown(reply: Reply) -> Data {
    match reply.response {
        vouchsafe_logical::Response::Data(data) => data,
        other => panic!("{other:?} is no data"),
    }
}

#[tokio::test]
async fn every_request_leaves_two_lines_and_no_secret() {
    let server = Server::with_log().await;
    let requests = [
        (Operation::Read, "identity/secret/a", true, "read"),
        (Operation::List, "identity/secret/a", true, "list"),
        (Operation::Delete, "identity/secret/a", true, "delete"),
        (Operation::Read, "identity/document", false, "read"),
        (Operation::Read, "identity/nothing", true, "read"),
        (Operation::Read, "nowhere/at/all", true, "read"),
        (Operation::Read, "identity/secret/a", false, "read"),
        (Operation::Update, "auth/door/login/bob", false, "update"),
        (Operation::Update, "sys/mounts/", true, "update"),
        (Operation::Help, "identity/secret/a", true, "help"),
    ];
    for (operation, path, with_token, _) in &requests {
        let token = with_token.then_some(server.root_token.as_str());
        server
            .send(token, *operation, path, json!({ "password": "canary" }))
            .await;
    }
    let entries = server.entries();
    assert_eq!(entries.len(), 2 * requests.len());
    for (pair, (_, path, _, operation)) in entries.chunks(2).zip(&requests) {
        assert_eq!(pair[0]["type"], "request");
        assert_eq!(pair[1]["type"], "response");
        assert_eq!(pair[0]["request"], pair[1]["request"]);
        assert_eq!(pair[0]["request"]["path"], *path);
        assert_eq!(pair[0]["request"]["operation"], *operation);
    }
    let log = fs::read_to_string(server.log()).expect("a log");
    assert!(
        !log.contains("canary") && !log.contains(&server.root_token),
        "{log}"
    );
    assert!(
        !log.contains("hvs."),
        "the token of the login is in the log"
    );
}

#[tokio::test]
async fn reasons_tell_refusals_apart() {
    let server = Server::with_log().await;
    let path = "identity/secret/a";
    server.send(None, Operation::Read, path, json!({})).await;
    server
        .send(Some("hvs.unknown"), Operation::Read, path, json!({}))
        .await;
    server
        .root(Operation::Read, "nowhere/at/all", json!({}))
        .await
        .expect_err("no mount");
    server
        .root(Operation::Delete, path, json!({}))
        .await
        .expect_err("broken");
    let reasons: Vec<(Value, Value)> = server
        .entries()
        .into_iter()
        .map(|mut entry| {
            let mut member = |name| entry.remove(name).unwrap_or_default();
            (member("type"), member("reason"))
        })
        .collect();
    let expected = [
        ("request", json!("token_missing")),
        ("response", json!("token_missing")),
        ("request", json!("token_invalid")),
        ("response", json!("token_invalid")),
        ("request", json!("no_mount")),
        ("response", json!("no_mount")),
        ("request", Value::Null),
        ("response", json!("internal_error")),
    ];
    let expected = expected.map(|(kind, reason)| (json!(kind), reason));
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_first_login_says_that_it_made_the_entity() {
    let server = Server::with_log().await;
    for expected in [json!(true), Value::Null] {
        let path = "auth/door/login/bob";
        server
            .send(None, Operation::Update, path, json!({}))
            .await
            .result
            .expect("let in");
        let entry = server.entries().pop().expect("an entry");
        assert_eq!(entry["auth"]["display_name"], "door-bob");
        assert_eq!(entry["auth"]["policy_results"], json!({ "allowed": true }));
        assert_eq!(entry["auth"]["entity_created"], expected);
        assert_eq!(entry["request"]["mount_class"], "auth");
    }
}

#[tokio::test]
async fn what_can_not_be_recorded_does_not_happen() {
    let server = Server::with_log().await;
    fs::remove_file(server.log()).expect("there");
    fs::create_dir(server.log()).expect("a folder in the way");
    let error = server.root(
        Operation::Update,
        "sys/policies/acl/p",
        json!({ "policy": "path \"a\" {}" }),
    );
    let error = error.await.expect_err("nobody can record it");
    assert_eq!(
        (error.reason(), error.messages()),
        ("audit_failed", &["internal error".to_owned()][..])
    );
    // Documents for everybody wait too, and even the way out; what shows the server's state does not.
    for (operation, path) in [
        (Operation::Read, "identity/document"),
        (Operation::Delete, "sys/audit/file"),
    ] {
        let error = server
            .root(operation, path, json!({}))
            .await
            .expect_err("nobody can record it");
        assert_eq!(error.reason(), "audit_failed", "{path}");
    }
    server.ok(Operation::Read, "sys/health", json!({})).await;
    fs::remove_dir(server.log()).expect("there");
    let error = server
        .root(Operation::Read, "sys/policies/acl/p", json!({}))
        .await;
    assert_eq!(error.expect_err("it was not written").reason(), "not_found");
    assert_eq!(server.entries().len(), 2);
}

#[tokio::test]
async fn devices_are_listed_enabled_and_disabled() {
    let server = Server::with_log().await;
    let listed = server.ok(Operation::Read, "sys/audit", json!({})).await;
    assert!(listed.data_at_top_level);
    let file_path = server.log().display().to_string();
    let expected = json!({
        "file/": {
            "description": "",
            "local": false,
            "options": { "file_path": file_path },
            "path": "file/",
            "type": "file",
        },
    });
    assert_eq!(Value::Object(shown(listed)), expected);

    let hash = server
        .ok(
            Operation::Update,
            "sys/audit-hash/file",
            json!({ "input": "x" }),
        )
        .await;
    assert!(hash.data_at_top_level);
    let hash = shown(hash).remove("hash").expect("a hash");
    server
        .ok(
            Operation::Read,
            "identity/secret/a",
            json!({ "query": "x" }),
        )
        .await;
    let entry = server.entries().pop().expect("an entry");
    assert_eq!(entry["request"]["data"]["query"], hash);
    for (path, body, expected) in [
        (
            "sys/audit-hash/f",
            json!({ "input": "x" }),
            "unknown audit backend \"f/\"",
        ),
        (
            "sys/audit-hash/file",
            json!({}),
            "the \"input\" parameter is empty",
        ),
        (
            "sys/audit/file",
            json!({ "type": "file" }),
            "file_path is required",
        ),
        ("sys/audit/x", json!({}), "unknown backend type: \"\""),
    ] {
        let error = server
            .root(Operation::Update, path, body)
            .await
            .expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }
    server
        .ok(Operation::Delete, "sys/audit/file", json!({}))
        .await;
    server
        .ok(Operation::Delete, "sys/audit/file", json!({}))
        .await;
    let lines = server.entries().len();
    server
        .ok(Operation::Read, "identity/secret/a", json!({}))
        .await;
    assert_eq!(server.entries().len(), lines, "nobody records any more");
    assert!(shown(server.ok(Operation::Read, "sys/audit", json!({})).await).is_empty());
}

#[tokio::test]
async fn devices_and_headers_need_sudo() {
    let server = Server::start().await;
    let rules = r#"path "sys/*" { capabilities = ["create", "read", "update", "delete"] }"#;
    server
        .ok(
            Operation::Update,
            "sys/policies/acl/admin",
            json!({ "policy": rules }),
        )
        .await;
    let made = server.ok(
        Operation::Update,
        "auth/token/create",
        json!({ "policies": ["admin"] }),
    );
    let vouchsafe_logical::Response::Auth(admin) = made.await.response else {
        panic!("no token")
    };
    let token = Some(admin.client_token.as_str());
    for (operation, path) in [
        (Operation::Read, "sys/audit"),
        (Operation::Update, "sys/audit/file"),
        (Operation::Delete, "sys/audit/file"),
        (Operation::Read, "sys/config/auditing/request-headers"),
        (
            Operation::Read,
            "sys/config/auditing/request-headers/x-trace",
        ),
        (
            Operation::Update,
            "sys/config/auditing/request-headers/x-trace",
        ),
        (
            Operation::Delete,
            "sys/config/auditing/request-headers/x-trace",
        ),
    ] {
        let error = server.send(token, operation, path, json!({})).await.result;
        assert_eq!(
            error.expect_err("no sudo").reason(),
            "policy_denied",
            "{operation} {path}"
        );
    }
    let body = json!({ "input": "x" });
    let hash = server
        .send(token, Operation::Update, "sys/audit-hash/file", body)
        .await
        .result;
    assert_eq!(
        hash.expect_err("no device").reason(),
        "audit_device_unknown"
    );
}

#[tokio::test]
async fn headers_are_configured_by_name() {
    const ALL: &str = "sys/config/auditing/request-headers";
    let one = |name: &str| format!("{ALL}/{name}");
    let server = Server::start().await;
    let list = || server.ok(Operation::Read, ALL, json!({}));
    assert_eq!(Value::Object(shown(list().await)), json!({ "headers": {} }));
    server
        .ok(Operation::Update, &one("X-Trace"), json!({ "hmac": true }))
        .await;
    server
        .ok(Operation::Update, &one("x-other"), json!({}))
        .await;
    let all = json!({ "headers": { "x-other": { "hmac": false }, "x-trace": { "hmac": true } } });
    assert_eq!(Value::Object(shown(list().await)), all);
    let read = shown(server.ok(Operation::Read, &one("x-trace"), json!({})).await);
    assert_eq!(Value::Object(read), json!({ "x-trace": { "hmac": true } }));
    server
        .root(Operation::Update, &one("X-Vault-Token"), json!({}))
        .await
        .expect_err("a secret");
    server
        .ok(Operation::Delete, &one("X-TRACE"), json!({}))
        .await;
    let error = server
        .root(Operation::Read, &one("x-trace"), json!({}))
        .await;
    assert_eq!(
        error.expect_err("gone").to_string(),
        "Could not find header in config"
    );
}
