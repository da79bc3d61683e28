//! `services`: the issuers whose documents are public.

use std::time::Duration;

use serde_json::Value;
use vouchsafe_logical::{
    Access, Answer, Attempts, BoxFuture, Call, EntropyExt as _, Error, Method, Operation, Reply,
    Route, input,
};

use super::config::{RETIRE_AFTER_MAX, check_duration};
use super::issuer::{PublicIssuer, check_subdomain};
use super::record::{self, SERVICES, Service};
use super::store::author;
use super::{Publish, answer, shortened};

/// The longest name of a service, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 256;
/// The longest description of a service, in bytes.
pub(super) const DESCRIPTION_BYTES_MAX: usize = 4_096;
/// Digits of a subdomain that nobody chose.
const ASSIGNED_DIGITS: usize = 12;

input! {
    /// Body of a write to `services`.
    pub(super) struct NewInput {
        /// The DNS label of the service; chosen by the server where none is given.
        subdomain: Option<String>,
    }
}

input! {
    /// Body of a write. What is not sent stays.
    pub(super) struct ServiceInput {
        /// What people call the service.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// What its tokens have in `iss`; may have a path. `https://<subdomain>.<base_domain>` where none is given.
        issuer: Option<String>,
        /// How long a key stays published that an upload leaves out. Empty: as the configuration says.
        retire_after: Option<String>,
    }
}

pub(super) const ROUTE: Route<Publish> = Route {
    pattern: "services",
    access: Access::Token,
    methods: &[
        Method::read(read_all),
        Method::list(list),
        Method::update2::<NewInput, ServiceInput>(create),
    ],
    exists: None,
    help: "All services; a write adds one.",
};

pub(super) const BY_SUBDOMAIN: Route<Publish> = Route {
    pattern: "services/{subdomain}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update::<ServiceInput>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "A service: an issuer whose documents are public. A delete takes them away.",
};

fn exists<'a>(publish: &'a Publish, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        let key = record::service(call.captured("subdomain"));
        Ok(publish.view.get(&key).await?.is_some())
    })
}

fn read_all<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let mut services = Vec::new();
        // A service account is shown its own.
        let subdomains = match &call.caller.guest {
            Some(guest) => guest.sees.iter().cloned().collect(),
            None => publish.view.list_all(SERVICES).await?,
        };
        for subdomain in subdomains {
            let key = record::service(&subdomain);
            let service: Option<Service> = publish.view.read(&key).await?;
            services.extend(service.map(|service| Value::Object(answer::service(&service))));
        }
        Ok(Reply::data(answer::data([("services", services.into())])))
    })
}

fn list<'a>(publish: &'a Publish, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let keys = publish.view.list_all(SERVICES).await?;
        if keys.is_empty() {
            return Err(Error::not_found());
        }
        Ok(Reply::data(answer::data([("keys", keys.into())])))
    })
}

fn read<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let service = publish.service(call.captured("subdomain")).await?;
        Ok(Reply::data(answer::service(&service)))
    })
}

fn create<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let wanted = call.input::<NewInput>()?.subdomain;
        let entropy = publish.system.entropy();
        let subdomain = match wanted.filter(|text| !text.is_empty()) {
            Some(subdomain) => subdomain,
            None => format!("s{}", entropy.hex(ASSIGNED_DIGITS)),
        };
        publish.put(&call, &subdomain, Put::New).await
    })
}

fn write<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let put = match call.operation {
            // Who may only create must not change what is there, nor the other way round.
            Operation::Create => Put::New,
            _ => Put::Change,
        };
        publish.put(&call, call.captured("subdomain"), put).await
    })
}

fn delete<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        let view = &publish.view;
        let history = record::history_of(subdomain);
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = view.begin();
            let key = record::service(subdomain);
            let service: Option<Service> = transaction.read(view, &key).await?;
            let Some(service) = service else {
                return Ok(Reply::empty());
            };
            transaction.delete(view, &key);
            if let Ok(issuer) = PublicIssuer::parse(&service.issuer) {
                transaction.delete(view, &record::site(issuer.site()));
            }
            transaction.delete(view, &record::source(subdomain));
            for number in view.list_all(&history).await? {
                transaction.delete(view, &format!("{history}{number}"));
            }
            if attempts.commit(transaction).await?.is_done() {
                break;
            }
        }
        publish.show(subdomain).await;
        Ok(Reply::empty())
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Put {
    New,
    Change,
}

impl Publish {
    async fn put(&self, call: &Call<'_>, subdomain: &str, put: Put) -> Result<Reply, Error> {
        check_subdomain(subdomain)?;
        let input: ServiceInput = call.input()?;
        check_texts(&input)?;
        let retire_after = retire_after(call)?;
        let default_issuer = self.default_issuer(subdomain).await?;
        let view = &self.view;
        let mut attempts = Attempts::default();
        let service = loop {
            let mut transaction = view.begin();
            let key = record::service(subdomain);
            let before: Option<Service> = transaction.read(view, &key).await?;
            let mut service = match (before, put) {
                (Some(_), Put::New) => return Err(taken(subdomain)),
                (Some(service), Put::Change) => service,
                (None, Put::New) => {
                    let issuer = input.issuer.clone().filter(|text| !text.is_empty());
                    let issuer = issuer.or_else(|| default_issuer.clone());
                    self.new_service(call, subdomain, issuer.ok_or_else(no_issuer)?)
                }
                (None, Put::Change) => return Err(Error::not_found()),
            };
            let issuer = match &input.issuer {
                Some(issuer) if !issuer.is_empty() => issuer.clone(),
                Some(_) => default_issuer.clone().ok_or_else(no_issuer)?,
                None => service.issuer.clone(),
            };
            self.occupy(&mut transaction, &mut service, put, &issuer)
                .await?;
            if let Some(name) = &input.name {
                service.name.clone_from(name);
            }
            if let Some(description) = &input.description {
                service.description.clone_from(description);
            }
            if let Some(retire_after) = retire_after {
                service.retire_after = retire_after;
            }
            transaction.put_record(view, &key, &service)?;
            if attempts.commit(transaction).await?.is_done() {
                break service;
            }
        };
        self.show(subdomain).await;
        let reply = Reply::data(answer::service(&service));
        Ok(if service.issuer.contains("/v1/") {
            reply.with_warning(
                "the issuer's path begins like this server's API, so its documents are served by listeners with `purpose = \"publish\"` only",
            )
        } else {
            reply
        })
    }

    async fn default_issuer(&self, subdomain: &str) -> Result<Option<String>, Error> {
        let base_domain = self.config().await?.base_domain;
        Ok((!base_domain.is_empty()).then(|| format!("https://{subdomain}.{base_domain}")))
    }

    fn new_service(&self, call: &Call<'_>, subdomain: &str, issuer: String) -> Service {
        Service {
            subdomain: subdomain.to_owned(),
            name: subdomain.to_owned(),
            description: String::new(),
            issuer,
            retire_after: None,
            created_at: self.now(),
            created_by: author(call.caller),
            last_number: 0,
            published: None,
            source: None,
        }
    }

    /// Gives a service its issuer, whose documents are nobody else's.
    async fn occupy(
        &self,
        transaction: &mut vouchsafe_logical::Transaction,
        service: &mut Service,
        put: Put,
        issuer: &str,
    ) -> Result<(), Error> {
        let view = &self.view;
        if put == Put::Change {
            if *issuer == service.issuer {
                return Ok(());
            }
            if service.published.is_some() {
                return Err(Error::invalid_because(
                    "issuer_in_use",
                    format!(
                        "tokens of this service are verified at `{}`; take what is published away before you give it another issuer",
                        service.issuer
                    ),
                ));
            }
            if let Ok(before) = PublicIssuer::parse(&service.issuer) {
                transaction.delete(view, &record::site(before.site()));
            }
        }
        let parsed = PublicIssuer::parse(issuer)?;
        let key = record::site(parsed.site());
        let owner: Option<String> = transaction.read(view, &key).await?;
        if owner.is_some_and(|owner| owner != service.subdomain) {
            return Err(Error::invalid_because(
                "issuer_taken",
                format!("another service has its documents at the host and path of `{issuer}`"),
            ));
        }
        transaction.put_record(view, &key, &service.subdomain)?;
        issuer.clone_into(&mut service.issuer);
        Ok(())
    }
}

fn taken(subdomain: &str) -> Error {
    Error::invalid_because(
        "subdomain_taken",
        format!("there is a service `{subdomain}` already"),
    )
}

fn no_issuer() -> Error {
    Error::invalid_because(
        "issuer_missing",
        "the service needs an `issuer`, or the configuration a `base_domain`",
    )
}

/// `Some(None)` where the configuration's is to apply.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it was sent"
)]
fn retire_after(call: &Call<'_>) -> Result<Option<Option<Duration>>, Error> {
    if call.field::<Option<String>>("retire_after")?.as_deref() == Some("") {
        return Ok(Some(None));
    }
    let retire_after = call.field::<Option<Duration>>("retire_after")?;
    check_duration("retire_after", retire_after, RETIRE_AFTER_MAX)?;
    Ok(retire_after.map(Some))
}

fn check_texts(input: &ServiceInput) -> Result<(), Error> {
    let texts = [
        ("name", &input.name, NAME_BYTES_MAX),
        ("description", &input.description, DESCRIPTION_BYTES_MAX),
    ];
    for (field, text, max) in texts {
        let Some(text) = text else { continue };
        if text.len() > max {
            return Err(Error::invalid_because(
                "text_too_long",
                format!(
                    "`{field}` has {} bytes; at most {max} are allowed",
                    text.len()
                ),
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::invalid_because(
                "text_invalid",
                format!("`{field}` has control characters: `{}`", shortened(text)),
            ));
        }
    }
    Ok(())
}
