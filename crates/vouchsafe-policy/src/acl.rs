//! The compiled ACL: the rules of several policies merged by path, for one subject.

use std::collections::HashMap;
use std::sync::Arc;

use crate::capability::{Capability, CapabilitySet};
use crate::index::Index;
use crate::pattern::Pattern;
use crate::rule::{PathRule, Permissions, Policy};
use crate::template::Subject;

/// What the policies of a token allow. Immutable; share it in an [`Arc`] and cache it by the
/// versions of the policies (and the subject, if [`Policy::is_templated`]).
#[derive(Clone, Debug)]
pub struct Acl {
    pub(crate) access: Access,
}

#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// Everything.
    Root,
    /// What the rules say.
    Rules(Index<MergedRule>),
}

/// What all policies say about one path.
#[derive(Clone, Debug)]
pub(crate) struct MergedRule {
    /// The path as written, templates resolved.
    pub(crate) path: Box<str>,
    pub(crate) permissions: Arc<Permissions>,
    /// The policies with a rule for this path, and what each grants, in the order given.
    pub(crate) sources: Vec<(Arc<str>, CapabilitySet)>,
}

/// A rule as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The path; without the final `*` for [`ListedKind::Prefix`], as `resultant-acl` shows it.
    pub path: String,
    /// What kind of path it is.
    pub kind: ListedKind,
    /// What the rule grants, in the order of `resultant-acl`; `deny` alone for a deny and for a
    /// rule without capabilities.
    pub capabilities: Vec<Capability>,
}

/// The order in which `sys/internal/ui/resultant-acl` shows capabilities.
const LISTED_ORDER: [Capability; 10] = [
    Capability::Create,
    Capability::Delete,
    Capability::List,
    Capability::Read,
    Capability::Sudo,
    Capability::Update,
    Capability::Patch,
    Capability::Scan,
    Capability::Subscribe,
    Capability::Recover,
];

/// The kinds of rule paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListedKind {
    /// Matches one path.
    Exact,
    /// Matches what begins with it.
    Prefix,
    /// Has `+` segments, and perhaps a final `*`.
    Wildcard,
}

impl Acl {
    /// The ACL of the `root` policy: everything is allowed.
    ///
    /// # Security
    /// The only way to it. A policy that is named `root` grants what its text says.
    #[must_use]
    pub const fn root() -> Self {
        Self {
            access: Access::Root,
        }
    }

    /// Merges policies for a subject. A rule whose template has no fit value is left out.
    #[must_use]
    pub fn compile(policies: &[Arc<Policy>], subject: &dyn Subject) -> Self {
        let mut merged: HashMap<Pattern, MergedRule> = HashMap::new();
        for policy in policies {
            for rule in &policy.rules {
                if let Some(path) = rule.path.resolve(subject) {
                    add(&mut merged, policy, rule, &path);
                }
            }
        }
        Self {
            access: Access::Rules(Index::new(merged)),
        }
    }

    /// Whether this is [`Acl::root`].
    #[must_use]
    pub const fn is_root(&self) -> bool {
        matches!(self.access, Access::Root)
    }

    /// What may be done on a path, in alphabetical order as in `sys/capabilities`: `[Root]` for the root ACL,
    /// `[Deny]` for a deny and for a path that no rule grants anything on.
    #[must_use]
    pub fn capabilities(&self, path: &str) -> Vec<Capability> {
        if self.is_root() {
            return vec![Capability::Root];
        }
        match self.granted(path) {
            set if set.grants_anything() => set.iter().collect(),
            _ => vec![Capability::Deny],
        }
    }

    /// Whether anything is granted on `prefix` itself or below it: the question for mounts.
    ///
    /// A grant counts even where a more specific rule denies part of it. `prefix` is a mount path
    /// such as `secret/`.
    #[must_use]
    pub fn grants_under(&self, prefix: &str) -> bool {
        let prefix = without_leading_slashes(prefix);
        match &self.access {
            Access::Root => true,
            Access::Rules(index) => {
                let grants = |rule: &MergedRule| rule.permissions.capabilities.grants_anything();
                self.find(prefix, true).is_some_and(grants)
                    || index.best(prefix).is_some_and(|found| grants(found.value))
                    || index.reaching(prefix).any(grants)
            }
        }
    }

    /// How many rules it has: what it takes in memory goes by that.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        match &self.access {
            Access::Root => 0,
            Access::Rules(index) => {
                index.exact_rules().count()
                    + index.prefix_rules().count()
                    + index.wildcard_rules().count()
            }
        }
    }

    /// All rules, by kind and path; none for the root ACL.
    #[must_use]
    pub fn rules(&self) -> Vec<Listed> {
        let Access::Rules(index) = &self.access else {
            return Vec::new();
        };
        let listed = |kind, path: String, rule: &MergedRule| {
            let set = rule.permissions.capabilities;
            let capabilities = if set.grants_anything() {
                LISTED_ORDER
                    .into_iter()
                    .filter(|capability| set.contains(*capability))
                    .collect()
            } else {
                vec![Capability::Deny]
            };
            Listed {
                path,
                kind,
                capabilities,
            }
        };
        let exact = index
            .exact_rules()
            .map(|(path, rule)| listed(ListedKind::Exact, path.to_owned(), rule));
        let prefixes = index
            .prefix_rules()
            .map(|(path, rule)| listed(ListedKind::Prefix, path.to_owned(), rule));
        let wildcards = index
            .wildcard_rules()
            .map(|(wildcard, rule)| listed(ListedKind::Wildcard, wildcard.written(), rule));
        let mut all: Vec<Listed> = exact.chain(prefixes).chain(wildcards).collect();
        all.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        all
    }

    fn granted(&self, path: &str) -> CapabilitySet {
        self.find(path, true)
            .map_or(CapabilitySet::EMPTY, |rule| rule.permissions.capabilities)
    }

    /// The rule that decides about a path; always `None` for root.
    ///
    /// A path with a final `/` is routed as the one without, so rules for either count. A rule for
    /// the path as it is comes first, then an exact one for the path without its slash; of two
    /// others, that for the path without slash decides if it is the more specific of the two.
    ///
    /// For LIST, whose path always has the slash, rules are written with or without it. So there a
    /// rule for the path without slash grants where no other matches, and overrides another only
    /// to deny: preferring it lets `secret/*` override a deny on `secret/team/*` when
    /// `secret/team/` is listed (GHSA-xp3c-3jw3-4vcr). For other operations it grants nothing by
    /// itself, but its limits hold: else `secret/*` reads `secret/denied/`.
    pub(crate) fn find(&self, path: &str, is_list: bool) -> Option<&MergedRule> {
        let Access::Rules(index) = &self.access else {
            return None;
        };
        let path = without_leading_slashes(path);
        if let Some(rule) = index.exact(path) {
            return Some(rule);
        }
        let whole = index.best(path);
        let Some(without_slash) = path.strip_suffix('/') else {
            return whole.map(|found| found.value);
        };
        if !is_list && whole.is_none() {
            return None;
        }
        if let Some(rule) = index.exact(without_slash) {
            return Some(rule);
        }
        match (whole, index.best(without_slash)) {
            (Some(whole), Some(bare)) => {
                let counts = !is_list || bare.value.permissions.capabilities.is_deny();
                let decides = counts && bare.priority > whole.priority;
                Some(if decides { bare.value } else { whole.value })
            }
            (whole, bare) => whole.or(bare).map(|found| found.value),
        }
    }
}

/// Request paths have no leading slash; one that does must not miss its rule.
fn without_leading_slashes(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn add(merged: &mut HashMap<Pattern, MergedRule>, policy: &Policy, rule: &PathRule, path: &str) {
    let source = (Arc::clone(&policy.name), rule.permissions.capabilities);
    match merged.entry(Pattern::new(path)) {
        std::collections::hash_map::Entry::Vacant(vacant) => {
            vacant.insert(MergedRule {
                path: path.into(),
                permissions: Arc::clone(&rule.permissions),
                sources: vec![source],
            });
        }
        std::collections::hash_map::Entry::Occupied(mut occupied) => {
            let held = occupied.get_mut();
            Arc::make_mut(&mut held.permissions).merge(&rule.permissions);
            match held
                .sources
                .iter_mut()
                .find(|(name, _)| *name == policy.name)
            {
                Some((_, granted)) => *granted = granted.union(source.1),
                None => held.sources.push(source),
            }
        }
    }
}
