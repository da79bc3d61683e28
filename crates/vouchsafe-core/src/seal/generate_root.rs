//! `sys/generate-root`: a new root token for keepers who lost theirs.
//!
//! The token is answered XORed with a one-time password that only the one who began the attempt
//! has, so that the keeper who brings the last share does not get it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use vouchsafe_logical::{EntropyExt, Error, Reply, Request};
use zeroize::Zeroizing;

use super::attempt::Attempt;
use super::{asks_for_pgp, check_nonce, may_not_cancel, refuse_without_shares, share_of};
use crate::core::Core;
use crate::token::SERVICE_TOKEN_BYTES;

/// A root token that is being made.
pub(super) struct GenerateRoot {
    attempt: Attempt,
    otp: Zeroizing<String>,
}

impl Core {
    pub(super) async fn begin_generate_root(&self, request: &Request) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        refuse_without_shares(&self.seal_record().await?)?;
        if asks_for_pgp(request, "pgp_key") {
            return Err(Error::invalid(
                "this version does not encrypt tokens with PGP; use `otp`",
            ));
        }
        let now = self.ports.clock.now();
        let given = request
            .data
            .get("otp")
            .and_then(Value::as_str)
            .filter(|otp| !otp.is_empty());
        if let Some(otp) = given
            && otp.len() != SERVICE_TOKEN_BYTES
        {
            return Err(Error::invalid(format!(
                "the OTP has {} characters; expected {SERVICE_TOKEN_BYTES}",
                otp.len()
            )));
        }
        let otp = Zeroizing::new(match given {
            Some(otp) => otp.to_owned(),
            None => self.ports.entropy.base62(SERVICE_TOKEN_BYTES),
        });
        let mut keepers = self.keepers.lock().await;
        if keepers
            .generate_root
            .as_ref()
            .is_some_and(|attempt| !attempt.attempt.is_over(now))
        {
            return Err(Error::invalid_because(
                "generate_root_in_progress",
                "root generation already in progress; cancel it with its nonce, or with a token that has `sudo`",
            ));
        }
        let attempt = Attempt::begin(&*self.ports.entropy, now);
        keepers.generate_root = Some(GenerateRoot {
            attempt,
            otp: otp.clone(),
        });
        let state = keepers.generate_root.as_ref();
        let shown = if given.is_some() { "" } else { otp.as_str() };
        let body = status(state, self.seal_record().await?.config.threshold, shown, "");
        Ok(Reply::raw_json(200, &body))
    }

    pub(super) async fn show_generate_root(&self, request: &Request) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let may_know_nonce = self.has_sudo(request).await;
        let required = self.seal_record().await?.config.threshold;
        let now = self.ports.clock.now();
        let keepers = self.keepers.lock().await;
        let state = keepers
            .generate_root
            .as_ref()
            .filter(|state| !state.attempt.is_over(now));
        let mut body = status(state, required, "", "");
        if !may_know_nonce && let Some(members) = body.as_object_mut() {
            members.insert("nonce".to_owned(), "".into());
        }
        Ok(Reply::raw_json(200, &body))
    }

    pub(super) async fn cancel_generate_root(&self, request: &Request) -> Result<Reply, Error> {
        let keepers = self.keepers.lock().await;
        let nonce = keepers
            .generate_root
            .as_ref()
            .map(|state| state.attempt.nonce.clone());
        drop(keepers);
        let Some(nonce) = nonce else {
            return Ok(Reply::empty());
        };
        if !self.may_cancel(request, &nonce).await {
            return Err(may_not_cancel());
        }
        let mut keepers = self.keepers.lock().await;
        keepers.generate_root = keepers
            .generate_root
            .take()
            .filter(|state| state.attempt.nonce != nonce);
        Ok(Reply::empty())
    }

    pub(super) async fn bring_to_generate_root(&self, request: &Request) -> Result<Reply, Error> {
        self.refuse_while_sealed()?;
        let share = share_of(request)?;
        let record = self.seal_record().await?;
        let threshold = record.config.threshold;
        let now = self.ports.clock.now();
        let mut keepers = self.keepers.lock().await;
        let Some(mut state) = keepers
            .generate_root
            .take()
            .filter(|state| !state.attempt.is_over(now))
        else {
            return Err(Error::invalid_because(
                "no_generate_root",
                "no root generation in progress",
            ));
        };
        if let Err(error) = check_nonce(request, &state.attempt.nonce) {
            keepers.generate_root = Some(state);
            return Err(error);
        }
        // That the shares make the key of the keepers is the proof.
        match Self::proof(&record, &mut state.attempt, share) {
            Ok(Some(key)) => drop(key),
            Ok(None) => {
                let body = status(Some(&state), threshold, "", "");
                keepers.generate_root = Some(state);
                return Ok(Reply::raw_json(200, &body));
            }
            Err(error) => {
                keepers.generate_root = Some(state);
                return Err(error);
            }
        }
        let token = Zeroizing::new(self.create_root_token(None).await?);
        tracing::warn!("keepers made a root token");
        let encoded: Vec<u8> = token
            .bytes()
            .zip(state.otp.bytes())
            .map(|(token, otp)| token ^ otp)
            .collect();
        let mut body = status(
            Some(&state),
            threshold,
            "",
            &STANDARD_NO_PAD.encode(encoded),
        );
        if let Some(members) = body.as_object_mut() {
            members.insert("complete".to_owned(), true.into());
            members.insert("progress".to_owned(), threshold.into());
        }
        Ok(Reply::raw_json(200, &body))
    }
}

fn status(state: Option<&GenerateRoot>, required: u8, otp: &str, encoded: &str) -> Value {
    json!({
        "nonce": state.map_or("", |state| state.attempt.nonce.as_str()),
        "started": state.is_some(),
        "progress": state.map_or(0, |state| state.attempt.progress()),
        "required": required,
        "complete": false,
        "encoded_token": encoded,
        "encoded_root_token": encoded,
        "pgp_fingerprint": "",
        "otp": otp,
        "otp_length": SERVICE_TOKEN_BYTES,
    })
}
