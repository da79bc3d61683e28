//! `login -method=oidc` from its first to its last line, with a browser that is a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::FakeServer;

const BEGIN: &str = "PUT /v1/auth/oidc/oidc/auth_url";
const END: &str = "GET /v1/auth/oidc/oidc/callback";

struct Login {
    server: FakeServer,
    home: TempDir,
}

impl Login {
    fn new() -> Self {
        let server = FakeServer::start();
        let url = "https://idp.example/authorize?client_id=c&state=s1";
        server.serve(BEGIN, 200, &format!(r#"{{"data":{{"auth_url":"{url}"}}}}"#));
        Self {
            server,
            home: TempDir::new().unwrap(),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouchsafe"));
        command
            .args([
                "login",
                "-method=oidc",
                "-field=token",
                "role=dev",
                "port=0",
            ])
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            // Nothing here opens a browser.
            .env("PATH", self.home.path())
            .env("VAULT_ADDR", format!("http://{}", self.server.address()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the command; it waits for the browser when this returns.
    fn start(&self, words: &[&str]) -> (Child, u16, String) {
        let mut child = self.command(words).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.as_mut().unwrap());
        while !said.contains("Waiting for OIDC") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let begun = self.server.requests().pop().unwrap();
        let (_, rest) = begun.split_once("http://localhost:").unwrap();
        let (port, _) = rest.split_once("/oidc/callback").unwrap();
        (child, port.parse().unwrap(), said)
    }
}

/// What the browser is shown.
fn browse(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("localhost", port)).unwrap();
    write!(stream, "{request}").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

fn get(port: u16, query: &str) -> String {
    browse(
        port,
        &format!("GET /oidc/callback?{query} HTTP/1.1\r\nHost: x\r\n\r\n"),
    )
}

fn out(child: Child) -> (Option<i32>, String, String) {
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_login_ends_with_a_token_that_is_kept() {
    let login = Login::new();
    login
        .server
        .serve(END, 200, r#"{"auth":{"client_token":"hvs.person"}}"#);
    let (child, port, said) = login.start(&[]);
    assert!(
        said.contains("https://idp.example/authorize?client_id=c&state=s1\n"),
        "{said}"
    );
    assert!(
        said.contains("Error attempting to automatically open browser"),
        "{said}"
    );
    // Another page of the browser can't end it.
    assert!(get(port, "state=s2&code=evil").starts_with("HTTP/1.1 400"));
    let page = get(
        port,
        "state=s1&code=a%2Bb&iss=https%3A%2F%2Fidp.example&scope=x",
    );
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("You are logged in"),
        "{page}"
    );
    assert!(!page.contains("hvs.person"));
    assert_eq!(
        out(child),
        (Some(0), "hvs.person".to_owned(), String::new())
    );
    let kept = std::fs::read_to_string(login.home.path().join(".vault-token"));
    assert_eq!(kept.unwrap(), "hvs.person");
    let requests = login.server.requests();
    let begun = requests.first().unwrap();
    let (_, nonce) = begun.split_once(r#""client_nonce":""#).unwrap();
    let nonce = nonce.strip_suffix(r#""}"#).unwrap();
    assert_eq!(nonce.len(), 20);
    let end =
        format!("{END}?state=s1&client_nonce={nonce}&code=a%2Bb&iss=https%3A%2F%2Fidp.example");
    assert_eq!(requests[1..], [end]);
}

#[test]
fn an_answer_that_is_posted_is_passed_on_as_any_other() {
    let login = Login::new();
    login
        .server
        .serve(END, 200, r#"{"auth":{"client_token":"hvs.person"}}"#);
    let (child, port, _) = login.start(&["skip_browser=true"]);
    let body = "state=s1&code=c";
    let length = body.len();
    let head =
        format!("POST /oidc/callback HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    browse(port, &(head + body));
    assert_eq!(out(child).1, "hvs.person");
    let requests = login.server.requests();
    let [_, end] = &*requests else {
        panic!("{requests:?}")
    };
    assert!(end.starts_with(END) && end.ends_with("&code=c"), "{end}");
}

#[test]
fn a_refusal_is_told_to_both_and_nothing_of_it_runs() {
    let login = Login::new();
    let refusal = r#"{"errors":["Vault login failed. <b>access_denied</b>"]}"#;
    login.server.serve(END, 400, refusal);
    let (child, port, _) = login.start(&["skip_browser=true"]);
    let page = get(
        port,
        "state=s1&error=access_denied&error_description=%1B%5B2Jno",
    );
    assert!(page.starts_with("HTTP/1.1 400"), "{page}");
    assert!(
        page.contains("<p>Vault login failed. &lt;b&gt;access_denied&lt;/b&gt;</p>"),
        "{page}"
    );
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
    let (code, shown, said) = out(child);
    assert_eq!((code, &*shown), (Some(2), ""));
    assert!(
        said.contains("The provider refused: access_denied: \\u{1b}[2Jno\n"),
        "{said:?}"
    );
    assert!(said.contains("* Vault login failed."), "{said}");
    // The URL of the request has the state and the nonce.
    assert!(
        !said.contains("client_nonce") && !said.contains("s1"),
        "{said}"
    );
}

#[test]
fn a_login_that_can_not_begin_says_why() {
    let login = Login::new();
    for (url, reason) in [
        (
            "",
            "Unable to authorize role \"dev\" with redirect_uri \"http://localhost:",
        ),
        (
            "file:///etc/passwd?state=s",
            "the authorization URL is no web address",
        ),
        (
            "javascript:alert(1)",
            "the authorization URL is no web address",
        ),
        (
            "https://idp.example/",
            "the authorization URL has no `state`",
        ),
    ] {
        let answer = format!(r#"{{"data":{{"auth_url":"{url}"}}}}"#);
        login.server.serve(BEGIN, 200, &answer);
        let (code, _, said) = out(login.command(&[]).spawn().unwrap());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}
