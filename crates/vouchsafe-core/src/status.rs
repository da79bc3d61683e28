//! What every caller may know of the server's state: health, seal status, initialisation, leader.
//!
//! These paths answer while the server is sealed, without a token and without an audit entry, as
//! Vault's do. They tell nothing but what is written here.

use serde_json::{Value, json};
use vouchsafe_logical::{Error, ErrorKind, Operation, Reply, Request};

use vouchsafe_storage::{SealConfig, SealKind};

use crate::core::Core;

/// What a load balancer learns from the status of `sys/health`.
const ACTIVE: u16 = 200;
const UNINITIALIZED: u16 = 501;
const SEALED: u16 = 503;

impl Core {
    /// The answer at one of these paths.
    ///
    /// # Errors
    /// Another path or operation; the store's.
    pub(crate) async fn status(&self, request: &Request) -> Result<Reply, Error> {
        let path = request.path.as_str().trim_end_matches('/');
        if request.operation != Operation::Read {
            return Err(unsupported());
        }
        let initialized = self.barrier.is_initialized().await?;
        match path {
            "sys/health" => self.health(request, initialized),
            "sys/seal-status" => self.answer_seal_status().await,
            "sys/init" => Ok(Reply::raw_json(200, &json!({ "initialized": initialized }))),
            "sys/leader" => Ok(Reply::raw_json(200, &self.leader())),
            _ => Err(unsupported()),
        }
    }

    fn health(&self, request: &Request, initialized: bool) -> Result<Reply, Error> {
        let sealed = self.runtime().is_none();
        let (name, usual) = match (initialized, sealed) {
            (false, _) => ("uninitcode", UNINITIALIZED),
            (true, true) => ("sealedcode", SEALED),
            (true, false) => ("activecode", ACTIVE),
        };
        for code in ["activecode", "standbycode", "sealedcode", "uninitcode"] {
            chosen_code(request, code)?;
        }
        let status = chosen_code(request, name)?.unwrap_or(usual);
        let mut body = json!({
            "initialized": initialized,
            "sealed": sealed,
            "standby": false,
            "performance_standby": false,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "server_time_utc": self.ports.clock.now().as_second(),
            "version": self.settings.version,
            "enterprise": false,
        });
        self.add_cluster(&mut body);
        Ok(Reply::raw_json(status, &body))
    }

    async fn answer_seal_status(&self) -> Result<Reply, Error> {
        let (progress, nonce) = self.unseal_progress().await;
        Ok(Reply::raw_json(
            200,
            &self.seal_status(progress, &nonce).await?,
        ))
    }

    /// The state of the seal, with an unseal attempt that is under way.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn seal_status(&self, progress: usize, nonce: &str) -> Result<Value, Error> {
        let initialized = self.barrier.is_initialized().await?;
        let (kind, config) = match self.barrier.seal_record().await? {
            Some(record) if initialized => (record.kind, record.config),
            // A server in memory that was given its root key has no keepers.
            Some(_) | None => (self.configured_kind(), SealConfig::NONE),
        };
        let mut body = json!({
            "type": kind.as_str(),
            "initialized": initialized,
            "sealed": self.runtime().is_none(),
            "t": config.threshold,
            "n": config.shares,
            "progress": progress,
            "nonce": nonce,
            "version": self.settings.version,
            "build_date": "",
            "migration": false,
            "recovery_seal": kind != SealKind::Shamir,
            "storage_type": self.settings.storage_type,
        });
        if kind != SealKind::Shamir
            && let Some(members) = body.as_object_mut()
        {
            members.insert("recovery_seal_type".to_owned(), "shamir".into());
        }
        self.add_cluster(&mut body);
        Ok(body)
    }

    fn leader(&self) -> Value {
        json!({
            "ha_enabled": false,
            "is_self": false,
            "active_time": "0001-01-01T00:00:00Z",
            "leader_address": "",
            "leader_cluster_address": "",
            "performance_standby": false,
            "performance_standby_last_remote_wal": 0,
        })
    }

    fn add_cluster(&self, body: &mut Value) {
        if let (Some(cluster), Some(members)) = (self.cluster.load_full(), body.as_object_mut()) {
            members.insert("cluster_name".to_owned(), cluster.name.clone().into());
            members.insert("cluster_id".to_owned(), cluster.id.clone().into());
        }
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

/// A status code that the caller chose for a state.
fn chosen_code(request: &Request, name: &str) -> Result<Option<u16>, Error> {
    let Some(value) = request.data.get(name) else {
        return Ok(None);
    };
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    match text.parse::<u16>() {
        Ok(code) if (100..=599).contains(&code) => Ok(Some(code)),
        Ok(_) | Err(_) => Err(Error::invalid(format!(
            "query parameter `{name}` is {text:?}; expected an HTTP status from 100 to 599"
        ))),
    }
}
