//! What every answer looks like.

use serde_json::json;

use crate::harness::{Answer, TestServer};

#[track_caller]
fn check_headers(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=31536000; includeSubDomains"
    );
}

#[tokio::test]
async fn the_members_and_their_order() {
    let server = TestServer::start().await;
    let token = &server.root_token;
    let answer = server
        .get("sys/policies/acl/root")
        .token(token)
        .send()
        .await
        .expect(200);
    check_headers(&answer);
    let id = answer.json()["request_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(id.len(), 36);
    let expected = format!(
        "{{\"request_id\":\"{id}\",\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":0,\
         \"data\":{{\"name\":\"root\",\"policy\":\"\"}},\"wrap_info\":null,\"warnings\":null,\
         \"auth\":null,\"mount_type\":\"system\"}}\n"
    );
    assert_eq!(answer.text, expected);
}

#[tokio::test]
async fn nothing_to_say_is_204() {
    let server = TestServer::start().await;
    let body = json!({ "policy": "path \"a\" {}" });
    let answer = server
        .post("sys/policies/acl/a", body)
        .token(&server.root_token)
        .send()
        .await;
    let answer = answer.expect(204);
    check_headers(&answer);
    assert_eq!(answer.text, "");
}

#[tokio::test]
async fn warnings_are_said() {
    let server = TestServer::start().await;
    let body = json!({ "policies": ["nowhere"] });
    let answer = server
        .post("auth/token/create", body)
        .token(&server.root_token)
        .send()
        .await;
    let answer = answer.expect(200).json();
    assert_eq!(
        answer["warnings"],
        json!(["Policy \"nowhere\" does not exist"])
    );
    assert_eq!(answer["data"], json!(null));
    assert_eq!(answer["mount_type"], "token");
}

/// Old clients read some answers of `sys/` at the top level.
#[tokio::test]
async fn members_of_data_at_the_top_level() {
    let server = TestServer::start().await;
    let answer = server
        .get("sys/mounts")
        .token(&server.root_token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(answer["sys/"], answer["data"]["sys/"]);
    assert_eq!(answer["sys/"]["type"], "system");
    let answer = server
        .ask("LIST", "sys/policies/acl")
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.json()["keys"], json!(null));
}

#[tokio::test]
async fn refusals_have_a_list_of_errors() {
    let server = TestServer::start().await;
    let denied = server.get("sys/mounts").send().await.expect(403);
    check_headers(&denied);
    assert_eq!(denied.text, "{\"errors\":[\"permission denied\"]}\n");
    let absent = server
        .get("sys/policies/acl/a")
        .token(&server.root_token)
        .send()
        .await
        .expect(404);
    check_headers(&absent);
    assert_eq!(absent.text, "{\"errors\":[]}\n");
    check_headers(&server.ask_outside("GET", "/ui").send().await.expect(404));
    check_headers(&server.ask("PURGE", "sys/health").send().await.expect(405));
    check_headers(&server.get("sys/health").send().await.expect(200));
}

#[tokio::test]
async fn a_wish_for_wrapping_is_kept_or_refused() {
    let server = TestServer::start().await;
    let ask = |ttl: &str| {
        let ask = server
            .post("auth/token/create", json!({}))
            .token(&server.root_token);
        ask.header("x-vault-wrap-ttl", ttl)
    };
    let answer = ask("60").send().await.expect(200).json();
    assert_eq!(answer["request_id"], "");
    assert_eq!(answer["auth"], json!(null));
    assert_eq!(answer["wrap_info"]["ttl"], 60);
    let answer = ask("zz").send().await.expect(400);
    let message = answer.error();
    assert!(
        message.starts_with("error parsing X-Vault-Wrap-TTL header: "),
        "{message}"
    );
    let answer = ask("0").send().await.expect(200).json();
    assert_eq!(answer["wrap_info"], json!(null));
    // Nobody may make the server store what is for everybody.
    let public = server
        .get("sys/internal/ui/mounts")
        .header("x-vault-wrap-ttl", "60");
    public.send().await.expect(400);
}
