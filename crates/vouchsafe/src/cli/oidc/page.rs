//! What the browser shows at the end: text, in which nothing runs and nothing leads anywhere.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::Full;

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    status: StatusCode,
    title: &'static str,
    text: String,
}

impl Page {
    pub(super) fn logged_in() -> Self {
        Self {
            status: StatusCode::OK,
            title: "You are logged in",
            text: "You may close this window and go back to the command line.".to_owned(),
        }
    }

    /// The login failed, for this reason.
    pub(super) fn failed(reason: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "The login failed",
            text: reason.to_owned(),
        }
    }

    /// What came in is not what is waited for, which goes on.
    pub(super) fn unexpected(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            title: "This is no answer to a login",
            text: text.to_owned(),
        }
    }

    /// The page with its headers. The connection ends with it, and the command after that.
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        const NOTHING: &str =
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        let (title, text) = (self.title, escaped(&self.text));
        let body = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
             <h1>{title}</h1>\n<p>{text}</p>\n"
        );
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status;
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, NOTHING),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONNECTION, "close"),
        ] {
            let value = http::HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Text in which nothing is taken for HTML, inside an element or an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_is_taken_for_html() {
        let text = escaped("a<script>alert(\"1\" & '2')</script>");
        let safe = "a&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;";
        assert_eq!(text, safe);
        assert_eq!(escaped("&lt;"), "&amp;lt;");
    }

    #[test]
    fn a_page_can_do_nothing() {
        let response = Page::failed("x").response();
        assert_eq!(response.status(), 400);
        let policy = &response.headers()[header::CONTENT_SECURITY_POLICY];
        assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
        assert_eq!(
            response.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff"
        );
    }
}
