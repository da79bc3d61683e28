//! `services/<subdomain>/config`: what a service publishes.

use serde_json::Value;
use vouchsafe_logical::field::{Field, FromField, Kind};
use vouchsafe_logical::publication::{KEY_SET_PATH, PROVIDER_METADATA_PATH};
use vouchsafe_logical::{Access, Answer, Call, Data, Error, Input, Method, Reply, Route};

use super::config::Config;
use super::issuer::PublicIssuer;
use super::key_set::{self, KeyRules};
use super::metadata::{Issuers, Metadata};
use super::record::{Published, Service};
use super::retirement::{Leaving, follow};
use super::source::Source;
use super::store::author;
use super::{Fault, Publish, answer};

/// The names of the two documents, as oidc.pub's API has them.
const OPENID_CONFIGURATION: &str = "openidConfiguration";
const JWKS: &str = "jwks";

/// Body of a write: both documents at once, so that they change together.
pub(super) struct UploadInput {
    openid_configuration: Option<Data>,
    jwks: Option<Data>,
    force: bool,
}

impl Input for UploadInput {
    const FIELDS: &'static [Field] = &[
        Field {
            name: OPENID_CONFIGURATION,
            kind: Kind::Object,
            required: false,
            help: "The issuer's provider metadata, as it serves it.",
        },
        Field {
            name: JWKS,
            kind: Kind::Object,
            required: false,
            help: "The issuer's key set, as it serves it.",
        },
        Field {
            name: "force",
            kind: Kind::Boolean,
            required: false,
            help: "Whether keys that are left out go at once: for a key that is lost.",
        },
    ];

    fn parse(call: &Call<'_>) -> Result<Self, Error> {
        Ok(Self {
            openid_configuration: document(call, OPENID_CONFIGURATION)?,
            jwks: document(call, JWKS)?,
            force: call.field::<Option<bool>>("force")?.unwrap_or(false),
        })
    }
}

/// A document. Its content is in no message: it may hold what should not have been sent.
fn document(call: &Call<'_>, name: &'static str) -> Result<Option<Data>, Error> {
    match call.request.data.get(name) {
        None | Some(Value::Null) => Ok(None),
        present => Data::from_field(name, present).map(Some),
    }
}

pub(super) const ROUTE: Route<Publish> = Route {
    pattern: "services/{subdomain}/config",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update::<UploadInput>(write),
        Method::delete(delete),
    ],
    exists: None,
    help: "What a service publishes: provider metadata and keys. A delete takes them away, and keeps the service.",
};

fn read<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let service = publish.service(call.captured("subdomain")).await?;
        let issuer = PublicIssuer::parse(&service.issuer)?;
        if matches!(service.source, Some(Source::Own)) {
            return publish.own_documents(&issuer);
        }
        let published = service.published.as_ref().ok_or_else(Error::not_found)?;
        Ok(Reply::data(answer::publication(
            &issuer,
            published,
            publish.now(),
        )))
    })
}

fn write<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: UploadInput = call.input()?;
        let missing = |name| Error::from(Fault::Missing(name));
        let upload = Upload {
            openid_configuration: input
                .openid_configuration
                .ok_or_else(|| missing(OPENID_CONFIGURATION))?,
            jwks: input.jwks.ok_or_else(|| missing(JWKS))?,
            source: None,
            leaving: input.force.then_some(Leaving::Now),
            by: author(call.caller),
        };
        let subdomain = call.captured("subdomain");
        let outcome = publish.publish(subdomain, &upload).await?;
        let mut shown = answer::service(&outcome.service);
        shown.insert("changed".to_owned(), outcome.changed.into());
        let mut reply = Reply::data(shown);
        reply.warnings = outcome.warnings;
        Ok(reply)
    })
}

fn delete<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        let unpublish = |service: &mut Service| {
            service.published = None;
            Ok(())
        };
        match publish.change(subdomain, unpublish).await {
            Ok(_) => Ok(Reply::empty()),
            Err(error) if error.reason() == Error::not_found().reason() => Ok(Reply::empty()),
            Err(error) => Err(error),
        }
    })
}

/// Documents that somebody wants to publish.
pub(super) struct Upload {
    pub(super) openid_configuration: Data,
    pub(super) jwks: Data,
    /// The issuer of the source that they come from.
    pub(super) source: Option<String>,
    /// What becomes of keys that are left out; `None` = as service and configuration say.
    pub(super) leaving: Option<Leaving>,
    pub(super) by: String,
}

/// What came of an upload.
pub(super) struct Outcome {
    pub(super) service: Service,
    /// Whether verifiers see something else than before.
    pub(super) changed: bool,
    pub(super) warnings: Vec<String>,
}

impl Publish {
    /// What is published of this server's own issuer now.
    fn own_documents(&self, issuer: &PublicIssuer) -> Result<Reply, Error> {
        let site = issuer.site().as_str();
        let (host, path) = site.split_at(site.find('/').unwrap_or(site.len()));
        let document = |name: &str| {
            let found = self
                .system
                .publications()
                .find(host, &format!("{path}{name}"))?;
            serde_json::from_slice::<Value>(&found.document.body).ok()
        };
        match (document(PROVIDER_METADATA_PATH), document(KEY_SET_PATH)) {
            (Some(metadata), Some(jwks)) => Ok(Reply::data(answer::data([
                (OPENID_CONFIGURATION, metadata),
                (JWKS, jwks),
            ]))),
            _ => Err(Error::not_found()),
        }
    }

    /// Checks documents and publishes them, both or none.
    ///
    /// # Errors
    /// There is no such service; the rules of what may be published; the store's.
    pub(super) async fn publish(&self, subdomain: &str, upload: &Upload) -> Result<Outcome, Error> {
        let config = self.config().await?;
        check_size(OPENID_CONFIGURATION, &upload.openid_configuration, &config)?;
        check_size(JWKS, &upload.jwks, &config)?;
        let now = self.now();
        let decide = |service: &mut Service| {
            let mut warnings = Vec::new();
            if matches!(service.source, Some(Source::Own)) {
                return Err(Error::invalid_because(
                    "service_has_own_source",
                    "the service publishes this server's own keys; take its source away first",
                ));
            }
            let public = PublicIssuer::parse(&service.issuer)?;
            let issuers = Issuers {
                public: &public,
                source: upload.source.as_deref(),
            };
            let rules = KeyRules {
                keys_max: config.keys_max,
                allowed_key_types: &config.allowed_key_types,
            };
            // Keys before everything: what must not get out is named, whatever else is wrong.
            let keys = key_set::check(&upload.jwks, rules, &mut warnings)?;
            let metadata = Metadata::check(&upload.openid_configuration, issuers, &mut warnings)?;
            let stay = service.retire_after.unwrap_or(config.retire_after);
            let current = service.published.as_ref();
            let keys = follow(
                current.map_or(&[], |published| &published.keys),
                keys,
                upload.leaving.unwrap_or(Leaving::After(stay)),
                config.keys_max,
                now,
                &mut warnings,
            )?;
            let same = current.is_some_and(|published| published.looks_like(&metadata, &keys));
            if !same {
                service.last_number += 1;
                service.published = Some(Published {
                    number: service.last_number,
                    at: now,
                    by: upload.by.clone(),
                    metadata,
                    keys,
                });
            }
            Ok((!same, warnings))
        };
        let (service, (changed, warnings)) = self.change(subdomain, decide).await?;
        Ok(Outcome {
            service,
            changed,
            warnings,
        })
    }
}

fn check_size(what: &'static str, document: &Data, config: &Config) -> Result<(), Error> {
    let found = serde_json::to_vec(document).map_or(usize::MAX, |text| text.len());
    let max = config.document_bytes_max;
    if found > max {
        return Err(Fault::TooLarge { what, found, max }.into());
    }
    Ok(())
}
