//! From the credential in a request to a [`Caller`].
//!
//! [`Caller`] is the witness of authentication: its fields are private, and only the functions of this
//! file make one. Unknown, expired, used-up and address-bound tokens are
//! all refused with the same words; what differs is the reason code, which only operators see.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use vouchsafe_identity::subject::Subject;
use vouchsafe_logical::{
    CallerSummary, Data, Error, ErrorKind, Guest, Opaque, PolicyNames, Request, Timestamp,
};
use vouchsafe_policy::{Acl, NoSubject, Policy};

use crate::iam::access::IamAccess;
use crate::iam::{self, Unstored};
use crate::policy;
use crate::runtime::Runtime;
use crate::token::{Found, TokenEntry, UsesLeft};

/// What audit entries call the rules of a guest.
const GUEST_POLICY: &str = "guest";

/// Who calls, proved.
pub struct Caller {
    credential: Credential,
    subject: Option<Arc<Subject>>,
    acl: Arc<Acl>,
    summary: CallerSummary,
    identity_policies: PolicyNames,
    had_last_use: bool,
    makes_entity: bool,
}

/// How the caller has proved it.
enum Credential {
    /// The route is for everybody.
    None,
    /// A token of ours.
    Token(Found),
    /// What is stored nowhere as a token: a JWT of an identity provider, an API key, a login in line
    /// with the request, a credential of a mount's own. Shown as a token's entry.
    Unstored(Arc<TokenEntry>),
}

impl Caller {
    /// The token of ours, if that is how the caller proved it.
    #[must_use]
    pub const fn token(&self) -> Option<&Found> {
        match &self.credential {
            Credential::Token(found) => Some(found),
            Credential::None | Credential::Unstored(_) => None,
        }
    }

    /// What is known of the credential, unless the route is for everybody.
    #[must_use]
    pub fn entry(&self) -> Option<&TokenEntry> {
        match &self.credential {
            Credential::None => None,
            Credential::Token(found) => Some(&found.entry),
            Credential::Unstored(entry) => Some(entry),
        }
    }

    /// The entity and its groups.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_deref()
    }

    /// The entity that this request makes for the caller if it is granted. Its id is the caller's
    /// already; nothing of it is stored yet.
    pub(crate) fn foreseen(&self) -> Option<&Subject> {
        self.subject().filter(|_| self.makes_entity)
    }

    /// What the caller may do.
    #[must_use]
    pub fn acl(&self) -> &Acl {
        &self.acl
    }

    /// The plain facts.
    #[must_use]
    pub const fn summary(&self) -> &CallerSummary {
        &self.summary
    }

    /// Policies that come from entity and groups.
    #[must_use]
    pub const fn identity_policies(&self) -> &PolicyNames {
        &self.identity_policies
    }

    /// Whether this request has the token's last use.
    #[must_use]
    pub const fn had_last_use(&self) -> bool {
        self.had_last_use
    }
}

/// The caller of a route that is for everybody. A token that was sent is not looked at.
pub(crate) fn anonymous() -> Caller {
    Caller {
        credential: Credential::None,
        subject: None,
        acl: Arc::new(Acl::compile(&[], &NoSubject)),
        summary: CallerSummary::default(),
        identity_policies: PolicyNames::default(),
        had_last_use: false,
        makes_entity: false,
    }
}

/// The caller of a route that is for everybody and tells more to who has a token that works. It
/// costs no use.
///
/// # Errors
/// Storage that fails.
pub(crate) async fn recognize(
    runtime: &Runtime,
    request: &Request,
    now: Timestamp,
) -> Result<Caller, Error> {
    match holder(runtime, request, now).await {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(anonymous()),
        outcome => outcome,
    }
}

/// The caller behind a request's token, which takes one of its uses where they are limited.
///
/// # Errors
/// Every failed proof is `permission denied`; storage that fails is an internal error.
pub(crate) async fn authenticate(
    runtime: &Runtime,
    request: &Request,
    now: Timestamp,
) -> Result<Caller, Error> {
    let mut caller = holder(runtime, request, now).await?;
    // Last, so that no failure comes between the last use and the end of the token.
    if let Some(found) = caller.token()
        && found.entry.num_uses > 0
    {
        match runtime.tokens.take_use(&found.hash).await? {
            Some(left) => caller.had_last_use = left == UsesLeft::Last,
            None => return Err(Error::denied("token_used_up")),
        }
    }
    Ok(caller)
}

/// A caller whom a mount has recognised: it may do what the mount says, there, and nothing else. No
/// policy of the server takes part.
///
/// # Errors
/// The mount names paths that no policy can name.
pub(crate) fn admitted(guest: Guest, mount: &str, now: Timestamp) -> Result<Caller, Error> {
    let rules: Data = guest
        .paths
        .iter()
        .map(|(path, capabilities)| {
            let rule = json!({ "capabilities": capabilities });
            (format!("{mount}{path}"), rule)
        })
        .collect();
    let text = json!({ "path": rules }).to_string();
    let policy = Policy::parse(GUEST_POLICY, &text)
        .map_err(|fault| Error::internal(format!("the paths of a guest of `{mount}`: {fault}")))?;
    let entry = Arc::new(TokenEntry::unstored(&guest.name, mount, now));
    Ok(Caller {
        credential: Credential::Unstored(entry),
        subject: None,
        acl: Arc::new(Acl::compile(&[Arc::new(policy)], &NoSubject)),
        summary: CallerSummary {
            is_authenticated: true,
            display_name: guest.name.clone(),
            guest: Some(Arc::new(guest)),
            ..CallerSummary::default()
        },
        identity_policies: PolicyNames::default(),
        had_last_use: false,
        makes_entity: false,
    })
}

/// Who holds a request's credential. No use is taken yet. What it is shows in its shape.
async fn holder(runtime: &Runtime, request: &Request, now: Timestamp) -> Result<Caller, Error> {
    let Some(token) = &request.token else {
        return Err(Error::denied("token_missing"));
    };
    if iam::is_jwt(token.expose()) {
        let proved = iam::bearer(runtime, token.expose(), now).await?;
        return unstored(runtime, proved, now).await;
    }
    let Some(found) = runtime.tokens.find(token.expose(), now).await? else {
        return match iam::api_key(runtime, token.expose(), now).await? {
            Some(proved) => unstored(runtime, proved, now).await,
            None => Err(Error::denied("token_invalid")),
        };
    };
    if !address_allowed(&found, request.remote) {
        return Err(Error::denied("token_address_not_allowed"));
    }
    if !mount_exists(runtime, &found) {
        return Err(Error::denied("token_mount_gone"));
    }
    let subject = subject_of(runtime, &found).await?;
    caller_of(runtime, Credential::Token(found), subject, None, now).await
}

/// The caller behind a credential that is stored nowhere.
async fn unstored(
    runtime: &Runtime,
    proved: Arc<Unstored>,
    now: Timestamp,
) -> Result<Caller, Error> {
    let subject = iam::subject(runtime, &proved, now).await?;
    let entity_id = subject.as_ref().map(|subject| &subject.entity().id);
    let makes_entity = subject.as_ref().is_some_and(|found| !found.is_stored());
    let credential = Credential::Unstored(proved.entry(entity_id));
    let caller = caller_of(runtime, credential, subject, Some(proved.access), now).await?;
    Ok(Caller {
        makes_entity,
        ..caller
    })
}

/// The caller behind a login that makes no token.
///
/// # Errors
/// The store's.
pub(crate) async fn logged_in(
    runtime: &Runtime,
    entry: TokenEntry,
    subject: Option<Arc<Subject>>,
    now: Timestamp,
) -> Result<Caller, Error> {
    let credential = Credential::Unstored(Arc::new(entry));
    caller_of(runtime, credential, subject, None, now).await
}

/// The caller with what policies, entity and groups let it do.
async fn caller_of(
    runtime: &Runtime,
    credential: Credential,
    subject: Option<Arc<Subject>>,
    access: Option<IamAccess>,
    now: Timestamp,
) -> Result<Caller, Error> {
    let (entry, accessor, token_hash) = match &credential {
        Credential::None => return Ok(anonymous()),
        Credential::Token(found) => {
            let accessor = found.entry.accessor.clone();
            let hash = found.hash.as_str().to_owned();
            (&*found.entry, Some(accessor), Some(hash))
        }
        Credential::Unstored(entry) => (&**entry, None, None),
    };
    let effective = policy::effective(&entry.policies, subject.as_deref());
    let acl = runtime
        .policies
        .acl_with(&effective, access, subject.as_deref(), now)
        .await?;
    let summary = CallerSummary {
        is_authenticated: true,
        claims: entry.claims.clone(),
        entity_id: entry.entity_id.clone(),
        subject: subject.clone().map(Opaque::new).unwrap_or_default(),
        login: entry.login.clone(),
        display_name: entry.display_name.clone(),
        accessor,
        token_hash,
        policies: effective.to_strings(),
        acl: Opaque::new(Arc::clone(&acl)),
        is_root: acl.is_root(),
        has_sudo: acl.is_root(),
        guest: None,
    };
    let identity_policies = subject
        .as_ref()
        .map(|subject| subject.policies().clone())
        .unwrap_or_default();
    Ok(Caller {
        credential,
        subject,
        acl,
        summary,
        identity_policies,
        had_last_use: false,
        makes_entity: false,
    })
}

/// What a caller may do, for the core's own routes, which are told only who calls.
pub(crate) fn acl_of(caller: &CallerSummary) -> Arc<Acl> {
    let acl = caller.acl.open::<Acl>();
    acl.unwrap_or_else(|| Arc::new(Acl::compile(&[], &NoSubject)))
}

/// Whether the method whose login made the token is still mounted. Unmounting revokes its tokens,
/// but not that of a login that is under way meanwhile.
fn mount_exists(runtime: &Runtime, found: &Found) -> bool {
    let accessor = found.entry.mount_accessor.as_ref();
    accessor.is_none_or(|accessor| runtime.mounts.table().by_accessor(accessor).is_some())
}

/// The subject of a token, if it stands for one.
///
/// # Errors
/// The entity is gone or disabled; the store's.
pub(crate) async fn subject_of(
    runtime: &Runtime,
    found: &Found,
) -> Result<Option<Arc<Subject>>, Error> {
    let Some(entity_id) = &found.entry.entity_id else {
        return Ok(None);
    };
    match runtime.directory.subject(entity_id).await? {
        None => Err(Error::denied("entity_gone")),
        Some(subject) if subject.disabled() => Err(Error::denied("entity_disabled")),
        Some(subject) => Ok(Some(subject)),
    }
}

/// Whether a token works from the peer's address.
fn address_allowed(found: &Found, remote: Option<SocketAddr>) -> bool {
    let bound = &found.entry.bound_cidrs;
    bound.is_empty()
        || remote.is_some_and(|peer| {
            let address = peer.ip().to_canonical();
            bound.iter().any(|block| block.contains(&address))
        })
}
