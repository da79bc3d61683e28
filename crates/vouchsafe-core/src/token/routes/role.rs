//! Token roles: what tokens made through `create/{role}` may be.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, Input, Method, PolicyNames, Reply, Route,
    TokenFields, TokenKind, TokenParameters, View, input,
};

use crate::runtime::Runtime;
use crate::sys::Sys;

/// A token role as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TokenRole {
    /// Policies that its tokens may have; empty = those of the parent.
    pub(crate) allowed_policies: PolicyNames,
    /// Policies that its tokens may not have.
    pub(crate) disallowed_policies: PolicyNames,
    /// Patterns (`*`) of policies that its tokens may have.
    pub(crate) allowed_policies_glob: Vec<String>,
    /// Patterns (`*`) of policies that its tokens may not have.
    pub(crate) disallowed_policies_glob: Vec<String>,
    /// Alias names that its tokens may stand for.
    pub(crate) allowed_entity_aliases: Vec<String>,
    /// Its tokens have no parent.
    pub(crate) orphan: bool,
    /// Its tokens can be renewed.
    pub(crate) renewable: bool,
    /// What is appended to the path in its tokens.
    pub(crate) path_suffix: String,
    /// The `token_*` parameters.
    pub(crate) token: TokenParameters,
    /// What was set under the older names; they are shown only then.
    pub(crate) former: FormerNames,
}

/// Parameters that a client set under their older names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FormerNames {
    period: Duration,
    explicit_max_ttl: Duration,
    bound_cidrs: Vec<String>,
}

impl FormerNames {
    fn note(
        &mut self,
        period: Option<Duration>,
        explicit_max_ttl: Option<Duration>,
        bound_cidrs: Option<&CommaList>,
    ) {
        self.period = period.unwrap_or(self.period);
        self.explicit_max_ttl = explicit_max_ttl.unwrap_or(self.explicit_max_ttl);
        if let Some(blocks) = bound_cidrs {
            self.bound_cidrs.clone_from(&blocks.0);
        }
    }
}

impl Default for TokenRole {
    fn default() -> Self {
        Self {
            allowed_policies: PolicyNames::default(),
            disallowed_policies: PolicyNames::default(),
            allowed_policies_glob: Vec::new(),
            disallowed_policies_glob: Vec::new(),
            allowed_entity_aliases: Vec::new(),
            orphan: false,
            renewable: true,
            path_suffix: String::new(),
            token: TokenParameters {
                kind: TokenKind::DefaultService,
                ..TokenParameters::default()
            },
            former: FormerNames::default(),
        }
    }
}

input! {
    /// Body of `roles/{role_name}`.
    pub(crate) struct RoleInput {
        /// The name of the role.
        role_name: String,
        /// Policies that tokens may have.
        allowed_policies: Option<CommaList>,
        /// Policies that tokens may not have.
        disallowed_policies: Option<CommaList>,
        /// Patterns of policies that tokens may have.
        allowed_policies_glob: Option<CommaList>,
        /// Patterns of policies that tokens may not have.
        disallowed_policies_glob: Option<CommaList>,
        /// Alias names that tokens may stand for.
        allowed_entity_aliases: Option<CommaList>,
        /// Whether tokens have no parent.
        orphan: Option<bool>,
        /// Whether tokens can be renewed.
        renewable: Option<bool>,
        /// Appended to the path in tokens.
        path_suffix: Option<String>,
        /// Older name of `token_period`.
        period: Option<Duration>,
        /// Older name of `token_explicit_max_ttl`.
        explicit_max_ttl: Option<Duration>,
        /// Older name of `token_bound_cidrs`.
        bound_cidrs: Option<CommaList>,
    }
}

pub(crate) const ROLES: Route<Sys> = Route {
    pattern: "roles",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the token roles.",
};

pub(crate) const ROLE: Route<Sys> = Route {
    pattern: "roles/{role_name}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update2::<RoleInput, TokenFields>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read, write or delete a token role.",
};

fn view(runtime: &Runtime) -> View {
    runtime.root.sub("sys/token-role/")
}

/// A stored role.
///
/// # Errors
/// The store's.
pub(super) async fn load(runtime: &Runtime, name: &str) -> Result<Option<TokenRole>, Error> {
    Ok(view(runtime).read(name).await?)
}

fn exists<'a>(
    sys: &'a Sys,
    call: Call<'a>,
) -> vouchsafe_logical::BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        Ok(load(&*sys.runtime()?, call.captured("role_name"))
            .await?
            .is_some())
    })
}

fn list<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(view(&*sys.runtime()?).list_all("").await?) })
}

fn read<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = call.captured("role_name");
        let role = load(&*sys.runtime()?, name)
            .await?
            .ok_or_else(Error::not_found)?;
        Ok(Reply::data(describe(name, &role)))
    })
}

fn describe(name: &str, role: &TokenRole) -> Data {
    let mut data = Data::new();
    data.insert("name".to_owned(), name.into());
    data.insert(
        "allowed_policies".to_owned(),
        role.allowed_policies.to_strings().into(),
    );
    data.insert(
        "disallowed_policies".to_owned(),
        role.disallowed_policies.to_strings().into(),
    );
    data.insert(
        "allowed_policies_glob".to_owned(),
        json!(role.allowed_policies_glob),
    );
    data.insert(
        "disallowed_policies_glob".to_owned(),
        json!(role.disallowed_policies_glob),
    );
    data.insert(
        "allowed_entity_aliases".to_owned(),
        json!(role.allowed_entity_aliases),
    );
    data.insert("orphan".to_owned(), role.orphan.into());
    data.insert("renewable".to_owned(), role.renewable.into());
    data.insert("path_suffix".to_owned(), role.path_suffix.clone().into());
    role.token.describe(&mut data);
    data.remove("token_policies");
    data.remove("token_ttl");
    data.remove("token_max_ttl");
    data.insert("bound_cidrs".to_owned(), json!(role.former.bound_cidrs));
    data.insert(
        "explicit_max_ttl".to_owned(),
        role.former.explicit_max_ttl.as_secs().into(),
    );
    data.insert("period".to_owned(), role.former.period.as_secs().into());
    data
}

fn write<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input = RoleInput::parse(&call)?;
        let mut fields = TokenFields::parse(&call)?;
        let runtime = sys.runtime()?;
        let view = view(&runtime);
        let mut transaction = view.begin();
        let mut role: TokenRole = transaction
            .read(&view, &input.role_name)
            .await?
            .unwrap_or_default();
        role.former.note(
            input.period,
            input.explicit_max_ttl,
            input.bound_cidrs.as_ref(),
        );
        fields.token_period = fields.token_period.or(input.period);
        fields.token_explicit_max_ttl = fields.token_explicit_max_ttl.or(input.explicit_max_ttl);
        fields.token_bound_cidrs = fields.token_bound_cidrs.or(input.bound_cidrs);
        let names = |list: Option<CommaList>, old: &PolicyNames| match list {
            Some(list) => PolicyNames::parse(&list.0),
            None => Ok(old.clone()),
        };
        role.allowed_policies = names(input.allowed_policies, &role.allowed_policies)?;
        role.disallowed_policies = names(input.disallowed_policies, &role.disallowed_policies)?;
        let replace = |place: &mut Vec<String>, list: Option<CommaList>| {
            if let Some(list) = list {
                *place = list.0.into_iter().map(|item| item.to_lowercase()).collect();
            }
        };
        replace(&mut role.allowed_policies_glob, input.allowed_policies_glob);
        replace(
            &mut role.disallowed_policies_glob,
            input.disallowed_policies_glob,
        );
        replace(
            &mut role.allowed_entity_aliases,
            input.allowed_entity_aliases,
        );
        role.orphan = input.orphan.unwrap_or(role.orphan);
        role.renewable = input.renewable.unwrap_or(role.renewable);
        role.path_suffix = input.path_suffix.unwrap_or(role.path_suffix);
        role.token.update(fields)?;
        check_path_suffix(&role.path_suffix)?;
        check_batch(&role)?;
        transaction.put_record(&view, &input.role_name, &role)?;
        transaction.commit().await?;
        Ok(Reply::empty())
    })
}

/// The suffix becomes part of a token's path, and so of its lease.
fn check_path_suffix(suffix: &str) -> Result<(), Error> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fits = match suffix.as_bytes() {
        [] => true,
        [first, middle @ .., last] if !middle.is_empty() => {
            let inner = |byte: &u8| word(*byte) || matches!(byte, b'-' | b'.');
            word(*first) && word(*last) && middle.iter().all(inner)
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Error::invalid_because(
        "path_suffix_invalid",
        "given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w",
    ))
}

/// What a batch token can't have, its role must not promise.
fn check_batch(role: &TokenRole) -> Result<(), Error> {
    if role.token.kind != TokenKind::Batch {
        return Ok(());
    }
    let promised = if !role.orphan {
        "non-orphan tokens"
    } else if role.renewable {
        "renewable tokens"
    } else if !role.token.explicit_max_ttl.is_zero() {
        "tokens with an explicit max TTL"
    } else {
        return Ok(());
    };
    Err(Error::invalid_because(
        "batch_role_invalid",
        format!("'token_type' cannot be 'batch' when role is set to generate {promised}"),
    ))
}

fn delete<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let view = view(&runtime);
        let mut transaction = view.begin();
        transaction.delete(&view, call.captured("role_name"));
        transaction.commit().await?;
        Ok(Reply::empty())
    })
}
