//! `PUT sys/init`: make the keys, split the unseal key, make the first root token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use vouchsafe_logical::{CommitError, Error, Reply, Request};
use vouchsafe_storage::barrier::{InitializeError, UNSEAL_KEY_BYTES};
use vouchsafe_storage::seal::{Share, shamir};
use vouchsafe_storage::{RootKey, SealConfig};
use zeroize::Zeroizing;

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
        for name in ["recovery_shares", "recovery_threshold"] {
            if number(request, name)?.is_some_and(|n| n != 0) {
                return Err(Error::invalid(format!(
                    "parameters {name} not applicable to seal type shamir"
                )));
            }
        }
        if asks_for_pgp(request, "pgp_keys") || asks_for_pgp(request, "root_token_pgp_key") {
            return Err(Error::invalid(
                "this version does not encrypt keys with PGP; leave out `pgp_keys` and `root_token_pgp_key`",
            ));
        }
        let shares = number(request, "secret_shares")?.unwrap_or_default();
        let threshold = number(request, "secret_threshold")?.unwrap_or_default();
        let made = self.initialize_with(config(shares, threshold)?).await?;
        let keys: Vec<String> = made
            .shares
            .iter()
            .map(|share| hex::encode(share.expose()))
            .collect();
        let base64: Vec<String> = made
            .shares
            .iter()
            .map(|share| STANDARD.encode(share.expose()))
            .collect();
        let body = json!({ "keys": keys, "keys_base64": base64, "root_token": made.root_token });
        Ok(Reply::raw_json(200, &body))
    }

    /// Initialises an empty store. The server stays sealed.
    ///
    /// # Errors
    /// It is initialised already; the store's.
    pub async fn initialize_with(&self, config: SealConfig) -> Result<Initialized, Error> {
        let entropy = &*self.ports.entropy;
        let mut unseal_key = Zeroizing::new([0_u8; UNSEAL_KEY_BYTES]);
        entropy.fill(&mut *unseal_key);
        let root_key = RootKey::generate(entropy);
        let shares = split(&unseal_key, config, entropy)?;
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
        match self
            .barrier
            .write_seal_record(config, &unseal_key, &root_key, stale)
            .await
        {
            Ok(()) => {}
            Err(CommitError::Conflict) => return Err(already()),
            Err(error) => return Err(error.into()),
        }
        match self.barrier.initialize(&root_key).await {
            Ok(()) => {}
            Err(InitializeError::AlreadyInitialized) => return Err(already()),
            Err(InitializeError::Failed(error)) => return Err(error.into()),
        }
        let unsealed = self
            .barrier
            .unseal(&root_key)
            .await
            .map_err(|error| Error::internal(error.to_string()))?;
        self.start(&unsealed).await?;
        let root_token = self.create_root_token(None).await;
        self.seal();
        tracing::info!(
            shares = config.shares,
            threshold = config.threshold,
            "the server is initialised"
        );
        Ok(Initialized {
            shares,
            root_token: root_token?,
        })
    }

    /// Whether keys have been made.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_initialized(&self) -> Result<bool, Error> {
        Ok(self.barrier.is_initialized().await?)
    }
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
    entropy: &dyn vouchsafe_logical::Entropy,
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
