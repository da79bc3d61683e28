//! `PUT sys/init`: make the keys, split the unseal key, make the first root token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vouchsafe_logical::{CommitError, Entropy, Error, Reply, Request, Version};
use vouchsafe_storage::barrier::{InitializeError, Recovery, UNSEAL_KEY_BYTES, WrappedKey};
use vouchsafe_storage::seal::{Share, shamir};
use vouchsafe_storage::{RootKey, SealConfig, SealKind};
use zeroize::Zeroizing;

use super::auto::failed;
use super::{SHARES_MAX, asks_for_pgp, number};
use crate::core::Core;

/// What a new server gives to its keepers, once.
pub struct Initialized {
    /// The shares of the unseal key.
    pub shares: Vec<Share>,
    /// The first token.
    pub root_token: String,
}

impl Core {
    pub(super) async fn initialize(&self, request: &Request) -> Result<Reply, Error> {
        if self.is_initialized().await? {
            return Err(already());
        }
        if asks_for_pgp(request, "pgp_keys")
            || asks_for_pgp(request, "recovery_pgp_keys")
            || asks_for_pgp(request, "root_token_pgp_key")
        {
            return Err(Error::invalid(
                "this version does not encrypt keys with PGP; leave out `pgp_keys`, `recovery_pgp_keys` and `root_token_pgp_key`",
            ));
        }
        let kind = self.configured_kind();
        if kind == SealKind::Shamir {
            refuse_parameters(request, &["recovery_shares", "recovery_threshold"], kind)?;
            let shares = number(request, "secret_shares")?.unwrap_or_default();
            let threshold = number(request, "secret_threshold")?.unwrap_or_default();
            let made = self.initialize_with(config(shares, threshold)?).await?;
            return Ok(Reply::raw_json(200, &answer(&made)));
        }
        refuse_parameters(request, &["secret_shares", "secret_threshold"], kind)?;
        let shares = number(request, "recovery_shares")?.unwrap_or_default();
        let threshold = number(request, "recovery_threshold")?.unwrap_or_default();
        let recovery = match (shares, threshold) {
            (0, 0) => SealConfig::NONE,
            (shares, threshold) => config(shares, threshold)?,
        };
        let made = self.initialize_auto(recovery).await?;
        let mut body = answer(&Initialized {
            shares: Vec::new(),
            root_token: made.root_token.clone(),
        });
        if let Some(members) = body.as_object_mut()
            && recovery.shares > 0
        {
            members.insert("recovery_keys".to_owned(), in_hex(&made.shares).into());
            members.insert(
                "recovery_keys_base64".to_owned(),
                in_base64(&made.shares).into(),
            );
        }
        Ok(Reply::raw_json(200, &body))
    }

    /// Initialises an empty store whose unseal key people keep. The server stays sealed.
    ///
    /// # Errors
    /// It is initialised already; the store's.
    pub async fn initialize_with(&self, config: SealConfig) -> Result<Initialized, Error> {
        let entropy = &*self.ports.entropy;
        let unseal_key = fresh_key(entropy);
        let root_key = RootKey::generate(entropy);
        let shares = split(&unseal_key, config, entropy)?;
        let root_token = self
            .initialize_store(&root_key, async |stale| {
                self.barrier
                    .write_seal_record(config, &unseal_key, &root_key, stale)
                    .await
            })
            .await?;
        Ok(Initialized { shares, root_token })
    }

    /// Initialises an empty store whose unseal key the automatic seal keeps, and unseals it. The
    /// shares are those of the recovery key.
    async fn initialize_auto(&self, recovery: SealConfig) -> Result<Initialized, Error> {
        let seal = self
            .auto_seal
            .get()
            .ok_or_else(|| Error::internal("there is no automatic seal"))?;
        let entropy = &*self.ports.entropy;
        let (unseal_key, recovery_key) = (fresh_key(entropy), fresh_key(entropy));
        let root_key = RootKey::generate(entropy);
        let shares = match recovery.shares {
            0 => Vec::new(),
            _ => split(&recovery_key, recovery, entropy)?,
        };
        // Before anything is stored: a seal that can't wrap leaves an empty server.
        let wrapped = seal.wrap(&unseal_key).await.map_err(failed)?;
        let key = WrappedKey {
            kind: seal.kind(),
            key: &unseal_key,
            wrapped: &wrapped,
        };
        let recovery = Recovery {
            key: &recovery_key,
            config: recovery,
        };
        let root_token = self
            .initialize_store(&root_key, async |stale| {
                self.barrier
                    .write_auto_seal_record(key, &root_key, recovery, stale)
                    .await
            })
            .await?;
        if let Err(error) = self.auto_unseal().await {
            // The keys are made and must be told; unsealing is tried again.
            tracing::warn!(
                reason = error.reason(),
                "the server is initialised and can't be unsealed now"
            );
        }
        Ok(Initialized { shares, root_token })
    }

    /// Makes a keyring, and the first root token, in an empty store; `write_seal` stores the root
    /// key in the place of a record that an interrupted attempt left. The server stays sealed.
    async fn initialize_store(
        &self,
        root_key: &RootKey,
        write_seal: impl AsyncFnOnce(Option<Version>) -> Result<(), CommitError>,
    ) -> Result<String, Error> {
        // A seal without a keyring is what a crash between these two writes leaves: the server
        // still counts as not initialised, and this overwrites it.
        let stale = self
            .barrier
            .seal_record()
            .await?
            .map(|record| record.version);
        if self.is_initialized().await? {
            return Err(already());
        }
        match write_seal(stale).await {
            Ok(()) => {}
            Err(CommitError::Conflict) => return Err(already()),
            Err(error) => return Err(error.into()),
        }
        match self.barrier.initialize(root_key).await {
            Ok(()) => {}
            Err(InitializeError::AlreadyInitialized) => return Err(already()),
            Err(InitializeError::Failed(error)) => return Err(error.into()),
        }
        let unsealed = self
            .barrier
            .unseal(root_key)
            .await
            .map_err(|error| Error::internal(error.to_string()))?;
        self.start(&unsealed).await?;
        let root_token = self.create_root_token(None).await;
        self.seal();
        tracing::info!("the server is initialised");
        root_token
    }

    /// Whether keys have been made.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_initialized(&self) -> Result<bool, Error> {
        Ok(self.barrier.is_initialized().await?)
    }
}

fn fresh_key(entropy: &dyn Entropy) -> Zeroizing<[u8; UNSEAL_KEY_BYTES]> {
    let mut key = Zeroizing::new([0_u8; UNSEAL_KEY_BYTES]);
    entropy.fill(&mut *key);
    key
}

/// Refuses numbers that are for another kind of seal. Clients send zeros where they are told none.
fn refuse_parameters(request: &Request, names: &[&str], kind: SealKind) -> Result<(), Error> {
    let mut sent = Vec::new();
    for name in names {
        if number(request, name)?.is_some_and(|n| n != 0) {
            sent.push(*name);
        }
    }
    if sent.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "parameters {} not applicable to seal type {}",
        sent.join(","),
        kind.as_str()
    )))
}

fn answer(made: &Initialized) -> Value {
    json!({
        "keys": in_hex(&made.shares),
        "keys_base64": in_base64(&made.shares),
        "root_token": made.root_token,
    })
}

fn in_hex(shares: &[Share]) -> Vec<String> {
    let shares = shares.iter();
    shares.map(|share| hex::encode(share.expose())).collect()
}

fn in_base64(shares: &[Share]) -> Vec<String> {
    let shares = shares.iter();
    shares
        .map(|share| STANDARD.encode(share.expose()))
        .collect()
}

fn already() -> Error {
    Error::invalid_because("already_initialized", "Vault is already initialized")
}

/// Checks the numbers of a request.
pub(super) fn config(shares: i64, threshold: i64) -> Result<SealConfig, Error> {
    let fault = if shares < 1 {
        "shares must be at least one"
    } else if threshold < 1 {
        "threshold must be at least one"
    } else if shares > SHARES_MAX {
        "shares must be less than 256"
    } else if threshold > shares {
        "threshold cannot be larger than shares"
    } else if shares > 1 && threshold == 1 {
        "threshold must be greater than one for multiple shares"
    } else {
        let number = |n: i64| u8::try_from(n).unwrap_or(u8::MAX);
        return Ok(SealConfig {
            shares: number(shares),
            threshold: number(threshold),
        });
    };
    Err(Error::invalid(format!(
        "invalid seal configuration: {fault}"
    )))
}

/// The shares of an unseal key; one share is the key itself.
pub(super) fn split(
    unseal_key: &[u8; UNSEAL_KEY_BYTES],
    config: SealConfig,
    entropy: &dyn Entropy,
) -> Result<Vec<Share>, Error> {
    if config.shares == 1 {
        return Ok(vec![Share::new(unseal_key.to_vec())]);
    }
    shamir::split(
        unseal_key,
        usize::from(config.shares),
        usize::from(config.threshold),
        entropy,
    )
    .map_err(|fault| Error::internal(format!("the unseal key can't be split: {fault}")))
}
