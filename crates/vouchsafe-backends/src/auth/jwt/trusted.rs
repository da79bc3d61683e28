//! Whose keys verify a token, and what is asked of every token that they verify.

use std::sync::Arc;

use vouchsafe_jose::AlgorithmSet;
use vouchsafe_logical::{Data, Error};
use vouchsafe_trust::IssuerKeys;
use vouchsafe_trust::times::Leeways;

use super::Jwt;
use super::config::{self, Config};
use super::issuer::{self, Issuer};
use super::key_config::algorithms;
use super::role::Role;

/// What aliases of further issuers begin with. No alias of the mount's own issuer may.
const ALIAS_PREFIX: &str = "issuer:";

/// The issuer that a token was routed to.
#[derive(Clone, Debug)]
pub(super) enum Trusted {
    /// That of the mount's `config`.
    Mount(Arc<Config>),
    /// A further one, with the name of its settings.
    Further(Arc<String>, Arc<Issuer>),
}

impl Trusted {
    /// The keys that verify its tokens.
    pub(super) fn keys(&self, jwt: &Jwt) -> Result<Arc<IssuerKeys>, Error> {
        match self {
            Self::Mount(config) => jwt.ring.keys(config::KEY, &config.keys),
            Self::Further(name, issuer) => jwt.ring.keys(&issuer::key_of(name), &issuer.keys),
        }
    }

    /// The algorithms that its tokens may be signed with.
    pub(super) fn algorithms(&self) -> Result<AlgorithmSet, Error> {
        algorithms(match self {
            Self::Mount(config) => &config.supported_algs,
            Self::Further(_, issuer) => &issuer.supported_algs,
        })
    }

    /// The exact `iss` of its tokens; `None` where any will do.
    pub(super) fn bound_issuer(&self) -> Option<&str> {
        match self {
            Self::Mount(config) => Some(&*config.bound_issuer).filter(|issuer| !issuer.is_empty()),
            Self::Further(_, issuer) => Some(&issuer.issuer),
        }
    }

    /// Audiences that it asks for, whatever the role.
    pub(super) fn audiences(&self) -> &[String] {
        match self {
            Self::Mount(config) => &config.token_audiences,
            Self::Further(_, issuer) => &issuer.audiences,
        }
    }

    /// The leeways of a role, and where it has none of its own, those of the issuer.
    pub(super) fn leeways(&self, role: &Role) -> Leeways {
        let (expiration, not_before, clock_skew) = match self {
            Self::Mount(_) => (0, 0, 0),
            Self::Further(_, issuer) => (
                issuer.expiration_leeway,
                issuer.not_before_leeway,
                issuer.clock_skew_leeway,
            ),
        };
        let or = |own: i64, others: i64| if own == 0 { others } else { own };
        Leeways::from_parameters(
            or(role.expiration_leeway, expiration),
            or(role.not_before_leeway, not_before),
            or(role.clock_skew_leeway, clock_skew),
        )
    }

    /// The name of an alias: what a claim says, and for further issuers who says it. Two issuers
    /// never make one alias, so never one entity and never one group.
    ///
    /// `None` where the mount's own issuer says what looks like another's alias.
    pub(super) fn alias(&self, claim: &str) -> Option<String> {
        match self {
            Self::Mount(_) => {
                let begins = claim.get(..ALIAS_PREFIX.len());
                let is_others =
                    begins.is_some_and(|begins| begins.eq_ignore_ascii_case(ALIAS_PREFIX));
                (!is_others).then(|| claim.to_owned())
            }
            // An issuer has no `#`, so the first one ends it.
            Self::Further(_, issuer) => Some(format!("{ALIAS_PREFIX}{}#{claim}", issuer.issuer)),
        }
    }
}

/// Adds to an answer how the keys of an issuer are.
pub(super) fn describe_state(keys: &IssuerKeys, data: &mut Data) {
    let state = keys.state();
    data.insert("keys_count".to_owned(), state.keys.into());
    let fetched_at = state.fetched_at.map(|at| at.to_string());
    data.insert("keys_fetched_at".to_owned(), fetched_at.into());
    data.insert("keys_failure".to_owned(), state.failure.into());
}
