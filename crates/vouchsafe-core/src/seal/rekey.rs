//! `sys/rekey`: new shares for the unseal key. The data keys stay; `sys/rotate` is for those.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vouchsafe_logical::{CommitError, Error, ErrorKind, Reply, Request};
use vouchsafe_storage::SealConfig;
use vouchsafe_storage::barrier::UNSEAL_KEY_BYTES;
use zeroize::Zeroizing;

use super::attempt::Attempt;
use super::initialize::{config, split};
use super::{asks_for_pgp, check_nonce, may_not_cancel, number, share_of};
use crate::core::Core;

/// A rekey that is under way.
pub(super) struct Rekey {
    attempt: Attempt,
    wanted: SealConfig,
}

impl Core {
    pub(super) async fn begin_rekey(&self, request: &Request) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
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
        let required = self.seal_record().await?.config.threshold;
        let attempt = Attempt::begin(&*self.ports.entropy, now);
        let rekey = keepers.rekey.insert(Rekey { attempt, wanted });
        Ok(Reply::raw_json(200, &status(Some(rekey), required, true)))
    }

    pub(super) async fn show_rekey(&self, request: &Request) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let may_know_nonce = self.has_sudo(request).await;
        let required = self.seal_record().await?.config.threshold;
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

    pub(super) async fn bring_to_rekey(&self, request: &Request) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let share = share_of(request)?;
        let record = self.seal_record().await?;
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
        let root_key = match Self::proof(&record, &mut rekey.attempt, share) {
            Ok(Some(root_key)) => root_key,
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
        let replaced = Some(record.version);
        match self
            .barrier
            .write_seal_record(rekey.wanted, &fresh, &root_key, replaced)
            .await
        {
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
            "the unseal key has new shares"
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
