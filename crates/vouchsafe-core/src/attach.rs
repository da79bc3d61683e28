//! From a proof of identity to a token: entity, group membership and token in one transaction; or
//! (`without_token`) to a caller who has none.
//!
//! The auth method proposes; what it proposes is bounded here, in one place, whatever the method.

use std::collections::BTreeMap;
use std::sync::Arc;

use vouchsafe_identity::subject::Subject;
use vouchsafe_logical::{
    Attempts, Auth, Error, Login, PolicyName, PolicyNames, ProvedLogin, Request, Timestamp,
    TokenKind,
};

use crate::mount::Mount;
use crate::runtime::Runtime;
use crate::token::{Bounds, TokenEntry, TokenStore, TokenType, end_of_life, lifetime};

/// A token with what the client should be told.
pub(crate) struct Made {
    /// The token and what it may do.
    pub(crate) auth: Auth,
    /// Sentences for the client.
    pub(crate) warnings: Vec<String>,
}

/// Makes the token of a login.
///
/// # Errors
/// The proposal asks for what no login may have; the entity is disabled; the store's.
pub(crate) async fn login(
    runtime: &Runtime,
    mount: &Mount,
    login: Login,
    request: &Request,
    now: Timestamp,
) -> Result<Made, Error> {
    let (mut entry, warnings) = proposed(runtime, mount, &login, request, now)?;
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = runtime.root.begin();
        let mut created = false;
        if let Some(alias) = &login.alias {
            let attached = match runtime
                .directory
                .attach_login(
                    &mut transaction,
                    mount.summary(),
                    alias,
                    &login.group_aliases,
                    now,
                    &*runtime.ports.entropy,
                )
                .await
            {
                Ok(attached) => attached,
                Err(error) => {
                    attempts.again(error)?;
                    continue;
                }
            };
            if attached.disabled {
                return Err(Error::denied("entity_disabled"));
            }
            created = attached.entity_created;
            entry.entity_id = Some(attached.entity_id.to_string());
        }
        let token = runtime
            .tokens
            .issue(&mut transaction, &entry, None, &*runtime.ports.entropy)
            .await?;
        if attempts.commit(transaction).await?.is_done() {
            let auth = auth_of(runtime, &entry, token, created, now).await?;
            return Ok(Made { auth, warnings });
        }
    }
}

/// Who a login is that makes no token: what it may do, as a token's entry, and the subject. The entry
/// names the entity only where there is one.
///
/// # Errors
/// As [`login`].
pub(crate) async fn without_token(
    runtime: &Runtime,
    mount: &Mount,
    login: &Login,
    request: &Request,
    now: Timestamp,
) -> Result<(TokenEntry, Option<Arc<Subject>>), Error> {
    let (entry, _) = proposed(runtime, mount, login, request, now)?;
    let entry = TokenEntry {
        login: proved(mount, login, true),
        accessor: String::new(),
        token_type: TokenType::Batch,
        renewable: false,
        num_uses: 0,
        ..entry
    };
    let Some(alias) = &login.alias else {
        return Ok((entry, None));
    };
    let subject = runtime
        .directory
        .foresee_login(
            mount.summary(),
            alias,
            &login.group_aliases,
            now,
            &*runtime.ports.entropy,
        )
        .await?;
    if subject.disabled() {
        return Err(Error::denied("entity_disabled"));
    }
    let entity_id = subject.entity().id.to_string();
    let entry = TokenEntry {
        entity_id: subject.is_stored().then_some(entity_id),
        ..entry
    };
    Ok((entry, Some(subject)))
}

/// The entry of the token that a login proposes, without an entity yet, and sentences for the client.
fn proposed(
    runtime: &Runtime,
    mount: &Mount,
    login: &Login,
    request: &Request,
    now: Timestamp,
) -> Result<(TokenEntry, Vec<String>), Error> {
    let parameters = &login.token;
    if parameters.policies.contains_root() {
        return Err(Error::invalid_because(
            "policy_root_refused",
            "auth methods cannot create root tokens",
        ));
    }
    if !parameters.bound_cidrs.is_empty() && !address_allowed(login, request) {
        return Err(Error::denied("login_address_not_allowed"));
    }
    Ok(entry_of(runtime, mount, login, request, now))
}

/// What a login has proved, with the groups that it named if those are to be kept.
fn proved(mount: &Mount, login: &Login, with_groups: bool) -> Option<Arc<ProvedLogin>> {
    let alias = login.alias.as_ref()?;
    Some(Arc::new(ProvedLogin {
        mount_accessor: mount.summary().accessor.clone(),
        name: alias.name.clone(),
        groups: with_groups.then(|| login.group_aliases.clone()),
    }))
}

fn address_allowed(login: &Login, request: &Request) -> bool {
    request.remote.is_some_and(|peer| {
        let address = peer.ip().to_canonical();
        login
            .token
            .bound_cidrs
            .iter()
            .any(|block| block.contains(&address))
    })
}

fn entry_of(
    runtime: &Runtime,
    mount: &Mount,
    login: &Login,
    request: &Request,
    now: Timestamp,
) -> (TokenEntry, Vec<String>) {
    let parameters = &login.token;
    let token_type = match (parameters.kind, mount.entry().config.token_type) {
        (TokenKind::Batch | TokenKind::DefaultBatch, _)
        | (TokenKind::Default, TokenKind::Batch | TokenKind::DefaultBatch) => TokenType::Batch,
        (TokenKind::Service | TokenKind::DefaultService | TokenKind::Default, _) => {
            TokenType::Service
        }
    };
    let mut policies = parameters.policies.clone();
    if !parameters.no_default_policy {
        policies.insert(PolicyName::default_policy());
    }
    let life = lifetime(
        Bounds {
            requested: parameters.ttl,
            period: parameters.period,
            max_ttl: parameters.max_ttl,
            explicit_max_ttl: parameters.explicit_max_ttl,
            mount_default: mount.summary().default_lease_ttl,
            mount_max: mount.summary().max_lease_ttl,
        },
        now,
        now,
    );
    let mount_name = mount
        .summary()
        .path
        .trim_start_matches("auth/")
        .trim_end_matches('/');
    let display_name = format!("{}-{}", mount_name.replace('/', "-"), login.display_name);
    let entry = TokenEntry {
        accessor: match token_type {
            TokenType::Service => TokenStore::new_accessor(&*runtime.ports.entropy),
            TokenType::Batch => String::new(),
        },
        display_name: display_name.trim_end_matches('-').to_owned(),
        path: request.path.as_str().to_owned(),
        policies,
        meta: (!login.metadata.is_empty()).then(|| login.metadata.clone()),
        token_type,
        entity_id: None,
        // A batch token travels in a header, which the names of a thousand groups would overflow.
        login: proved(mount, login, token_type == TokenType::Service),
        parent: None,
        role: None,
        created_at: now,
        creation_ttl: life.ttl,
        expire_at: Some(end_of_life(now, life.ttl)),
        last_renewed_at: None,
        explicit_max_ttl: parameters.explicit_max_ttl,
        max_ttl: parameters.max_ttl,
        period: parameters.period,
        renewable: login.renewable && token_type == TokenType::Service,
        num_uses: parameters.num_uses,
        spent: false,
        bound_cidrs: parameters.bound_cidrs.clone(),
        claims: (!login.claims.is_empty()).then(|| Arc::new(login.claims.clone())),
        internal: login.internal.clone(),
        mount_accessor: Some(mount.summary().accessor.clone()),
        initial_root: false,
    };
    (entry, life.warnings)
}

/// The `auth` block of a token that was just made or renewed.
///
/// # Errors
/// The store's.
pub(crate) async fn auth_of(
    runtime: &Runtime,
    entry: &TokenEntry,
    token: String,
    entity_created: bool,
    now: Timestamp,
) -> Result<Auth, Error> {
    let identity = match &entry.entity_id {
        Some(id) => runtime.directory.subject(id).await?,
        None => None,
    };
    let identity_policies: PolicyNames = identity
        .as_ref()
        .map(|subject| subject.policies().clone())
        .unwrap_or_default();
    let all = crate::policy::effective(&entry.policies, identity.as_deref());
    let metadata: Option<BTreeMap<String, String>> = entry.meta.clone();
    Ok(Auth {
        client_token: token,
        accessor: entry.accessor.clone(),
        policies: all.to_strings(),
        token_policies: entry.policies.to_strings(),
        identity_policies: identity_policies.to_strings(),
        metadata,
        lease_duration: entry.remaining_seconds(now),
        renewable: entry.renewable,
        entity_id: entry.entity_id.clone().unwrap_or_default(),
        token_type: entry.token_type.as_str(),
        orphan: entry.is_orphan(),
        mfa_requirement: None,
        num_uses: entry.num_uses,
        entity_created,
        display_name: entry.display_name.clone(),
        ttl: entry.creation_ttl,
    })
}
