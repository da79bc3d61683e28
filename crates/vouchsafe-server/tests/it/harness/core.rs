//! A core with its storage, and requests through its own door.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};

use serde_json::{Value, json};
use vouchsafe_core::{Core, Outcome, Settings};
use vouchsafe_logical::{
    Auth, Data, EntropyExt, Error, Operation, Request, RequestPath, Response, Secret,
};
use vouchsafe_storage::{Change, ChangeFeed};

use super::parts::Parts;
use super::{T0, spawn};

/// A core with its storage, without HTTP.
pub(crate) struct TestCore {
    pub(crate) core: Arc<Core>,
    pub(crate) root_token: String,
    parts: Parts,
}

impl std::ops::Deref for TestCore {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl TestCore {
    /// A fresh core at a Unix time.
    pub(crate) async fn at(unix_seconds: i64) -> Self {
        Self::with_settings(unix_seconds, Settings::default()).await
    }

    /// A fresh core as a configuration wants it.
    pub(crate) async fn with_settings(unix_seconds: i64, settings: Settings) -> Self {
        let mut parts = Parts::fresh(unix_seconds);
        parts.settings = settings;
        Self::open(parts, None).await
    }

    /// A core of its own over a copy of this one's storage, with the same root token.
    pub(crate) async fn fork(&self) -> Self {
        Self::open(self.parts.copy().await, Some(self.root_token.clone())).await
    }

    /// A core of its own over this one's storage itself: another node.
    pub(crate) async fn beside(&self) -> Self {
        Self::open(self.parts.clone(), Some(self.root_token.clone())).await
    }

    /// A sealed core over this one's own storage, as after a restart.
    pub(super) fn restarted(&self) -> Self {
        let (core, _) = self.parts.core();
        Self {
            core,
            root_token: String::new(),
            parts: self.parts.clone(),
        }
    }

    /// A core over an empty store.
    pub(super) fn uninitialized() -> Self {
        let parts = Parts::fresh(T0);
        let (core, _) = parts.core();
        Self {
            core,
            root_token: String::new(),
            parts,
        }
    }

    /// A core that nobody has unsealed.
    pub(super) async fn sealed() -> Self {
        let parts = Parts::fresh(T0);
        let (core, barrier) = parts.core();
        let key = parts.key();
        barrier.initialize(&key).await.expect("initialised");
        Self {
            core,
            root_token: String::new(),
            parts,
        }
    }

    async fn open(parts: Parts, root_token: Option<String>) -> Self {
        let (core, barrier) = parts.core();
        let key = parts.key();
        if root_token.is_none() {
            barrier.initialize(&key).await.expect("initialised");
        }
        let unsealed = barrier.unseal(&key).await.expect("unsealed");
        let feed = barrier.subscribe(None).await.expect("subscribed");
        core.start(&unsealed).await.expect("started");
        spawn(follow(Arc::downgrade(&core), feed));
        let root_token = match root_token {
            Some(token) => token,
            None => core.create_root_token(None).await.expect("a root token"),
        };
        Self {
            core,
            root_token,
            parts,
        }
    }

    /// A request through the core's own door.
    pub(crate) fn request(
        &self,
        operation: Operation,
        path: &str,
        token: Option<&str>,
        data: Value,
    ) -> Request {
        let path = RequestPath::parse(path).expect("a path");
        Request {
            id: self.entropy.uuid(),
            operation,
            path: if operation == Operation::List {
                path.into_folder()
            } else {
                path
            },
            data: match data {
                Value::Object(data) => data,
                Value::Null => Data::new(),
                other => panic!("data is an object, not {other}"),
            },
            token: token.map(|token| Secret::new(token.to_owned())),
            remote: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000))),
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        }
    }

    /// What becomes of a request.
    pub(crate) async fn handle(
        &self,
        operation: Operation,
        path: &str,
        token: Option<&str>,
        data: Value,
    ) -> Outcome {
        self.core
            .handle(&self.request(operation, path, token, data))
            .await
    }

    /// A write as root that must succeed; its data, or null.
    #[track_caller]
    pub(crate) fn write(&self, path: &str, data: Value) -> impl Future<Output = Value> + '_ {
        self.done(Operation::Update, path.to_owned(), data)
    }

    /// A read as root that must succeed; its data.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> impl Future<Output = Value> + '_ {
        self.done(Operation::Read, path.to_owned(), Value::Null)
    }

    /// A listing as root that must succeed; its keys.
    #[track_caller]
    pub(crate) fn list(&self, path: &str) -> impl Future<Output = Vec<Value>> + '_ {
        let listing = self.done(Operation::List, path.to_owned(), Value::Null);
        async { listing.await["keys"].as_array().cloned().expect("keys") }
    }

    /// A delete as root that must succeed.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> impl Future<Output = Value> + '_ {
        self.done(Operation::Delete, path.to_owned(), Value::Null)
    }

    #[track_caller]
    fn done(
        &self,
        operation: Operation,
        path: String,
        data: Value,
    ) -> impl Future<Output = Value> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let outcome = self
                .handle(operation, &path, Some(&self.root_token), data)
                .await;
            match outcome.result {
                Ok(reply) => match reply.response {
                    Response::Data(data) => Value::Object(data),
                    Response::Auth(auth) => json!({ "auth": auth }),
                    _ => Value::Null,
                },
                Err(error) => panic!("{caller}: {operation} {path}: {error} {:?}", detail(&error)),
            }
        }
    }

    /// A token that root makes, an orphan unless the body says otherwise.
    pub(crate) async fn token(&self, body: Value) -> String {
        let made = self.write("auth/token/create", body).await;
        made["auth"]["client_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// A token with these policies and no others.
    pub(crate) async fn token_with(&self, policies: &[&str]) -> String {
        self.token(json!({ "policies": policies, "no_default_policy": true, "no_parent": true }))
            .await
    }

    /// A token from a login at the probe method: it has the entity of that name.
    pub(crate) async fn login(&self, name: &str, body: Value) -> Auth {
        let path = format!("auth/probe/login/{name}");
        let outcome = self.handle(Operation::Update, &path, None, body).await;
        match outcome.result.map(|reply| reply.response) {
            Ok(Response::Auth(auth)) => *auth,
            Ok(other) => panic!("a login answered {other:?}"),
            Err(error) => panic!("login of {name}: {error} {:?}", detail(&error)),
        }
    }

    /// Mounts the probe method at `auth/probe/` and the probe engine at `probe/`.
    pub(crate) async fn mount_probes(&self) {
        self.write("sys/auth/probe", json!({ "type": "probe" }))
            .await;
        self.write("sys/mounts/probe", json!({ "type": "probe" }))
            .await;
    }

    /// The accessor of a mount, by its path as `sys/internal/ui/mounts` has it.
    pub(crate) async fn accessor(&self, path: &str) -> String {
        let (list, name) = match path.strip_prefix("auth/") {
            Some(name) => ("sys/auth", name),
            None => ("sys/mounts", path),
        };
        let mounts = self.read(list).await;
        mounts[name]["accessor"]
            .as_str()
            .expect("a mount")
            .to_owned()
    }
}

fn detail(error: &Error) -> Option<&str> {
    error
        .detail()
        .map(vouchsafe_logical::error::Detail::for_operator)
}

async fn follow(core: Weak<Core>, mut feed: Box<dyn ChangeFeed>) {
    while let Ok(change) = feed.next().await {
        let Some(core) = core.upgrade() else { return };
        match change {
            Change::Committed(event) => core.invalidate(&event.keys).await,
            Change::Lagged { .. } => core.invalidate_all().await,
        }
    }
}
