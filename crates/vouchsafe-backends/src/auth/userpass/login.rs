//! `login/{username}`: from a password to a proposal for a token.
//!
//! Unknown user, wrong password and an address from which the user may not log in take the same way:
//! one look-up, one bcrypt, one refusal. An address that is not allowed is found before the password
//! is looked at, so that nobody learns from elsewhere whether a password is right.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vouchsafe_logical::{
    Access, AliasProposal, Answer, Call, Error, Login, Method, PolicyNames, Reply, Route, Secret,
    TokenParameters, input,
};

use super::user::{User, UserName};
use super::{Userpass, password};

/// The login.
pub(super) const ROUTE: Route<Userpass> = Route {
    pattern: "login/{username}",
    access: Access::Login(principal),
    methods: &[Method::update::<LoginInput>(login)],
    exists: None,
    help: "Log in with a user name and a password.",
};

input! {
    /// The proof.
    pub(super) struct LoginInput {
        /// The name of the user.
        username: String,
        /// The password.
        password: Option<String>,
    }
}

fn principal(call: &Call<'_>) -> Option<String> {
    UserName::of(call).ok().map(|name| name.as_str().to_owned())
}

fn login<'a>(userpass: &'a Userpass, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        let input: LoginInput = call.input()?;
        let Some(password) = input.password.filter(|text| !text.is_empty()) else {
            return Err(Error::invalid("missing password"));
        };
        let user: Option<User> = userpass.view.read(&name.key()).await?;
        let user = user.filter(|user| address_allowed(user, &call));
        let hash = user.as_ref().map(User::hash);
        let proved = password::verify(&userpass.system, Secret::new(password), hash).await?;
        match (user, proved) {
            (Some(user), true) => Ok(Reply::login(proposal(&name, user))),
            (Some(_) | None, _) => Err(Error::invalid_credentials("invalid username or password")),
        }
    })
}

fn address_allowed(user: &User, call: &Call<'_>) -> bool {
    let blocks = &user.token.bound_cidrs;
    let peer = call.request.remote.map(|peer| peer.ip().to_canonical());
    blocks.is_empty() || peer.is_some_and(|peer| blocks.iter().any(|block| block.contains(&peer)))
}

fn proposal(name: &UserName, user: User) -> Login {
    Login {
        alias: Some(AliasProposal {
            name: name.as_str().to_owned(),
            metadata: BTreeMap::new(),
        }),
        group_aliases: Vec::new(),
        display_name: name.as_str().to_owned(),
        metadata: BTreeMap::from([("username".to_owned(), name.as_str().to_owned())]),
        claims: Default::default(),
        internal: json!({ "username": name.as_str(), "policies": user.token.policies }),
        renewable: true,
        token: user.token,
    }
}

/// What a token of this mount may have now. It is not renewed when its user is gone or has other
/// policies: who is to lose rights must not keep them by renewing.
pub(super) async fn renew(
    userpass: &Userpass,
    internal: &Value,
) -> Result<Option<TokenParameters>, Error> {
    let name = internal
        .get("username")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = UserName::parse(name)?;
    let Some(user) = userpass.view.read::<User>(&name.key()).await? else {
        return Err(Error::invalid_because(
            "user_gone",
            format!(
                "user `{}` does not exist any more; log in again",
                name.as_str()
            ),
        ));
    };
    let policies: Vec<&str> = match internal.get("policies").and_then(Value::as_array) {
        Some(policies) => policies.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    if PolicyNames::parse(&policies)? != user.token.policies {
        return Err(Error::invalid_because(
            "policies_changed",
            "policies have changed, not renewing",
        ));
    }
    Ok(Some(user.token))
}
