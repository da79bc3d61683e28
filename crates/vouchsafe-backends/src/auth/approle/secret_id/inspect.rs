//! Look-up and destruction of a secret id, by itself or by its accessor.

use vouchsafe_logical::{
    Access, Answer, Attempts, Call, Error, ErrorKind, Method, Operation, Reply, Route, Transaction,
    input,
};

use super::presented;
use super::record::Found;
use crate::auth::approle::AppRole;
use crate::auth::approle::role::{Role, name_of, unknown_role};

/// Looks up a secret id.
pub(in crate::auth::approle) const LOOKUP: Route<AppRole> = Route {
    pattern: "role/{role_name^}/secret-id/lookup",
    access: Access::Token,
    methods: &[Method::update::<SecretIdInput>(lookup)],
    exists: None,
    help: "Read what is known of a secret id.",
};

/// Destroys a secret id.
pub(in crate::auth::approle) const DESTROY: Route<AppRole> = Route {
    pattern: "role/{role_name^}/secret-id/destroy",
    access: Access::Token,
    methods: &[
        Method::update::<SecretIdInput>(destroy),
        Method::with::<SecretIdInput>(Operation::Delete, destroy),
    ],
    exists: None,
    help: "Destroy a secret id.",
};

/// Looks up a secret id by its accessor.
pub(in crate::auth::approle) const ACCESSOR_LOOKUP: Route<AppRole> = Route {
    pattern: "role/{role_name^}/secret-id-accessor/lookup",
    access: Access::Token,
    methods: &[Method::update::<AccessorInput>(lookup_accessor)],
    exists: None,
    help: "Read what is known of the secret id with this accessor.",
};

/// Destroys a secret id by its accessor.
pub(in crate::auth::approle) const ACCESSOR_DESTROY: Route<AppRole> = Route {
    pattern: "role/{role_name^}/secret-id-accessor/destroy",
    access: Access::Token,
    methods: &[
        Method::update::<AccessorInput>(destroy_accessor),
        Method::with::<AccessorInput>(Operation::Delete, destroy_accessor),
    ],
    exists: None,
    help: "Destroy the secret id with this accessor.",
};

input! {
    /// Names a secret id by itself.
    pub(super) struct SecretIdInput {
        /// The name of the role.
        role_name: String,
        /// The secret id.
        secret_id: Option<String>,
    }
}

input! {
    /// Names a secret id by its accessor.
    pub(super) struct AccessorInput {
        /// The name of the role.
        role_name: String,
        /// The accessor of the secret id.
        secret_id_accessor: Option<String>,
    }
}

/// How a request names a secret id.
enum Named {
    BySecret(String),
    ByAccessor(String),
}

impl Named {
    fn by_secret(call: &Call<'_>) -> Result<Self, Error> {
        let input: SecretIdInput = call.input()?;
        match presented(input.secret_id.as_deref()) {
            Some(text) => Ok(Self::BySecret(text.to_owned())),
            None => Err(Error::invalid("missing secret_id")),
        }
    }

    fn by_accessor(call: &Call<'_>) -> Result<Self, Error> {
        let input: AccessorInput = call.input()?;
        match presented(input.secret_id_accessor.as_deref()) {
            Some(text) => Ok(Self::ByAccessor(text.to_owned())),
            None => Err(Error::invalid("missing secret_id_accessor")),
        }
    }
}

impl AppRole {
    async fn find(
        &self,
        transaction: &mut Transaction,
        call: &Call<'_>,
        named: &Named,
    ) -> Result<Option<Found>, Error> {
        let name = name_of(call)?;
        let role: Role = self
            .role_in(transaction, &name)
            .await?
            .ok_or_else(|| unknown_role(&name))?;
        let hasher = self.hasher().await?;
        let now = self.system.clock().now();
        match named {
            Named::BySecret(text) => {
                let place = (role.instance.as_str(), &*hasher.secret_id(text));
                Found::by_hash(transaction, &self.view, place, now).await
            }
            Named::ByAccessor(text) => {
                let place = (role.instance.as_str(), text.as_str());
                Found::by_accessor(transaction, &self.view, &hasher, place, now).await
            }
        }
    }

    /// Destroys a secret id; says whether there was one.
    async fn destroy(&self, call: &Call<'_>, named: &Named) -> Result<bool, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let Some(found) = self.find(&mut transaction, call, named).await? else {
                return Ok(false);
            };
            found.remove(&mut transaction, &self.view, &*self.hasher().await?);
            if attempts.commit(transaction).await?.is_done() {
                return Ok(true);
            }
        }
    }
}

/// Vault's clients look for the message in `errors`, OpenBao's for `data.error`. Theirs ends with what
/// was sent; that is a secret id where somebody took the one for the other, and errors are audited.
fn unknown_accessor() -> Error {
    let message = "failed to find accessor entry for secret_id_accessor";
    let data = serde_json::json!({ "error": message });
    Error::new(ErrorKind::NotFound, "accessor_unknown", message).with_data(data)
}

fn lookup<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let named = Named::by_secret(&call)?;
        let found = approle
            .find(&mut approle.view.begin(), &call, &named)
            .await?;
        Ok(found.map_or_else(Reply::empty, |found| {
            Reply::data(found.secret_id.describe())
        }))
    })
}

fn destroy<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        approle.destroy(&call, &Named::by_secret(&call)?).await?;
        Ok(Reply::empty())
    })
}

fn lookup_accessor<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let named = Named::by_accessor(&call)?;
        match approle
            .find(&mut approle.view.begin(), &call, &named)
            .await?
        {
            Some(found) => Ok(Reply::data(found.secret_id.describe())),
            None => Err(unknown_accessor()),
        }
    })
}

fn destroy_accessor<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let named = Named::by_accessor(&call)?;
        if approle.destroy(&call, &named).await? {
            Ok(Reply::empty())
        } else {
            Err(unknown_accessor())
        }
    })
}
