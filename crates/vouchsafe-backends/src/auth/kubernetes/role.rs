//! `role/{name}`: which service accounts may log in, and what their tokens get.

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{
    Access, Answer, Attempts, BoxFuture, Call, CommaList, Data, Error, Method, Reply, Route,
    TokenFields, TokenParameters, input,
};

use super::Kubernetes;
use super::account::{ServiceAccount, missing};
use super::selector::Selector;
use crate::auth::former_names::{FormerNames, FormerTokenFields};
use crate::auth::glob;
use crate::auth::role_name::RoleName;

/// Stands for every name or namespace, and then for nothing else beside it.
const ALL: &str = "*";

/// All roles.
pub(super) const LIST: Route<Kubernetes> = Route {
    pattern: "role",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the roles.",
};

/// One role.
pub(super) const ROUTE: Route<Kubernetes> = Route {
    pattern: "role/{name^}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update3::<RoleInput, FormerTokenFields, TokenFields>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read, write or delete a role.",
};

input! {
    /// What a write says about a role, beside the `token_*` parameters.
    pub(super) struct RoleInput {
        /// The name of the role; upper and lower case are the same.
        name: String,
        /// Names of service accounts that may log in. `*` in a name stands for any characters; `*`
        /// alone is every name.
        bound_service_account_names: Option<CommaList>,
        /// Their namespaces, in the same way.
        bound_service_account_namespaces: Option<CommaList>,
        /// A label selector in JSON: namespaces that it selects are allowed as well.
        bound_service_account_namespace_selector: Option<String>,
        /// The audience that tokens must be for.
        audience: Option<String>,
        /// What names the alias: `serviceaccount_uid`, or `serviceaccount_name` for namespace and
        /// name.
        alias_name_source: Option<String>,
    }
}

/// What names the alias of a service account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum AliasNameSource {
    /// Its uid: an account that is deleted and made again is another one.
    #[default]
    #[serde(rename = "serviceaccount_uid")]
    Uid,
    /// `namespace/name`: the same account in many clusters, or made again, is one.
    #[serde(rename = "serviceaccount_name")]
    Name,
}

impl AliasNameSource {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" | "serviceaccount_uid" => Ok(Self::Uid),
            "serviceaccount_name" => Ok(Self::Name),
            other => Err(Error::invalid(format!(
                "invalid \"alias_name_source\" {other:?}, must be one of: serviceaccount_uid, \
                 serviceaccount_name"
            ))),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Uid => "serviceaccount_uid",
            Self::Name => "serviceaccount_name",
        }
    }
}

/// A role as stored.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Role {
    names: Vec<String>,
    namespaces: Vec<String>,
    /// As it was written; empty for none.
    selector: String,
    /// Empty for any.
    pub(super) audience: String,
    alias_name_source: AliasNameSource,
    pub(super) token: TokenParameters,
    #[serde(default)]
    former_names: FormerNames,
}

impl Role {
    fn update(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let input: RoleInput = call.input()?;
        let mut fields: TokenFields = call.input()?;
        self.former_names.take_all(&mut fields, call.input()?);
        self.token.update(fields)?;
        if let Some(names) = input.bound_service_account_names {
            self.names = names.0;
        }
        if let Some(namespaces) = input.bound_service_account_namespaces {
            self.namespaces = namespaces.0;
        }
        if let Some(selector) = input.bound_service_account_namespace_selector {
            self.selector = selector.trim().to_owned();
        }
        if let Some(audience) = input.audience {
            self.audience = audience;
        }
        if let Some(source) = input.alias_name_source {
            self.alias_name_source = AliasNameSource::parse(&source)?;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        if self.names.is_empty() {
            return Err(Error::invalid(
                "\"bound_service_account_names\" can not be empty",
            ));
        }
        if self.namespaces.is_empty() && self.selector.is_empty() {
            return Err(Error::invalid(
                "\"bound_service_account_namespaces\" can not be empty if \
                 \"bound_service_account_namespace_selector\" is not set",
            ));
        }
        for list in [&self.names, &self.namespaces] {
            if list.len() > 1 && list.iter().any(|item| item == ALL) {
                return Err(Error::invalid("can not mix \"*\" with values"));
            }
        }
        self.selector().map(|_| ())
    }

    /// The selector, if there is one.
    fn selector(&self) -> Result<Option<Selector>, Error> {
        match &*self.selector {
            "" => Ok(None),
            text => Selector::parse(text).map(Some),
        }
    }

    /// Whether an account of this name may log in.
    pub(super) fn allows_name(&self, account: &ServiceAccount) -> bool {
        any_matches(&self.names, &account.name)
    }

    /// Which namespaces an account may be of.
    pub(super) fn namespace_rule(&self, account: &ServiceAccount) -> Result<NamespaceRule, Error> {
        if any_matches(&self.namespaces, &account.namespace) {
            return Ok(NamespaceRule::Allowed);
        }
        Ok(self
            .selector()?
            .map_or(NamespaceRule::Refused, NamespaceRule::ByLabels))
    }

    /// The name of an account's alias.
    ///
    /// # Errors
    /// The account has no uid, and the role wants it.
    pub(super) fn alias_name(&self, account: &ServiceAccount) -> Result<String, Error> {
        match self.alias_name_source {
            AliasNameSource::Uid if account.uid.is_empty() => Err(missing("UID")),
            AliasNameSource::Uid => Ok(account.uid.clone()),
            AliasNameSource::Name => Ok(format!("{}/{}", account.namespace, account.name)),
        }
    }

    fn describe(&self) -> Data {
        let mut data = Data::new();
        let mut put = |name: &str, value: serde_json::Value| data.insert(name.to_owned(), value);
        put("alias_name_source", self.alias_name_source.as_str().into());
        if !self.audience.is_empty() {
            put("audience", self.audience.clone().into());
        }
        put("bound_service_account_names", self.names.clone().into());
        let selector = self.selector.clone();
        put("bound_service_account_namespace_selector", selector.into());
        let namespaces = self.namespaces.clone();
        put("bound_service_account_namespaces", namespaces.into());
        self.token.describe(&mut data);
        self.former_names.describe(&mut data);
        data
    }
}

/// What a role says of a namespace.
pub(super) enum NamespaceRule {
    /// It is one of the role's.
    Allowed,
    /// It is, if its labels are such.
    ByLabels(Selector),
    /// It is not.
    Refused,
}

fn any_matches(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, text))
}

impl Kubernetes {
    /// The role of this name.
    pub(super) async fn role(&self, name: &RoleName) -> Result<Option<Role>, Error> {
        Ok(self.view.read(&name.key()).await?)
    }
}

fn exists<'a>(kubernetes: &'a Kubernetes, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        let name = RoleName::parse(call.captured("name"))?;
        Ok(kubernetes.view.get(&name.key()).await?.is_some())
    })
}

fn list<'a>(kubernetes: &'a Kubernetes, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(kubernetes.view.list_all("role/").await?) })
}

fn read<'a>(kubernetes: &'a Kubernetes, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = kubernetes
            .role(&RoleName::parse(call.captured("name"))?)
            .await?;
        Ok(Reply::data(role.ok_or_else(Error::not_found)?.describe()))
    })
}

fn write<'a>(kubernetes: &'a Kubernetes, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let key = RoleName::parse(call.captured("name"))?.key();
        let view = &kubernetes.view;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = view.begin();
            let stored: Option<Role> = transaction.read(view, &key).await?;
            let mut role = stored.unwrap_or_default();
            role.update(&call)?;
            transaction.put_record(view, &key, &role)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(written(&role, &call));
            }
        }
    })
}

fn written(role: &Role, call: &Call<'_>) -> Reply {
    let mut reply = Reply::empty();
    if role.audience.is_empty() {
        reply = reply.with_warning(
            "the role has no audience: it accepts tokens that were made for other services; set \
             `audience` to what this server's clients ask for",
        );
    }
    if role.token.max_ttl > call.mount.max_lease_ttl {
        reply = reply.with_warning(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' \
             max TTL value will be truncated",
        );
    }
    reply
}

fn delete<'a>(kubernetes: &'a Kubernetes, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = RoleName::parse(call.captured("name"))?;
        let mut transaction = kubernetes.view.begin();
        transaction.delete(&kubernetes.view, &name.key());
        transaction.commit().await?;
        Ok(Reply::empty())
    })
}
