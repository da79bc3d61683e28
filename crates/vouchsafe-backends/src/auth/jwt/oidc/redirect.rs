//! Which redirect URIs a role allows: one of its list, to the byte; on a loopback host with any port
//! (RFC 8252 §7.3), since a command line takes the port that is free.
//!
//! Texts are compared, not parsed URLs: what a parser here would take for the same, the browser's may
//! not.

use percent_encoding::percent_decode_str;
use url::Url;

/// The longest redirect URI, in bytes.
pub(super) const REDIRECT_URI_BYTES_MAX: usize = 2_048;

/// Hosts that are this machine, as they may be written.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a list has a redirect URI.
pub(super) fn is_allowed(uri: &str, allowed: &[String]) -> bool {
    if uri.len() > REDIRECT_URI_BYTES_MAX {
        return false;
    }
    let Some(portless) = without_port(uri) else {
        return allowed.iter().any(|known| known == uri);
    };
    allowed
        .iter()
        .any(|known| without_port(known).is_some_and(|known| known == portless))
}

/// Whether a redirect URI is the callback of a mount of this server, or of another one with this API: by
/// its path, wherever that begins, since nobody knows what names the server has and what is in front.
///
/// A browser that comes there itself brings the answer of whoever logged in, and the server can't tell
/// whether that is who began the login.
pub(in super::super) fn is_callback_of_server(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    // The parser resolves dots, and takes `\\` for `/` where browsers do.
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let [before @ .., mount, "oidc", "callback"] = &*segments else {
        return false;
    };
    let mut before = before.iter();
    !mount.is_empty()
        && before.any(|segment| *segment == "v1")
        && before.any(|segment| *segment == "auth")
}

/// Scheme, host and the rest of a URI on a loopback host; `None` for every other.
fn without_port(uri: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of `[::1]` are its own.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, "0"),
    };
    let is_port = !port.starts_with('+') && port.parse::<u16>().is_ok();
    (is_port && LOOPBACK.contains(&host)).then_some((scheme, host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, allowed: &str, expected: bool) {
        let list = ["https://other.example/".to_owned(), allowed.to_owned()];
        assert_eq!(is_allowed(uri, &list), expected, "{uri} for {allowed}");
    }

    #[test]
    fn a_redirect_uri_is_compared_to_the_byte() {
        let allowed = "https://app.example/oidc/callback";
        check(allowed, allowed, true);
        for other in [
            "https://app.example/oidc/callback/",
            "https://app.example/oidc/callback?x=1",
            "https://app.example/oidc/callback#x",
            "https://app.example:443/oidc/callback",
            "https://app.example:8443/oidc/callback",
            "https://APP.example/oidc/callback",
            "https://app.example/oidc/../oidc/callback",
            "https://app.example/oidc/%63allback",
            "http://app.example/oidc/callback",
            "https://app.example.evil.example/oidc/callback",
            "https://app.example@evil.example/oidc/callback",
            "//app.example/oidc/callback",
            "https://app.example/",
            "",
        ] {
            check(other, allowed, false);
        }
    }

    #[test]
    fn on_a_loopback_host_the_port_does_not_count_and_everything_else_does() {
        let allowed = "http://localhost:8250/oidc/callback";
        for same in [
            "http://localhost:8250/oidc/callback",
            "http://localhost:1/oidc/callback",
            "http://localhost:65535/oidc/callback",
            "http://localhost/oidc/callback",
        ] {
            check(same, allowed, true);
        }
        for other in [
            "https://localhost:8250/oidc/callback",
            "http://127.0.0.1:8250/oidc/callback",
            "http://[::1]:8250/oidc/callback",
            "http://LOCALHOST:8250/oidc/callback",
            "http://localhost:65536/oidc/callback",
            "http://localhost:+80/oidc/callback",
            "http://localhost:-1/oidc/callback",
            "http://localhost:80x/oidc/callback",
            "http://localhost:8250/oidc/callback?next=https://evil.example",
            "http://localhost:8250/elsewhere",
            "http://localhost:8250@evil.example/oidc/callback",
            "http://localhost:8250:1@evil.example/oidc/callback",
            "http://localhost.evil.example/oidc/callback",
            "http://localhost\\@evil.example/oidc/callback",
            "http://me@localhost:8250/oidc/callback",
            "http:localhost:8250/oidc/callback",
        ] {
            check(other, allowed, false);
        }
        check("http://127.0.0.1:9/cb", "http://127.0.0.1:8250/cb", true);
        check("http://[::1]:9/cb", "http://[::1]/cb", true);
        check("http://[::1]/cb", "http://[::1]:9/cb", true);
        check("http://127.0.0.2:9/cb", "http://127.0.0.2:8250/cb", false);
    }

    #[test]
    fn the_callback_of_a_server_is_known_by_its_path() {
        for uri in [
            "https://server.example/v1/auth/oidc/oidc/callback",
            "http://localhost:443/v1/auth/oidc/oidc/callback",
            "https://server.example:8200/v1/auth/a/b/oidc/callback?x=1#y",
            "https://server.example/proxy/v1/auth/oidc/oidc/callback",
            "https://server.example/v1/namespace/auth/oidc/oidc/callback",
            "https://server.example/v1/auth/oidc/oidc/callback/",
            "https://server.example//v1//auth/oidc/oidc/callback",
            "https://server.example/v1/auth/oidc/x/../oidc/callback",
            "https://server.example/v1/auth/oidc/%2e%2E/oidc/oidc/callback",
            "https://server.example/%76%31/auth/oidc/oidc/%63allback",
            "https://server.example/v1/auth%2Foidc%2foidc/callback",
            "https://server.example\\v1\\auth\\oidc\\oidc\\callback",
        ] {
            assert!(is_callback_of_server(uri), "{uri}");
        }
        for uri in [
            "http://localhost:8250/oidc/callback",
            "https://app.example/auth/oidc/callback",
            "https://app.example/v1/auth/oidc/callback",
            "https://app.example/auth/v1/oidc/oidc/callback",
            "https://app.example/V1/auth/oidc/oidc/callback",
            "https://app.example/v1/auth/oidc/oidc/Callback",
            "https://app.example/v1/auth/oidc/oidc/callback/x",
            "https://app.example/?/v1/auth/oidc/oidc/callback",
            "https://app.example/#/v1/auth/oidc/oidc/callback",
            "/v1/auth/oidc/oidc/callback",
            "",
        ] {
            assert!(!is_callback_of_server(uri), "{uri}");
        }
    }

    #[test]
    fn a_redirect_uri_has_its_length_and_not_a_byte_more() {
        let of = |bytes: usize| format!("{:a<bytes$}", "https://app.example/");
        check(
            &of(REDIRECT_URI_BYTES_MAX),
            &of(REDIRECT_URI_BYTES_MAX),
            true,
        );
        let longer = of(REDIRECT_URI_BYTES_MAX + 1);
        check(&longer, &longer, false);
    }
}
