//! Sends requests to an identity mount, as the core would.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use vouchsafe_jose::{AlgorithmSet, JwkSet, VerifiedJwt, jwt};
use vouchsafe_logical::response::Response;
use vouchsafe_logical::{
    Backend, Batch, BoxFuture, Call, CallerSummary, CommitError, Error, MountSummary, Newer,
    Operation, Raw, Record, Reply, Request, RequestPath, Settings, Store, StoreError, System,
    Version, View,
};
use vouchsafe_testing::{MemoryStore, TestSystem};

use crate::secrets::identity::ENGINE;

/// One node's identity mount and a caller's entity.
pub(super) struct Node {
    pub(super) system: Arc<TestSystem>,
    pub(super) settings: Settings,
    pub(super) backend: Arc<dyn Backend>,
    mount: MountSummary,
    caller: CallerSummary,
}

impl Node {
    /// A fresh mount at `https://vault.test:8200`, called by an entity `bob` of the group `devs`.
    pub(super) async fn open() -> Self {
        let system = TestSystem::new();
        "https://vault.test:8200".clone_into(&mut system.api_address.lock().unwrap());
        let mut node = Self::with_settings(&system, system.settings());
        let bob = node
            .write(
                "entity",
                json!({"name": "bob", "metadata": {"team": "core"}}),
            )
            .await;
        let bob = data(bob.unwrap())["id"].as_str().unwrap().to_owned();
        let group = json!({"name": "devs", "member_entity_ids": [&bob]});
        node.write("group", group).await.unwrap();
        node.caller.entity_id = Some(bob);
        node
    }

    /// A fresh mount whose storage lets others in between any two reads and writes.
    pub(super) async fn open_interleaved(seed: u64) -> Self {
        let mut node = Self::open().await;
        let store = Arc::new(Interleaved {
            store: MemoryStore::default(),
            dice: (seed.wrapping_mul(0xd134_2543_de82_ef95)).into(),
        });
        node.settings.view = View::new(store, "logical/test/");
        node.backend = (ENGINE.open)(node.settings.clone());
        node
    }

    /// Another node over the same storage and clock.
    pub(super) fn another(&self) -> Self {
        let mut node = Self::with_settings(&self.system, self.settings.clone());
        node.caller = self.caller.clone();
        node
    }

    /// The same storage under another core.
    pub(super) fn with_system(&self, system: Arc<dyn System>) -> Self {
        let settings = Settings {
            system,
            ..self.settings.clone()
        };
        let mut node = Self::with_settings(&self.system, settings);
        node.caller = self.caller.clone();
        node
    }

    fn with_settings(system: &Arc<TestSystem>, settings: Settings) -> Self {
        let mount = MountSummary {
            accessor: settings.accessor.clone(),
            kind: "identity".to_owned(),
            path: "identity/".to_owned(),
            local: false,
            default_lease_ttl: Duration::from_secs(3_600),
            max_lease_ttl: Duration::from_secs(3_600),
        };
        Self {
            system: Arc::clone(system),
            backend: (ENGINE.open)(settings.clone()),
            settings,
            mount,
            caller: CallerSummary::default(),
        }
    }

    pub(super) fn set_caller(&mut self, entity_id: Option<&str>) {
        self.caller.entity_id = entity_id.map(str::to_owned);
    }

    pub(super) fn entity_id(&self) -> &str {
        self.caller.entity_id.as_deref().unwrap()
    }

    pub(super) async fn send(
        &self,
        operation: Operation,
        path: &str,
        body: Value,
    ) -> Result<Reply, Error> {
        let found = self
            .backend
            .find(path)
            .expect("a path that the engine serves");
        let request = Request {
            id: "00000000-0000-4000-8000-000000000000".to_owned(),
            operation,
            path: RequestPath::parse(&format!("identity/{path}")).unwrap(),
            data: match body {
                Value::Object(data) => data,
                _ => Map::new(),
            },
            token: None,
            remote: None,
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        };
        let call = |operation| Call {
            request: &request,
            operation,
            path,
            captures: found.captures,
            caller: &self.caller,
            mount: &self.mount,
        };
        let mut operation = operation;
        if operation == Operation::Update
            && let Some(exists) = self.backend.exists(found.index, call(operation))
            && !exists.await?
        {
            operation = Operation::Create;
        }
        self.backend.call(found.index, call(operation)).await
    }

    pub(super) async fn read(&self, path: &str) -> Result<Value, Error> {
        self.send(Operation::Read, path, Value::Null)
            .await
            .map(data)
    }

    pub(super) async fn write(&self, path: &str, body: Value) -> Result<Reply, Error> {
        self.send(Operation::Update, path, body).await
    }

    /// Writes what must be answered with 204.
    #[track_caller]
    pub(super) fn put(&self, path: &str, body: Value) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        let path = path.to_owned();
        async move {
            let reply = self
                .write(&path, body)
                .await
                .unwrap_or_else(|e| panic!("{at}: {e}"));
            assert!(matches!(reply.response, Response::Empty), "{at}: {reply:?}");
            assert!(reply.warnings.is_empty(), "{at}: {:?}", reply.warnings);
        }
    }

    /// The message with which a write is refused.
    pub(super) async fn refusal(&self, path: &str, body: Value) -> String {
        self.write(path, body)
            .await
            .expect_err("a refusal")
            .to_string()
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Reply, Error> {
        self.send(Operation::Delete, path, Value::Null).await
    }

    pub(super) async fn list(&self, path: &str) -> Value {
        data(self.send(Operation::List, path, Value::Null).await.unwrap())["keys"].clone()
    }

    pub(super) async fn token(&self, role: &str) -> Result<String, Error> {
        let issued = self.read(&format!("oidc/token/{role}")).await?;
        Ok(issued["token"].as_str().unwrap().to_owned())
    }

    pub(super) async fn document(&self, name: &str) -> Raw {
        let path = format!("oidc/.well-known/{name}");
        match self
            .send(Operation::Read, &path, Value::Null)
            .await
            .unwrap()
            .response
        {
            Response::Raw(raw) => raw,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn key_set(&self) -> JwkSet {
        JwkSet::parse(&self.document("keys").await.body).unwrap()
    }

    pub(super) async fn introspect(&self, body: Value) -> Value {
        match self.write("oidc/introspect", body).await.unwrap().response {
            Response::Raw(raw) => serde_json::from_slice(&raw.body).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Moves the clock of all nodes.
    pub(super) fn advance(&self, seconds: u64) {
        self.system.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) async fn tick(&self) {
        self.backend.tick().await.unwrap();
    }

    /// The pairs of a key, as the API describes them.
    pub(super) async fn pairs(&self, key: &str) -> Vec<Value> {
        let described = self.read(&format!("oidc/key/{key}")).await.unwrap();
        described["keys"].as_array().unwrap().clone()
    }

    /// The ids of a key's pairs in a state.
    pub(super) async fn in_state(&self, key: &str, state: &str) -> Vec<String> {
        let pairs = self.pairs(key).await;
        let wanted = pairs.iter().filter(|pair| pair["state"] == state);
        wanted
            .map(|pair| pair["key_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A store that gives way to other tasks before each call, a seeded number of times.
struct Interleaved {
    store: MemoryStore,
    dice: AtomicU64,
}

impl Interleaved {
    async fn give_way(&self) {
        let rolled = self
            .dice
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        for _ in 0..(rolled >> 61) {
            tokio::task::yield_now().await;
        }
    }
}

impl Store for Interleaved {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            self.give_way().await;
            self.store.get(key).await
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            self.give_way().await;
            self.store.get_newer(key, than).await
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            self.give_way().await;
            self.store.list(prefix, after, limit).await
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            self.give_way().await;
            self.store.commit(batch).await
        })
    }
}

pub(super) fn data(reply: Reply) -> Value {
    match reply.response {
        Response::Data(data) => Value::Object(data),
        other => panic!("no data: {other:?}"),
    }
}

pub(super) fn verify(token: &str, keys: &JwkSet) -> VerifiedJwt {
    jwt::verify(token, keys, AlgorithmSet::ALL).unwrap()
}

pub(super) fn max_age(raw: &Raw) -> u64 {
    raw.cache_control
        .as_deref()
        .unwrap()
        .strip_prefix("max-age=")
        .unwrap()
        .parse()
        .unwrap()
}
