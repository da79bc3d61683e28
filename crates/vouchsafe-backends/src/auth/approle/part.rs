//! `role/{role_name^}/token-ttl` and the like: one parameter of a role at a path of its own, so
//! that a policy can allow it alone.
//!
//! Writing a part is writing the role with nothing but the fields of the part; deleting one is
//! writing what a new role has. So a parameter has one way into the role, with one set of checks,
//! whichever path it takes.

use serde_json::{Value, json};
use vouchsafe_logical::field::{Field, Kind};
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, Operation, Reply, Request, Route,
};

use super::AppRole;
use super::role::{Absent, Role, name_of, written};

/// A parameter with a path of its own.
pub(super) struct Part {
    pub(super) route: Route<AppRole>,
    /// What a write takes and a read shows, the present name first.
    fields: &'static [Field],
    /// The member of the role's own answer that the first field shows.
    source: &'static str,
    /// What a new role has.
    initial: fn() -> Value,
}

const fn field(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        help,
    }
}

/// The route of a part. An expression only: the names are written out below.
macro_rules! route {
    ($pattern:literal, $fields:expr, $help:literal) => {
        Route {
            pattern: $pattern,
            access: Access::Token,
            methods: &[
                Method::read(read),
                Method::new(Operation::Update, &[$fields], write),
                Method::delete(delete),
            ],
            exists: None,
            help: $help,
        }
    };
}

const POLICIES_FIELDS: &[Field] = &[
    field("token_policies", Kind::List, "Policies of the tokens."),
    field(
        "policies",
        Kind::List,
        "The former name of `token_policies`.",
    ),
];
/// The policies of the tokens.
pub(super) const POLICIES: Part = Part {
    route: route!(
        "role/{role_name^}/policies",
        POLICIES_FIELDS,
        "The policies of the tokens."
    ),
    fields: POLICIES_FIELDS,
    source: "token_policies",
    initial: || json!([]),
};

const BIND_SECRET_ID_FIELDS: &[Field] = &[field(
    "bind_secret_id",
    Kind::Boolean,
    "Whether a login needs a secret id.",
)];
/// Whether a login needs a secret id.
pub(super) const BIND_SECRET_ID: Part = Part {
    route: route!(
        "role/{role_name^}/bind-secret-id",
        BIND_SECRET_ID_FIELDS,
        "Whether a login needs a secret id."
    ),
    fields: BIND_SECRET_ID_FIELDS,
    source: "bind_secret_id",
    initial: || json!(true),
};

const SECRET_ID_NUM_USES_FIELDS: &[Field] = &[field(
    "secret_id_num_uses",
    Kind::Integer,
    "How many logins a secret id is good for; 0 is no limit.",
)];
/// How many logins a secret id is good for.
pub(super) const SECRET_ID_NUM_USES: Part = Part {
    route: route!(
        "role/{role_name^}/secret-id-num-uses",
        SECRET_ID_NUM_USES_FIELDS,
        "How many logins a secret id is good for."
    ),
    fields: SECRET_ID_NUM_USES_FIELDS,
    source: "secret_id_num_uses",
    initial: || json!(0),
};

const SECRET_ID_TTL_FIELDS: &[Field] = &[field(
    "secret_id_ttl",
    Kind::Duration,
    "How long a secret id lives; 0 is for ever.",
)];
/// How long a secret id lives.
pub(super) const SECRET_ID_TTL: Part = Part {
    route: route!(
        "role/{role_name^}/secret-id-ttl",
        SECRET_ID_TTL_FIELDS,
        "How long a secret id lives."
    ),
    fields: SECRET_ID_TTL_FIELDS,
    source: "secret_id_ttl",
    initial: || json!(0),
};

const SECRET_ID_BOUND_CIDRS_FIELDS: &[Field] = &[field(
    "secret_id_bound_cidrs",
    Kind::List,
    "Blocks of IP addresses from which logins are accepted.",
)];
/// From where logins are accepted.
pub(super) const SECRET_ID_BOUND_CIDRS: Part = Part {
    route: route!(
        "role/{role_name^}/secret-id-bound-cidrs",
        SECRET_ID_BOUND_CIDRS_FIELDS,
        "From where logins are accepted."
    ),
    fields: SECRET_ID_BOUND_CIDRS_FIELDS,
    source: "secret_id_bound_cidrs",
    initial: || json!([]),
};

const BOUND_CIDR_LIST_FIELDS: &[Field] = &[field(
    "bound_cidr_list",
    Kind::List,
    "The former name of `secret_id_bound_cidrs`.",
)];
/// From where logins are accepted, under its former name.
pub(super) const BOUND_CIDR_LIST: Part = Part {
    route: route!(
        "role/{role_name^}/bound-cidr-list",
        BOUND_CIDR_LIST_FIELDS,
        "From where logins are accepted. Use `secret-id-bound-cidrs` instead."
    ),
    fields: BOUND_CIDR_LIST_FIELDS,
    source: "secret_id_bound_cidrs",
    initial: || json!([]),
};

const TOKEN_BOUND_CIDRS_FIELDS: &[Field] = &[field(
    "token_bound_cidrs",
    Kind::List,
    "Blocks of IP addresses from which tokens work.",
)];
/// From where tokens work.
pub(super) const TOKEN_BOUND_CIDRS: Part = Part {
    route: route!(
        "role/{role_name^}/token-bound-cidrs",
        TOKEN_BOUND_CIDRS_FIELDS,
        "From where tokens work."
    ),
    fields: TOKEN_BOUND_CIDRS_FIELDS,
    source: "token_bound_cidrs",
    initial: || json!([]),
};

const TOKEN_NUM_USES_FIELDS: &[Field] = &[field(
    "token_num_uses",
    Kind::Integer,
    "How many requests a token is good for; 0 is no limit.",
)];
/// How many requests a token is good for.
pub(super) const TOKEN_NUM_USES: Part = Part {
    route: route!(
        "role/{role_name^}/token-num-uses",
        TOKEN_NUM_USES_FIELDS,
        "How many requests a token is good for."
    ),
    fields: TOKEN_NUM_USES_FIELDS,
    source: "token_num_uses",
    initial: || json!(0),
};

const TOKEN_TTL_FIELDS: &[Field] = &[field(
    "token_ttl",
    Kind::Duration,
    "Life of a token at creation and renewal.",
)];
/// Life of a token at creation and renewal.
pub(super) const TOKEN_TTL: Part = Part {
    route: route!(
        "role/{role_name^}/token-ttl",
        TOKEN_TTL_FIELDS,
        "Life of a token at creation and renewal."
    ),
    fields: TOKEN_TTL_FIELDS,
    source: "token_ttl",
    initial: || json!(0),
};

const TOKEN_MAX_TTL_FIELDS: &[Field] = &[field(
    "token_max_ttl",
    Kind::Duration,
    "The longest life of a token with its renewals.",
)];
/// The longest life of a token with its renewals.
pub(super) const TOKEN_MAX_TTL: Part = Part {
    route: route!(
        "role/{role_name^}/token-max-ttl",
        TOKEN_MAX_TTL_FIELDS,
        "The longest life of a token with its renewals."
    ),
    fields: TOKEN_MAX_TTL_FIELDS,
    source: "token_max_ttl",
    initial: || json!(0),
};

const PERIOD_FIELDS: &[Field] = &[
    field(
        "token_period",
        Kind::Duration,
        "Makes tokens periodic: each renewal is for this long.",
    ),
    field(
        "period",
        Kind::Duration,
        "The former name of `token_period`.",
    ),
];
/// The period of periodic tokens.
pub(super) const PERIOD: Part = Part {
    route: route!(
        "role/{role_name^}/period",
        PERIOD_FIELDS,
        "The period of periodic tokens."
    ),
    fields: PERIOD_FIELDS,
    source: "token_period",
    initial: || json!(0),
};

pub(super) const ALL: [Part; 11] = [
    POLICIES,
    BIND_SECRET_ID,
    SECRET_ID_NUM_USES,
    SECRET_ID_TTL,
    SECRET_ID_BOUND_CIDRS,
    BOUND_CIDR_LIST,
    TOKEN_BOUND_CIDRS,
    TOKEN_NUM_USES,
    TOKEN_TTL,
    TOKEN_MAX_TTL,
    PERIOD,
];

impl Part {
    /// The part that a call is about. The router has matched its path already.
    fn of(call: &Call<'_>) -> Result<Self, Error> {
        let segment = |path: &str| {
            path.trim_end_matches('/')
                .rsplit('/')
                .next()
                .map(str::to_owned)
        };
        let asked = segment(call.path);
        let found = ALL
            .into_iter()
            .find(|part| segment(part.route.pattern) == asked);
        found.ok_or_else(|| Error::internal("approle: a path of no part reached its handler"))
    }

    /// The field that a read and a delete are about.
    fn name(&self) -> &'static str {
        self.fields.first().map_or(self.source, |field| field.name)
    }
}

/// Updates a role with `data` and nothing else of the call.
async fn update(approle: &AppRole, call: &Call<'_>, data: Data) -> Result<Role, Error> {
    let request = Request {
        id: call.request.id.clone(),
        operation: call.request.operation,
        path: call.request.path.clone(),
        data,
        token: None,
        remote: call.request.remote,
        login: None,
        wrap_ttl: None,
        headers: Vec::new(),
    };
    let narrowed = Call {
        request: &request,
        operation: call.operation,
        path: call.path,
        captures: call.captures,
        caller: call.caller,
        mount: call.mount,
    };
    let name = name_of(call)?;
    let change = |role: &mut Role, freshness| role.update(&narrowed, freshness);
    approle.change_role(&name, Absent::Refuse, change).await
}

fn read<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let part = Part::of(&call)?;
        let role = approle.role_of(&call).await?;
        let described = role.describe();
        let mut data = Data::new();
        for field in part.fields {
            let source = if field.name == part.name() {
                part.source
            } else {
                field.name
            };
            if let Some(value) = described.get(source) {
                data.insert(field.name.to_owned(), value.clone());
            }
        }
        Ok(Reply::data(data))
    })
}

fn write<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let part = Part::of(&call)?;
        let mut data = Data::new();
        for field in part.fields {
            if let Some(value) = call
                .request
                .data
                .get(field.name)
                .filter(|value| !value.is_null())
            {
                data.insert(field.name.to_owned(), value.clone());
            }
        }
        if data.is_empty() {
            return Err(Error::invalid_because(
                "field_missing",
                format!("missing {}", part.name()),
            ));
        }
        Ok(written(&update(approle, &call, data).await?, &call))
    })
}

fn delete<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let part = Part::of(&call)?;
        if approle.role(&name_of(&call)?).await?.is_none() {
            return Ok(Reply::empty());
        }
        let mut data = Data::new();
        data.insert(part.name().to_owned(), (part.initial)());
        update(approle, &call, data).await?;
        Ok(Reply::empty())
    })
}
