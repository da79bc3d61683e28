//! A path has one reading: what policies are asked about is what is routed, or the answer is 400.

use serde_json::json;
use vouchsafe_logical::Entropy;
use vouchsafe_testing::SeededEntropy;

use crate::harness::{TestServer, status_of};

struct Paths {
    server: TestServer,
}

impl Paths {
    async fn start() -> Self {
        Self {
            server: TestServer::builder().with_probes().start().await,
        }
    }

    /// The whole answer to a request whose target goes over the wire as it is written here.
    async fn answer(&self, target: &[u8], token: &str) -> String {
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target);
        let head =
            format!(" HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {token}\r\nConnection: close\r\n\r\n");
        request.extend_from_slice(head.as_bytes());
        self.server.exchange(&request).await
    }

    #[track_caller]
    fn check<'a>(
        &'a self,
        target: &'a [u8],
        status: u16,
        contains: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.answer(target, &self.server.root_token).await;
            assert_eq!(status_of(&answer), status, "{caller}: {answer}");
            assert!(answer.contains(contains), "{caller}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_path_has_one_reading() {
    let paths = Paths::start().await;
    paths
        .check(b"/v1/probe/echo/a", 200, r#""path":"echo/a""#)
        .await;
    paths
        .check(b"/v1/probe/echo/a%2fb", 200, r#""path":"echo/a/b""#)
        .await;
    paths
        .check(b"/v1/probe/echo/a%20b+c", 200, r#""path":"echo/a b+c""#)
        .await;
    paths
        .check(b"/v1/probe/echo/%252e%252e", 200, r#""path":"echo/%2e%2e""#)
        .await;
    paths
        .check(b"/v1/probe/echo/a;b=c", 200, r#""path":"echo/a;b=c""#)
        .await;
    paths
        .check(b"/v1/%70robe/ech%6f/a", 200, r#""path":"echo/a""#)
        .await;
    paths
        .check(
            b"http://elsewhere/v1/probe/echo/a",
            200,
            r#""path":"echo/a""#,
        )
        .await;
}

#[tokio::test]
async fn paths_with_two_readings_are_refused() {
    let paths = Paths::start().await;
    let relative = "relative paths not supported";
    paths.check(b"/v1/probe/../sys/mounts", 400, relative).await;
    paths
        .check(b"/v1/probe/%2e%2e/sys/mounts", 400, relative)
        .await;
    paths
        .check(b"/v1/probe/..%2fsys/mounts", 400, relative)
        .await;
    paths.check(b"/v1/probe/.%2E", 400, relative).await;
    paths.check(b"/v1/./sys/mounts", 400, relative).await;
    let empty = "empty segment";
    paths.check(b"/v1//sys/mounts", 400, empty).await;
    paths.check(b"/v1/sys//mounts", 400, empty).await;
    paths.check(b"/v1/sys/%2fmounts", 400, empty).await;
    paths.check(b"/v1/sys/mounts//", 400, empty).await;
    let unprintable = "not printable";
    paths.check(b"/v1/probe/echo/a%00b", 400, unprintable).await;
    paths.check(b"/v1/probe/echo/a%0ab", 400, unprintable).await;
    paths
        .check("/v1/probe/echo/a%e2%80%ae".as_bytes(), 400, unprintable)
        .await;
    let encoding = "invalid percent-encoding";
    paths.check(b"/v1/probe/echo/%ff", 400, encoding).await;
    paths.check(b"/v1/probe/echo/%c0%ae", 400, encoding).await;
    paths.check(b"/v1/probe/echo/%zz", 400, encoding).await;
    paths.check(b"/v1/probe/echo/%2", 400, encoding).await;
    paths.check(b"/v1/probe/echo/%", 400, encoding).await;
    paths.check(b"/v1/probe/echo/\xff", 400, "").await;
    paths.check(b"/v1/probe/echo/a b", 400, "").await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let paths = Paths::start().await;
    let nothing = "{\"errors\":[]}\n";
    paths.check(b"/", 404, nothing).await;
    paths.check(b"/v1", 404, nothing).await;
    paths.check(b"/v2/sys/health", 404, nothing).await;
    paths.check(b"/V1/sys/health", 404, nothing).await;
    paths.check(b"/v1/", 404, "no handler for route").await;
    paths
        .check(
            b"/v1/SYS/mounts",
            404,
            r#"no handler for route \"SYS/mounts\""#,
        )
        .await;
    paths.check(b"/v1/sys", 404, "route entry not found.").await;
    paths
        .check(
            b"/v1/sys/nothing",
            404,
            r"1 error occurred:\n\t* unsupported path\n\n",
        )
        .await;
}

/// Whatever the spelling: a token that may read one path reads that path or nothing.
#[tokio::test]
async fn no_spelling_escapes_the_policy() {
    const PIECES: [&str; 16] = [
        "allowed",
        "%61llowed",
        "allowe%64",
        "ALLOWED",
        "/",
        "//",
        "%2f",
        "..",
        "%2e%2e",
        ".",
        "%00",
        ";",
        "%25",
        "",
        "",
        "",
    ];
    let paths = Paths::start().await;
    let policy = r#"path "probe/echo/allowed" { capabilities = ["read"] }"#;
    paths
        .server
        .write("sys/policies/acl/one", json!({ "policy": policy }))
        .await;
    let token = paths.server.token_with(&["one"]).await;
    let dice = SeededEntropy::new(20_260_101);
    let mut served = 0;
    for _ in 0..1_000 {
        let mut choices = [0; 3];
        dice.fill(&mut choices);
        let mut target = String::from("/v1/probe/echo/");
        for choice in choices {
            target += PIECES[usize::from(choice) % PIECES.len()];
        }
        let answer = paths.answer(target.as_bytes(), &token).await;
        match status_of(&answer) {
            200 => {
                assert!(
                    answer.contains(r#""path":"echo/allowed""#),
                    "{target}: {answer}"
                );
                served += 1;
            }
            400 | 403 => {}
            other => panic!("{target}: {other}"),
        }
    }
    assert!(served > 0, "no spelling was right, so nothing was tried");
}
