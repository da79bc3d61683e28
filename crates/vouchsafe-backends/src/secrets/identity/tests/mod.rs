//! Entities, groups and aliases by path and operation: what a client sees.

mod alias;
mod entity;
mod group;
mod group_alias;
mod lookup;
mod merge;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_identity::subject::Directory;
use vouchsafe_logical::{
    AliasProposal, Backend, Call, CallerSummary, Clock, Error, ErrorKind, MountSummary, Operation,
    Request, RequestPath, Response, View,
};
use vouchsafe_testing::TestSystem;

use super::ENGINE;

/// The engine over a store in memory, with two auth mounts.
struct Engine {
    system: Arc<TestSystem>,
    backend: Arc<dyn Backend>,
    view: View,
    /// The engine's own mount.
    own: MountSummary,
    /// The accessor of `auth/userpass/`.
    userpass: String,
    /// The accessor of `auth/jwt/`.
    jwt: String,
}

impl Engine {
    fn open() -> Self {
        let system = TestSystem::new();
        let settings = system.settings();
        Self {
            userpass: system.add_auth_mount("userpass"),
            jwt: system.add_auth_mount("jwt"),
            view: settings.view.clone(),
            own: MountSummary {
                accessor: settings.accessor.clone(),
                kind: "identity".to_owned(),
                path: "identity/".to_owned(),
                local: false,
                default_lease_ttl: Duration::from_secs(3_600),
                max_lease_ttl: Duration::from_secs(3_600),
            },
            backend: (ENGINE.open)(settings),
            system,
        }
    }

    /// Sends a request; `null` stands for an answer without content.
    fn send(&self, operation: Operation, path: &str, body: Value) -> Result<Value, Error> {
        self.send_as(&CallerSummary::default(), operation, path, body)
    }

    fn send_as(
        &self,
        caller: &CallerSummary,
        operation: Operation,
        path: &str,
        body: Value,
    ) -> Result<Value, Error> {
        let data = match body {
            Value::Object(data) => data,
            Value::Null => Default::default(),
            other => panic!("{other} is no body"),
        };
        let request = Request {
            id: "00000000-0000-4000-8000-000000000000".to_owned(),
            operation,
            path: RequestPath::parse(&format!("identity/{path}")).unwrap(),
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
        let call = Call {
            request: &request,
            operation,
            path,
            captures: matched.captures,
            caller,
            mount: &self.own,
        };
        match block_on(self.backend.call(matched.index, call))?.response {
            Response::Empty => Ok(Value::Null),
            Response::Data(data) => Ok(Value::Object(data)),
            other => panic!("{other:?}"),
        }
    }

    fn write(&self, path: &str, body: Value) -> Result<Value, Error> {
        self.send(Operation::Update, path, body)
    }

    fn read(&self, path: &str) -> Result<Value, Error> {
        self.send(Operation::Read, path, Value::Null)
    }

    fn list(&self, path: &str) -> Result<Value, Error> {
        self.send(Operation::List, path, Value::Null)
    }

    fn delete(&self, path: &str) {
        assert_eq!(
            self.send(Operation::Delete, path, Value::Null).unwrap(),
            Value::Null
        );
    }

    /// Writes and returns the id of what was made.
    fn make(&self, path: &str, body: Value) -> String {
        let answer = self.write(path, body).unwrap();
        answer["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{path}: {answer}"))
            .to_owned()
    }

    /// Writes something that is there already.
    fn update(&self, path: &str, body: Value) {
        assert_eq!(
            self.write(path, body).unwrap(),
            Value::Null,
            "{path} made something"
        );
    }

    /// The auth mount of this kind.
    fn mount(&self, kind: &str) -> MountSummary {
        let mounts = self.system.mounts.lock().unwrap();
        mounts
            .iter()
            .find(|mount| mount.kind == kind)
            .unwrap()
            .clone()
    }

    /// Logs in, as the core does, and returns the id of the entity.
    fn log_in(&self, kind: &str, name: &str, groups: &[&str]) -> String {
        let directory = Directory::new(self.view.clone());
        let proposal = AliasProposal {
            name: name.to_owned(),
            metadata: [("from".to_owned(), kind.to_owned())].into(),
        };
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let mount = self.mount(kind);
        block_on(async {
            let mut transaction = self.view.begin();
            let now = self.system.clock.now();
            let entropy = &self.system.entropy;
            let login = directory
                .attach_login(&mut transaction, &mount, &proposal, &groups, now, entropy)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            login.entity_id.to_string()
        })
    }
}

/// Runs a future of a store in memory.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// Bad input, with this message.
#[track_caller]
fn refused(outcome: Result<Value, Error>, message: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert_eq!(error.messages(), [message]);
}

/// Nothing there: 404 without a message.
#[track_caller]
fn absent(outcome: Result<Value, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.messages(), [] as [&str; 0]);
}

/// Replaces what differs from run to run, so that whole answers can be compared.
fn redact(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                *member = match name.as_str() {
                    "creation_time" | "last_update_time" => json!("<time>"),
                    _ => redact(member.take()),
                };
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = redact(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

#[test]
fn other_operations_are_refused_and_other_paths_unknown() {
    let engine = Engine::open();
    for path in [
        "entity",
        "group",
        "entity-alias",
        "group-alias",
        "lookup/entity",
        "entity/merge",
    ] {
        let error = engine.read(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedOperation);
        assert_eq!(
            error.messages(),
            ["1 error occurred:\n\t* unsupported operation\n\n"]
        );
    }
    for path in ["entities", "entity/nope", "lookup", "group/nope/x"] {
        assert!(engine.backend.find(path).is_none(), "{path}");
    }
}
