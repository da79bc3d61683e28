//! `sys/rekey`: new shares for the unseal key, or with an automatic seal for the recovery key
//! (`sys/rekey-recovery-key`). The data keys stay; `sys/rotate` is for those.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vouchsafe_logical::{CommitError, Error, ErrorKind, Reply, Request};
use vouchsafe_storage::barrier::{Recovery, UNSEAL_KEY_BYTES};
use vouchsafe_storage::{SealConfig, SealKind, SealRecord};
use zeroize::Zeroizing;

use super::attempt::Attempt;
use super::initialize::{config, split};
use super::{asks_for_pgp, check_nonce, may_not_cancel, number, refuse_without_shares, share_of};
use crate::core::Core;

/// What gets new shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The key that people unseal with.
    UnsealKey,
    /// The key with which people prove who they are, beside an automatic seal.
    RecoveryKey,
}

impl Subject {
    /// Refuses a seal that has no such key.
    fn check(self, record: &SealRecord) -> Result<(), Error> {
        match (self, record.kind) {
            (Self::UnsealKey, SealKind::Shamir)
            | (Self::RecoveryKey, SealKind::Static | SealKind::Transit) => Ok(()),
            (Self::UnsealKey, _) => Err(Error::invalid_because(
                "seal_is_automatic",
                "an automatic seal keeps the unseal key, so it has no shares; \
                 `sys/rekey-recovery-key` makes new shares of the recovery key",
            )),
            (Self::RecoveryKey, SealKind::Shamir) => Err(Error::invalid_because(
                "no_recovery_key",
                "recovery keys are for automatic seals; `sys/rekey` makes new shares of the unseal key",
            )),
        }
    }
}

/// A rekey that is under way.
pub(super) struct Rekey {
    attempt: Attempt,
    wanted: SealConfig,
}

impl Core {
    pub(super) async fn begin_rekey(
        &self,
        request: &Request,
        subject: Subject,
    ) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let record = self.seal_record().await?;
        subject.check(&record)?;
        refuse_without_shares(&record)?;
        if request
            .data
            .get("require_verification")
            .and_then(Value::as_bool)
            == Some(true)
            || asks_for_pgp(request, "pgp_keys")
        {
            return Err(Error::invalid(
                "this version rekeys without PGP and without a verification step; leave out `pgp_keys` and `require_verification`",
            ));
        }
        let shares = number(request, "secret_shares")?.unwrap_or_default();
        let threshold = number(request, "secret_threshold")?.unwrap_or_default();
        let wanted = config(shares, threshold)?;
        let now = self.ports.clock.now();
        let mut keepers = self.keepers.lock().await;
        if keepers
            .rekey
            .as_ref()
            .is_some_and(|rekey| !rekey.attempt.is_over(now))
        {
            return Err(Error::invalid_because(
                "rekey_in_progress",
                "rekey already in progress; cancel it with its nonce, or with a token that has `sudo`",
            ));
        }
        let required = record.config.threshold;
        let attempt = Attempt::begin(&*self.ports.entropy, now);
        let rekey = keepers.rekey.insert(Rekey { attempt, wanted });
        Ok(Reply::raw_json(200, &status(Some(rekey), required, true)))
    }

    pub(super) async fn show_rekey(
        &self,
        request: &Request,
        subject: Subject,
    ) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let record = self.seal_record().await?;
        subject.check(&record)?;
        let may_know_nonce = self.has_sudo(request).await;
        let required = record.config.threshold;
        let now = self.ports.clock.now();
        let keepers = self.keepers.lock().await;
        let rekey = keepers
            .rekey
            .as_ref()
            .filter(|rekey| !rekey.attempt.is_over(now));
        Ok(Reply::raw_json(
            200,
            &status(rekey, required, may_know_nonce),
        ))
    }

    pub(super) async fn cancel_rekey(&self, request: &Request) -> Result<Reply, Error> {
        let nonce = self
            .keepers
            .lock()
            .await
            .rekey
            .as_ref()
            .map(|r| r.attempt.nonce.clone());
        let Some(nonce) = nonce else {
            return Ok(Reply::empty());
        };
        if !self.may_cancel(request, &nonce).await {
            return Err(may_not_cancel());
        }
        let mut keepers = self.keepers.lock().await;
        keepers.rekey = keepers
            .rekey
            .take()
            .filter(|rekey| rekey.attempt.nonce != nonce);
        Ok(Reply::empty())
    }

    pub(super) async fn bring_to_rekey(
        &self,
        request: &Request,
        subject: Subject,
    ) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let share = share_of(request)?;
        let record = self.seal_record().await?;
        subject.check(&record)?;
        let now = self.ports.clock.now();
        let mut keepers = self.keepers.lock().await;
        let Some(mut rekey) = keepers
            .rekey
            .take()
            .filter(|rekey| !rekey.attempt.is_over(now))
        else {
            return Err(Error::invalid_because("no_rekey", "no rekey in progress"));
        };
        if let Err(error) = check_nonce(request, &rekey.attempt.nonce) {
            keepers.rekey = Some(rekey);
            return Err(error);
        }
        let threshold = record.config.threshold;
        let key = match Self::proof(&record, &mut rekey.attempt, share) {
            Ok(Some(key)) => key,
            Ok(None) => {
                let body = status(Some(&rekey), threshold, true);
                keepers.rekey = Some(rekey);
                return Ok(Reply::raw_json(200, &body));
            }
            Err(error) => {
                keepers.rekey = Some(rekey);
                return Err(error);
            }
        };
        let entropy = &*self.ports.entropy;
        let mut fresh = Zeroizing::new([0_u8; UNSEAL_KEY_BYTES]);
        entropy.fill(&mut *fresh);
        let shares = split(&fresh, rekey.wanted, entropy)?;
        match self.replace_key(record, &key, rekey.wanted, &fresh).await {
            Ok(()) => {}
            Err(CommitError::Conflict) => {
                return Err(Error::invalid_because(
                    "rekey_overtaken",
                    "another rekey was finished meanwhile; begin again",
                ));
            }
            Err(error) => return Err(error.into()),
        }
        tracing::info!(
            shares = rekey.wanted.shares,
            threshold = rekey.wanted.threshold,
            subject = ?subject,
            "there are new shares"
        );
        let keys: Vec<String> = shares
            .iter()
            .map(|share| hex::encode(share.expose()))
            .collect();
        let base64: Vec<String> = shares.iter().map(|s| STANDARD.encode(s.expose())).collect();
        let body = json!({
            "nonce": rekey.attempt.nonce,
            "complete": true,
            "keys": keys,
            "keys_base64": base64,
            "pgp_fingerprints": null,
            "backup": false,
            "verification_required": false,
        });
        Ok(Reply::raw_json(200, &body))
    }

    /// Puts a fresh key in the place of the keepers' old one.
    async fn replace_key(
        &self,
        record: SealRecord,
        old: &[u8],
        config: SealConfig,
        fresh: &[u8; UNSEAL_KEY_BYTES],
    ) -> Result<(), CommitError> {
        if record.kind != SealKind::Shamir {
            let recovery = Recovery { key: fresh, config };
            return self.barrier.replace_recovery(record, recovery).await;
        }
        let (root_key, replaced) = (record.open(old)?, Some(record.version));
        self.barrier
            .write_seal_record(config, fresh, &root_key, replaced)
            .await
    }

    pub(super) fn refuse_while_sealed(&self) -> Result<(), Error> {
        match self.runtime() {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::Sealed, "sealed", "Vault is sealed")),
        }
    }
}

fn status(rekey: Option<&Rekey>, required: u8, may_know_nonce: bool) -> Value {
    let (shares, threshold) = rekey.map_or((0, 0), |rekey| {
        (rekey.wanted.shares, rekey.wanted.threshold)
    });
    let nonce = rekey.filter(|_| may_know_nonce);
    json!({
        "nonce": nonce.map_or("", |rekey| rekey.attempt.nonce.as_str()),
        "started": rekey.is_some(),
        "t": threshold,
        "n": shares,
        "progress": rekey.map_or(0, |rekey| rekey.attempt.progress()),
        "required": required,
        "pgp_fingerprints": null,
        "backup": false,
        "verification_required": false,
    })
}
