//! From an outcome to an HTTP answer: Vault's envelope, errors, or a document of its own.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::Body;
use serde::Serialize;
use serde_json::{Value, json};
use vouchsafe_core::Outcome;
use vouchsafe_core::quota::Counted;
use vouchsafe_logical::{Auth, Data, Error, Raw, Reply, Streamed, WrapInfo};

use crate::error::status_of;
use crate::inline_login;
use crate::limit::Limits;
use crate::stream::AnswerBody;

/// The answer type of the edge.
pub(crate) type Answer = Response<AnswerBody>;

/// Vault's envelope, in its order of members.
#[derive(Serialize)]
struct Envelope<'a> {
    request_id: &'a str,
    lease_id: &'static str,
    renewable: bool,
    lease_duration: u64,
    data: Option<&'a Data>,
    wrap_info: Option<&'a WrapInfo>,
    warnings: Option<&'a [String]>,
    auth: Option<&'a Auth>,
    mount_type: &'a str,
}

/// The answer to a request.
pub(crate) fn outcome(
    request_id: &str,
    headers: &HeaderMap,
    outcome: Outcome,
    limits: &Limits,
) -> Answer {
    let mut answer = match outcome.result {
        Ok(Reply {
            response: vouchsafe_logical::Response::Stream(streamed),
            ..
        }) => stream(streamed, limits),
        Ok(reply) => success(request_id, headers, &outcome.mount_type, reply),
        Err(error) => refusal(&error),
    };
    if outcome.login_failed {
        let failed = HeaderValue::from_static("true");
        answer.headers_mut().insert(inline_login::FAILED, failed);
    }
    if let Some(counted) = outcome.counted {
        tell_limit(answer.headers_mut(), counted);
    }
    answer
}

/// What is left of a rate limit, as Vault's servers tell it. A refused client always learns when to
/// come back.
fn tell_limit(headers: &mut HeaderMap, counted: Counted) {
    let taken = counted.taken;
    if counted.shows_headers {
        headers.insert("x-ratelimit-limit", HeaderValue::from(taken.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(taken.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(taken.reset_seconds));
    }
    if !taken.allowed {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(taken.retry_seconds));
    }
}

/// A document that is sent while it is being made.
fn stream(streamed: Streamed, limits: &Limits) -> Answer {
    let body = AnswerBody::stream(streamed.source, limits.idle_timeout);
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(streamed.content_type),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    with_transport_security(answer)
}

/// The answer to a request that failed or was refused.
pub(crate) fn refusal(error: &Error) -> Answer {
    let errors: Vec<&str> = error
        .messages()
        .iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    let body = match error.data() {
        Some(data) => json!({ "errors": errors, "data": data }),
        None => json!({ "errors": errors }),
    };
    json_answer(status_of(error.kind()), body.to_string())
}

fn success(request_id: &str, headers: &HeaderMap, mount_type: &str, reply: Reply) -> Answer {
    use vouchsafe_logical::Response as Logical;
    let (data, auth) = match &reply.response {
        Logical::Raw(raw) => return document(headers, raw),
        Logical::Empty if reply.says_nothing() => return no_content(),
        Logical::Empty | Logical::Accepted => (None, None),
        Logical::Data(data) => (Some(data), None),
        Logical::Auth(auth) => (None, Some(&**auth)),
        Logical::Login(_) | Logical::Stream(_) => {
            return refusal(&Error::internal(
                "an answer reached the edge that has no envelope",
            ));
        }
    };
    let envelope = Envelope {
        // The id belongs to the answer that was wrapped, as in Vault.
        request_id: if reply.wrap_info.is_some() {
            ""
        } else {
            request_id
        },
        lease_id: "",
        renewable: false,
        lease_duration: reply.lease_duration.as_secs(),
        data,
        wrap_info: reply.wrap_info.as_ref(),
        warnings: (!reply.warnings.is_empty()).then_some(&reply.warnings[..]),
        auth,
        mount_type,
    };
    let status = match reply.response {
        _ if reply.not_found => StatusCode::NOT_FOUND,
        Logical::Accepted => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    let body = if reply.data_at_top_level {
        flattened(&envelope)
    } else {
        serde_json::to_string(&envelope).map_err(|_| Error::internal("an answer can't be encoded"))
    };
    match body {
        Ok(body) => json_answer(status, body),
        Err(error) => refusal(&error),
    }
}

/// The members of `data` beside the envelope's, where they don't hide one of them.
fn flattened(envelope: &Envelope<'_>) -> Result<String, Error> {
    let encoded = serde_json::to_value(envelope);
    let Ok(Value::Object(mut members)) = encoded else {
        return Err(Error::internal("an answer can't be encoded"));
    };
    for (name, value) in envelope.data.into_iter().flatten() {
        members.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Ok(Value::Object(members).to_string())
}

pub(crate) fn document(request: &HeaderMap, raw: &Raw) -> Answer {
    let known = raw
        .etag
        .as_deref()
        .is_some_and(|etag| is_known(request, etag));
    let mut answer = Response::new(AnswerBody::from(if known {
        Bytes::new()
    } else {
        raw.body.clone()
    }));
    *answer.status_mut() = if known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::from_u16(raw.status).unwrap_or(StatusCode::OK)
    };
    let headers = answer.headers_mut();
    if !known {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(raw.content_type),
        );
    }
    if raw.content_type.starts_with("text/html") {
        confine(headers);
    }
    let cache_control = raw.cache_control.as_deref().unwrap_or("no-store");
    if let Ok(value) = HeaderValue::from_str(cache_control) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    if let Some(Ok(etag)) = raw.etag.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::ETAG, etag);
    }
    with_transport_security(answer)
}

/// A page of ours is text: nothing in it runs, loads, is sent, or is shown inside another page.
fn confine(headers: &mut HeaderMap) {
    const NOTHING: &str =
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, NOTHING),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether the client has this very document already (RFC 9110 §13.1.2, weak comparison).
pub(crate) fn is_known(request: &HeaderMap, etag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|list| {
            list.split(',').map(str::trim).any(|candidate| {
                candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag
            })
        })
}

/// The answer to a HEAD: the length is told, the body is not sent. Hyper does this for HTTP/1 only.
pub(crate) fn without_body(mut answer: Answer) -> Answer {
    let length = answer.body().size_hint().exact().unwrap_or(0);
    *answer.body_mut() = Bytes::new().into();
    if length > 0 {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

pub(crate) fn no_content() -> Answer {
    let mut answer = json_answer(StatusCode::NO_CONTENT, String::new());
    *answer.body_mut() = Bytes::new().into();
    answer
}

pub(crate) fn json_answer(status: StatusCode, mut body: String) -> Answer {
    body.push('\n');
    let mut answer = Response::new(AnswerBody::from(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    with_transport_security(answer)
}

pub(crate) fn with_transport_security(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    );
    answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sent(reply: Reply) -> (StatusCode, Value) {
        let outcome = Outcome::without_caller(Ok(reply), "kv");
        let answer = super::outcome("id", &HeaderMap::new(), outcome, &Limits::default());
        let (parts, body) = answer.into_parts();
        let body = bytes_of(body);
        let envelope = serde_json::from_slice(&body).unwrap_or(Value::Null);
        (parts.status, envelope)
    }

    fn bytes_of(body: AnswerBody) -> Bytes {
        use http_body_util::BodyExt;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(body.collect()).unwrap().to_bytes()
    }

    fn one_member() -> Data {
        Data::from_iter([("k".to_owned(), Value::from("v"))])
    }

    #[test]
    fn what_is_gone_is_a_404_with_an_envelope() {
        let (status, envelope) = sent(Reply::data(one_member()).as_not_found());
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(envelope["data"], json!({"k": "v"}));
        assert_eq!(envelope["warnings"], Value::Null);

        let (status, envelope) = sent(Reply::empty().with_warning("w").as_not_found());
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(envelope["data"], Value::Null);
        assert_eq!(envelope["warnings"], json!(["w"]));

        let (status, envelope) = sent(Reply::empty().as_not_found());
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(envelope["request_id"], "id");
    }

    #[test]
    fn a_lease_duration_is_shown_in_whole_seconds() {
        let duration = Duration::from_millis(90_900);
        let (status, envelope) = sent(Reply::data(one_member()).with_lease_duration(duration));
        assert_eq!(status, StatusCode::OK);
        assert_eq!(envelope["lease_duration"], 90);
        let (_, envelope) = sent(Reply::data(one_member()));
        assert_eq!(envelope["lease_duration"], 0);
    }
}
