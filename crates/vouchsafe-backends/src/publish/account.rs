//! `service-accounts`: programs that may publish some services, and nothing else.
//!
//! One of the kind `static` has a token that is shown once; of it, the digest is stored. One of the
//! kind `oidc` has no secret: it is whoever presents a JWT that its rules accept. How either is
//! recognised is in `bearer.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vouchsafe_logical::{
    Access, Answer, Attempts, Call, Data, Error, Method, Reply, Route, input, rfc3339,
};

use super::claim_rule::{ClaimRule, RULES_MAX};
use super::issuer::check_subdomain;
use super::record::{self, ACCOUNTS};
use super::store::author;
use super::{Publish, answer, bearer, shortened};

/// The most services of one account.
pub(super) const SERVICES_MAX: usize = 256;

/// A program that may publish.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) services: Vec<String>,
    pub(super) login: LoginKind,
    created_at: vouchsafe_logical::Timestamp,
    created_by: String,
}

/// How an account is recognised.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoginKind {
    /// By a token.
    Static {
        /// The part of the token that names its account.
        key_id: String,
        /// The digest of the token.
        token_sha256: String,
    },
    /// By a JWT of somebody else.
    Oidc { rules: Vec<ClaimRule> },
}

input! {
    /// Body of a write.
    pub(super) struct AccountInput {
        /// The name of the account: a DNS label.
        name: String,
        /// `{"kind": "static" or "oidc", "services": [...], "rules": [{"iss": ..., "claims": {...}}]}`.
        policy: Data,
    }
}

pub(super) const ROUTE: Route<Publish> = Route {
    pattern: "service-accounts",
    access: Access::Token,
    methods: &[
        Method::read(read_all),
        Method::list(list),
        Method::update::<AccountInput>(create),
    ],
    exists: None,
    help: "Programs that may publish; a write adds one, and shows its token once.",
};

pub(super) const BY_NAME: Route<Publish> = Route {
    pattern: "service-accounts/{name}",
    access: Access::Token,
    methods: &[Method::read(read), Method::delete(delete)],
    exists: None,
    help: "A program that may publish. A delete takes its token's power away at once.",
};

fn read_all<'a>(publish: &'a Publish, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let mut accounts = Vec::new();
        for name in publish.view.list_all(ACCOUNTS).await? {
            let account: Option<Account> = publish.view.read(&record::account(&name)).await?;
            accounts.extend(account.map(|account| Value::Object(shown(&account))));
        }
        Ok(Reply::data(answer::data([(
            "service_accounts",
            accounts.into(),
        )])))
    })
}

fn list<'a>(publish: &'a Publish, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let keys = publish.view.list_all(ACCOUNTS).await?;
        if keys.is_empty() {
            return Err(Error::not_found());
        }
        Ok(Reply::data(answer::data([("keys", keys.into())])))
    })
}

fn read<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let account = publish.account(call.captured("name")).await?;
        Ok(Reply::data(shown(&account.ok_or_else(Error::not_found)?)))
    })
}

fn create<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: AccountInput = call.input()?;
        check_subdomain(&input.name).map_err(|_| {
            invalid(format!(
                "the account's name `{}` is no DNS label",
                shortened(&input.name)
            ))
        })?;
        let (services, rules) = parse(&input.policy)?;
        let entropy = publish.system.entropy();
        let (login, token) = match rules {
            Some(rules) => (LoginKind::Oidc { rules }, None),
            None => {
                let token = bearer::StaticToken::make(entropy);
                let login = LoginKind::Static {
                    key_id: token.key_id().to_owned(),
                    token_sha256: token.digest(),
                };
                (login, Some(token))
            }
        };
        let account = Account {
            name: input.name,
            services,
            login,
            created_at: publish.now(),
            created_by: author(call.caller),
        };
        publish.add_account(&account).await?;
        let mut shown = shown(&account);
        if let Some(token) = token {
            shown.insert("token".to_owned(), token.into_text().into());
        }
        Ok(Reply::data(shown))
    })
}

fn delete<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = call.captured("name");
        let view = &publish.view;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = view.begin();
            let key = record::account(name);
            let account: Option<Account> = transaction.read(view, &key).await?;
            let Some(account) = account else {
                return Ok(Reply::empty());
            };
            transaction.delete(view, &key);
            for index in indexes(&account) {
                transaction.delete(view, &index);
            }
            if attempts.commit(transaction).await?.is_done() {
                return Ok(Reply::empty());
            }
        }
    })
}

impl Publish {
    /// An account.
    pub(super) async fn account(&self, name: &str) -> Result<Option<Account>, Error> {
        Ok(self.view.read(&record::account(name)).await?)
    }

    async fn add_account(&self, account: &Account) -> Result<(), Error> {
        let view = &self.view;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = view.begin();
            let key = record::account(&account.name);
            if transaction.get(view, &key).await?.is_some() {
                return Err(Error::invalid_because(
                    "account_taken",
                    format!("there is a service account `{}` already", account.name),
                ));
            }
            transaction.put_record(view, &key, account)?;
            for index in indexes(account) {
                transaction.put_record(view, &index, &account.name)?;
            }
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }
}

/// The keys under which an account is found by what it presents.
fn indexes(account: &Account) -> Vec<String> {
    match &account.login {
        LoginKind::Static { key_id, .. } => vec![record::account_key(key_id)],
        LoginKind::Oidc { rules } => rules
            .iter()
            .map(|rule| record::account_issuer(&rule.iss, &account.name))
            .collect(),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_because("policy_invalid", message)
}

/// The services of a policy, and its rules where it has some.
fn parse(policy: &Data) -> Result<(Vec<String>, Option<Vec<ClaimRule>>), Error> {
    const KNOWN: [&str; 4] = ["$schema", "kind", "services", "rules"];
    if let Some(unknown) = policy.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(invalid(format!(
            "the policy has `{}`; expected `kind`, `services` and `rules`",
            shortened(unknown)
        )));
    }
    let services = match policy.get("services") {
        Some(Value::Array(services)) if (1..=SERVICES_MAX).contains(&services.len()) => services,
        _ => {
            return Err(invalid(format!(
                "the policy needs `services`: a list of 1 to {SERVICES_MAX} subdomains"
            )));
        }
    };
    let services: Vec<String> = services
        .iter()
        .map(|service| {
            let text = service.as_str().unwrap_or_default();
            check_subdomain(text)?;
            Ok(text.to_owned())
        })
        .collect::<Result<_, Error>>()?;
    let rules = policy.get("rules");
    match policy.get("kind").and_then(Value::as_str) {
        Some("static") if rules.is_none() => Ok((services, None)),
        Some("static") => Err(invalid("a policy of the kind `static` has no `rules`")),
        Some("oidc") => match rules {
            Some(Value::Array(rules)) if (1..=RULES_MAX).contains(&rules.len()) => {
                let rules = rules.iter().map(ClaimRule::parse);
                Ok((services, Some(rules.collect::<Result<_, _>>()?)))
            }
            _ => Err(invalid(format!(
                "a policy of the kind `oidc` needs `rules`: a list of 1 to {RULES_MAX}"
            ))),
        },
        _ => Err(invalid("the policy's `kind` must be `static` or `oidc`")),
    }
}

fn shown(account: &Account) -> Data {
    let (kind, rules) = match &account.login {
        LoginKind::Static { .. } => ("static", None),
        LoginKind::Oidc { rules } => ("oidc", Some(rules)),
    };
    let mut policy = json!({ "kind": kind, "services": account.services });
    if let Some(rules) = rules {
        policy["rules"] = json!(rules);
    }
    answer::data([
        ("name", account.name.as_str().into()),
        ("policy", policy),
        ("created_at", rfc3339(account.created_at).into()),
        ("created_by", account.created_by.as_str().into()),
    ])
}
