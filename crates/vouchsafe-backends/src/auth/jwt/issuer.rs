//! `issuer/<name>`: a further issuer of the mount, with keys and rules of its own.
//!
//! A token is routed here by its exact `iss`, and then only these keys verify it. Two issuers of a
//! mount never have names that differ in case only, since aliases are compared without case.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_identity::subject::Name;
use vouchsafe_logical::publication::PROVIDER_METADATA_PATH;
use vouchsafe_logical::record;
use vouchsafe_logical::{
    Access, Answer, Attempts, BoxFuture, Call, CommaList, Data, Error, Method, Reply, Route,
    Transaction, input,
};

use super::Jwt;
use super::key_config::{KeyConfig, KeyFields, algorithms};
use super::role::OWN_ISSUER;

/// The longest `iss`, in bytes. It is part of alias names, which are bounded as well.
pub(super) const ISSUER_BYTES_MAX: usize = 256;
/// How many further issuers a mount may have.
pub(super) const ISSUERS_MAX: usize = 1_000;

pub(super) const LIST: Route<Jwt> = Route {
    pattern: "issuer",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the further issuers of the mount.",
};

pub(super) const ROUTE: Route<Jwt> = Route {
    pattern: "issuer/{name^}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update2::<KeyFields, IssuerInput>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read, write or delete a further issuer of the mount.",
};

input! {
    /// What a write says beside the keys.
    pub(super) struct IssuerInput {
        /// The name of the issuer's settings.
        name: String,
        /// The exact `iss` of its tokens. With discovery it is what the document says.
        issuer: Option<String>,
        /// Audiences of which each of its tokens must name one, whatever the role.
        audiences: Option<CommaList>,
        /// Added to the issue to stand for an expiry that is absent, in seconds.
        expiration_leeway: Option<i64>,
        /// Taken from the expiry to stand for a start that is absent, in seconds.
        not_before_leeway: Option<i64>,
        /// How far its clock may differ, in seconds.
        clock_skew_leeway: Option<i64>,
    }
}

/// An issuer as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Issuer {
    /// The exact `iss`.
    pub(super) issuer: String,
    pub(super) keys: KeyConfig,
    pub(super) supported_algs: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) expiration_leeway: i64,
    pub(super) not_before_leeway: i64,
    pub(super) clock_skew_leeway: i64,
}

/// The storage key of the settings called `name`.
pub(super) fn key_of(name: &str) -> String {
    format!("issuer/{}", name.to_ascii_lowercase())
}

fn index_key(iss: &Name) -> String {
    format!("issuer-of/{}", iss.key())
}

impl Issuer {
    fn describe(&self) -> Data {
        let mut data = Data::new();
        self.keys.describe(&mut data);
        let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
        put("issuer", self.issuer.clone().into());
        put("audiences", self.audiences.clone().into());
        put("jwt_supported_algs", self.supported_algs.clone().into());
        put("expiration_leeway", self.expiration_leeway.into());
        put("not_before_leeway", self.not_before_leeway.into());
        put("clock_skew_leeway", self.clock_skew_leeway.into());
        data
    }
}

/// Checks an `iss` that shall be trusted. No `#`: it ends the issuer in the names of aliases.
fn parse_issuer(text: &str) -> Result<Name, Error> {
    if text.len() > ISSUER_BYTES_MAX || text.contains('#') {
        return Err(Error::invalid(format!(
            "issuer {text:?}: expected at most {ISSUER_BYTES_MAX} bytes without `#`"
        )));
    }
    Name::parse("issuer", text)
}

impl Jwt {
    /// The further issuer with exactly this `iss`, and the name of its settings.
    pub(super) async fn issuer_of(
        &self,
        iss: &str,
    ) -> Result<Option<(Arc<String>, Arc<Issuer>)>, Error> {
        let Some(iss) = Name::find(iss).filter(|iss| iss.as_str().len() <= ISSUER_BYTES_MAX) else {
            return Ok(None);
        };
        let key = index_key(&iss);
        let Some((_, name)) = self
            .issuer_names
            .load(&self.view, &key, record::decode)
            .await?
        else {
            return Ok(None);
        };
        let key = key_of(&name);
        let loaded = self.issuers.load(&self.view, &key, record::decode).await?;
        Ok(loaded
            .map(|(_, issuer)| issuer)
            // Found without regard to case, but taken only as it was set.
            .filter(|issuer| issuer.issuer == iss.as_str())
            .map(|issuer| (name, issuer)))
    }

    async fn issuer(&self, call: &Call<'_>) -> Result<Option<Issuer>, Error> {
        Ok(self.view.read(&key_of(call.captured("name"))).await?)
    }

    /// Writes an issuer and the index by its `iss`, in one commit.
    async fn put_issuer(
        &self,
        transaction: &mut Transaction,
        name: &str,
        issuer: &Issuer,
    ) -> Result<(), Error> {
        let iss = parse_issuer(&issuer.issuer)?;
        let key = index_key(&iss);
        let owner: Option<String> = transaction.read(&self.view, &key).await?;
        if let Some(owner) = owner.filter(|owner| owner != name) {
            return Err(Error::invalid_because(
                "issuer_taken",
                format!("issuer {:?} belongs to `issuer/{owner}`", issuer.issuer),
            ));
        }
        let before: Option<Issuer> = transaction.read(&self.view, &key_of(name)).await?;
        if let Some(before) = before {
            let before = parse_issuer(&before.issuer)?;
            transaction.delete(&self.view, &index_key(&before));
        }
        transaction.put_record(&self.view, &key, &name)?;
        transaction.put_record(&self.view, &key_of(name), issuer)?;
        Ok(())
    }
}

fn exists<'a>(jwt: &'a Jwt, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move { Ok(jwt.issuer(&call).await?.is_some()) })
}

fn list<'a>(jwt: &'a Jwt, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(jwt.view.list_all("issuer/").await?) })
}

fn read<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let issuer = jwt.issuer(&call).await?.ok_or_else(Error::not_found)?;
        let mut data = issuer.describe();
        let place = key_of(call.captured("name"));
        super::trusted::describe_state(&*jwt.ring.keys(&place, &issuer.keys)?, &mut data);
        Ok(Reply::data(data))
    })
}

fn write<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = call.captured("name").to_ascii_lowercase();
        if name == OWN_ISSUER {
            return Err(Error::invalid_because(
                "issuer_name_reserved",
                format!(
                    "an issuer can't be called {name:?}: in `bound_issuers` that is the mount's own"
                ),
            ));
        }
        let fields: KeyFields = call.input()?;
        let input: IssuerInput = call.input()?;
        let keys = KeyConfig::parse(&fields)?;
        let fetched = keys.open()?;
        let warning = jwt
            .verify_keys(&fetched, &keys, fields.verification())
            .await?;
        let said = input.issuer.clone().unwrap_or_default();
        let discovered = fetched.metadata().map(|metadata| metadata.issuer.clone());
        let issuer = match (said.as_str(), discovered) {
            ("", Some(discovered)) => discovered,
            // Not fetched; the configured URL is what the document would have to say.
            ("", None) if !keys.discovery_url.is_empty() => {
                if keys.discovery_url.ends_with(PROVIDER_METADATA_PATH) {
                    return Err(Error::invalid(
                        "'issuer' must be set where the discovery document is not fetched",
                    ));
                }
                keys.discovery_url.clone()
            }
            ("", None) => {
                return Err(Error::invalid(
                    "'issuer' must be set: the exact `iss` of the issuer's tokens",
                ));
            }
            (said, Some(discovered)) if said != discovered => {
                return Err(Error::invalid_because(
                    "issuer_mismatch",
                    format!("'issuer' is {said:?}, and the discovery document says {discovered:?}"),
                ));
            }
            (said, _) => said.to_owned(),
        };
        let issuer = Issuer {
            issuer,
            keys,
            supported_algs: fields.jwt_supported_algs.clone().unwrap_or_default().0,
            audiences: input.audiences.unwrap_or_default().0,
            expiration_leeway: input.expiration_leeway.unwrap_or(0),
            not_before_leeway: input.not_before_leeway.unwrap_or(0),
            clock_skew_leeway: input.clock_skew_leeway.unwrap_or(0),
        };
        algorithms(&issuer.supported_algs)?;
        let names = jwt.view.list_all("issuer/").await?;
        if names.len() >= ISSUERS_MAX && !names.contains(&name) {
            return Err(Error::invalid(format!(
                "the mount has {ISSUERS_MAX} issuers, which is the limit"
            )));
        }
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = jwt.view.begin();
            jwt.put_issuer(&mut transaction, &name, &issuer).await?;
            if attempts.commit(transaction).await?.is_done() {
                jwt.ring.replace(&key_of(&name), &issuer.keys, fetched);
                return Ok(match warning {
                    Some(warning) => Reply::empty().with_warning(warning),
                    None => Reply::empty(),
                });
            }
        }
    })
}

fn delete<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let key = key_of(call.captured("name"));
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = jwt.view.begin();
            let Some(issuer) = transaction.read::<Issuer>(&jwt.view, &key).await? else {
                return Ok(Reply::empty());
            };
            transaction.delete(&jwt.view, &index_key(&parse_issuer(&issuer.issuer)?));
            transaction.delete(&jwt.view, &key);
            if attempts.commit(transaction).await?.is_done() {
                jwt.ring.remove(&key);
                return Ok(Reply::empty());
            }
        }
    })
}
