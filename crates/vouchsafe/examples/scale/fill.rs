//! Fills a store as a server that served for months would have: by the core itself, in this
//! process, over the real barrier and the real file. Only HTTP is left out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::{Core, Settings};
use vouchsafe_logical::{Data, EntropyExt, Operation, Request, RequestPath, Response, Secret};
use vouchsafe_storage::{Barrier, FilePhysical, Physical};

use crate::ports;

/// Requests under way at once: as many as share a sync of the store.
const TASKS: usize = 1_024;
/// The token role that gives each token an entity of its own.
const ROLE: &str = "auth/token/create/scale";

/// What it takes to open the filled store, and to use what is in it.
pub(crate) struct Filled {
    pub(crate) unseal_key: String,
    pub(crate) root_token: String,
    /// All tokens, in no order.
    pub(crate) tokens: Vec<String>,
}

/// Makes a store with so many tokens, each with an entity and an alias of its own.
pub(crate) async fn fill(folder: &Path, count: usize) -> Result<Filled> {
    let ports = ports::of_system()?;
    let physical: Arc<dyn Physical> = Arc::new(FilePhysical::open(folder)?);
    let barrier = Arc::new(Barrier::new(
        physical,
        Arc::clone(&ports.entropy),
        Arc::clone(&ports.clock),
    ));
    let entropy = Arc::clone(&ports.entropy);
    let settings = Settings {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        storage_type: "file".to_owned(),
        ..Settings::default()
    };
    let filler = Arc::new(Filler {
        core: Core::new(barrier, CATALOG, ports, settings),
        entropy,
        next: AtomicUsize::new(0),
    });
    let (unseal_key, root_token) = filler.open().await?;
    let role = json!({
        "allowed_entity_aliases": "scale-*", "orphan": true, "allowed_policies": "default",
        "token_explicit_max_ttl": "700h",
    });
    let role_path = "auth/token/roles/scale";
    filler.write(role_path, &root_token, role).await?;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS.min(count) {
        let (filler, root_token) = (Arc::clone(&filler), root_token.clone());
        tasks.spawn(async move { filler.make_tokens(&root_token, count).await });
    }
    let mut tokens = Vec::with_capacity(count);
    while let Some(made) = tasks.join_next().await {
        tokens.extend(made??);
    }
    Ok(Filled {
        unseal_key,
        root_token,
        tokens,
    })
}

struct Filler {
    core: Arc<Core>,
    entropy: Arc<dyn vouchsafe_logical::Entropy>,
    next: AtomicUsize,
}

impl Filler {
    /// Initialises and unseals; the unseal key and the root token.
    async fn open(&self) -> Result<(String, String)> {
        let shares = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let made = self.write("sys/init", "", shares).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let key = text(&made["keys"][0]).context("no key in the answer to `sys/init`")?;
        let root_token = text(&made["root_token"]).context("no token in `sys/init`")?;
        self.write("sys/unseal", "", json!({ "key": key })).await?;
        Ok((key, root_token))
    }

    /// Makes tokens until all together have made `count`.
    async fn make_tokens(&self, root_token: &str, count: usize) -> Result<Vec<String>> {
        let mut tokens = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(tokens);
            }
            let body = json!({ "entity_alias": format!("scale-{number:08}"), "ttl": "600h" });
            let made = self.write(ROLE, root_token, body).await?;
            let token = made["client_token"].as_str().context("no token")?;
            tokens.push(token.to_owned());
        }
    }

    async fn write(&self, path: &str, token: &str, body: Value) -> Result<Value> {
        let Value::Object(data) = body else {
            bail!("a body is an object");
        };
        let request = Request {
            id: self.entropy.uuid(),
            operation: Operation::Update,
            path: RequestPath::parse(path).map_err(|error| anyhow!("{path}: {error}"))?,
            data: Data::from_iter(data),
            token: (!token.is_empty()).then(|| Secret::new(token.to_owned())),
            remote: None,
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        };
        let outcome = self.core.handle(&request).await.result;
        let reply = outcome.map_err(|error| anyhow!("{path}: {error}"))?;
        Ok(match reply.response {
            Response::Auth(auth) => json!({ "client_token": auth.client_token }),
            Response::Data(data) => Value::Object(data),
            Response::Raw(raw) => serde_json::from_slice(&raw.body).unwrap_or(Value::Null),
            _ => Value::Null,
        })
    }
}
