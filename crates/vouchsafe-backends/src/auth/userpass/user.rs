//! `users/{username}`: who may log in, and what their tokens get.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_identity::subject::name::NAME_BYTES_MAX;
use vouchsafe_logical::{
    Access, Answer, Attempts, BoxFuture, Call, CommaList, Data, Error, Method, Reply, Route,
    Secret, TokenFields, TokenParameters, input,
};

use super::Userpass;
use super::password::PasswordHash;
use crate::auth::former_names::FormerNames;

/// The longest user name, in bytes. It becomes the name of an alias, which has the same bound.
pub(super) const USER_NAME_BYTES_MAX: usize = NAME_BYTES_MAX;

/// All users.
pub(super) const LIST: Route<Userpass> = Route {
    pattern: "users",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the users.",
};

/// One user.
pub(super) const ROUTE: Route<Userpass> = Route {
    pattern: "users/{username^}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update2::<UserInput, TokenFields>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read, write or delete a user.",
};

/// A user's password.
pub(super) const PASSWORD: Route<Userpass> = Route {
    pattern: "users/{username^}/password",
    access: Access::Token,
    methods: &[Method::update::<PasswordInput>(write_password)],
    exists: None,
    help: "Set the password of a user.",
};

/// A user's policies.
pub(super) const POLICIES: Route<Userpass> = Route {
    pattern: "users/{username^}/policies",
    access: Access::Token,
    methods: &[Method::update::<PoliciesInput>(write_policies)],
    exists: None,
    help: "Set the policies of a user's tokens.",
};

input! {
    /// What a write says about a user, beside the `token_*` parameters.
    pub(super) struct UserInput {
        /// The name of the user; upper and lower case are the same.
        username: String,
        /// The password, at most 72 bytes.
        password: Option<String>,
        /// A bcrypt hash of the password, in place of it.
        password_hash: Option<String>,
        /// The former name of `token_policies`.
        policies: Option<CommaList>,
        /// The former name of `token_ttl`.
        ttl: Option<Duration>,
        /// The former name of `token_max_ttl`.
        max_ttl: Option<Duration>,
        /// The former name of `token_bound_cidrs`.
        bound_cidrs: Option<CommaList>,
    }
}

input! {
    /// A new password.
    pub(super) struct PasswordInput {
        /// The name of the user.
        username: String,
        /// The password, at most 72 bytes.
        password: Option<String>,
        /// A bcrypt hash of the password, in place of it.
        password_hash: Option<String>,
    }
}

input! {
    /// New policies.
    pub(super) struct PoliciesInput {
        /// The name of the user.
        username: String,
        /// The policies.
        token_policies: Option<CommaList>,
        /// The former name of `token_policies`.
        policies: Option<CommaList>,
    }
}

/// A user name in its one normal form: lower case. The routes admit no other characters than
/// `[A-Za-z0-9_.-]`, so case is all in which two spellings of one name can differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserName(String);

impl UserName {
    /// Normalises a name.
    ///
    /// # Errors
    /// More than [`USER_NAME_BYTES_MAX`] bytes.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > USER_NAME_BYTES_MAX {
            return Err(Error::invalid(format!(
                "username is {} bytes long; at most {USER_NAME_BYTES_MAX} are allowed",
                text.len()
            )));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The user whom a call is about.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, Error> {
        Self::parse(call.captured("username"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the user is stored.
    pub(super) fn key(&self) -> String {
        format!("user/{}", self.0)
    }
}

/// A user as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct User {
    password_hash: String,
    pub(super) token: TokenParameters,
    #[serde(default)]
    former_names: FormerNames,
}

impl User {
    pub(super) fn hash(&self) -> PasswordHash {
        PasswordHash::from_stored(self.password_hash.clone())
    }

    fn update(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let input: UserInput = call.input()?;
        let mut fields: TokenFields = call.input()?;
        let names = &mut self.former_names;
        names.take("policies", &mut fields.token_policies, input.policies);
        names.take("ttl", &mut fields.token_ttl, input.ttl);
        names.take("max_ttl", &mut fields.token_max_ttl, input.max_ttl);
        names.take(
            "bound_cidrs",
            &mut fields.token_bound_cidrs,
            input.bound_cidrs,
        );
        self.token.update(fields)
    }
}

/// What a write does where there is no such user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Create,
    Refuse,
}

impl Userpass {
    /// Reads a user, changes it, and writes it if nobody else has done so meanwhile.
    async fn change_user(
        &self,
        name: &UserName,
        absent: Absent,
        hash: Option<PasswordHash>,
        change: impl Fn(&mut User) -> Result<(), Error> + Send + Sync,
    ) -> Result<(), Error> {
        let key = name.key();
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let mut user = match (transaction.read::<User>(&self.view, &key).await?, absent) {
                (Some(user), _) => user,
                (None, Absent::Create) if hash.is_some() => User {
                    password_hash: String::new(),
                    token: TokenParameters::default(),
                    former_names: FormerNames::default(),
                },
                (None, Absent::Create) => return Err(Error::invalid("missing password")),
                (None, Absent::Refuse) => return Err(Error::invalid("username does not exist")),
            };
            if let Some(hash) = &hash {
                user.password_hash = hash.clone().into_stored();
            }
            change(&mut user)?;
            transaction.put_record(&self.view, &key, &user)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }

    /// The hash to store, where a write brings a password or a hash.
    async fn new_hash(
        &self,
        password: Option<String>,
        hash: Option<String>,
    ) -> Result<Option<PasswordHash>, Error> {
        match (password, hash) {
            (Some(_), Some(_)) => Err(Error::invalid(
                "only one of password or password_hash may be provided",
            )),
            (Some(password), None) => PasswordHash::of(&self.system, Secret::new(password))
                .await
                .map(Some),
            (None, Some(hash)) => PasswordHash::parse(&hash).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn exists<'a>(userpass: &'a Userpass, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        Ok(userpass.view.get(&name.key()).await?.is_some())
    })
}

fn list<'a>(userpass: &'a Userpass, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(userpass.view.list_all("user/").await?) })
}

fn read<'a>(userpass: &'a Userpass, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        let user: User = userpass
            .view
            .read(&name.key())
            .await?
            .ok_or_else(Error::not_found)?;
        let mut data = Data::new();
        user.token.describe(&mut data);
        user.former_names.describe(&mut data);
        Ok(Reply::data(data))
    })
}

fn write<'a>(userpass: &'a Userpass, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        let input: UserInput = call.input()?;
        let hash = userpass
            .new_hash(input.password, input.password_hash)
            .await?;
        userpass
            .change_user(&name, Absent::Create, hash, |user| user.update(&call))
            .await?;
        Ok(Reply::empty())
    })
}

fn delete<'a>(userpass: &'a Userpass, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        let mut transaction = userpass.view.begin();
        transaction.delete(&userpass.view, &name.key());
        transaction.commit().await?;
        Ok(Reply::empty())
    })
}

fn write_password<'a>(userpass: &'a Userpass, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        let input: PasswordInput = call.input()?;
        let hash = userpass
            .new_hash(input.password, input.password_hash)
            .await?;
        if hash.is_none() {
            return Err(Error::invalid("missing password"));
        }
        userpass
            .change_user(&name, Absent::Refuse, hash, |_| Ok(()))
            .await?;
        Ok(Reply::empty())
    })
}

fn write_policies<'a>(userpass: &'a Userpass, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = UserName::of(&call)?;
        let change = |user: &mut User| {
            let input: PoliciesInput = call.input()?;
            let mut policies = input.token_policies;
            user.former_names
                .take("policies", &mut policies, input.policies);
            user.token.update(TokenFields {
                token_policies: policies,
                ..TokenFields::default()
            })
        };
        userpass
            .change_user(&name, Absent::Refuse, None, change)
            .await?;
        Ok(Reply::empty())
    })
}
