//! A server in this process: storage in memory behind the barrier, a clock that the test moves,
//! and two doors: HTTP on a real socket, and `core.handle` where HTTP is not the point.

mod client;
mod probe;
mod raw;
mod storage;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::{Core, Outcome, Ports, Settings, WorkerThreads};
use vouchsafe_logical::{
    Auth, BackendKind, Batch, Catalog, Data, Entropy, EntropyExt, Error, Operation, Request,
    RequestPath, Response, Secret,
};
use vouchsafe_server::{Edge, Limits, Listener, Serving};
use vouchsafe_storage::{Barrier, Change, InMemory, Physical, RootKey};
use vouchsafe_testing::{ManualClock, SeededEntropy};

pub(crate) use client::{Answer, Ask};
pub(crate) use probe::gate;
pub(crate) use raw::{Raw, status_of};

/// Where a test's clock starts: 2026-01-01T00:00:00Z.
pub(crate) const T0: i64 = 1_767_225_600;

/// What can be mounted in tests: everything that the product has, and the probes.
pub(crate) static TEST_CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let probes: [&'static BackendKind; 2] = [&probe::ENGINE, &probe::METHOD];
    let kinds: Vec<&'static BackendKind> = CATALOG.iter().copied().chain(probes).collect();
    Box::leak(kinds.into_boxed_slice())
});

/// Threads for password hashing and the like; they outlive every test.
static WORKERS: LazyLock<Arc<WorkerThreads>> =
    LazyLock::new(|| WorkerThreads::start(2).expect("the system gives threads"));

/// What a core stands on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    physical: Arc<InMemory>,
    root_key: [u8; 32],
}

impl Parts {
    fn fresh(unix_seconds: i64) -> Self {
        let entropy = Arc::new(SeededEntropy::default());
        let mut root_key = [0; 32];
        entropy.fill(&mut root_key);
        Self {
            clock: Arc::new(ManualClock::at(unix_seconds)),
            entropy,
            physical: Arc::new(InMemory::new()),
            root_key,
        }
    }

    fn key(&self) -> RootKey {
        RootKey::try_from(&self.root_key[..]).expect("32 bytes")
    }

    fn core(&self) -> (Arc<Core>, Arc<Barrier>) {
        let ports = Ports {
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::clone(&self.entropy) as _,
            workers: Arc::clone(&*WORKERS) as _,
        };
        let store = Arc::clone(&self.physical) as Arc<dyn Physical>;
        let barrier = Arc::new(Barrier::new(
            store,
            Arc::clone(&ports.entropy),
            Arc::clone(&ports.clock),
        ));
        let settings = Settings {
            version: "0.0.0-test".to_owned(),
            storage_type: "inmem".to_owned(),
            api_address: "https://vouchsafe.example".to_owned(),
        };
        let core = Core::new(Arc::clone(&barrier), *TEST_CATALOG, ports, settings);
        (core, barrier)
    }

    /// The same with a store of its own, which holds what this one holds now.
    async fn copy(&self) -> Self {
        let mut batch = Batch::default();
        let mut after: Option<String> = None;
        loop {
            let store = &self.physical;
            let page = store
                .list("", after.as_deref(), usize::MAX)
                .await
                .expect("listed");
            let Some(last) = page.last().cloned() else {
                break;
            };
            for key in page {
                let record = store.get(&key).await.expect("read").expect("still there");
                batch.writes.insert(key, Some(record.value));
            }
            after = Some(last);
        }
        let physical = Arc::new(InMemory::new());
        physical.commit(batch).await.expect("copied");
        Self {
            physical,
            ..self.clone()
        }
    }
}

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
        Self::open(Parts::fresh(unix_seconds), None).await
    }

    /// A core of its own over a copy of this one's storage, with the same root token.
    pub(crate) async fn fork(&self) -> Self {
        Self::open(self.parts.copy().await, Some(self.root_token.clone())).await
    }

    /// A core that nobody has unsealed.
    async fn sealed() -> Self {
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

/// Lets other tasks run until something has come true.
pub(crate) async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

fn detail(error: &Error) -> Option<&str> {
    error
        .detail()
        .map(vouchsafe_logical::error::Detail::for_operator)
}

/// Spawns a task that ends with the test's runtime.
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner of the tests"
    )]
    tokio::spawn(task)
}

async fn follow(core: std::sync::Weak<Core>, mut feed: Box<dyn vouchsafe_storage::ChangeFeed>) {
    while let Ok(change) = feed.next().await {
        let Some(core) = core.upgrade() else { return };
        match change {
            Change::Committed(event) => core.invalidate(&event.keys).await,
            Change::Lagged { .. } => core.invalidate_all().await,
        }
    }
}

/// A server with a listener on the loopback address.
pub(crate) struct TestServer {
    inner: TestCore,
    serving: Serving,
    client: reqwest::Client,
}

impl std::ops::Deref for TestServer {
    type Target = TestCore;

    fn deref(&self) -> &TestCore {
        &self.inner
    }
}

impl TestServer {
    /// A server as a test describes it.
    pub(crate) fn builder() -> Builder {
        Builder {
            at: T0,
            limits: Limits::default(),
            probes: false,
            steps: Vec::new(),
        }
    }

    /// A server as it is after its first start.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server that nobody has unsealed.
    pub(crate) async fn sealed() -> Self {
        Self::serve(TestCore::sealed().await, Limits::default()).await
    }

    async fn serve(inner: TestCore, limits: Limits) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(address).await.expect("a free port");
        let entropy = Arc::clone(&inner.entropy);
        let edge = Edge::new(Arc::clone(&inner.core), entropy).with_limits(limits);
        let serving = listener.serve(edge);
        let client = client::plain();
        Self {
            inner,
            serving,
            client,
        }
    }

    /// The listener's address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Lets requests in flight finish, and ends.
    pub(crate) async fn stop(self) {
        self.serving.stop().await;
    }

    /// A request, path below `/v1/`.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(
            &self.client,
            method,
            format!("http://{}/v1/{path}", self.address()),
        )
    }

    /// A request to any path.
    pub(crate) fn ask_outside(&self, method: &str, path: &str) -> Ask {
        Ask::new(
            &self.client,
            method,
            format!("http://{}{path}", self.address()),
        )
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Ask {
        self.ask("POST", path).json(body)
    }

    /// A client of its own that speaks HTTP/2 from the first byte.
    pub(crate) fn http2(&self) -> reqwest::Client {
        client::http2()
    }

    /// Bytes on a connection of their own, and everything that comes back.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut raw = self.raw().await;
        raw.send(bytes).await;
        raw.rest().await
    }

    /// A plain TCP connection, for requests that no client library would send.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(self.address()).await
    }
}

/// What a test's server begins with.
pub(crate) struct Builder {
    at: i64,
    limits: Limits,
    probes: bool,
    steps: Vec<(String, Value)>,
}

impl Builder {
    /// The time at which the server starts, in Unix seconds.
    pub(crate) const fn at(mut self, unix_seconds: i64) -> Self {
        self.at = unix_seconds;
        self
    }

    /// Other limits than those of production.
    pub(crate) const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The probe method at `auth/probe/` and the probe engine at `probe/`.
    pub(crate) const fn with_probes(mut self) -> Self {
        self.probes = true;
        self
    }

    /// A write as root, in the order of the calls.
    pub(crate) fn with(mut self, path: impl Into<String>, data: Value) -> Self {
        self.steps.push((path.into(), data));
        self
    }

    /// A policy.
    pub(crate) fn with_policy(self, name: &str, text: &str) -> Self {
        self.with(
            format!("sys/policies/acl/{name}"),
            json!({ "policy": text }),
        )
    }

    /// An auth method at `auth/<kind>/`.
    pub(crate) fn with_auth(self, kind: &str) -> Self {
        self.with(format!("sys/auth/{kind}"), json!({ "type": kind }))
    }

    /// An entity.
    pub(crate) fn with_entity(self, name: &str, policies: &[&str]) -> Self {
        self.with(
            "identity/entity",
            json!({ "name": name, "policies": policies }),
        )
    }

    /// An OIDC key and a role that signs with it, both of this name.
    pub(crate) fn with_oidc_role(self, name: &str, template: &str) -> Self {
        self.with(
            format!("identity/oidc/key/{name}"),
            json!({ "algorithm": "ES256", "allowed_client_ids": "*" }),
        )
        .with(
            format!("identity/oidc/role/{name}"),
            json!({ "key": name, "template": template }),
        )
    }

    /// Starts the core alone.
    pub(crate) async fn start_core(self) -> TestCore {
        let core = TestCore::at(self.at).await;
        if self.probes {
            core.mount_probes().await;
        }
        for (path, data) in self.steps {
            core.write(&path, data).await;
        }
        core
    }

    /// Starts core and listener.
    pub(crate) async fn start(self) -> TestServer {
        let limits = self.limits.clone();
        TestServer::serve(self.start_core().await, limits).await
    }
}
