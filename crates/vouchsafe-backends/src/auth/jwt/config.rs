//! `config`: the mount's own issuer, and what holds for every role of the mount.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::record;
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, Method, Reply, Route, StoreError, input,
};
use zeroize::ZeroizeOnDrop;

use super::Jwt;
use super::key_config::{KeyConfig, KeyFields, Verification, algorithms};

/// Where the configuration is stored.
pub(super) const KEY: &str = "config";

/// What `provider` in `provider_config` may say.
const PROVIDERS: [&str; 6] = [
    "azure",
    "gsuite",
    "ibmisam",
    "kubernetes",
    "okta",
    "secureauth",
];

pub(super) const ROUTE: Route<Jwt> = Route {
    pattern: "config",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update2::<KeyFields, ConfigInput>(write),
    ],
    exists: None,
    help: "Read or write whose tokens the mount accepts.",
};

input! {
    /// What a write says beside the keys.
    pub(super) struct ConfigInput {
        /// The exact `iss` that tokens must have.
        bound_issuer: Option<String>,
        /// Audiences of which every token must name one, whatever its role.
        token_audiences: Option<CommaList>,
        /// The role of logins that name none.
        default_role: Option<String>,
        /// The client's id at the OpenID provider, for logins of people.
        oidc_client_id: Option<String>,
        /// The client's secret.
        oidc_client_secret: Option<String>,
        /// How the provider sends its answer: `query` or `form_post`.
        oidc_response_mode: Option<String>,
        /// What the provider is asked for: `code` or `id_token`.
        oidc_response_types: Option<CommaList>,
        /// Settings of a provider of its own kind, kept as given.
        provider_config: Option<Data>,
        /// Whether the namespace is part of the state of logins of people.
        namespace_in_state: Option<bool>,
        /// Critical certificate extensions that are passed over; kept as given.
        unsupported_critical_cert_extensions: Option<CommaList>,
    }
}

/// The configuration as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) keys: KeyConfig,
    pub(super) supported_algs: Vec<String>,
    pub(super) bound_issuer: String,
    #[serde(default)]
    pub(super) token_audiences: Vec<String>,
    pub(super) default_role: String,
    pub(super) oidc_client_id: String,
    pub(super) oidc_client_secret: ClientSecret,
    oidc_response_mode: String,
    oidc_response_types: Vec<String>,
    provider_config: Data,
    namespace_in_state: bool,
    #[serde(default)]
    unsupported_critical_cert_extensions: Vec<String>,
}

/// A client's secret: stored, and shown by nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(super) struct ClientSecret(String);

impl ClientSecret {
    /// The secret itself, for the token endpoint.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

impl Config {
    /// Takes a write; what is absent is empty.
    fn parse(fields: &KeyFields, input: ConfigInput, before: Option<&Self>) -> Result<Self, Error> {
        let list = |field: Option<CommaList>| field.unwrap_or_default().0;
        let config = Self {
            keys: KeyConfig::parse(fields)?,
            supported_algs: list(fields.jwt_supported_algs.clone()),
            bound_issuer: input.bound_issuer.unwrap_or_default(),
            token_audiences: list(input.token_audiences),
            default_role: input.default_role.unwrap_or_default().to_ascii_lowercase(),
            oidc_client_id: input.oidc_client_id.unwrap_or_default(),
            oidc_client_secret: ClientSecret(input.oidc_client_secret.unwrap_or_default()),
            oidc_response_mode: input.oidc_response_mode.unwrap_or_default(),
            oidc_response_types: list(input.oidc_response_types),
            provider_config: input.provider_config.unwrap_or_default(),
            namespace_in_state: input
                .namespace_in_state
                .unwrap_or_else(|| before.is_none_or(|before| before.namespace_in_state)),
            unsupported_critical_cert_extensions: list(input.unsupported_critical_cert_extensions),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        if self.oidc_client_id.is_empty() != self.oidc_client_secret.0.is_empty() {
            return Err(Error::invalid(
                "both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC",
            ));
        }
        if self.has_client() && self.keys.discovery_url.is_empty() {
            return Err(Error::invalid("'oidc_discovery_url' must be set for OIDC"));
        }
        if !self.keys.jwks_pairs.is_empty() && !self.bound_issuer.is_empty() {
            return Err(Error::invalid(
                "'bound_issuer' cannot be set with 'jwks_pairs', whose sets are of several issuers",
            ));
        }
        algorithms(&self.supported_algs)?;
        self.check_response()?;
        self.check_provider()
    }

    fn check_response(&self) -> Result<(), Error> {
        let types = &self.oidc_response_types;
        if types
            .iter()
            .any(|kind| kind != "code" && kind != "id_token")
        {
            return Err(Error::invalid(format!(
                "invalid response_types {types:?}. 'code' and 'id_token' are allowed"
            )));
        }
        match self.oidc_response_mode.as_str() {
            "" | "form_post" => Ok(()),
            "query" if !types.iter().any(|kind| kind == "id_token") => Ok(()),
            "query" => Err(Error::invalid(
                "query response_mode may not be used with an id_token response_type",
            )),
            other => Err(Error::invalid(format!("invalid response_mode: {other:?}"))),
        }
    }

    fn check_provider(&self) -> Result<(), Error> {
        if self.provider_config.is_empty() {
            return Ok(());
        }
        let Some(provider) = self.provider_config.get("provider").and_then(Value::as_str) else {
            return Err(Error::invalid(
                "invalid provider_config: 'provider' field not found in provider_config",
            ));
        };
        if !PROVIDERS.contains(&provider) {
            return Err(Error::invalid(format!(
                "invalid provider_config: provider {provider:?} not found in custom providers"
            )));
        }
        Ok(())
    }

    /// Whether people can log in through the provider.
    pub(super) fn has_client(&self) -> bool {
        !self.oidc_client_id.is_empty()
    }

    /// Whether the provider sends its answer in the body of a POST.
    pub(super) fn is_form_post(&self) -> bool {
        self.oidc_response_mode == "form_post"
    }

    fn describe(&self) -> Data {
        let mut data = Data::new();
        self.keys.describe(&mut data);
        let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
        put("bound_issuer", self.bound_issuer.clone().into());
        put("default_role", self.default_role.clone().into());
        put("jwt_supported_algs", self.supported_algs.clone().into());
        put("namespace_in_state", self.namespace_in_state.into());
        put("oidc_client_id", self.oidc_client_id.clone().into());
        put("oidc_response_mode", self.oidc_response_mode.clone().into());
        put(
            "oidc_response_types",
            self.oidc_response_types.clone().into(),
        );
        put("provider_config", Value::Object(self.shown_provider()));
        put("token_audiences", self.token_audiences.clone().into());
        put(
            "unsupported_critical_cert_extensions",
            self.unsupported_critical_cert_extensions.clone().into(),
        );
        data
    }

    /// The provider's settings without those that may hold a secret.
    fn shown_provider(&self) -> Data {
        let is_secret = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["secret", "token", "password", "key", "service_account"]
                .iter()
                .any(|word| name.contains(word))
        };
        let shown = self.provider_config.iter();
        shown
            .filter(|(name, _)| !is_secret(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn warnings(&self, reply: Reply) -> Reply {
        let mut reply = reply;
        if !self.provider_config.is_empty() {
            reply = reply.with_warning(
                "provider_config is kept and has no effect: no provider of its own kind is built in",
            );
        }
        if self
            .oidc_response_types
            .iter()
            .any(|kind| kind == "id_token")
        {
            reply = reply.with_warning(
                "response type `id_token` is kept and has no effect: logins take the code flow, in \
                 which no token passes through the browser",
            );
        }
        if !self.unsupported_critical_cert_extensions.is_empty() {
            reply = reply
                .with_warning("unsupported_critical_cert_extensions is kept and has no effect");
        }
        reply
    }
}

impl Jwt {
    /// The configuration, if there is one.
    pub(super) async fn config(&self) -> Result<Option<Arc<Config>>, StoreError> {
        let loaded = self.configs.load(&self.view, KEY, record::decode).await?;
        Ok(loaded.map(|(_, config)| config))
    }
}

fn read<'a>(jwt: &'a Jwt, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let config = jwt.config().await?.ok_or_else(Error::not_found)?;
        let mut data = config.describe();
        let keys = jwt.ring.keys(KEY, &config.keys)?;
        let loaded = keys.load(jwt.system.fetcher(), jwt.system.clock()).await;
        let status = if loaded.is_ok() { "valid" } else { "invalid" };
        data.insert("status".to_owned(), status.into());
        super::trusted::describe_state(&keys, &mut data);
        let reply = Reply::data(data);
        Ok(match loaded {
            Ok(()) => reply,
            Err(refusal) => {
                reply.with_warning(format!("failed to construct JWK validator: {refusal}"))
            }
        })
    })
}

fn write<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let fields: KeyFields = call.input()?;
        let before = jwt.config().await?;
        let config = Config::parse(&fields, call.input()?, before.as_deref())?;
        let fetched = config.keys.open()?;
        let warning = jwt
            .verify_keys(&fetched, &config.keys, fields.verification())
            .await?;
        let mut transaction = jwt.view.begin();
        transaction.put_record(&jwt.view, KEY, &config)?;
        transaction.commit().await?;
        jwt.ring.replace(KEY, &config.keys, fetched);
        let reply = config.warnings(Reply::empty());
        Ok(match warning {
            Some(warning) => reply.with_warning(warning),
            None => reply,
        })
    })
}

impl Jwt {
    /// Fetches the keys of settings that are about to be stored. Returns what is to be warned of.
    ///
    /// # Errors
    /// They can't be fetched, and that is required.
    pub(super) async fn verify_keys(
        &self,
        keys: &vouchsafe_trust::IssuerKeys,
        settings: &KeyConfig,
        verification: Verification,
    ) -> Result<Option<String>, Error> {
        if verification == Verification::Skipped {
            return Ok(None);
        }
        let Err(refusal) = keys.load(self.system.fetcher(), self.system.clock()).await else {
            return Ok(None);
        };
        let message = if settings.discovery_url.is_empty() {
            format!("error checking jwks URL: {refusal}")
        } else {
            format!("error checking oidc discovery URL: {refusal}")
        };
        match verification {
            Verification::Advisory => Ok(Some(message)),
            _ => Err(Error::invalid_because(
                "keys_unavailable",
                format!("{message}; `verify_discovery=false` stores it all the same"),
            )),
        }
    }
}
