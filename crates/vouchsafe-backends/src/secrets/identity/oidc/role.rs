//! `oidc/role/{name}`: what tokens of one kind contain, and which key signs them.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_identity::issuer::{KeyPair, NamedKey, Spares};
use vouchsafe_identity::template::{ClaimTemplate, TemplateError, decode_template};
use vouchsafe_logical::{
    Access, Call, Data, EntropyExt as _, Error, Method, Reply, Route, input, record,
};

use super::key::checked_name;
use super::records::{ROLES, Records, References, Role, role_record};
use super::write::Undecided;
use super::{NAME_BYTES_MAX, Oidc};
use crate::secrets::identity::Identity;

/// How long tokens live where the role does not say.
const TTL_SECONDS_DEFAULT: u64 = 86_400;
/// The length of a generated client id, in characters of base62: about 155 bits.
const CLIENT_ID_CHARACTERS: usize = 26;

input! {
    /// Body of `oidc/role/{name}`.
    pub(super) struct RoleInput {
        /// The named key that signs the tokens.
        key: Option<String>,
        /// JSON with directives, or the same in base64: claims that the tokens have beyond the registered ones.
        template: Option<String>,
        /// How long the tokens live; at most the verification TTL of the key.
        ttl: Option<Duration>,
        /// The audience of the tokens; generated where it is not given.
        client_id: Option<String>,
    }
}

pub(in crate::secrets::identity) const LIST: Route<Identity> = Route {
    pattern: "oidc/role",
    access: Access::Token,
    methods: &[Method::list(|identity, _| {
        Box::pin(identity.oidc.list_roles())
    })],
    exists: None,
    help: "The roles for which tokens are issued.",
};

pub(in crate::secrets::identity) const ROUTE: Route<Identity> = Route {
    pattern: "oidc/role/{name}",
    access: Access::Token,
    methods: &[
        Method::read(|identity, call| {
            Box::pin(async move { identity.oidc.read_role(call.captured("name")).await })
        }),
        Method::update::<RoleInput>(|identity, call| {
            Box::pin(async move { identity.oidc.write_role(&call).await })
        }),
        Method::delete(|identity, call| {
            Box::pin(async move { identity.oidc.delete_role(call.captured("name")).await })
        }),
    ],
    exists: Some(|identity, call| {
        Box::pin(async move {
            Ok(identity
                .oidc
                .ready_role(call.captured("name"))
                .await?
                .is_some())
        })
    }),
    help: "A role: the claims, audience, TTL and signing key of the tokens issued for it.",
};

/// A role with its template compiled.
pub(super) struct ReadyRole {
    pub(super) role: Role,
    /// `None` where the role adds no claims. An error is one that an earlier version did not see.
    pub(super) template: Result<Option<ClaimTemplate>, TemplateError>,
}

impl ReadyRole {
    fn new(role: Role) -> Self {
        let template = compile(&role.template);
        Self { role, template }
    }
}

fn compile(template: &str) -> Result<Option<ClaimTemplate>, TemplateError> {
    if template.is_empty() {
        return Ok(None);
    }
    ClaimTemplate::parse(template).map(Some)
}

impl Oidc {
    /// A role, compiled, as fresh as its record.
    pub(super) async fn ready_role(&self, name: &str) -> Result<Option<Arc<ReadyRole>>, Error> {
        let parse = |key: &str, value: &[u8]| record::decode(key, value).map(ReadyRole::new);
        let found = self
            .roles
            .load(&self.view, &role_record(name), parse)
            .await?;
        Ok(found.map(|(_, ready)| ready))
    }

    async fn list_roles(&self) -> Result<Reply, Error> {
        Reply::keys(self.view.list_folder(ROLES).await?)
    }

    async fn read_role(&self, name: &str) -> Result<Reply, Error> {
        let ready = self.ready_role(name).await?.ok_or_else(Error::not_found)?;
        let role = &ready.role;
        Ok(Reply::data(Data::from_iter([
            ("client_id".to_owned(), role.client_id.clone().into()),
            ("key".to_owned(), role.key.clone().into()),
            ("template".to_owned(), role.template.clone().into()),
            ("ttl".to_owned(), role.ttl_seconds.into()),
        ])))
    }

    async fn write_role(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let name = checked_name(call.captured("name"))?;
        let input: RoleInput = call.input()?;
        let client_id = self.system.entropy().base62(CLIENT_ID_CHARACTERS);
        self.write(|spares| {
            let (input, client_id) = (&input, &client_id);
            Box::pin(async move {
                let mut records = self.begin();
                write(&mut records, name, input, client_id, spares).await?;
                Ok((records, ()))
            })
        })
        .await?;
        Ok(Reply::empty())
    }

    async fn delete_role(&self, name: &str) -> Result<Reply, Error> {
        self.write(|_| {
            Box::pin(async move {
                let mut records = self.begin();
                if let Some(role) = records.role(name).await? {
                    records.delete_role(name);
                    remove_reference(&mut records, &role.key, name).await?;
                }
                Ok((records, ()))
            })
        })
        .await?;
        Ok(Reply::empty())
    }
}

/// Creates or changes a role.
async fn write(
    records: &mut Records<'_>,
    name: &str,
    input: &RoleInput,
    generated_client_id: &str,
    spares: Spares,
) -> Result<(), Undecided> {
    let existing = records.role(name).await?;
    let old_key = existing.as_ref().map(|role| role.key.clone());
    let role = merge(existing, input, generated_client_id)?;
    let Some(key) = records.key(&role.key).await? else {
        let message = format!("cannot find key {:?}", role.key);
        return Err(Error::invalid_because("key_not_found", message).into());
    };
    if role.ttl_seconds > key.verification_ttl_seconds {
        return Err(Error::invalid_because(
            "ttl_too_long",
            "a role's token ttl cannot be longer than the verification_ttl of the key it references",
        )
        .into());
    }
    if let Some(old_key) = old_key.filter(|old_key| *old_key != role.key) {
        remove_reference(records, &old_key, name).await?;
    }
    add_reference(records, name, &role, key, spares).await?;
    records.put_role(name, &role)?;
    Ok(())
}

/// The role with the fields that are given, checked for all that needs no other record.
fn merge(
    existing: Option<Role>,
    input: &RoleInput,
    generated_client_id: &str,
) -> Result<Role, Error> {
    let mut role = existing.unwrap_or_else(|| Role {
        key: String::new(),
        client_id: String::new(),
        template: String::new(),
        ttl_seconds: TTL_SECONDS_DEFAULT,
    });
    if let Some(key) = &input.key {
        role.key.clone_from(key);
    }
    if role.key.is_empty() {
        return Err(Error::invalid("the key parameter is required"));
    }
    if let Some(template) = &input.template {
        role.template = decode_template(template).into_owned();
        compile(&role.template)
            .map_err(|error| Error::invalid_because("template_invalid", error.to_string()))?;
    }
    if let Some(ttl) = input.ttl {
        role.ttl_seconds = ttl.as_secs();
    }
    if role.ttl_seconds == 0 {
        return Err(Error::invalid(
            "a role's token ttl must be at least one second",
        ));
    }
    if let Some(client_id) = &input.client_id {
        role.client_id.clone_from(client_id);
    }
    if role.client_id.len() > NAME_BYTES_MAX {
        return Err(Error::invalid(format!(
            "client_id has {} bytes; at most {NAME_BYTES_MAX} are allowed",
            role.client_id.len()
        )));
    }
    if role.client_id.is_empty() {
        generated_client_id.clone_into(&mut role.client_id);
    }
    Ok(role)
}

/// Notes that a role uses a key. The first one publishes the key.
async fn add_reference(
    records: &mut Records<'_>,
    name: &str,
    role: &Role,
    mut key: NamedKey,
    mut spares: Spares,
) -> Result<(), Undecided> {
    let mut references = records.references(&role.key).await?;
    let is_first = references.roles.is_empty();
    references.insert(&role.key, name, role.ttl_seconds)?;
    records.put_references(&role.key, &references)?;
    if !is_first {
        return Ok(());
    }
    let now = records.now;
    let publication = records.promise().await?.publication(now);
    if let Some(unknown) = key.publish(now, publication, &mut spares)? {
        warn_unknown(&role.key, unknown);
    }
    records.put_key(&role.key, &key).await?;
    Ok(())
}

fn warn_unknown(key: &str, pair: &KeyPair) {
    let until = pair
        .published
        .map(|publication| publication.known_from.to_string());
    tracing::warn!(
        key,
        key_id = pair.key_id(),
        until,
        "a first role uses the key; until then a verifier may hold a cached key set without it"
    );
}

/// Notes that a role does not use a key any more. Without the last one, the key is not published.
async fn remove_reference(
    records: &mut Records<'_>,
    key_name: &str,
    role: &str,
) -> Result<(), Undecided> {
    let mut references: References = records.references(key_name).await?;
    if references.roles.remove(role).is_none() {
        return Ok(());
    }
    records.put_references(key_name, &references)?;
    if references.roles.is_empty()
        && let Some(mut key) = records.key(key_name).await?
    {
        key.unpublish();
        records.put_key(key_name, &key).await?;
    }
    Ok(())
}
