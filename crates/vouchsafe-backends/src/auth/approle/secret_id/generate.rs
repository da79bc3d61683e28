//! `secret-id` and `custom-secret-id`: secret ids are made and listed.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use vouchsafe_logical::login::parse_cidrs;
use vouchsafe_logical::{
    Access, Answer, Attempts, Call, CommaList, Data, EntropyExt, Error, Method, Reply, Route,
    Secret, Timestamp, input,
};

use super::record::{Found, SecretId, secret_id_key};
use super::{METADATA_BYTES_MAX, SECRET_ID_BYTES_MAX, presented};
use crate::auth::approle::AppRole;
use crate::auth::approle::role::{Role, name_of, unknown_role};

/// Makes a secret id, or lists the accessors of all.
pub(in crate::auth::approle) const ROUTE: Route<AppRole> = Route {
    pattern: "role/{role_name^}/secret-id",
    access: Access::Token,
    methods: &[
        Method::update::<SecretIdInput>(generate),
        Method::list(list),
    ],
    exists: None,
    help: "Make a secret id of the role, or list the accessors of its secret ids.",
};

/// Takes over a secret id that was made elsewhere.
pub(in crate::auth::approle) const CUSTOM: Route<AppRole> = Route {
    pattern: "role/{role_name^}/custom-secret-id",
    access: Access::Token,
    methods: &[Method::update2::<CustomInput, SecretIdInput>(custom)],
    exists: None,
    help: "Give the role a secret id of your own choice.",
};

input! {
    /// What a secret id shall be like.
    pub(super) struct SecretIdInput {
        /// The name of the role.
        role_name: String,
        /// Facts for the tokens of this secret id: a JSON object of strings, as a string.
        metadata: Option<String>,
        /// Blocks of IP addresses from which it may be used, within those of the role.
        cidr_list: Option<CommaList>,
        /// Blocks of IP addresses from which its tokens may be used, within those of the role.
        token_bound_cidrs: Option<CommaList>,
        /// How long it lives, at most as long as the role says.
        ttl: Option<Duration>,
        /// How many logins it is good for, at most as many as the role says.
        num_uses: Option<i64>,
    }
}

input! {
    /// A secret id that was made elsewhere.
    pub(super) struct CustomInput {
        /// The secret id. It should be as hard to guess as one that is made here: 122 random bits.
        secret_id: Option<String>,
    }
}

fn generate<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secret_id = approle.system.entropy().uuid();
        approle.register(&call, Secret::new(secret_id)).await
    })
}

fn custom<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: CustomInput = call.input()?;
        let Some(secret_id) = presented(input.secret_id.as_deref()) else {
            return Err(Error::invalid("missing secret_id"));
        };
        if secret_id.len() > SECRET_ID_BYTES_MAX {
            return Err(Error::invalid(format!(
                "secret_id is {} bytes long; at most {SECRET_ID_BYTES_MAX} are allowed",
                secret_id.len()
            )));
        }
        approle
            .register(&call, Secret::new(secret_id.to_owned()))
            .await
    })
}

impl AppRole {
    /// Stores a secret id of the role that a call is about, if the role still is what the limits
    /// were taken from when it is written.
    async fn register(&self, call: &Call<'_>, secret: Secret<String>) -> Result<Reply, Error> {
        let name = name_of(call)?;
        let hasher = self.hasher_or_new().await?;
        let hash = hasher.secret_id(secret.expose());
        let mut attempts = Attempts::default();
        loop {
            let now = self.system.clock().now();
            let mut transaction = self.view.begin();
            let Some(role) = self.role_in(&mut transaction, &name).await? else {
                return Err(unknown_role(&name));
            };
            let secret_id = self.secret_id_of(&role, call, now)?;
            let place = (role.instance.as_str(), hash.as_str());
            match Found::stored(&mut transaction, &self.view, place).await? {
                Some(there) if there.secret_id.is_expired(now) => {
                    there.remove(&mut transaction, &self.view, &hasher);
                }
                Some(_) => {
                    return Err(Error::invalid(
                        "failed to store secret_id: SecretID is already registered",
                    ));
                }
                None => {}
            }
            secret_id.insert(&mut transaction, &self.view, &hasher, place)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(Reply::data(shown_once(&secret, &secret_id)));
            }
        }
    }

    /// What a call asks for, within what the role allows.
    fn secret_id_of(
        &self,
        role: &Role,
        call: &Call<'_>,
        now: Timestamp,
    ) -> Result<SecretId, Error> {
        let input: SecretIdInput = call.input()?;
        if !role.bind_secret_id {
            return Err(Error::invalid("bind_secret_id is not set on the role"));
        }
        let cidr_list = parse_cidrs("cidr_list", &input.cidr_list.unwrap_or_default().0)?;
        check_within("cidr_list", &cidr_list, &role.secret_id_bound_cidrs)?;
        let token_bound_cidrs = parse_cidrs(
            "token_bound_cidrs",
            &input.token_bound_cidrs.unwrap_or_default().0,
        )?;
        check_within(
            "token_bound_cidrs",
            &token_bound_cidrs,
            &role.token.bound_cidrs,
        )?;
        let ttl = ttl(input.ttl, role)?.min(call.mount.max_lease_ttl);
        Ok(SecretId {
            accessor: self.system.entropy().uuid(),
            created_at: now,
            last_updated_at: now,
            expires_at: if ttl.is_zero() {
                None
            } else {
                Some(after(now, ttl))
            },
            ttl,
            num_uses: num_uses(input.num_uses, role)?,
            metadata: metadata(input.metadata.as_deref().unwrap_or_default())?,
            cidr_list,
            token_bound_cidrs,
        })
    }
}

/// The end of time for a span that leads beyond it.
fn after(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn num_uses(asked: Option<i64>, role: &Role) -> Result<u64, Error> {
    let Some(asked) = asked else {
        return Ok(role.secret_id_num_uses);
    };
    let uses = u64::try_from(asked).map_err(|_| Error::invalid("num_uses cannot be negative"))?;
    let unlimited = uses == 0 || uses > role.secret_id_num_uses;
    if role.secret_id_num_uses != 0 && unlimited {
        return Err(Error::invalid(
            "num_uses cannot be higher than the role's secret_id_num_uses",
        ));
    }
    Ok(uses)
}

fn ttl(asked: Option<Duration>, role: &Role) -> Result<Duration, Error> {
    let Some(ttl) = asked else {
        return Ok(role.secret_id_ttl);
    };
    let unlimited = ttl.is_zero() || ttl > role.secret_id_ttl;
    if !role.secret_id_ttl.is_zero() && unlimited {
        return Err(Error::invalid(
            "ttl cannot be longer than the role's secret_id_ttl",
        ));
    }
    Ok(ttl)
}

fn check_within(field: &str, blocks: &[IpNet], role_blocks: &[IpNet]) -> Result<(), Error> {
    if role_blocks.is_empty() {
        return Ok(());
    }
    let outside = blocks
        .iter()
        .find(|block| !role_blocks.iter().any(|role| role.contains(*block)));
    match outside {
        None => Ok(()),
        Some(block) => Err(Error::invalid(format!(
            "field {field:?}: `{block}` is not within the CIDR blocks of the role; allowed: {}",
            role_blocks
                .iter()
                .map(|role| format!("`{role}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

/// A JSON object of strings, or `k=v` pairs with commas between them.
fn metadata(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let pairs = match serde_json::from_str::<BTreeMap<String, String>>(text) {
        Ok(pairs) => pairs,
        Err(_) => text
            .split(',')
            .map(|pair| {
                let (key, value) = pair.split_once('=')?;
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                (!key.is_empty()).then_some((key, value))
            })
            .collect::<Option<_>>()
            .ok_or_else(|| {
                Error::invalid(
                    "failed to parse metadata: expected a JSON object of strings in a string, \
                     e.g. \"{\\\"team\\\":\\\"a\\\"}\"",
                )
            })?,
    };
    let bytes: usize = pairs
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(Error::invalid(format!(
            "metadata has {bytes} bytes; at most {METADATA_BYTES_MAX} are allowed"
        )));
    }
    Ok(pairs)
}

/// The one answer that has the secret id itself.
fn shown_once(secret: &Secret<String>, secret_id: &SecretId) -> Data {
    let mut data = Data::new();
    data.insert("secret_id".to_owned(), secret.expose().clone().into());
    data.insert(
        "secret_id_accessor".to_owned(),
        secret_id.accessor.clone().into(),
    );
    data.insert("secret_id_num_uses".to_owned(), secret_id.num_uses.into());
    data.insert("secret_id_ttl".to_owned(), secret_id.ttl.as_secs().into());
    data
}

fn list<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = name_of(&call)?;
        let Some(role) = approle.role(&name).await? else {
            // 400, where the other requests of an unknown role answer 404: an empty list is 404.
            return Err(Error::invalid(format!(
                "role {:?} does not exist",
                name.as_str()
            )));
        };
        let now = approle.system.clock().now();
        let view = approle.view.sub(&secret_id_key(&role.instance, ""));
        let mut accessors = Vec::new();
        for hash in view.list_all("").await? {
            let stored: Option<SecretId> = view.read(&hash).await?;
            accessors.extend(
                stored
                    .filter(|one| !one.is_expired(now))
                    .map(|one| one.accessor),
            );
        }
        accessors.sort_unstable();
        Reply::keys(accessors)
    })
}
