//! What the operator's log says, and what it never says.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::harness::{TestServer, gate};

thread_local! {
    /// What has been logged on this thread since a test asked for it. A test and its server have
    /// one thread, and each test has another.
    static LINES: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Everything that the server's own code logs. There is one for all tests: callsites remember
/// whether anybody listens, so a subscriber that comes and goes would miss some.
struct Log;

impl Log {
    fn start() {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| tracing::subscriber::set_global_default(Self).expect("the first"));
        LINES.set(Some(String::new()));
    }

    fn text() -> String {
        LINES.with_borrow(|lines| lines.clone().unwrap_or_default())
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("text");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("vouchsafe")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                *lines += &(line.0 + "\n");
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Every level is on, and everything secret is marked.
#[tokio::test]
async fn no_secret_is_logged() {
    Log::start();
    let server = TestServer::builder()
        .with_probes()
        .with_auth("userpass")
        .with(
            "auth/userpass/users/bob",
            json!({ "password": "CANARY-right" }),
        )
        .start()
        .await;
    let root = &server.root_token;
    let login = "auth/userpass/login/bob";
    let made = server
        .post(login, json!({ "password": "CANARY-right" }))
        .send()
        .await
        .expect(200);
    let token = made.json()["auth"]["client_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    server
        .post(login, json!({ "password": "CANARY-wrong" }))
        .send()
        .await
        .expect(400);
    server
        .post(login, json!({ "password": ["CANARY", {}] }))
        .send()
        .await
        .expect(400);
    server
        .post(login, json!({}))
        .body("{\"password\":\"CANARY")
        .send()
        .await
        .expect(400);
    server
        .get("sys/mounts")
        .token("CANARY-token")
        .send()
        .await
        .expect(403);
    let bearer = server
        .get("sys/mounts")
        .header("authorization", "Bearer CANARY-token");
    bearer.send().await.expect(403);
    server
        .get("sys/mounts?token=CANARY")
        .token(&token)
        .send()
        .await
        .expect(403);
    server
        .get("probe/panic")
        .header("x-secret", "CANARY")
        .send()
        .await
        .expect(500);
    server
        .get("probe/login?secret=CANARY")
        .token(root)
        .send()
        .await
        .expect(500);
    let lookup = server
        .post("auth/token/lookup", json!({ "token": "CANARY" }))
        .token(root);
    lookup.send().await.expect(403);

    let text = Log::text();
    for secret in ["CANARY", token.as_str(), root.as_str()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // The operator learns what the client does not.
    for (level, words) in [
        ("ERROR", "reason=\"backend_panicked\""),
        (
            "ERROR",
            "a route that is no login answered with a proof of identity",
        ),
        ("DEBUG", "reason=\"policy_denied\""),
        ("DEBUG", "reason=\"token_invalid\""),
    ] {
        let logged = text
            .lines()
            .any(|line| line.starts_with(level) && line.contains(words));
        assert!(logged, "{level} {words}: {text}");
    }
}

/// A failure is logged once.
#[tokio::test]
async fn a_failure_is_one_line() {
    Log::start();
    let server = TestServer::builder().with_probes().start().await;
    gate("log").open();
    server
        .post("probe/gate/log", json!({}))
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
    let before = Log::text().lines().count();
    server.get("probe/panic").send().await.expect(500);
    assert_eq!(Log::text().lines().count(), before + 1, "{}", Log::text());
}
