//! The engine by path and operation: what a client sees, and what many clients at once see.

mod concurrency;
mod config;
mod data;
mod interrupted;
mod limits;
mod metadata;
mod selected;
mod subkeys;
mod unversioned;
mod upgrade;
mod versions;
mod wrong_path;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::{
    Backend, Call, CallerSummary, Data, Error, ErrorKind, MountSummary, Operation, Request,
    RequestPath, Response, Settings,
};
use vouchsafe_testing::TestSystem;

/// When tests begin.
const START: &str = "2026-01-01T00:00:00.000000000Z";

/// An open mount.
struct Mount {
    system: Arc<TestSystem>,
    settings: Settings,
    backend: Arc<dyn Backend>,
    own: MountSummary,
}

/// What a client sees of a success.
#[derive(Debug, PartialEq)]
struct Answer {
    /// Whether the envelope goes out as a 404.
    not_found: bool,
    /// `data`; null where there is none.
    data: Value,
    warnings: Vec<String>,
    lease_seconds: u64,
}

impl Mount {
    /// A fresh mount without a history.
    fn unversioned() -> Self {
        let system = TestSystem::new();
        let settings = system.settings();
        Self::open(system, settings, "1")
    }

    /// A fresh mount with a history.
    fn versioned() -> Self {
        let system = TestSystem::new();
        let settings = system.settings();
        Self::open(system, settings, "2")
    }

    /// A mount over these settings with the option `version`.
    fn open(system: Arc<TestSystem>, mut settings: Settings, version: &str) -> Self {
        settings
            .options
            .insert("version".to_owned(), version.to_owned());
        Self {
            backend: (super::ENGINE.open)(settings.clone()),
            own: MountSummary {
                accessor: settings.accessor.clone(),
                kind: "kv".to_owned(),
                path: "kv/".to_owned(),
                local: false,
                default_lease_ttl: Duration::from_secs(2_764_800),
                max_lease_ttl: Duration::from_secs(2_764_800),
            },
            settings,
            system,
        }
    }

    /// Another node's mount of the same storage.
    fn reopened(&self, version: &str) -> Self {
        Self::open(Arc::clone(&self.system), self.settings.clone(), version)
    }

    /// Sends a request, as the core does: a write is a create where the object is not there.
    async fn ask(&self, operation: Operation, path: &str, body: Value) -> Result<Answer, Error> {
        let data = match body {
            Value::Object(data) => data,
            Value::Null => Data::new(),
            other => panic!("{other} is no body"),
        };
        let request = Request {
            id: "00000000-0000-4000-8000-000000000000".to_owned(),
            operation,
            path: RequestPath::parse(&format!("kv/{path}")).unwrap(),
            data,
            token: None,
            remote: None,
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        };
        let matched = self
            .backend
            .find(path)
            .unwrap_or_else(|| panic!("no route for {path:?}"));
        let caller = CallerSummary::default();
        let call = |operation| Call {
            request: &request,
            operation,
            path,
            captures: matched.captures,
            caller: &caller,
            mount: &self.own,
        };
        let mut operation = operation;
        if operation == Operation::Update
            && let Some(exists) = self.backend.exists(matched.index, call(operation))
            && !exists.await?
        {
            operation = Operation::Create;
        }
        let reply = self.backend.call(matched.index, call(operation)).await?;
        Ok(Answer {
            not_found: reply.not_found,
            data: match reply.response {
                Response::Empty => Value::Null,
                Response::Data(data) => Value::Object(data),
                other => panic!("{other:?}"),
            },
            warnings: reply.warnings,
            lease_seconds: reply.lease_duration.as_secs(),
        })
    }

    fn send(&self, operation: Operation, path: &str, body: Value) -> Result<Answer, Error> {
        block_on(self.ask(operation, path, body))
    }

    fn read(&self, path: &str) -> Result<Answer, Error> {
        self.send(Operation::Read, path, Value::Null)
    }

    fn read_with(&self, path: &str, query: Value) -> Result<Answer, Error> {
        self.send(Operation::Read, path, query)
    }

    fn write(&self, path: &str, body: Value) -> Result<Answer, Error> {
        self.send(Operation::Update, path, body)
    }

    fn patch(&self, path: &str, body: Value) -> Result<Answer, Error> {
        self.send(Operation::Patch, path, body)
    }

    fn delete(&self, path: &str) -> Result<Answer, Error> {
        self.send(Operation::Delete, path, Value::Null)
    }

    /// The names that a listing shows.
    #[track_caller]
    fn names(&self, path: &str) -> Value {
        let mut answer = self.send(Operation::List, path, Value::Null).unwrap();
        answer.data["keys"].take()
    }

    /// Writes a version and returns its number.
    #[track_caller]
    fn put(&self, path: &str, secret: Value) -> u64 {
        let answer = self.write(&format!("data/{path}"), json!({ "data": secret }));
        answer.unwrap().data["version"].as_u64().unwrap()
    }

    /// The secret of the latest version.
    #[track_caller]
    fn latest(&self, path: &str) -> Value {
        let mut answer = self.read(&format!("data/{path}")).unwrap();
        assert!(!answer.not_found, "{path} is deleted");
        answer.data["data"].take()
    }

    /// The numbers of the versions that are kept.
    #[track_caller]
    fn kept(&self, path: &str) -> Vec<u64> {
        let answer = self.read(&format!("metadata/{path}")).unwrap();
        let versions = answer.data["versions"].as_object().unwrap();
        versions.keys().map(|key| key.parse().unwrap()).collect()
    }

    /// Whether a write to the path would be an update.
    fn exists(&self, path: &str) -> Option<bool> {
        let request = Request {
            id: String::new(),
            operation: Operation::Update,
            path: RequestPath::parse(&format!("kv/{path}")).unwrap(),
            data: Data::new(),
            token: None,
            remote: None,
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        };
        let matched = self.backend.find(path).unwrap();
        let call = Call {
            request: &request,
            operation: Operation::Update,
            path,
            captures: matched.captures,
            caller: &CallerSummary::default(),
            mount: &self.own,
        };
        let exists = self.backend.exists(matched.index, call)?;
        Some(block_on(exists).unwrap())
    }

    /// All keys of the mount's storage.
    fn keys(&self) -> Vec<String> {
        block_on(self.settings.view.list_all("")).unwrap()
    }
}

/// Runs a future of a store in memory.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A success without content: 204.
#[track_caller]
fn done(outcome: Result<Answer, Error>) {
    let nothing = Answer {
        not_found: false,
        data: Value::Null,
        warnings: Vec::new(),
        lease_seconds: 0,
    };
    assert_eq!(outcome.unwrap(), nothing);
}

/// Bad input, with this message.
#[track_caller]
fn refused(outcome: Result<Answer, Error>, message: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert_eq!(error.messages(), [message]);
}

/// Nothing there: 404 without a message.
#[track_caller]
fn absent(outcome: Result<Answer, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.messages(), [] as [&str; 0]);
}

/// An operation that the path does not have: 405.
#[track_caller]
fn unsupported(outcome: Result<Answer, Error>) {
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::UnsupportedOperation);
}
