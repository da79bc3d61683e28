//! `cubbyhole/`: secrets that belong to one token, and that nobody else can see, root included.
//!
//! A cubbyhole is named by its token's keyed hash and goes with the token: revocation and expiry
//! take its secrets along (see `TokenStore`). Batch tokens are not stored, so they have none.
//! Wrapped answers lie in the same storage, where no path of this backend leads.

mod store;

use std::sync::Arc;

use vouchsafe_logical::{
    Access, Answer, BoxFuture, Call, Data, Error, Method, Operation, Reply, Route,
};

pub(crate) use store::Cubbyholes;
pub use store::SECRETS_PER_TOKEN_MAX;

use crate::runtime::Runtime;
use crate::sys::Sys;
use crate::token::{BATCH_PREFIX, TokenHash};

/// The routes of the engine.
pub(crate) const ROUTES: &[&Route<Sys>] = &[&SECRET];

const SECRET: Route<Sys> = Route {
    pattern: "{path?...}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::open(Operation::Update, write),
        Method::delete(delete),
        Method::list(list),
    ],
    exists: Some(exists),
    help: "Store, read, delete and list secrets of the calling token: the members of the body are the secret.",
};

/// The calling token's cubbyhole.
struct Own {
    runtime: Arc<Runtime>,
    owner: TokenHash,
}

impl Own {
    fn of(sys: &Sys, call: &Call<'_>) -> Result<Self, Error> {
        let token = call.request.token.as_ref();
        if token.is_some_and(|token| token.expose().starts_with(BATCH_PREFIX)) {
            return Err(Error::invalid_because(
                "batch_token",
                "cubbyhole operations are only supported by 'service' type tokens",
            ));
        }
        let Some(owner) = call.caller.token_hash.clone() else {
            return Err(Error::invalid_because(
                "credential_not_stored",
                "the request's credential is stored nowhere, so that it has no cubbyhole",
            ));
        };
        Ok(Self {
            runtime: sys.runtime()?,
            owner: TokenHash::from_stored(owner),
        })
    }

    fn cubbyholes(&self) -> &Cubbyholes {
        self.runtime.tokens.cubbyholes()
    }

    async fn read(&self, path: &str) -> Result<Option<Data>, Error> {
        if path.is_empty() {
            return Err(Error::invalid("missing path"));
        }
        self.cubbyholes().read(&self.owner, path).await
    }
}

fn exists<'a>(sys: &'a Sys, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move {
        match Own::of(sys, &call) {
            Ok(own) if !call.path.is_empty() => Ok(own.read(call.path).await?.is_some()),
            // The write itself says what is wrong.
            Ok(_) | Err(_) => Ok(false),
        }
    })
}

fn read<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secret = Own::of(sys, &call)?.read(call.path).await?;
        Ok(Reply::data(secret.ok_or_else(Error::not_found)?))
    })
}

fn write<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let own = Own::of(sys, &call)?;
        if call.path.is_empty() {
            return Err(Error::invalid("missing path"));
        }
        if call.request.data.is_empty() {
            return Err(Error::invalid("missing data fields"));
        }
        own.runtime
            .tokens
            .write_cubbyhole(&own.owner, call.path, &call.request.data)
            .await?;
        Ok(Reply::empty())
    })
}

fn delete<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let own = Own::of(sys, &call)?;
        if call.path.is_empty() {
            return Err(Error::invalid("missing path"));
        }
        own.cubbyholes().delete(&own.owner, call.path).await?;
        Ok(Reply::empty())
    })
}

fn list<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let own = Own::of(sys, &call)?;
        Reply::keys(own.cubbyholes().list(&own.owner, call.path).await?)
    })
}
