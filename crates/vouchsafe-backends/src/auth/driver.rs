//! Drives an auth method by path and operation, as the core would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::{
    Access, Backend, BackendKind, Batch, BoxFuture, Call, CallerSummary, CommitError, Data, Error,
    ErrorKind, Login, MountSummary, Newer, Operation, Record, Reply, Request, RequestPath,
    Response, Settings, Store, StoreError, System, TokenParameters, Version, View,
};
use vouchsafe_testing::{MemoryStore, TestSystem};

/// A store that lets others run before each of its operations, so that tasks which run at the
/// same time have all read before the first one writes.
#[derive(Default)]
struct YieldingStore(MemoryStore);

impl Store for YieldingStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get(key).await
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        self.0.get_newer(key, than)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.0.list(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.commit(batch).await
        })
    }
}

/// A mounted auth method.
#[derive(Clone)]
pub(super) struct Driver {
    pub(super) system: Arc<TestSystem>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) view: View,
    mount: MountSummary,
    remote: SocketAddr,
}

impl Driver {
    pub(super) fn open(kind: &BackendKind) -> Self {
        let system = TestSystem::new();
        let view = View::new(Arc::new(YieldingStore::default()), "auth/test/");
        let settings = Settings {
            view: view.clone(),
            accessor: format!("auth_{}_00000001", kind.name),
            options: Default::default(),
            system: Arc::clone(&system) as Arc<dyn System>,
        };
        Self {
            mount: MountSummary {
                accessor: settings.accessor.clone(),
                kind: kind.name.to_owned(),
                path: format!("auth/{}/", kind.name),
                local: false,
                default_lease_ttl: Duration::from_secs(768 * 3_600),
                max_lease_ttl: Duration::from_secs(768 * 3_600),
            },
            backend: (kind.open)(settings),
            remote: "127.0.0.1:40000".parse().unwrap(),
            system,
            view,
        }
    }

    /// The same mount as another node opens it.
    pub(super) fn second_node(&self, kind: &BackendKind) -> Self {
        Self {
            backend: (kind.open)(self.settings()),
            ..self.clone()
        }
    }

    /// What the mount was opened with.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            view: self.view.clone(),
            accessor: self.mount.accessor.clone(),
            options: Default::default(),
            system: Arc::clone(&self.system) as Arc<dyn System>,
        }
    }

    /// The same mount, called from another address.
    pub(super) fn at(&self, address: &str) -> Self {
        Self {
            remote: SocketAddr::new(address.parse().unwrap(), 40_000),
            ..self.clone()
        }
    }

    fn request(&self, operation: Operation, path: &str, body: Value) -> Request {
        let Value::Object(data) = body else {
            panic!("{body} is no body")
        };
        Request {
            id: "00000000-0000-4000-8000-000000000000".to_owned(),
            operation,
            path: RequestPath::parse(&format!("{}{path}", self.mount.path)).unwrap(),
            data,
            token: None,
            remote: Some(self.remote),
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        }
    }

    /// Sends a request. A path that no route serves is an error, as it is in the core.
    pub(super) async fn send(
        &self,
        operation: Operation,
        path: &str,
        body: Value,
    ) -> Result<Reply, Error> {
        let request = self.request(operation, path, body);
        let Some(matched) = self.backend.find(path) else {
            return Err(Error::new(
                ErrorKind::UnsupportedPath,
                "test",
                "unsupported path",
            ));
        };
        let call = Call {
            request: &request,
            operation,
            path,
            captures: matched.captures,
            caller: &CallerSummary::default(),
            mount: &self.mount,
        };
        self.backend.call(matched.index, call).await
    }

    /// Whom a login would be counted against; `None` also where the path is no login.
    pub(super) fn principal(&self, path: &str, body: Value) -> Option<String> {
        let request = self.request(Operation::Update, path, body);
        let matched = self.backend.find(path)?;
        let Access::Login(principal) = matched.info.access else {
            return None;
        };
        principal(&Call {
            request: &request,
            operation: Operation::Update,
            path,
            captures: matched.captures,
            caller: &CallerSummary::default(),
            mount: &self.mount,
        })
    }

    /// Whether the object at a path exists, as far as its route tells.
    pub(super) async fn exists(&self, path: &str) -> Option<bool> {
        let request = self.request(Operation::Update, path, json!({}));
        let matched = self.backend.find(path).unwrap();
        let call = Call {
            request: &request,
            operation: Operation::Update,
            path,
            captures: matched.captures,
            caller: &CallerSummary::default(),
            mount: &self.mount,
        };
        match self.backend.exists(matched.index, call) {
            Some(exists) => Some(exists.await.unwrap()),
            None => None,
        }
    }

    /// Writes, and returns the data of the answer; empty where there is none.
    #[track_caller]
    pub(super) fn write(&self, path: &str, body: Value) -> impl Future<Output = Data> {
        self.succeed(Operation::Update, path, body)
    }

    /// Reads.
    #[track_caller]
    pub(super) fn read(&self, path: &str) -> impl Future<Output = Data> {
        self.succeed(Operation::Read, path, json!({}))
    }

    /// Deletes.
    #[track_caller]
    pub(super) fn delete(&self, path: &str) -> impl Future<Output = Data> {
        self.succeed(Operation::Delete, path, json!({}))
    }

    /// Lists; nothing there is an empty list.
    pub(super) async fn list(&self, path: &str) -> Vec<String> {
        match self.send(Operation::List, path, json!({})).await {
            Ok(Reply {
                response: Response::Data(data),
                ..
            }) => serde_json::from_value(data["keys"].clone()).unwrap(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[track_caller]
    fn succeed(&self, operation: Operation, path: &str, body: Value) -> impl Future<Output = Data> {
        let caller = std::panic::Location::caller();
        let (driver, path) = (self.clone(), path.to_owned());
        async move {
            match driver
                .send(operation, &path, body)
                .await
                .map(|reply| reply.response)
            {
                Ok(Response::Data(data)) => data,
                Ok(Response::Empty | Response::Accepted) => Data::new(),
                other => panic!("{caller}: {operation} {path}: {other:?}"),
            }
        }
    }

    /// Writes, and returns the refusal.
    pub(super) async fn refusal(&self, path: &str, body: Value) -> Error {
        match self.send(Operation::Update, path, body).await {
            Err(error) => error,
            Ok(reply) => panic!("{path}: not refused: {reply:?}"),
        }
    }

    /// Asserts that a write is refused as bad input with exactly this message.
    pub(super) async fn refuses(&self, path: &str, body: Value, message: &str) {
        let shown = body.to_string();
        let error = self.refusal(path, body).await;
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidRequest,
            "{path} {shown}: {error:?}"
        );
        assert_eq!(error.messages(), [message], "{path} {shown}");
    }

    /// Logs in.
    pub(super) async fn login(&self, path: &str, body: Value) -> Result<Login, Error> {
        match self.send(Operation::Update, path, body).await?.response {
            Response::Login(login) => Ok(*login),
            other => panic!("{path}: {other:?}"),
        }
    }

    /// Renews a token of a login.
    pub(super) async fn renew(&self, login: &Login) -> Result<TokenParameters, Error> {
        self.backend
            .renew(&login.internal)
            .await
            .map(|parameters| parameters.unwrap())
    }

    /// Everything that is stored, keys and values.
    pub(super) async fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let mut stored = Vec::new();
        for key in self.view.list_all("").await.unwrap() {
            let record = self.view.get(&key).await.unwrap().unwrap();
            stored.push((key, record.value));
        }
        stored
    }
}

/// Whether `needle` is anywhere in `haystack`.
pub(super) fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}
