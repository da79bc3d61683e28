//! The client against a server that answers by a list and remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod server;

use std::time::Duration;

use serde_json::json;
use vouchsafe_api::{
    Address, Client, ClientError, Config, Credential, Method, Redirects, Request, Token,
    TransportFault,
};

use server::FakeServer;

fn config(address: &str) -> Config {
    let mut config = Config::new(Address::parse(address).unwrap());
    config.token = Some(Token::new("hvs.test"));
    config.retry_wait = Duration::from_millis(1);
    config
}

fn client(server: &FakeServer) -> Client {
    Client::new(config(&server.address())).unwrap()
}

#[tokio::test]
async fn a_request_carries_token_namespace_and_body() {
    let server = FakeServer::answering(&[(200, r#"{"data":{"a":1}}"#)]);
    let mut config = config(&server.address());
    config.namespace = "team".to_owned();
    let client = Client::new(config).unwrap();
    let request = Request::write("secret/x", json!({"k": "v"}))
        .unwrap()
        .with_wrap_ttl(Some(Duration::from_secs(60)));
    let envelope = client
        .execute(&request)
        .await
        .unwrap()
        .envelope()
        .unwrap()
        .unwrap();
    assert_eq!(envelope.field("a"), Some(&json!(1)));
    let seen = &server.requests()[0];
    assert_eq!(seen.line, "PUT /v1/secret/x");
    assert_eq!(seen.body, r#"{"k":"v"}"#);
    let expected = [
        ("x-vault-token", "hvs.test"),
        ("x-vault-request", "true"),
        ("x-vault-namespace", "team/"),
        ("x-vault-wrap-ttl", "60"),
        ("content-type", "application/json"),
    ];
    for (name, value) in expected {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_patch_says_that_it_is_a_merge_patch() {
    let server = FakeServer::answering(&[(204, "")]);
    let request = Request::new(Method::Patch, "x")
        .unwrap()
        .with_body(json!({"a": null}));
    client(&server).execute(&request).await.unwrap();
    assert_eq!(
        server.requests()[0].header("content-type"),
        Some("application/merge-patch+json")
    );
}

#[tokio::test]
async fn a_login_carries_no_token() {
    let server = FakeServer::answering(&[(204, ""), (204, "")]);
    let client = client(&server);
    let request = Request::read("x").unwrap();
    client
        .send(&request.clone().with_credential(Credential::Anonymous))
        .await
        .unwrap();
    let other = Credential::Other(Token::new("hvs.other"));
    client.send(&request.with_credential(other)).await.unwrap();
    let seen = server.requests();
    assert_eq!(seen[0].header("x-vault-token"), None);
    assert_eq!(seen[1].header("x-vault-token"), Some("hvs.other"));
}

#[tokio::test]
async fn paths_and_parameters_are_encoded() {
    let server = FakeServer::answering(&[(204, "")]);
    let request = Request::read("a b/c?d%2F#e")
        .unwrap()
        .with_query("k", "v w&x");
    client(&server).send(&request).await.unwrap();
    assert_eq!(
        server.requests()[0].line,
        "GET /v1/a%20b/c%3Fd%252F%23e?k=v+w%26x"
    );
}

#[tokio::test]
async fn a_failing_server_is_asked_again_as_often_as_configured() {
    let server = FakeServer::answering(&[(500, ""), (503, ""), (200, "{}")]);
    let request = Request::read("x").unwrap();
    client(&server).execute(&request).await.unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = FakeServer::answering(&[(500, ""), (500, ""), (500, r#"{"errors":["last"]}"#)]);
    let error = client(&server).execute(&request).await.unwrap_err();
    assert_eq!(error.api().unwrap().errors, ["last"]);
    assert_eq!(server.requests().len(), 3);
}

// A token may have been made before the server failed.
#[tokio::test]
async fn a_post_is_not_sent_again() {
    let server = FakeServer::answering(&[(500, r#"{"errors":["once"]}"#), (200, "{}")]);
    let request = Request::new(Method::Post, "auth/token/create").unwrap();
    client(&server).execute(&request).await.unwrap_err();
    assert_eq!(server.requests().len(), 1);
}

// The callback of a login through a provider uses its state up, and is a GET.
#[tokio::test]
async fn a_request_that_takes_effect_is_sent_once_and_shows_no_secret_of_its_query() {
    let server = FakeServer::answering(&[(500, r#"{"errors":["once"]}"#), (200, "{}")]);
    let request = Request::read("x").unwrap().with_query("code", "s3cret");
    let request = request.sent_once().with_secret_query();
    let error = client(&server).execute(&request).await.unwrap_err();
    assert_eq!(error.api().unwrap().errors, ["once"]);
    assert_eq!(server.requests().len(), 1);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_once_with_the_token() {
    let server = FakeServer::start(|address, request| match request {
        "GET /v1/x" => (307, format!("Location: {address}/v1/y\r\n"), String::new()),
        "GET /v1/y" => (200, String::new(), r#"{"data":{"y":1}}"#.to_owned()),
        _ => (307, "Location: /v1/loop\r\n".to_owned(), String::new()),
    });
    let client = client(&server);
    let answer = client.execute(&Request::read("x").unwrap()).await.unwrap();
    assert_eq!(
        answer.envelope().unwrap().unwrap().field("y"),
        Some(&json!(1))
    );
    assert_eq!(
        server.requests()[1].header("x-vault-token"),
        Some("hvs.test")
    );
    let error = client
        .execute(&Request::read("loop").unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Redirect { .. }), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_refused_and_never_reached() {
    let other = FakeServer::answering(&[(200, "{}")]);
    let target = other.address().replace("127.0.0.1", "localhost");
    let server =
        FakeServer::start(move |_, _| (307, format!("Location: {target}/v1/x\r\n"), String::new()));
    let error = client(&server)
        .execute(&Request::read("x").unwrap())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the token would go to another host"),
        "{error}"
    );
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn redirects_can_be_refused() {
    let server = FakeServer::start(|address, _| {
        (307, format!("Location: {address}/v1/y\r\n"), String::new())
    });
    let mut config = config(&server.address());
    config.redirects = Redirects::Refused;
    let error = Client::new(config)
        .unwrap()
        .execute(&Request::read("x").unwrap())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("redirects are disabled"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_limit() {
    let body = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(100));
    let server = FakeServer::answering(&[(200, &body), (200, &body)]);
    let mut config = config(&server.address());
    config.response_bytes_max = body.len();
    let request = Request::read("x").unwrap();
    assert!(
        Client::new(config.clone())
            .unwrap()
            .execute(&request)
            .await
            .is_ok()
    );
    config.response_bytes_max = body.len() - 1;
    let error = Client::new(config)
        .unwrap()
        .execute(&request)
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn nothing_there_is_no_error_but_a_deleted_versions_metadata_is_an_answer() {
    let deleted = r#"{"data":{"data":null,"metadata":{"version":1}}}"#;
    let server = FakeServer::answering(&[(404, r#"{"errors":[]}"#), (404, deleted), (403, "{}")]);
    let client = client(&server);
    let request = Request::read("x").unwrap();
    assert!(client.find(&request).await.unwrap().is_none());
    let found = client.find(&request).await.unwrap().unwrap();
    assert!(
        found
            .envelope()
            .unwrap()
            .unwrap()
            .field("metadata")
            .is_some()
    );
    assert!(
        client
            .find(&request)
            .await
            .unwrap_err()
            .api()
            .unwrap()
            .is_permission_denied()
    );
}

#[tokio::test]
async fn a_refused_connection_and_a_plain_server_are_told_apart() {
    async fn fault(config: Config) -> TransportFault {
        let client = Client::new(config).unwrap();
        match client.send(&Request::read("x").unwrap()).await {
            Err(ClientError::Transport { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    }
    let server = FakeServer::answering(&[(200, "{}")]);
    let https = server.address().replace("http://", "https://");
    assert_eq!(fault(config(&https)).await, TransportFault::PlainHttp);
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    assert_eq!(fault(config(&closed)).await, TransportFault::Refused);
}

#[tokio::test]
async fn a_slow_server_is_a_timeout() {
    let server = FakeServer::start(|_, _| {
        std::thread::sleep(Duration::from_millis(300));
        (200, String::new(), "{}".to_owned())
    });
    let mut config = config(&server.address());
    config.timeout = Duration::from_millis(50);
    let error = Client::new(config)
        .unwrap()
        .send(&Request::read("x").unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Transport {
                fault: TransportFault::Timeout,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn errors_and_debug_output_hold_no_token() {
    let server = FakeServer::answering(&[(400, r#"{"errors":["bad"]}"#)]);
    let client = client(&server);
    let error = client
        .execute(&Request::read("x").unwrap())
        .await
        .unwrap_err();
    for text in [
        format!("{client:?}"),
        format!("{error:?}"),
        error.to_string(),
    ] {
        assert!(!text.contains("hvs.test"), "{text}");
    }
}
