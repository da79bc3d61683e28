//! What exists only while the server is unsealed.

use std::sync::Arc;

use arc_swap::ArcSwap;
use vouchsafe_identity::subject::Directory;
use vouchsafe_logical::{Catalog, Error, View};

use crate::audit::Broker;
use crate::core::Settings;
use crate::cors::Cors;
use crate::cubbyhole::Cubbyholes;
use crate::iam::{Iam, IamSettings};
use crate::key_rotation::KeyRotation;
use crate::lockout::Lockouts;
use crate::mount::Mounts;
use crate::policy::PolicyStore;
use crate::ports::Ports;
use crate::quota::Quotas;
use crate::setting::Setting;
use crate::token::TokenStore;

/// The parts of an unsealed server. Sealing drops it, and with it everything decrypted.
pub(crate) struct Runtime {
    /// Time, randomness, threads.
    pub(crate) ports: Ports,
    /// All of storage.
    pub(crate) root: View,
    /// What is mounted where.
    pub(crate) mounts: Arc<Mounts>,
    /// Tokens.
    pub(crate) tokens: TokenStore,
    /// Policies and ACLs.
    pub(crate) policies: PolicyStore,
    /// Entities and groups; the identity engine has the same storage.
    pub(crate) directory: Directory,
    /// The IAM file, and callers without stored tokens.
    pub(crate) iam: Iam,
    /// Audit devices.
    pub(crate) audit: Broker,
    /// What is allowed to pages of other origins.
    pub(crate) cors: Setting<Cors>,
    /// When a key term is followed by the next.
    pub(crate) key_rotation: Setting<KeyRotation>,
    /// Rate limits.
    pub(crate) quotas: Quotas,
    /// Principals that are locked out.
    pub(crate) lockouts: Lockouts,
}

/// What the core gives every runtime.
pub(crate) struct Given<'a> {
    pub(crate) catalog: Catalog,
    pub(crate) ports: Ports,
    pub(crate) api_address: Arc<ArcSwap<String>>,
    pub(crate) iam: Arc<IamSettings>,
    pub(crate) settings: &'a Settings,
}

impl Runtime {
    /// Opens everything over the unsealed storage.
    ///
    /// # Errors
    /// The store's; a mount whose kind this build does not have; an audit device that contradicts the
    /// configuration. A stored audit device that can't be opened does not stop the start: requests
    /// fail closed until it can be.
    pub(crate) async fn open(
        root: View,
        given: Given<'_>,
        provide: impl FnOnce(&Mounts),
    ) -> Result<Self, Error> {
        let Given {
            catalog,
            ports,
            api_address,
            iam,
            settings,
        } = given;
        let policies = PolicyStore::new(&root);
        policies.ensure_default().await?;
        let mounts = Mounts::new(
            root.clone(),
            catalog,
            ports.clone(),
            api_address,
            settings.lease_ttl,
        );
        provide(&mounts);
        mounts.ensure_built_in().await?;
        let identity = mounts
            .table()
            .at("identity/")
            .map(|mount| mounts.storage_of(mount.entry()))
            .ok_or_else(|| Error::internal("the identity engine is not mounted"))?;
        let cubbyholes = mounts
            .table()
            .at("cubbyhole/")
            .map(|mount| Cubbyholes::new(mounts.storage_of(mount.entry())))
            .ok_or_else(|| Error::internal("the cubbyhole engine is not mounted"))?;
        let tokens = TokenStore::open(&root, cubbyholes, &*ports.entropy).await?;
        let audit = Broker::open(&root, &ports).await?;
        audit.declare(&settings.audit_devices).await?;
        let cors = Setting::open(root.sub("core/"), "cors", |cors| cors).await?;
        let key_rotation = Setting::open(root.sub("core/"), "key-rotation", |rule| rule).await?;
        let quotas = Quotas::open(&root).await?;
        Ok(Self {
            directory: Directory::new(identity),
            iam: Iam::new(&root, iam),
            lockouts: Lockouts::default(),
            ports,
            root,
            mounts,
            tokens,
            policies,
            audit,
            cors,
            key_rotation,
            quotas,
        })
    }
}
