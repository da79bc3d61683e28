//! The login of a person through an OpenID provider, over HTTP as a command line makes it.

use serde_json::{Value, json};

use crate::harness::provider::{self, CLIENT_SECRET, CODE, Provider};
use crate::harness::{Log, TestServer};

const AUTH_URL: &str = "auth/oidc/oidc/auth_url";
const CALLBACK: &str = "auth/oidc/oidc/callback";

struct World {
    server: TestServer,
    provider: Provider,
    audit: tempfile::TempDir,
}

async fn world() -> World {
    let audit = tempfile::tempdir().expect("a folder");
    let server = TestServer::builder().with_auth("oidc").start().await;
    let provider = Provider::new(&server.fetcher);
    let path = audit.path().join("log").display().to_string();
    let device = json!({ "type": "file", "options": { "file_path": path } });
    server.write("sys/audit/file", device).await;
    server.write("auth/oidc/config", provider::client()).await;
    server
        .write("auth/oidc/role/person", provider::role())
        .await;
    World {
        server,
        provider,
        audit,
    }
}

impl World {
    /// Begins a login; how it ends.
    async fn begin(&self) -> Value {
        let begun = self
            .server
            .post(AUTH_URL, provider::beginning())
            .send()
            .await;
        let begun = begun.expect(200).json();
        let url = begun["data"]["auth_url"].as_str().expect("text");
        self.provider.agree(&self.server.fetcher, url)
    }

    fn audited(&self) -> String {
        std::fs::read_to_string(self.audit.path().join("log")).expect("a log")
    }
}

fn query(parameters: &Value) -> String {
    let parameters = parameters.as_object().expect("an object").iter();
    let pairs = parameters.map(|(name, value)| format!("{name}={}", value.as_str().expect("text")));
    format!("{CALLBACK}?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[tokio::test]
async fn a_person_logs_in_and_no_secret_of_it_is_told() {
    let world = world().await;
    let server = &world.server;
    Log::start();
    let ending = world.begin().await;
    let answer = server.get(&query(&ending)).send().await.expect(200);
    let auth = answer.json()["auth"].clone();
    assert_eq!(auth["metadata"], json!({ "role": "person" }));
    let token = auth["client_token"].as_str().expect("a token").to_owned();
    let found = server
        .get("auth/token/lookup-self")
        .token(&token)
        .send()
        .await;
    assert_eq!(
        found.expect(200).json()["data"]["display_name"],
        "oidc-sample"
    );
    let logins = server
        .metrics
        .value("vouchsafe_logins_total", ["auth/oidc/", "oidc"]);
    assert_eq!(logins, 1, "its beginning is no login");
    let again = server.get(&query(&ending)).send().await.expect(400);
    assert_eq!(
        again.error(),
        "Vault login failed. Expired or missing OAuth state."
    );

    let (log, audited) = (Log::text(), world.audited());
    let state = ending["state"].as_str().expect("text");
    for secret in [
        state,
        CODE,
        CLIENT_SECRET,
        &token,
        "https://provider.example/authorize",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
        assert!(!audited.contains(secret), "{secret} in {audited}");
    }
    assert!(audited.contains("oidc_state_unknown"), "{audited}");
}

/// Session fixation: whoever begins a login must not get what the browser of another one brings.
#[tokio::test]
async fn the_server_takes_no_answer_from_a_browser() {
    let world = world().await;
    // The attacker begins, and has the victim follow the address.
    let ending = world.begin().await;
    let state = ending["state"].as_str().expect("text");
    // The victim's browser would bring state and code to the server itself.
    let post = world.server.ask("POST", CALLBACK);
    let post = post
        .body(format!("state={state}&code={CODE}&scope=openid&iss=x"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://provider.example");
    let refused = post.send().await.expect(405);
    assert!(!refused.text.contains(state) && !refused.text.contains(CODE));
    // With `query` it would get there, but for the nonce, and that ends the login.
    let brought = format!("{CALLBACK}?state={state}&code={CODE}");
    let refused = world.server.get(&brought).send().await.expect(400);
    assert_eq!(refused.error(), "invalid client_nonce");
    world.server.get(&query(&ending)).send().await.expect(400);

    // Nor is a browser ever sent there.
    let uri = "https://server.example/v1/auth/oidc/oidc/callback";
    let mut role = provider::role();
    role["allowed_redirect_uris"] = uri.into();
    let write = world.server.post("auth/oidc/role/person", role);
    let refused = write
        .token(&world.server.root_token)
        .send()
        .await
        .expect(400);
    assert!(
        refused.error().contains("the callback of a server"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_beginning_and_the_end_count_against_rate_limits() {
    let world = world().await;
    for path in [AUTH_URL, CALLBACK] {
        let quota = json!({ "path": path, "rate": 2, "interval": "3600s" });
        let name = path.rsplit('/').next().expect("a name");
        world
            .server
            .write(&format!("sys/quotas/rate-limit/{name}"), quota)
            .await;
    }
    let role = json!({ "path": "auth/oidc/", "role": "other", "rate": 1, "interval": "3600s" });
    world.server.write("sys/quotas/rate-limit/role", role).await;
    for expected in [200, 200, 429] {
        let begun = world
            .server
            .post(AUTH_URL, provider::beginning())
            .send()
            .await;
        begun.expect(expected);
    }
    for expected in [400, 400, 429] {
        let path = format!("{CALLBACK}?state=x&code=y");
        world.server.get(&path).send().await.expect(expected);
    }
}

#[tokio::test]
async fn a_login_that_was_begun_does_not_outlive_a_seal() {
    let world = world().await;
    let ending = world.begin().await;
    world.server.write("sys/seal", json!({})).await;
    world.server.get(&query(&ending)).send().await.expect(503);
    let beginning = provider::beginning();
    world
        .server
        .post(AUTH_URL, beginning)
        .send()
        .await
        .expect(503);
}

/// Wrapping writes, and whoever begins a login has proved nothing.
#[tokio::test]
async fn a_beginning_is_not_wrapped_and_an_end_is() {
    let world = world().await;
    let before = world.server.list("auth/token/accessors").await.len();
    let wrapped = |ask: crate::harness::Ask| ask.header("x-vault-wrap-ttl", "60");
    let begin = world.server.post(AUTH_URL, provider::beginning());
    let refused = wrapped(begin).send().await.expect(400);
    assert!(refused.error().contains("can't be wrapped"), "{refused:?}");
    let ending = world.begin().await;
    assert_eq!(
        world.server.list("auth/token/accessors").await.len(),
        before
    );

    let end = wrapped(world.server.get(&query(&ending)))
        .send()
        .await
        .expect(200);
    assert!(end.json()["wrap_info"]["token"].is_string(), "{end:?}");
}
