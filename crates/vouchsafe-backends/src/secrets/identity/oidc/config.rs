//! `oidc/config`: the issuer.

use vouchsafe_identity::issuer::parse_issuer;
use vouchsafe_logical::{Access, Call, Data, Error, Method, Reply, Route, input};

use super::Oidc;
use super::records::{self, Config};
use crate::secrets::identity::Identity;

input! {
    /// Body of `oidc/config`.
    struct ConfigInput {
        /// Scheme, host and optional port of the issuer, such as `https://vault.example.com:8200`. Empty for the server's own address.
        issuer: Option<String>,
    }
}

pub(in crate::secrets::identity) const ROUTE: Route<Identity> = Route {
    pattern: "oidc/config",
    access: Access::Token,
    methods: &[
        Method::read(|identity, _| Box::pin(identity.oidc.read_config())),
        Method::update::<ConfigInput>(|identity, call| {
            Box::pin(async move { identity.oidc.write_config(&call).await })
        }),
    ],
    exists: None,
    help: "The issuer that tokens name and verifiers fetch keys from.",
};

/// Why an explicit issuer deserves a thought. Vault's text, which scripts compare.
const WARNING_EXPLICIT: &str = "If \"issuer\" is set explicitly, all tokens must be validated \
    against that address, including those issued by secondary clusters. Setting issuer to \"\" will \
    restore the default behavior of using the cluster's api_addr as the issuer.";
const WARNING_UNREACHABLE: &str = "Both \"issuer\" and Vault's \"api_addr\" are empty. The issuer \
    claim in generated tokens will not be network reachable.";

impl Oidc {
    pub(super) async fn config(&self) -> Result<Config, Error> {
        Ok(self.view.read(records::CONFIG).await?.unwrap_or_default())
    }

    async fn read_config(&self) -> Result<Reply, Error> {
        let config = self.config().await?;
        let unreachable = config.issuer.is_empty() && self.system.api_address().is_empty();
        let reply = Reply::data(Data::from_iter([(
            "issuer".to_owned(),
            config.issuer.into(),
        )]));
        Ok(if unreachable {
            reply.with_warning(WARNING_UNREACHABLE)
        } else {
            reply
        })
    }

    async fn write_config(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let Some(issuer) = call.input::<ConfigInput>()?.issuer else {
            return Ok(Reply::empty());
        };
        if !issuer.is_empty() {
            parse_issuer(&issuer)
                .map_err(|error| Error::invalid_because("issuer_invalid", error.to_string()))?;
        }
        let is_explicit = !issuer.is_empty();
        let mut transaction = self.view.begin();
        transaction.put_record(&self.view, records::CONFIG, &Config { issuer })?;
        transaction.commit().await?;
        self.documents.forget_discovery();
        self.offer_after_write().await;
        let reply = Reply::empty();
        Ok(if is_explicit {
            reply.with_warning(WARNING_EXPLICIT)
        } else {
            reply
        })
    }
}
