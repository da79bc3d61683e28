//! What of a private issuer's metadata is published.
//!
//! A verifier needs the issuer's name, where its keys are, and what its tokens look like. Everything
//! else (endpoints above all) describes the private network and stays there: only the members that are
//! named here get out. `issuer` and `jwks_uri` are the public ones.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vouchsafe_jose::Algorithm;
use vouchsafe_logical::{Data, Error};

use super::issuer::PublicIssuer;
use super::{Fault, shortened};

/// The most entries of a list in the metadata.
pub(super) const LIST_ENTRIES_MAX: usize = 256;

/// What is kept of an issuer's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metadata {
    response_types: Vec<String>,
    subject_types: Vec<String>,
    /// Empty where the issuer does not say: then it follows from the keys.
    signing_algorithms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
}

/// The issuers that an upload may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issuers<'a> {
    /// The public one.
    pub(super) public: &'a PublicIssuer,
    /// The one of the source, where the service pulls from one.
    pub(super) source: Option<&'a str>,
}

impl Metadata {
    /// Checks provider metadata, and takes what is published of it. Adds to `warnings` what its
    /// owner should know.
    ///
    /// # Errors
    /// No issuer, another issuer, a member that is no list of strings.
    pub(super) fn check(
        document: &Data,
        issuers: Issuers<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        check_issuer(document, issuers, warnings)?;
        let or = |list: Vec<String>, usual: &str| {
            if list.is_empty() {
                vec![usual.to_owned()]
            } else {
                list
            }
        };
        Ok(Self {
            response_types: or(strings(document, "response_types_supported")?, "id_token"),
            subject_types: or(strings(document, "subject_types_supported")?, "public"),
            signing_algorithms: signing_algorithms(document, warnings)?,
            claims: strings(document, "claims_supported")?,
            scopes: strings(document, "scopes_supported")?,
        })
    }

    /// What can be said of an issuer whose keys alone are known.
    pub(super) fn of_keys() -> Self {
        Self {
            response_types: vec!["id_token".to_owned()],
            subject_types: vec!["public".to_owned()],
            ..Self::default()
        }
    }

    /// The document, for a key set that needs these algorithms.
    pub(super) fn document(&self, issuer: &PublicIssuer, of_keys: &[Algorithm]) -> Value {
        let mut algorithms = self.signing_algorithms.clone();
        for algorithm in of_keys {
            if !algorithms.iter().any(|known| known == algorithm.as_str()) {
                algorithms.push(algorithm.as_str().to_owned());
            }
        }
        let mut document = json!({
            "issuer": issuer.as_str(),
            "jwks_uri": issuer.jwks_uri(),
            "response_types_supported": self.response_types,
            "subject_types_supported": self.subject_types,
            "id_token_signing_alg_values_supported": algorithms,
        });
        for (name, list) in [
            ("claims_supported", &self.claims),
            ("scopes_supported", &self.scopes),
        ] {
            if !list.is_empty() {
                document[name] = json!(list);
            }
        }
        document
    }

    /// Whether the issuer says itself how it signs.
    pub(super) fn names_algorithms(&self) -> bool {
        !self.signing_algorithms.is_empty()
    }
}

fn check_issuer(
    document: &Data,
    issuers: Issuers<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let found = match document.get("issuer") {
        Some(Value::String(found)) if !found.is_empty() => found,
        Some(_) => return Err(Fault::MemberType("issuer", "a text that is not empty").into()),
        None => return Err(Fault::Missing("issuer").into()),
    };
    if found == issuers.public.as_str() {
        return Ok(());
    }
    // A source is known by its address, whether its owner wrote a slash at the end or not.
    let plain = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    if issuers
        .source
        .is_some_and(|source| plain(source) == plain(found))
    {
        warnings.push(format!(
            "the source calls itself `{}`: verifiers refuse its tokens until it is told that it is the issuer `{}`",
            shortened(found),
            issuers.public
        ));
        return Ok(());
    }
    Err(Fault::OtherIssuer {
        found: shortened(found),
        public: issuers.public.to_string(),
        source: issuers.source.map(str::to_owned),
    }
    .into())
}

/// The algorithms by which tokens are signed; none that verifies without a public key.
fn signing_algorithms(document: &Data, warnings: &mut Vec<String>) -> Result<Vec<String>, Error> {
    const MEMBER: &str = "id_token_signing_alg_values_supported";
    let (kept, dropped): (Vec<String>, Vec<String>) = strings(document, MEMBER)?
        .into_iter()
        .partition(|name| name != "none" && !name.starts_with("HS"));
    if !dropped.is_empty() {
        warnings.push(format!(
            "`{MEMBER}` is published without `{}`, which no public key verifies",
            dropped.join("`, `")
        ));
    }
    Ok(kept)
}

fn strings(document: &Data, member: &'static str) -> Result<Vec<String>, Error> {
    const EXPECTED: &str = "a list of texts of at most 256 bytes";
    let wrong = || Error::from(Fault::MemberType(member, EXPECTED));
    let list = match document.get(member) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong()),
    };
    if list.len() > LIST_ENTRIES_MAX {
        return Err(Fault::TooMany {
            what: member,
            found: list.len(),
            max: LIST_ENTRIES_MAX,
        }
        .into());
    }
    let mut strings: Vec<String> = Vec::with_capacity(list.len());
    for value in list {
        let text = value.as_str().filter(|text| text.len() <= 256);
        let text = text.ok_or_else(wrong)?;
        if !strings.iter().any(|known| known == text) {
            strings.push(text.to_owned());
        }
    }
    Ok(strings)
}
