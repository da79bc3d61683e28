//! Each guard of the outbound port, against a server that would be reached without it.
#![expect(
    clippy::unwrap_used,
    reason = "a server of a test that can't serve ends the test"
)]

mod server;

use std::time::Duration;

use server::{Behaviour, Server, answer};
use vouchsafe_fetch::HttpFetcher;
use vouchsafe_logical::fetch::{Addresses, Method, Plaintext};
use vouchsafe_logical::{Fetch, FetchError, FetchRequest, Fetched, Secret};

async fn fetch(request: FetchRequest) -> Result<Fetched, FetchError> {
    HttpFetcher::new().fetch(request).await
}

fn ok() -> Behaviour {
    answer(
        "200 OK",
        "Content-Type: application/JSON; charset=utf-8\r\nCache-Control: max-age=90\r\nAge: 30\r\n",
        "{}",
    )
}

#[tokio::test]
async fn an_answer_comes_with_status_type_age_and_body() {
    let server = Server::plain(ok()).await;
    let fetched = fetch(FetchRequest::get(server.url("http", "127.0.0.1")))
        .await
        .unwrap();
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.media_type, "application/json");
    assert_eq!(fetched.max_age, Some(Duration::from_secs(60)));
    assert_eq!(fetched.body, "{}");

    let server = Server::plain(answer("404 Not Found", "", "no")).await;
    let fetched = fetch(FetchRequest::get(server.url("http", "127.0.0.1")))
        .await
        .unwrap();
    assert_eq!((fetched.status, fetched.max_age), (404, None));
    assert_eq!(fetched.media_type, "");
}

#[tokio::test]
async fn a_document_and_a_bearer_are_sent() {
    let server = Server::plain(ok()).await;
    let mut request = FetchRequest::post_json(server.url("http", "127.0.0.1"), "{\"a\":1}");
    request.bearer = Some(Secret::new("let-me-in".to_owned()));
    fetch(request.clone()).await.unwrap();
    let sent = server.request().to_lowercase();
    assert!(sent.starts_with("post /keys http/1.1\r\n"), "{sent}");
    assert!(
        sent.contains("authorization: bearer let-me-in\r\n"),
        "{sent}"
    );
    assert!(
        sent.contains("content-type: application/json\r\n"),
        "{sent}"
    );

    request.method = Method::PutJson("{}".into());
    fetch(request).await.unwrap();
    assert!(server.request().starts_with("PUT /keys "));
}

#[tokio::test]
async fn a_form_and_the_credentials_of_a_client_are_sent() {
    let server = Server::plain(ok()).await;
    let form = Secret::new("grant_type=authorization_code&code=c0de".to_owned());
    let request = FetchRequest {
        basic: Some(Secret::new("client:s3cret:too".to_owned())),
        ..FetchRequest::post_form(server.url("http", "127.0.0.1"), form)
    };
    let shown = format!("{request:?}");
    assert!(
        !shown.contains("c0de") && !shown.contains("s3cret"),
        "{shown}"
    );
    fetch(request).await.unwrap();
    let sent = server.request();
    assert!(sent.starts_with("POST /keys HTTP/1.1\r\n"), "{sent}");
    assert!(
        sent.ends_with("\r\n\r\ngrant_type=authorization_code&code=c0de"),
        "{sent}"
    );
    let sent = sent.to_lowercase();
    // `client:s3cret:too` in base64, in lower case.
    assert!(
        sent.contains("authorization: basic y2xpzw50onmzy3jlddp0b28=\r\n"),
        "{sent}"
    );
    let media_type = "content-type: application/x-www-form-urlencoded\r\n";
    assert!(sent.contains(media_type), "{sent}");
}

#[tokio::test]
async fn a_redirect_is_returned_and_never_followed() {
    let target = Server::plain(ok()).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let location = format!("Location: {}\r\n", target.url("http", "127.0.0.1"));
        let server = Server::plain(answer(status, &location, "")).await;
        let fetched = fetch(FetchRequest::get(server.url("http", "127.0.0.1")))
            .await
            .unwrap();
        assert_eq!(fetched.status.to_string(), status[..3]);
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn an_internal_target_is_not_connected_to_by_address_or_name() {
    let (server, pem) = Server::tls(&["localhost", "127.0.0.1"], ok()).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "localhost",
    ] {
        let error = fetch(FetchRequest {
            ca_pem: Some(pem.clone()),
            addresses: Addresses::Public,
            ..FetchRequest::get(server.url("https", host))
        })
        .await
        .unwrap_err();
        assert_eq!(error.reason(), "fetch_address_refused", "{host}: {error}");
        assert!(
            error.to_string().contains("refused to connect to"),
            "{error}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_connection_made_under_looser_rules_is_not_used_under_stricter_ones() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let server = Server::plain(Behaviour::Hang(head.as_bytes().to_vec())).await;
    let fetcher = HttpFetcher::new();
    let mut request = FetchRequest {
        plaintext: Plaintext::Allowed,
        ..FetchRequest::get(server.url("http", "localhost"))
    };
    fetcher.fetch(request.clone()).await.unwrap();
    request.addresses = Addresses::Public;
    let error = fetcher.fetch(request).await.unwrap_err();
    assert_eq!(error.reason(), "fetch_address_refused", "{error}");
}

#[tokio::test]
async fn http_reaches_loopback_and_the_name_is_judged_by_where_it_leads() {
    let server = Server::plain(ok()).await;
    fetch(FetchRequest::get(server.url("http", "localhost")))
        .await
        .unwrap();
    let before = server.connections();
    let error = fetch(FetchRequest::get(server.url("http", "0.0.0.0")))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "fetch_plaintext_refused", "{error}");
    assert_eq!(server.connections(), before);
    // The operator's word opens it.
    fetch(FetchRequest {
        plaintext: Plaintext::Allowed,
        ..FetchRequest::get(server.url("http", "0.0.0.0"))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn given_authorities_replace_the_systems() {
    let (server, pem) = Server::tls(&["localhost"], ok()).await;
    let (_, other) = Server::tls(&["localhost"], ok()).await;
    let request = |ca_pem| FetchRequest {
        ca_pem,
        ..FetchRequest::get(server.url("https", "localhost"))
    };
    assert_eq!(fetch(request(Some(pem))).await.unwrap().status, 200);
    for ca_pem in [None, Some(other)] {
        let error = fetch(request(ca_pem)).await.unwrap_err();
        assert_eq!(error.reason(), "fetch_connect_failed", "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("localhost:") && text.contains("certificate"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_certificate_must_be_for_the_name() {
    let (server, pem) = Server::tls(&["issuer.example"], ok()).await;
    let error = fetch(FetchRequest {
        ca_pem: Some(pem),
        ..FetchRequest::get(server.url("https", "localhost"))
    })
    .await
    .unwrap_err();
    assert_eq!(error.reason(), "fetch_connect_failed", "{error}");
}

#[tokio::test]
async fn a_body_is_read_to_the_limit_and_no_further() {
    let server = Server::plain(answer("200 OK", "", "12345678")).await;
    let request = |bytes_max| FetchRequest {
        bytes_max,
        ..FetchRequest::get(server.url("http", "127.0.0.1"))
    };
    assert_eq!(fetch(request(8)).await.unwrap().body, "12345678");
    assert_eq!(
        fetch(request(7)).await.unwrap_err(),
        FetchError::TooLarge(7)
    );
}

#[tokio::test]
async fn a_body_without_a_length_and_end_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    let server = Server::plain(Behaviour::Flood(head)).await;
    let error = fetch(FetchRequest {
        bytes_max: 100_000,
        ..FetchRequest::get(server.url("http", "127.0.0.1"))
    })
    .await
    .unwrap_err();
    assert_eq!(error, FetchError::TooLarge(100_000));
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_keeps_nobody() {
    let limit = Duration::from_millis(200);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    for sent in ["", "HTTP/1.1 200", head, &format!("{head}123")] {
        let server = Server::plain(Behaviour::Hang(sent.as_bytes().to_vec())).await;
        let error = fetch(FetchRequest {
            timeout: limit,
            ..FetchRequest::get(server.url("http", "127.0.0.1"))
        })
        .await
        .unwrap_err();
        assert_eq!(error, FetchError::Timeout(limit), "{sent:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_no_http_is_an_error_that_names_the_host() {
    for sent in [
        "",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    ] {
        let server = Server::plain(Behaviour::Answer(sent.as_bytes().to_vec())).await;
        let error = fetch(FetchRequest::get(server.url("http", "127.0.0.1")))
            .await
            .unwrap_err();
        assert_eq!(error.reason(), "fetch_broken", "{sent:?}: {error}");
        let host = format!("127.0.0.1:{}", server.address.port());
        assert!(error.to_string().starts_with(&host), "{error}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fetch(FetchRequest::get(format!("http://{address}/")))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "fetch_connect_failed");
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("refused"),
        "{text}"
    );
}
