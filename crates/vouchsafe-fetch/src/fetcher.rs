//! One request, from its rules to its bytes or to an error that names the host and the fault.

use std::error::Error as StdError;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode};
use vouchsafe_logical::fetch::Method;
use vouchsafe_logical::{BoxFuture, Fetch, FetchError, FetchRequest, Fetched, Secret};

use crate::address::{AddressRefused, Reach};
use crate::cache_control;
use crate::client::{Clients, Rules, Trust};
use crate::target::{Target, plaintext_refused};

/// Makes requests over the network.
#[derive(Default)]
pub struct HttpFetcher {
    clients: Clients,
}

impl HttpFetcher {
    /// A fetcher without connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    async fn exchange(&self, request: FetchRequest, target: Target) -> Result<Fetched, FetchError> {
        let Target { url, host, reach } = target;
        let trust = match (url.scheme(), request.ca_pem) {
            ("http", _) => Trust::Plaintext,
            (_, None) => Trust::System,
            (_, Some(pem)) => Trust::Only(pem),
        };
        let client = self.clients.under(&Rules { trust, reach })?;
        let mut sent = match request.method {
            Method::Get => client.get(url),
            Method::PostJson(body) => with_json(client.post(url), body),
            Method::PutJson(body) => with_json(client.put(url), body),
            Method::PostForm(form) => with_form(client.post(url), &form),
        };
        if let Some(bearer) = request.bearer {
            sent = sent.bearer_auth(bearer.expose());
        } else if let Some(basic) = request.basic {
            let (user, password) = basic
                .expose()
                .split_once(':')
                .unwrap_or((basic.expose(), ""));
            sent = sent.basic_auth(user, Some(password));
        }
        let answer = sent
            .send()
            .await
            .map_err(|error| explain(&host, reach, &error))?;
        receive(answer, &host, request.bytes_max).await
    }
}

impl Fetch for HttpFetcher {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(async move {
            let target = Target::of(&request)?;
            let limit = request.timeout;
            // One limit around everything: a server that sends a byte now and then keeps nobody.
            match tokio::time::timeout(limit, self.exchange(request, target)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(FetchError::Timeout(limit)),
            }
        })
    }
}

fn with_json(sent: reqwest::RequestBuilder, body: bytes::Bytes) -> reqwest::RequestBuilder {
    sent.header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body)
}

fn with_form(sent: reqwest::RequestBuilder, form: &Secret<String>) -> reqwest::RequestBuilder {
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    sent.header(CONTENT_TYPE, media_type)
        // Some token endpoints answer in a form of their own unless they are asked for JSON.
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .body(form.expose().clone())
}

/// Reads the body, and no more of it than allowed, whatever its declared length.
async fn receive(
    mut answer: Response,
    host: &str,
    bytes_max: usize,
) -> Result<Fetched, FetchError> {
    let status = answer.status();
    let media_type = media_type(&answer);
    let max_age = cache_control::max_age(answer.headers());
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| FetchError::Broken(format!("{host}: {}", root_cause(&error))))?
    {
        if body.len() + chunk.len() > bytes_max {
            return Err(FetchError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched {
        status: StatusCode::as_u16(&status),
        media_type,
        max_age,
        body: body.into(),
    })
}

fn media_type(answer: &Response) -> String {
    answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

/// Says what went wrong before the answer began.
fn explain(host: &str, reach: Reach, error: &reqwest::Error) -> FetchError {
    if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<AddressRefused>()) {
        return match reach {
            Reach::Loopback => plaintext_refused(host),
            Reach::Any | Reach::Public => FetchError::Address(refused.to_string()),
        };
    }
    let text = format!("{host}: {}", root_cause(error));
    if error.is_connect() {
        FetchError::Connect(text)
    } else if error.is_builder() {
        FetchError::Url(text)
    } else {
        FetchError::Broken(text)
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The innermost cause in words; the outer ones repeat the URL.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
