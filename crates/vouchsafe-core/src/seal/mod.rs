//! What the keepers of the seal do: initialise, unseal, rekey, make a root token.
//!
//! These paths need no token: whoever brings enough shares has proved more than a token does. An
//! attempt is named by a nonce, ends by itself, and is cancelled only by who knows its nonce or by a
//! token with `sudo`: an outsider must not be able to keep the keepers from their work. The nonce is
//! told to who begins, and to tokens with `sudo`; wrong shares cost an attempt its progress, not its
//! life. Nothing of an attempt is stored; another node starts with none.
//!
//! As in Vault, these paths answer outside the envelope and leave no audit entry, since they also
//! work while there is no way to write one.

mod attempt;
mod auto;
mod generate_root;
mod initialize;
mod rekey;
mod restore;
mod transit;
mod unseal;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use vouchsafe_logical::{Error, ErrorKind, Operation, Reply, Request, Response};
use vouchsafe_policy::Ask;
use vouchsafe_storage::seal::Share;
use vouchsafe_storage::{RootKey, SealKind, SealRecord};
use zeroize::Zeroizing;

use crate::authenticate;
use crate::core::Core;
use attempt::Attempt;
use generate_root::GenerateRoot;
pub use initialize::Initialized;
use rekey::{Rekey, Subject};
pub use transit::{TransitSeal, TransitSettings};

/// Attempts that are under way on this node.
#[derive(Default)]
pub(crate) struct Keepers {
    unseal: Option<Attempt>,
    rekey: Option<Rekey>,
    generate_root: Option<GenerateRoot>,
}

/// The most shares that a key is split into.
const SHARES_MAX: i64 = 255;

/// OpenBao's newer names of the same operations, which answer in the envelope.
const OPENBAO_NAMES: &[(&str, &str)] = &[
    ("rotate/root/init", "rekey/init"),
    ("rotate/root/update", "rekey/update"),
    ("rotate/recovery/init", "rekey-recovery-key/init"),
    ("rotate/recovery/update", "rekey-recovery-key/update"),
    ("generate-root-token/attempt", "generate-root/attempt"),
    ("generate-root-token/update", "generate-root/update"),
];

impl Core {
    /// The answer, if the request is for one of the keepers' paths.
    pub(crate) async fn keep(&self, request: &Request) -> Option<Result<Reply, Error>> {
        let path = request
            .path
            .as_str()
            .strip_prefix("sys/")?
            .trim_end_matches('/');
        if let Some(&(_, ours)) = OPENBAO_NAMES.iter().find(|(theirs, _)| *theirs == path) {
            return Some(self.keep_at(ours, request).await?.map(enveloped));
        }
        self.keep_at(path, request).await
    }

    async fn keep_at(&self, path: &str, request: &Request) -> Option<Result<Reply, Error>> {
        let (write, read, delete) = (
            request.operation == Operation::Update,
            request.operation == Operation::Read,
            request.operation == Operation::Delete,
        );
        Some(match path {
            "init" if write => self.initialize(request).await,
            "unseal" if write => self.unseal(request).await,
            "rekey/init" if write => self.begin_rekey(request, Subject::UnsealKey).await,
            "rekey/init" if read => self.show_rekey(request, Subject::UnsealKey).await,
            "rekey/init" if delete => self.cancel_rekey(request).await,
            "rekey/update" if write => self.bring_to_rekey(request, Subject::UnsealKey).await,
            "rekey-recovery-key/init" if write => {
                self.begin_rekey(request, Subject::RecoveryKey).await
            }
            "rekey-recovery-key/init" if read => {
                self.show_rekey(request, Subject::RecoveryKey).await
            }
            "rekey-recovery-key/init" if delete => self.cancel_rekey(request).await,
            "rekey-recovery-key/update" if write => {
                self.bring_to_rekey(request, Subject::RecoveryKey).await
            }
            "generate-root/attempt" | "generate-root" if write => {
                self.begin_generate_root(request).await
            }
            "generate-root/attempt" | "generate-root" if read => {
                self.show_generate_root(request).await
            }
            "generate-root/attempt" | "generate-root" if delete => {
                self.cancel_generate_root(request).await
            }
            "generate-root/update" if write => self.bring_to_generate_root(request).await,
            "unseal"
            | "rekey/init"
            | "rekey/update"
            | "generate-root/attempt"
            | "generate-root"
            | "generate-root/update" => Err(unsupported()),
            _ => return None,
        })
    }

    /// The stored seal, or the refusal of an uninitialised server.
    async fn seal_record(&self) -> Result<SealRecord, Error> {
        self.barrier.seal_record().await?.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "not_initialized",
                "Vault is not initialized",
            )
        })
    }

    /// Takes a share to an attempt, and answers the key that the shares make once it is proved to be
    /// the right one. Shares that don't make it are gone; the attempt stays.
    fn proof(
        record: &SealRecord,
        attempt: &mut Attempt,
        share: Share,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        refuse_without_shares(record)?;
        attempt.add(share);
        let Some(key) = attempt.key(record.config.threshold)? else {
            return Ok(None);
        };
        match record.kind {
            SealKind::Shamir => drop(Self::root_key(record, &key)?),
            SealKind::Static | SealKind::Transit if record.is_recovery_key(&key) => {}
            SealKind::Static | SealKind::Transit => {
                return Err(Error::invalid_because(
                    "recovery_key_invalid",
                    "recovery key verification failed: the shares don't make the recovery key",
                ));
            }
        }
        Ok(Some(key))
    }

    /// The root key behind an unseal key.
    fn root_key(record: &SealRecord, unseal_key: &[u8]) -> Result<RootKey, Error> {
        record.open(unseal_key).map_err(|_| {
            Error::invalid_because(
                "unseal_key_invalid",
                "unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed",
            )
        })
    }

    /// Whether a request may cancel an attempt: it knows the nonce, or has `sudo` on the path.
    async fn may_cancel(&self, request: &Request, nonce: &str) -> bool {
        let named = request.data.get("nonce").and_then(Value::as_str);
        named.is_some_and(|named| named == nonce) || self.has_sudo(request).await
    }

    /// Whether a request's token may do on its path what needs `sudo`. Tokens with limited uses
    /// are not asked: this is no request that could take one.
    async fn has_sudo(&self, request: &Request) -> bool {
        let Some(runtime) = self.runtime() else {
            return false;
        };
        let now = self.ports.clock.now();
        let Some(token) = &request.token else {
            return false;
        };
        match runtime.tokens.find(token.expose(), now).await {
            Ok(Some(found)) if found.entry.num_uses == 0 => {}
            Ok(_) | Err(_) => return false,
        }
        let Ok(caller) = authenticate::authenticate(&runtime, request, now).await else {
            return false;
        };
        let ask = Ask {
            path: request.path.as_str(),
            operation: request.operation,
            parameters: Some(&request.data),
            wrap_ttl: None,
            needs_sudo: true,
        };
        caller.acl().decide(ask).is_ok()
    }
}

/// An automatic seal may have been made without a recovery key; then nobody can prove anything.
fn refuse_without_shares(record: &SealRecord) -> Result<(), Error> {
    if record.config.shares > 0 && record.config.threshold > 0 {
        return Ok(());
    }
    Err(Error::invalid_because(
        "no_recovery_key",
        "this server was initialised without recovery keys, so nobody can prove to be a keeper",
    ))
}

/// The members of an answer as the `data` of an envelope; any other answer as it is.
fn enveloped(reply: Reply) -> Reply {
    match &reply.response {
        Response::Raw(raw) => match serde_json::from_slice(&raw.body) {
            Ok(members) => Reply::data(members),
            Err(_) => reply,
        },
        _ => reply,
    }
}

/// Whether a member names a PGP key. Clients send it empty when they are given none.
fn asks_for_pgp(request: &Request, name: &str) -> bool {
    match request.data.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::String(key)) => !key.is_empty(),
        Some(Value::Array(keys)) => !keys.is_empty(),
        Some(_) => true,
    }
}

fn unsupported() -> Error {
    Error::new(
        ErrorKind::UnsupportedOperation,
        "unsupported_operation",
        "unsupported operation",
    )
    .wrapped()
}

fn may_not_cancel() -> Error {
    Error::denied("cancel_without_nonce")
}

/// The share in a request's `key`, in hexadecimal or base64.
fn share_of(request: &Request) -> Result<Share, Error> {
    let text = request
        .data
        .get("key")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim();
    if text.is_empty() {
        return Err(Error::invalid(
            "'key' must be specified in request body as JSON, or 'reset' set to true",
        ));
    }
    let bytes = match hex::decode(text) {
        Ok(bytes) => bytes,
        Err(_) => STANDARD
            .decode(text)
            .map_err(|_| Error::invalid("'key' must be a valid hex or base64 string"))?,
    };
    Ok(Share::new(bytes))
}

/// The nonce in a request must name the attempt.
fn check_nonce(request: &Request, expected: &str) -> Result<(), Error> {
    let named = request
        .data
        .get("nonce")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if named == expected {
        return Ok(());
    }
    Err(Error::invalid_because(
        "nonce_mismatch",
        "incorrect nonce supplied; take the one that was shown when the operation began",
    ))
}

/// A whole number in a request.
fn number(request: &Request, name: &str) -> Result<Option<i64>, Error> {
    use vouchsafe_logical::field::FromField;
    Option::<i64>::from_field(name, request.data.get(name))
}
