//! Identity providers: what is configured of each, and which one a token belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::keys::ProviderKeys;

/// An identity provider whose tokens are credentials.
#[derive(Debug)]
pub struct Provider {
    /// Its name in the file, which audit entries show.
    pub name: String,
    /// Whether its tokens are refused.
    pub disabled: bool,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be or contain.
    pub audience: String,
    /// Whose signature counts.
    pub keys: ProviderKeys,
    pub(crate) roles_claim: Option<String>,
    pub(crate) namespace_top_claim: Option<String>,
    pub(crate) extra_claims: Map<String, Value>,
    pub(crate) bound_claims: BTreeMap<String, Value>,
    pub(crate) allowed_roles: Option<BTreeSet<String>>,
    pub(crate) roles_map: Option<BTreeMap<String, String>>,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'c> {
    /// Of this provider.
    Found(&'c Arc<Provider>),
    /// Of this one, which is disabled.
    Disabled(&'c Arc<Provider>),
    /// Of more than one: its audiences are those of several providers, which may give it different
    /// roles. It must be told apart by whoever issues it.
    Ambiguous,
    /// Of none.
    Unknown,
}

/// All providers of a file.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    all: Vec<Arc<Provider>>,
    /// By issuer, then audience.
    enabled: BTreeMap<String, BTreeMap<String, usize>>,
    disabled: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Providers {
    /// Adds a provider. The name of another enabled one for the same pair is the error.
    pub(crate) fn insert(&mut self, provider: Provider) -> Result<(), String> {
        let index = if provider.disabled {
            &mut self.disabled
        } else {
            &mut self.enabled
        };
        let of_issuer = index.entry(provider.issuer.clone()).or_default();
        if let Some(other) = of_issuer.get(&provider.audience)
            && !provider.disabled
        {
            let name = self.all.get(*other).map(|other| other.name.clone());
            return Err(name.unwrap_or_default());
        }
        of_issuer.insert(provider.audience.clone(), self.all.len());
        self.all.push(Arc::new(provider));
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.all.iter()
    }

    pub(crate) fn find(&self, issuer: Option<&str>, audience: &[String]) -> Lookup<'_> {
        let Some(issuer) = issuer else {
            return Lookup::Unknown;
        };
        let named = |index: &BTreeMap<String, BTreeMap<String, usize>>| {
            let of_issuer = index.get(issuer);
            let places = audience
                .iter()
                .filter_map(|one| of_issuer?.get(one).copied());
            places.collect::<BTreeSet<usize>>()
        };
        let enabled = named(&self.enabled);
        let first = |places: &BTreeSet<usize>| self.all.get(*places.first()?);
        match (enabled.len(), first(&enabled)) {
            (1, Some(provider)) => return Lookup::Found(provider),
            (0, _) | (_, None) => {}
            _ => return Lookup::Ambiguous,
        }
        match first(&named(&self.disabled)) {
            Some(provider) => Lookup::Disabled(provider),
            None => Lookup::Unknown,
        }
    }
}
