//! Policies as stored, and the ACLs compiled from them.
//!
//! A policy is parsed when its record changes, an ACL is compiled when one of its policies, or
//! what their templates are filled from, changes. Both caches prove their content by versions.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use serde::{Deserialize, Serialize};
use vouchsafe_identity::subject::Subject;
use vouchsafe_identity::template::resolve_selector;
use vouchsafe_logical::{
    Error, PolicyName, PolicyNames, StoreError, Timestamp, VersionedCache, View, record,
};
use vouchsafe_policy::{Acl, Policy};

use crate::iam::access::{IamAccess, POLICY_NAME};

/// Parsed policies kept in memory.
const POLICIES_CACHED: usize = 4_096;
/// Compiled ACLs kept in memory.
const ACLS_CACHED: usize = 16_384;
/// The most rules that they have together. A rule takes about 200 bytes.
const RULES_CACHED: u64 = 327_680;
/// Parts of the cache that are locked by themselves. Each has its share of the bounds, and an ACL that
/// has more rules than that is compiled for each request.
const ACL_SHARDS: usize = 16;
/// The largest policy text, in bytes.
pub const POLICY_BYTES_MAX: usize = 512 * 1024;
/// What every token may do unless it asks not to.
const DEFAULT_POLICY: &str = include_str!("default.hcl");

/// A policy as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredPolicy {
    /// The text as sent.
    pub text: String,
}

/// A policy of the REST API's capabilities.
fn built_in((number, access): (u64, IamAccess)) -> Arc<Numbered> {
    #[expect(
        clippy::expect_used,
        reason = "the text is a constant of this crate, and a test parses it"
    )]
    let policy = Policy::parse(POLICY_NAME, &access.policy()).expect("a policy");
    Arc::new(Numbered {
        number,
        timed: false,
        policy: Arc::new(policy),
    })
}

/// A parsed policy with a number that no other parsed policy of this process ever has.
struct Numbered {
    number: u64,
    /// Whether a template asks for the time, so that an ACL from it holds for a second only.
    timed: bool,
    policy: Arc<Policy>,
}

/// An ACL weighs what its rules take, and none less than the share that the largest number leaves it.
#[derive(Clone)]
struct ByRules;

impl Weighter<AclKey, Arc<Acl>> for ByRules {
    fn weight(&self, _: &AclKey, acl: &Arc<Acl>) -> u64 {
        (acl.rule_count() as u64).max(RULES_CACHED / ACLS_CACHED as u64)
    }
}

fn compiled_cache() -> Cache<AclKey, Arc<Acl>, ByRules> {
    #[expect(clippy::expect_used, reason = "everything that has no default is set")]
    let options = OptionsBuilder::new()
        .shards(ACL_SHARDS)
        .estimated_items_capacity(ACLS_CACHED)
        .weight_capacity(RULES_CACHED)
        .build()
        .expect("options");
    let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
    Cache::with_options(options, ByRules, hasher, lifecycle)
}

/// What a compiled ACL was made from.
#[derive(Clone, PartialEq, Eq, Hash)]
struct AclKey {
    policies: Vec<u64>,
    subject: Option<(String, u64)>,
    second: Option<i64>,
}

/// Policies in storage with their caches.
pub struct PolicyStore {
    view: View,
    parsed: VersionedCache<Numbered>,
    compiled: Cache<AclKey, Arc<Acl>, ByRules>,
    next_number: AtomicU64,
    root: Arc<Acl>,
    /// The capabilities of the REST API, in the order of [`IamAccess::ALL`].
    by_access: Vec<Arc<Numbered>>,
}

impl PolicyStore {
    /// The policies below `core/policy/` of the root view.
    #[must_use]
    pub fn new(root: &View) -> Self {
        let by_access: Vec<Arc<Numbered>> = (1..).zip(IamAccess::ALL).map(built_in).collect();
        Self {
            view: root.sub("core/policy/"),
            parsed: VersionedCache::new(POLICIES_CACHED),
            compiled: compiled_cache(),
            next_number: AtomicU64::new(1 + by_access.len() as u64),
            root: Arc::new(Acl::root()),
            by_access,
        }
    }

    /// Stores the `default` policy where there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn ensure_default(&self) -> Result<(), Error> {
        let name = PolicyName::default_policy();
        if self.read(&name).await?.is_none() {
            self.write(&name, DEFAULT_POLICY).await?;
        }
        Ok(())
    }

    /// A policy's text; `root` reads as empty.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(&self, name: &PolicyName) -> Result<Option<String>, Error> {
        if name.is_root() {
            return Ok(Some(String::new()));
        }
        let stored: Option<StoredPolicy> = self.view.read(&key(name)).await?;
        Ok(stored.map(|stored| stored.text))
    }

    /// Checks and stores a policy. Returns what its author should be told.
    ///
    /// # Errors
    /// A text that is no policy, a name that can't be written.
    pub async fn write(&self, name: &PolicyName, text: &str) -> Result<Vec<String>, Error> {
        if name.is_root() {
            return Err(Error::invalid("cannot update \"root\" policy"));
        }
        if *name == PolicyName::response_wrapping() {
            return Err(Error::invalid("cannot update \"response-wrapping\" policy"));
        }
        if text.len() > POLICY_BYTES_MAX {
            return Err(Error::invalid_because(
                "policy_too_large",
                format!(
                    "the policy has {} bytes; at most {POLICY_BYTES_MAX} are allowed",
                    text.len()
                ),
            ));
        }
        let policy = Policy::parse(name.as_str(), text).map_err(|fault| {
            Error::invalid_because("policy_invalid", format!("failed to parse policy: {fault}"))
        })?;
        let mut transaction = self.view.begin();
        transaction.put_record(
            &self.view,
            &key(name),
            &StoredPolicy {
                text: text.to_owned(),
            },
        )?;
        transaction.commit().await?;
        Ok(policy.warnings().to_vec())
    }

    /// Removes a policy. Tokens keep its name, which grants nothing.
    ///
    /// # Errors
    /// `root` and `default` stay.
    pub async fn delete(&self, name: &PolicyName) -> Result<(), Error> {
        if name.is_root() {
            return Err(Error::invalid("cannot delete \"root\" policy"));
        }
        if *name == PolicyName::default_policy() {
            return Err(Error::invalid("cannot delete default policy"));
        }
        if *name == PolicyName::response_wrapping() {
            return Err(Error::invalid("cannot delete \"response-wrapping\" policy"));
        }
        let mut transaction = self.view.begin();
        transaction.delete(&self.view, &key(name));
        Ok(transaction.commit().await?)
    }

    /// The names of all policies in order, `root` included.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self
            .view
            .list_all("")
            .await?
            .into_iter()
            .map(|key| unescape(&key))
            .collect();
        names.push("root".to_owned());
        names.sort();
        Ok(names)
    }

    /// Whether a policy of this name exists.
    ///
    /// # Errors
    /// The store's.
    pub async fn exists(&self, name: &PolicyName) -> Result<bool, Error> {
        Ok(name.is_root() || self.view.get(&key(name)).await?.is_some())
    }

    /// The ACL of a set of policies for a subject. Names without a policy grant nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn acl(
        &self,
        names: &PolicyNames,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<Arc<Acl>, Error> {
        self.acl_with(names, None, subject, now).await
    }

    /// The same for a caller who has capabilities of the REST API as well.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn acl_with(
        &self,
        names: &PolicyNames,
        access: Option<IamAccess>,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<Arc<Acl>, Error> {
        let mut policies = Vec::new();
        let mut templated = false;
        for name in names.iter() {
            if name.is_root() {
                return Ok(Arc::clone(&self.root));
            }
            if let Some(found) = self.parsed(name).await? {
                templated |= found.policy.is_templated();
                policies.push(found);
            }
        }
        if let Some(found) = access.and_then(|access| self.by_access.get(access.index())) {
            policies.push(Arc::clone(found));
        }
        let key = AclKey {
            second: policies
                .iter()
                .any(|policy| policy.timed)
                .then(|| now.as_second()),
            policies: policies.iter().map(|policy| policy.number).collect(),
            subject: match subject {
                Some(subject) if templated => {
                    Some((subject.entity().id.to_string(), subject.stamp()))
                }
                Some(_) | None => None,
            },
        };
        // Of a subject that no other request meets, nothing is kept: whoever brings another proof each
        // time would fill the cache.
        let is_kept = key.subject.is_none() || subject.is_none_or(Subject::is_as_stored);
        if is_kept && let Some(acl) = self.compiled.get(&key) {
            return Ok(acl);
        }
        let policies: Vec<Arc<Policy>> = policies
            .iter()
            .map(|numbered| Arc::clone(&numbered.policy))
            .collect();
        let acl = Arc::new(Acl::compile(&policies, &TemplateSubject { subject, now }));
        if is_kept {
            self.compiled.insert(key, Arc::clone(&acl));
        }
        Ok(acl)
    }

    async fn parsed(&self, name: &PolicyName) -> Result<Option<Arc<Numbered>>, Error> {
        let parse = |full: &str, bytes: &[u8]| {
            let stored: StoredPolicy = record::decode(full, bytes)?;
            let policy =
                Policy::parse(name.as_str(), &stored.text).map_err(|_| StoreError::Corrupt {
                    key: full.to_owned(),
                    fault: "the policy does not parse",
                })?;
            let number = self.next_number.fetch_add(1, Ordering::Relaxed);
            let timed = policy.is_templated() && stored.text.contains("time.now");
            Ok(Numbered {
                number,
                timed,
                policy: Arc::new(policy),
            })
        };
        Ok(self
            .parsed
            .load(&self.view, &key(name), parse)
            .await?
            .map(|(_, policy)| policy))
    }
}

/// Policy names may contain what keys may not: everything but plain characters is escaped.
fn key(name: &PolicyName) -> String {
    let mut key = String::with_capacity(name.as_str().len());
    for c in name.as_str().chars() {
        if c == '%' || c == '/' {
            key.push_str(&format!("%{:02x}", u32::from(c)));
        } else {
            key.push(c);
        }
    }
    key
}

fn unescape(key: &str) -> String {
    key.replace("%2f", "/").replace("%25", "%")
}

/// Fills policy templates from the caller's subject.
struct TemplateSubject<'a> {
    subject: Option<&'a Subject>,
    now: Timestamp,
}

impl vouchsafe_policy::Subject for TemplateSubject<'_> {
    fn resolve(&self, selector: &str) -> Option<String> {
        let subject = self.subject?;
        resolve_selector(&subject.template_data(), self.now.as_second(), selector)
    }
}

/// All policies of a token: its own and those of its subject.
#[must_use]
pub fn effective(token: &PolicyNames, subject: Option<&Subject>) -> PolicyNames {
    let mut all = token.clone();
    if let Some(subject) = subject {
        for name in subject.policies().iter() {
            all.insert(name.clone());
        }
    }
    all
}
