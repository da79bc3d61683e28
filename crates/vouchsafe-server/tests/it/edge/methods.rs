//! Which method and query is which operation.

use serde_json::json;

use crate::harness::TestServer;

#[tokio::test]
async fn a_method_is_an_operation() {
    let server = TestServer::builder().with_probes().start().await;
    let merge_patch = "application/merge-patch+json";
    for (method, query, operation, path) in [
        ("GET", "", "read", "echo/a"),
        ("GET", "?list=true", "list", "echo/a/"),
        ("GET", "?list=1", "list", "echo/a/"),
        ("GET", "?list=T", "list", "echo/a/"),
        ("GET", "?list=false", "read", "echo/a"),
        ("GET", "?list=0", "read", "echo/a"),
        ("GET", "?list=", "read", "echo/a"),
        ("GET", "?help=0", "read", "echo/a"),
        ("LIST", "", "list", "echo/a/"),
        ("LIST", "?list=false", "list", "echo/a/"),
        ("POST", "", "update", "echo/a"),
        ("POST", "?list=true", "update", "echo/a"),
        ("PUT", "", "update", "echo/a"),
        ("PATCH", "", "patch", "echo/a"),
        ("DELETE", "", "delete", "echo/a"),
    ] {
        let ask = server
            .ask(method, &format!("probe/echo/a{query}"))
            .token(&server.root_token);
        let answer = ask
            .header("content-type", merge_patch)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(answer["data"]["operation"], operation, "{method} {query}");
        assert_eq!(answer["data"]["path"], path, "{method} {query}");
    }
    let answer = server
        .get("probe/echo/a?list=maybe")
        .token(&server.root_token)
        .send()
        .await;
    assert_eq!(
        answer.expect(400).error(),
        "query parameter `list` is \"maybe\"; expected `true` or `false`"
    );
}

#[tokio::test]
async fn a_listing_has_one_slash_at_its_end() {
    let server = TestServer::builder().with_probes().start().await;
    for path in ["probe/echo/a", "probe/echo/a/"] {
        let answer = server
            .ask("LIST", path)
            .token(&server.root_token)
            .send()
            .await
            .expect(200);
        assert_eq!(answer.json()["data"]["path"], "echo/a/");
    }
}

#[tokio::test]
async fn head_is_a_read_without_a_body() {
    let server = TestServer::start().await;
    let read = server.get("sys/seal-status").send().await.expect(200);
    let head = server
        .ask("HEAD", "sys/seal-status")
        .send()
        .await
        .expect(200);
    assert_eq!(head.text, "");
    assert_eq!(head.header("content-length"), read.text.len().to_string());
    server.ask("HEAD", "sys/mounts").send().await.expect(403);
}

#[tokio::test]
async fn unknown_methods_and_wrong_operations_are_405() {
    let server = TestServer::start().await;
    for method in ["OPTIONS", "TRACE", "PURGE", "get", "list"] {
        let answer = server
            .ask(method, "sys/mounts")
            .token(&server.root_token)
            .send()
            .await;
        assert_eq!(answer.expect(405).text, "{\"errors\":[]}\n", "{method}");
    }
    let answer = server
        .ask("DELETE", "sys/mounts")
        .token(&server.root_token)
        .send()
        .await;
    assert_eq!(
        answer.expect(405).error(),
        "1 error occurred:\n\t* unsupported operation\n\n"
    );
    let answer = server.ask("POST", "sys/health").send().await.expect(405);
    assert_eq!(
        answer.error(),
        "1 error occurred:\n\t* unsupported operation\n\n"
    );
}

#[tokio::test]
async fn a_write_to_a_folder_is_refused() {
    let server = TestServer::builder().with_probes().start().await;
    for method in ["POST", "PUT"] {
        let answer = server
            .ask(method, "probe/thing/a/")
            .token(&server.root_token)
            .send()
            .await;
        assert_eq!(
            answer.expect(400).error(),
            "cannot write to a path ending in '/'"
        );
    }
}

#[tokio::test]
async fn a_patch_says_what_it_is() {
    let server = TestServer::builder().with_probes().start().await;
    let patch = |media_type: Option<&str>| {
        let ask = server
            .ask("PATCH", "probe/echo/a")
            .token(&server.root_token)
            .json(json!({}));
        match media_type {
            Some(media_type) => ask.header("content-type", media_type),
            None => ask,
        }
    };
    patch(Some("application/merge-patch+json"))
        .send()
        .await
        .expect(200);
    patch(Some("application/merge-patch+json; charset=utf-8"))
        .send()
        .await
        .expect(200);
    let answer = patch(None).send().await.expect(400);
    assert_eq!(answer.error(), "mime: no media type");
    let answer = patch(Some("application/json")).send().await.expect(415);
    assert_eq!(
        answer.error(),
        "PATCH takes `application/merge-patch+json`, not \"application/json\""
    );
}

#[tokio::test]
async fn help_is_for_everyone_with_a_token() {
    let server = TestServer::builder().with_probes().start().await;
    let token = server.token_with(&["nothing"]).await;
    let help = server
        .get("probe/echo/a?help=1")
        .token(&token)
        .send()
        .await
        .expect(200)
        .json();
    let text = help["data"]["help"]
        .as_str()
        .or(help["help"].as_str())
        .expect("a help text");
    assert!(text.contains("Show operation, path and data"), "{help}");
    server.get("probe/echo/a?help=1").send().await.expect(403);
    server
        .get("probe/nothing?help=1")
        .token(&token)
        .send()
        .await
        .expect(404);
}
