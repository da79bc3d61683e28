//! HTTP requests as a test writes them, and answers as it reads them.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A client without proxies and certificates: tests speak plain HTTP to the loopback address.
pub(super) fn plain() -> reqwest::Client {
    builder().build().expect("a client")
}

/// The same over HTTP/2 with prior knowledge.
pub(super) fn http2() -> reqwest::Client {
    builder().http2_prior_knowledge().build().expect("a client")
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
}

/// One request.
#[must_use]
pub(crate) struct Ask(reqwest::RequestBuilder);

impl Ask {
    pub(super) fn new(client: &reqwest::Client, method: &str, url: String) -> Self {
        let method = method.parse().expect("a method");
        Self(client.request(method, url))
    }

    /// With `X-Vault-Token`.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("x-vault-token", token)
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: Value) -> Self {
        Self(self.0.body(body.to_string()))
    }

    /// With any body.
    pub(crate) fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Sends it, and reads the whole answer to what must have this status, which need not be text.
    pub(crate) async fn bytes(self, status: u16) -> Vec<u8> {
        let response = self.0.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status);
        response.bytes().await.expect("a whole answer").to_vec()
    }

    /// Sends it and reads the whole answer, which is text.
    pub(crate) async fn send(self) -> Answer {
        self.send_and_read(|bytes| String::from_utf8(bytes).expect("UTF-8"))
            .await
    }

    /// Sends it and reads the whole answer; what is no text in it is lost.
    pub(crate) async fn send_for_any(self) -> Answer {
        self.send_and_read(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .await
    }

    async fn send_and_read(self, text_of: impl FnOnce(Vec<u8>) -> String) -> Answer {
        let response = self.0.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a whole answer");
        let text = text_of(bytes.to_vec());
        Answer {
            status,
            headers,
            text,
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The one message of a refusal.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        match body["errors"].as_array().map(Vec::as_slice) {
            Some([Value::String(message)]) => message.clone(),
            _ => panic!("not one error: {self:?}"),
        }
    }

    /// The status must be this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// A header's value; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}
