//! Where an issuer's keys come from, as `config` and `issuer/<name>` say it, and as it is stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_jose::{Algorithm, AlgorithmSet};
use vouchsafe_logical::fetch::{Addresses, Plaintext};
use vouchsafe_logical::{CommaList, Data, Error, FetchRequest, input};
use vouchsafe_trust::{
    ENDPOINTS_MAX, Endpoint, FetchRules, IssuerKeys, KeyRules, KeySource, parse_pem_keys,
};

/// The longest URL, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// The longest text with certificate authorities or keys, in bytes.
const PEM_BYTES_MAX: usize = 64 * 1024;

input! {
    /// What a write says about an issuer's keys.
    pub(super) struct KeyFields {
        /// The issuer, or the address of its discovery document.
        oidc_discovery_url: Option<String>,
        /// Certificate authorities in PEM for `oidc_discovery_url` and the keys that it leads to.
        oidc_discovery_ca_pem: Option<String>,
        /// The address of a JWK Set.
        jwks_url: Option<String>,
        /// Certificate authorities in PEM for `jwks_url`.
        jwks_ca_pem: Option<String>,
        /// Several addresses of JWK Sets, each an object of `jwks_url` and `jwks_ca_pem`.
        jwks_pairs: Option<Value>,
        /// Public keys or certificates in PEM. Each is tried.
        jwt_validation_pubkeys: Option<CommaList>,
        /// Algorithms that tokens may be signed with; every asymmetric one where none is given.
        jwt_supported_algs: Option<CommaList>,
        /// Whether `http` will do to fetch keys from other machines. Off unless switched on.
        allow_http: Option<bool>,
        /// Whether keys are fetched from addresses of the public internet only, and never from
        /// private, link-local or loopback ones. Off unless switched on.
        fetch_public_only: Option<bool>,
        /// The shortest time for which fetched keys are fresh, whatever the issuer says.
        keys_age_min: Option<Duration>,
        /// The longest time for which fetched keys are fresh, whatever the issuer says.
        keys_age_max: Option<Duration>,
        /// How long keys are used beyond that while the issuer can't be reached.
        keys_stale_max: Option<Duration>,
        /// After an unknown key id or a bad signature caused a fetch, how long no other one does.
        keys_cool_down: Option<Duration>,
        /// Whether the keys are fetched now, and the write is refused where that fails. On unless
        /// switched off.
        verify_discovery: Option<bool>,
        /// The opposite of `verify_discovery`, under OpenBao's name.
        skip_jwks_validation: Option<bool>,
    }
}

/// One address of a JWK Set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JwksPair {
    pub(super) jwks_url: String,
    #[serde(default)]
    pub(super) jwks_ca_pem: String,
}

/// Where keys come from, as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeyConfig {
    pub(super) discovery_url: String,
    pub(super) discovery_ca_pem: String,
    pub(super) jwks_url: String,
    pub(super) jwks_ca_pem: String,
    pub(super) jwks_pairs: Vec<JwksPair>,
    pub(super) pubkeys: Vec<String>,
    allow_http: bool,
    public_only: bool,
    age_min: Option<Duration>,
    age_max: Option<Duration>,
    stale_max: Option<Duration>,
    cool_down: Option<Duration>,
}

/// Whether a write fetches the keys to see that they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verification {
    /// What can't be fetched is refused.
    Required,
    /// What can't be fetched is a warning.
    Advisory,
    /// Nothing is fetched.
    Skipped,
}

impl KeyFields {
    pub(super) fn verification(&self) -> Verification {
        match (self.verify_discovery, self.skip_jwks_validation) {
            (Some(false), _) => Verification::Skipped,
            (_, Some(true)) => Verification::Advisory,
            _ => Verification::Required,
        }
    }
}

impl KeyConfig {
    /// Takes a write's fields; what is absent is empty.
    ///
    /// # Errors
    /// Not exactly one source, or values that are none.
    pub(super) fn parse(fields: &KeyFields) -> Result<Self, Error> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default().trim().to_owned();
        let config = Self {
            discovery_url: text(&fields.oidc_discovery_url),
            discovery_ca_pem: text(&fields.oidc_discovery_ca_pem),
            jwks_url: text(&fields.jwks_url),
            jwks_ca_pem: text(&fields.jwks_ca_pem),
            jwks_pairs: pairs(fields.jwks_pairs.as_ref())?,
            pubkeys: fields
                .jwt_validation_pubkeys
                .as_ref()
                .map(|keys| keys.0.clone())
                .unwrap_or_default(),
            allow_http: fields.allow_http.unwrap_or(false),
            public_only: fields.fetch_public_only.unwrap_or(false),
            age_min: fields.keys_age_min,
            age_max: fields.keys_age_max,
            stale_max: fields.keys_stale_max,
            cool_down: fields.keys_cool_down,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        let sources = [
            !self.pubkeys.is_empty(),
            !self.jwks_url.is_empty(),
            !self.jwks_pairs.is_empty(),
            !self.discovery_url.is_empty(),
        ];
        if sources.into_iter().filter(|given| *given).count() != 1 {
            return Err(Error::invalid(
                "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs' or \
                 'oidc_discovery_url' must be set",
            ));
        }
        let has_ca = !self.jwks_ca_pem.is_empty() || !self.discovery_ca_pem.is_empty();
        if has_ca && !self.jwks_pairs.is_empty() {
            return Err(Error::invalid(
                "with 'jwks_pairs', each pair has its own 'jwks_ca_pem'",
            ));
        }
        if self.jwks_pairs.len() > ENDPOINTS_MAX {
            return Err(Error::invalid(format!(
                "'jwks_pairs' has {} pairs; at most {ENDPOINTS_MAX}",
                self.jwks_pairs.len()
            )));
        }
        let pairs = self.jwks_pairs.iter();
        let urls = pairs.clone().map(|pair| &pair.jwks_url);
        let pems = pairs.map(|pair| &pair.jwks_ca_pem);
        for url in urls.chain([&self.discovery_url, &self.jwks_url]) {
            at_most("a URL", url, URL_BYTES_MAX)?;
        }
        for pem in pems
            .chain([&self.discovery_ca_pem, &self.jwks_ca_pem])
            .chain(&self.pubkeys)
        {
            at_most("a PEM text", pem, PEM_BYTES_MAX)?;
        }
        let bounds = self.rules();
        if bounds.age_min > bounds.age_max {
            return Err(Error::invalid(
                "'keys_age_min' cannot be greater than 'keys_age_max'",
            ));
        }
        self.source().map(|_| ())
    }

    fn rules(&self) -> KeyRules {
        let default = KeyRules::default();
        KeyRules {
            age_min: self.age_min.unwrap_or(default.age_min),
            age_max: self.age_max.unwrap_or(default.age_max),
            stale_max: self.stale_max.unwrap_or(default.stale_max),
            cool_down: self.cool_down.unwrap_or(default.cool_down),
        }
    }

    fn source(&self) -> Result<KeySource, Error> {
        let endpoint = |url: &str, pem: &str| Endpoint {
            url: url.to_owned(),
            ca_pem: (!pem.is_empty()).then(|| pem.to_owned()),
        };
        Ok(if !self.discovery_url.is_empty() {
            KeySource::Discovery(endpoint(&self.discovery_url, &self.discovery_ca_pem))
        } else if !self.jwks_url.is_empty() {
            KeySource::Jwks(vec![endpoint(&self.jwks_url, &self.jwks_ca_pem)])
        } else if !self.jwks_pairs.is_empty() {
            let pairs = self.jwks_pairs.iter();
            KeySource::Jwks(
                pairs
                    .map(|pair| endpoint(&pair.jwks_url, &pair.jwks_ca_pem))
                    .collect(),
            )
        } else {
            KeySource::Fixed(
                parse_pem_keys(&self.pubkeys).map_err(|error| {
                    Error::invalid(format!("error parsing public key: {error}"))
                })?,
            )
        })
    }

    /// Keys from this source that nobody has fetched yet.
    ///
    /// # Errors
    /// A stored key can't be read any more.
    pub(super) fn open(&self) -> Result<IssuerKeys, Error> {
        let fetch = FetchRules {
            plaintext: self.plaintext(),
            addresses: self.addresses(),
            ..FetchRules::default()
        };
        Ok(IssuerKeys::with_rules(self.source()?, fetch, self.rules()))
    }

    /// A request to an address that the issuer's discovery document names, under the guards of the
    /// request for the document itself; `http` to this machine only where that is here as well.
    pub(super) fn guarded(&self, request: FetchRequest) -> FetchRequest {
        let ca_pem = &self.discovery_ca_pem;
        FetchRequest {
            ca_pem: (!ca_pem.is_empty()).then(|| ca_pem.clone()),
            plaintext: self.named_plaintext(),
            addresses: self.addresses(),
            ..request
        }
    }

    /// Whether `http` will do for what the discovery document names.
    pub(super) fn named_plaintext(&self) -> Plaintext {
        self.plaintext().for_named_by(&self.discovery_url)
    }

    /// Whether `http` will do to reach other machines.
    const fn plaintext(&self) -> Plaintext {
        match self.allow_http {
            true => Plaintext::Allowed,
            false => Plaintext::Loopback,
        }
    }

    const fn addresses(&self) -> Addresses {
        match self.public_only {
            true => Addresses::Public,
            false => Addresses::Any,
        }
    }

    /// Adds the settings to an answer.
    pub(super) fn describe(&self, data: &mut Data) {
        let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
        put("oidc_discovery_url", self.discovery_url.clone().into());
        put(
            "oidc_discovery_ca_pem",
            self.discovery_ca_pem.clone().into(),
        );
        put("jwks_url", self.jwks_url.clone().into());
        put("jwks_ca_pem", self.jwks_ca_pem.clone().into());
        let pairs = self.jwks_pairs.iter().map(
            |pair| serde_json::json!({"jwks_url": pair.jwks_url, "jwks_ca_pem": pair.jwks_ca_pem}),
        );
        put("jwks_pairs", pairs.collect());
        put("jwt_validation_pubkeys", self.pubkeys.clone().into());
        put("allow_http", self.allow_http.into());
        put("fetch_public_only", self.public_only.into());
        let rules = self.rules();
        put("keys_age_min", rules.age_min.as_secs().into());
        put("keys_age_max", rules.age_max.as_secs().into());
        put("keys_stale_max", rules.stale_max.as_secs().into());
        put("keys_cool_down", rules.cool_down.as_secs().into());
    }
}

fn at_most(what: &str, text: &str, bytes_max: usize) -> Result<(), Error> {
    if text.len() > bytes_max {
        return Err(Error::invalid(format!(
            "{what} has {} bytes; at most {bytes_max}",
            text.len()
        )));
    }
    Ok(())
}

fn pairs(value: Option<&Value>) -> Result<Vec<JwksPair>, Error> {
    let fault = || {
        Error::invalid("'jwks_pairs' is not a list of objects with 'jwks_url' and 'jwks_ca_pem'")
    };
    let parsed: Vec<JwksPair> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        // What a command line sends.
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| fault())?,
        Some(value) => serde_json::from_value(value.clone()).map_err(|_| fault())?,
    };
    if parsed.iter().any(|pair| pair.jwks_url.is_empty()) {
        return Err(fault());
    }
    Ok(parsed)
}

/// Parses a list of algorithms; every one where none is named.
pub(super) fn algorithms(names: &[String]) -> Result<AlgorithmSet, Error> {
    if names.is_empty() {
        return Ok(AlgorithmSet::ALL);
    }
    names
        .iter()
        .map(|name| Algorithm::parse(name))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::invalid(format!("invalid jwt_supported_algs: {error}")))
}
