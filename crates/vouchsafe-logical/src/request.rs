//! A request as the pipeline and the backends see it.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::field::Data;
use crate::operation::Operation;
use crate::path::RequestPath;
use crate::secret::Secret;

/// One request. Immutable: no step of the pipeline fills anything in later.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id that answers and audit entries carry (UUID).
    pub id: String,
    /// What is asked for. Never [`Operation::Create`]: the pipeline finds that out.
    pub operation: Operation,
    /// The path below `/v1/`.
    pub path: RequestPath,
    /// Body, or query parameters for reads, lists and deletes.
    pub data: Data,
    /// The bearer credential, if one was sent.
    pub token: Option<Secret<String>>,
    /// The login that the request brings along instead of a credential; it brings none itself.
    pub login: Option<Box<Self>>,
    /// The peer of the connection.
    pub remote: Option<SocketAddr>,
    /// How long the response shall stay wrapped, if it shall be.
    pub wrap_ttl: Option<Duration>,
    /// Request headers by lower-cased name; only those that an operator asked for are audited.
    pub headers: Vec<(String, String)>,
}

/// Something of the pipeline's that passes through backends; only who knows its type can look into it.
#[derive(Clone, Default)]
pub struct Opaque(Option<Arc<dyn Any + Send + Sync>>);

impl Opaque {
    /// Closes a value.
    pub fn new<T: Any + Send + Sync>(value: Arc<T>) -> Self {
        Self(Some(value))
    }

    /// The value; none where there is none or it is of another type.
    #[must_use]
    pub fn open<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.as_ref()?).downcast().ok()
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque")
    }
}

/// Who calls, as backends see it: plain facts, no power.
///
/// The pipeline's own `Caller` is the witness of authentication; this is only its summary.
#[derive(Clone, Debug, Default)]
pub struct CallerSummary {
    /// Whether somebody has proved who calls; false for routes that are for everybody.
    pub is_authenticated: bool,
    /// Claims of the login that made the token.
    pub claims: Option<std::sync::Arc<crate::field::Data>>,
    /// The entity behind the token; none for root tokens and public routes.
    pub entity_id: Option<String>,
    /// Who calls, with groups, as the request's proof has them; storage may have less, or nothing of it
    /// (then `entity_id` is empty). For the identity engine.
    pub subject: Opaque,
    /// The login behind the caller, with or without an entity; none for who is nobody's login.
    pub login: Option<std::sync::Arc<crate::login::ProvedLogin>>,
    /// The display name of the token.
    pub display_name: String,
    /// The accessor of the token.
    pub accessor: Option<String>,
    /// The storage name (keyed hash) of the token; never the token itself.
    pub token_hash: Option<String>,
    /// The policies in force for this request.
    pub policies: Vec<String>,
    /// What those policies come to, for the pipeline's own routes.
    pub acl: Opaque,
    /// Whether the token has the `root` policy.
    pub is_root: bool,
    /// Whether policies grant `sudo` on the path of this request.
    pub has_sudo: bool,
    /// Set for a caller whom the called mount itself has recognised.
    pub guest: Option<Arc<Guest>>,
}

/// A caller whom a mount recognises by a credential of its own: it may do what is named here, at that
/// mount, and nothing else anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// What audit entries call it.
    pub name: String,
    /// Paths below the mount, exact, with what may be done on each.
    pub paths: Vec<(String, &'static [&'static str])>,
    /// What the mount lets it see, in the mount's own words.
    pub sees: BTreeSet<String>,
}
