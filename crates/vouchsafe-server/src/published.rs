//! Published documents: matched by host and path before anything else, for everybody.
//!
//! What is here touches neither the core nor storage, so that it works while the server is sealed.
//! On a listener for the API, paths below `/v1/` and `/api/` are the API's: nobody who may publish can
//! put another document in the place of one of the server's own. A listener for publishing has no
//! API, and answers 404 to everything that is not published; an issuer without documents and one that
//! does not exist look alike.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use vouchsafe_core::Core;
use vouchsafe_logical::publication::{CacheAge, Found};
use vouchsafe_logical::{Error, Timestamp};

use crate::encode::{self, Answer};
use crate::forwarded::Forwarding;
use crate::stream::AnswerBody;

/// What a listener is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// The whole API, and published documents.
    #[default]
    Api,
    /// Published documents, and nothing else: what faces the internet.
    Publish,
}

/// Where the API lies; published documents are never looked for here while there is one.
const API: [&str; 2] = ["/v1/", "/api/"];

/// The answer to a request for a published document; `None` where the API is to answer.
pub(crate) fn answer<B>(
    core: &Core,
    purpose: Purpose,
    forwarding: &Forwarding,
    peer: SocketAddr,
    request: &Request<B>,
) -> Option<Answer> {
    let is_head = request.method() == Method::HEAD;
    let found = find(core, purpose, forwarding, peer, request);
    let answer = match (found, purpose) {
        (Some(found), _) => document(&found, request, core.now()),
        (None, Purpose::Publish) => encode::refusal(&Error::not_found()),
        (None, Purpose::Api) => return None,
    };
    Some(if is_head {
        encode::without_body(answer)
    } else {
        answer
    })
}

fn find<B>(
    core: &Core,
    purpose: Purpose,
    forwarding: &Forwarding,
    peer: SocketAddr,
    request: &Request<B>,
) -> Option<Found> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let path = request.uri().path();
    if !path.contains("/.well-known/") {
        return None;
    }
    if purpose == Purpose::Api && API.iter().any(|prefix| path.starts_with(prefix)) {
        return None;
    }
    let host = forwarding
        .host(peer, request.headers())
        .or_else(|| host(request))?;
    core.publications().find(host, path)
}

/// The host that a request is for. The target's wins over the header (RFC 9112 §3.2.2), and HTTP/2
/// has no header.
fn host<B>(request: &Request<B>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    let mut values = request.headers().get_all(header::HOST).iter();
    let first = values.next()?.to_str().ok()?;
    // Two hosts are two answers.
    values.next().is_none().then_some(first)
}

fn document<B>(found: &Found, request: &Request<B>, now: Timestamp) -> Answer {
    let etag = &found.document.etag;
    let is_known =
        std::str::from_utf8(etag).is_ok_and(|etag| encode::is_known(request.headers(), etag));
    let body = if is_known {
        Bytes::new()
    } else {
        found.document.body.clone()
    };
    let mut answer = Response::new(AnswerBody::from(body));
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = answer.headers_mut();
    if !is_known {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(etag.clone()) {
        headers.insert(header::ETAG, value);
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(cache_control(&found.age, now)) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    // Verifiers in browsers read these too; there is nothing secret in them.
    let anybody = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    encode::with_transport_security(answer)
}

fn cache_control(age: &CacheAge, now: Timestamp) -> Bytes {
    match age {
        CacheAge::Fixed(value) => value.clone(),
        CacheAge::Until {
            longest_seconds,
            until,
        } => {
            // Rounded up: an age that begins within this second must be over in time too.
            let leaves = u64::try_from(now.as_second()).unwrap_or(0) + 1;
            let left = until.load(Ordering::Acquire).saturating_sub(leaves);
            Bytes::from(format!("public, max-age={}", left.min(*longest_seconds)))
        }
    }
}
