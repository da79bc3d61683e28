//! A private issuer's two documents, read from where the issuer can be reached.
//!
//! Whoever reads them says where the issuer is and how it is reached: the engine for its sources
//! (`pull.rs`), `vouchsafe sync` for its own. What is done with the documents is theirs, too.
//!
//! The discovery document says where the keys are, but says it for verifiers outside: after the issuer
//! was told its public name, `jwks_uri` may point to the publisher itself, and a cluster's names an
//! address that its pods may not reach. Then the same path at the issuer's own address is asked.
//!
//! The token goes to the issuer's own address and nowhere else, whatever a document says. No fault
//! shows it, or a body that was answered.

use std::fmt;

use serde_json::Value;
use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_logical::publication::{PROVIDER_METADATA_PATH, Site};
use vouchsafe_logical::{Data, Fetch, FetchRequest, Fetched, Secret};

use super::shortened;

/// Where an issuer is, and how it is reached.
pub struct PrivateIssuer<'a> {
    /// Its address, without a slash at its end and without `/.well-known/...`.
    pub url: &'a str,
    /// Sent to that address.
    pub bearer: Option<&'a Secret<String>>,
    /// Certificate authorities in PEM that alone are trusted.
    pub ca_pem: Option<&'a str>,
    /// Whether it may be asked without TLS.
    pub plaintext: Plaintext,
    /// The name it is published under, whose host is never asked; where nobody knows it, the name that
    /// the issuer says.
    pub public: Option<&'a str>,
    /// The way to it.
    pub fetch: &'a dyn Fetch,
}

/// What an issuer says of itself.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The discovery document.
    pub openid_configuration: Data,
    /// The key set.
    pub jwks: Data,
    /// Where the key set was found.
    pub jwks_address: String,
}

/// Why there are no documents, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// Somebody does not answer, or not with success.
    Source(String),
    /// What was answered is no such document.
    Documents(String),
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Source(fault) | Self::Documents(fault)) = self;
        f.write_str(fault)
    }
}

impl PrivateIssuer<'_> {
    /// Reads both documents.
    ///
    /// # Errors
    /// They can't be fetched; they are no JSON objects, or lack `issuer` or `jwks_uri`.
    pub async fn read(&self) -> Result<Documents, ReadFault> {
        let address = format!("{}{PROVIDER_METADATA_PATH}", self.url);
        let answer = self.get(&address, self.bearer, self.plaintext).await;
        let openid_configuration = object(&address, &answer.map_err(ReadFault::Source)?)?;
        let text = |name: &str| {
            let text = openid_configuration.get(name).and_then(Value::as_str);
            text.ok_or_else(|| ReadFault::Documents(format!("{address} has no `{name}`")))
        };
        let (issuer, jwks_uri) = (text("issuer")?, text("jwks_uri")?);
        let (jwks_address, answer) = self.keys(jwks_uri, self.public.unwrap_or(issuer)).await?;
        Ok(Documents {
            jwks: object(&jwks_address, &answer)?,
            openid_configuration,
            jwks_address,
        })
    }

    /// The key set, and where it was.
    async fn keys(&self, jwks_uri: &str, public: &str) -> Result<(String, Fetched), ReadFault> {
        let (stated, path) = split(jwks_uri);
        if stated.is_empty() && !path.starts_with('/') {
            let fault = format!("`jwks_uri` is `{}`, no URL", shortened(jwks_uri));
            return Err(ReadFault::Documents(fault));
        }
        let (own, _) = split(self.url);
        let at_own = format!("{own}{path}");
        // The public issuer's host serves what was published before: asking it would go round in a
        // circle, and no new key would ever get out.
        let is_own = stated.is_empty() || stated.eq_ignore_ascii_case(own);
        let before = if is_own || site(jwks_uri) == site(public) {
            String::new()
        } else {
            let plaintext = self.plaintext.for_named_by(self.url);
            match self.get(jwks_uri, None, plaintext).await {
                Ok(answer) => return Ok((jwks_uri.to_owned(), answer)),
                Err(fault) => format!("; before that, {fault}"),
            }
        };
        match self.get(&at_own, self.bearer, self.plaintext).await {
            Ok(answer) => Ok((at_own, answer)),
            Err(fault) => Err(ReadFault::Source(format!("{fault}{before}"))),
        }
    }

    async fn get(
        &self,
        url: &str,
        bearer: Option<&Secret<String>>,
        plaintext: Plaintext,
    ) -> Result<Fetched, String> {
        let request = FetchRequest {
            bearer: bearer.cloned(),
            ca_pem: self.ca_pem.map(str::to_owned),
            plaintext,
            ..FetchRequest::get(url)
        };
        match self.fetch.fetch(request).await {
            Ok(answer) if answer.status == 200 => Ok(answer),
            Ok(answer) if matches!(answer.status, 300..=399) => Err(format!(
                "{url} answers {}: redirects are not followed; name the final address",
                answer.status
            )),
            Ok(answer) => Err(format!("{url} answers {}", answer.status)),
            Err(error) => Err(format!("{url}: {error}")),
        }
    }
}

fn object(address: &str, answer: &Fetched) -> Result<Data, ReadFault> {
    serde_json::from_slice(&answer.body)
        .map_err(|_| ReadFault::Documents(format!("{address} is no JSON object")))
}

/// A URL before and from its path: `https://a:1` and `/b?c`. What has no scheme is all path.
fn split(url: &str) -> (&str, &str) {
    let Some(start) = url.find("://").map(|at| at + 3) else {
        return ("", url);
    };
    let end = url[start..].find(['/', '?', '#']);
    url.split_at(end.map_or(url.len(), |at| start + at))
}

/// The host of a URL. Its port does not count: a proxy in front may have another.
fn site(url: &str) -> Site {
    let (origin, _) = split(url);
    Site::new(origin.split_once("://").map_or("", |(_, host)| host), "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vouchsafe_testing::FakeFetcher;

    use super::*;

    #[tokio::test]
    async fn an_issuer_elsewhere_names_no_keys_on_this_machine() {
        for (url, expected) in [
            ("https://issuer.example", Plaintext::Refused),
            ("http://127.0.0.1:1", Plaintext::Loopback),
        ] {
            let (fetch, keys) = (FakeFetcher::default(), "http://127.0.0.1:9/keys");
            let document = json!({"issuer": url, "jwks_uri": keys});
            fetch.serve(&format!("{url}{PROVIDER_METADATA_PATH}"), document);
            fetch.serve(keys, json!({"keys": []}));
            let issuer = PrivateIssuer {
                url,
                bearer: None,
                ca_pem: None,
                plaintext: Plaintext::Loopback,
                public: Some("https://public.example"),
                fetch: &fetch,
            };
            issuer.read().await.unwrap();
            let requests = fetch.requests();
            assert_eq!(requests[0].plaintext, Plaintext::Loopback);
            assert_eq!(requests[1].plaintext, expected, "{url}");
        }
    }

    #[test]
    fn urls_are_taken_apart_at_their_path() {
        for (url, expected) in [
            ("https://a:1/b/c?d", ("https://a:1", "/b/c?d")),
            ("https://a", ("https://a", "")),
            ("https://a?b", ("https://a", "?b")),
            ("http://[::1]:1/", ("http://[::1]:1", "/")),
            ("/b/c", ("", "/b/c")),
            ("b", ("", "b")),
        ] {
            assert_eq!(split(url), expected);
        }
        assert_eq!(site("https://A.example:1/b"), site("https://a.example/c"));
        assert_ne!(site("https://a.example"), site("https://b.example"));
    }
}
