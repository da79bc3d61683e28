//! An auth method and a secrets engine that exist to be tested with: they believe what they are
//! told, and fail on request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Semaphore;
use vouchsafe_logical::{
    Access, AliasProposal, Answer, BackendKind, BoxFuture, Call, CommaList, Data, Duties, Error,
    KeyValues, Login, Method, MountClass, Mounted, Operation, Reply, Route, TokenFields,
    TokenParameters, input,
};

/// Logs in whoever says a name, with what the body asks for; `proof=wrong` is a failed proof.
pub(super) const METHOD: BackendKind = BackendKind {
    name: "probe",
    class: MountClass::Auth,
    summary: "Believes every name.",
    locks_out: true,
    stands_for: None,
    open: |_| Mounted::open(Believer, &[&LOGIN]),
};

/// Keeps names, panics, and shows what reached it.
pub(super) const ENGINE: BackendKind = BackendKind {
    name: "probe",
    class: MountClass::Secret,
    summary: "Keeps names, panics, and shows what reached it.",
    locks_out: false,
    stands_for: None,
    open: |_| Mounted::open(Engine::default(), ROUTES),
};

/// Where a handler waits for its test.
pub(crate) struct Gate {
    entered: Semaphore,
    open: Semaphore,
}

impl Gate {
    async fn pass(&self) {
        self.entered.add_permits(1);
        self.open.acquire().await.expect("never closed").forget();
    }

    /// Waits until a handler has come to the gate.
    pub(crate) async fn entered(&self) {
        self.entered.acquire().await.expect("never closed").forget();
    }

    /// Lets one handler pass.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}

/// The gate of this name; each test uses a name of its own.
pub(crate) fn gate(name: &str) -> Arc<Gate> {
    static GATES: Mutex<BTreeMap<String, Arc<Gate>>> = Mutex::new(BTreeMap::new());
    let mut gates = GATES.lock().expect("not poisoned");
    let fresh = || Gate {
        entered: Semaphore::new(0),
        open: Semaphore::new(0),
    };
    Arc::clone(
        gates
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(fresh())),
    )
}

struct Believer;

impl Duties for Believer {}

input! {
    struct LoginInput {
        /// Who.
        name: String,
        /// `wrong` fails.
        proof: Option<String>,
        /// Groups that the proof names.
        groups: Option<CommaList>,
        /// Metadata of the alias.
        metadata: Option<KeyValues>,
        /// Wait at this gate after the proof.
        gate: Option<String>,
    }
}

const LOGIN: Route<Believer> = Route {
    pattern: "login/{name...}",
    access: Access::Login(|call| Some(call.captured("name").trim().to_lowercase())),
    methods: &[Method::update2::<LoginInput, TokenFields>(login)],
    exists: None,
    help: "Log in.",
};

fn login<'a>(_: &'a Believer, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoginInput = call.input()?;
        let mut token = TokenParameters::default();
        token.update(call.input()?)?;
        if input.proof.as_deref() == Some("wrong") {
            return Err(Error::invalid_credentials("invalid proof"));
        }
        if let Some(name) = input.gate {
            gate(&name).pass().await;
        }
        let metadata = input.metadata.map(|pairs| pairs.0).unwrap_or_default();
        Ok(Reply::login(Login {
            alias: Some(AliasProposal {
                name: input.name.clone(),
                metadata,
            }),
            group_aliases: input.groups.map(|groups| groups.0).unwrap_or_default(),
            display_name: input.name,
            metadata: BTreeMap::new(),
            token,
            renewable: true,
            claims: Default::default(),
            internal: Value::Null,
        }))
    })
}

#[derive(Default)]
struct Engine {
    things: Mutex<BTreeSet<String>>,
}

impl Duties for Engine {
    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let panics = self
                .things
                .lock()
                .expect("not poisoned")
                .contains("panic-at-tick");
            assert!(!panics, "the test asked for it");
            Ok(())
        })
    }
}

const ROUTES: &[&Route<Engine>] = &[&THING, &ECHO, &GATE, &PANIC, &FALSE_LOGIN];

const THING: Route<Engine> = Route {
    pattern: "thing/{name}",
    access: Access::Token,
    methods: &[
        Method::new(Operation::Read, &[], read),
        Method::new(Operation::Update, &[], write),
        Method::new(Operation::Patch, &[], write),
        Method::new(Operation::Delete, &[], remove),
    ],
    exists: Some(|engine, call| Box::pin(async move { Ok(engine.has(call.captured("name"))) })),
    help: "Keep a name.",
};

const ECHO: Route<Engine> = Route {
    pattern: "echo/{rest?...}",
    access: Access::Token,
    methods: &[
        Method::new(Operation::Read, &[], echo),
        Method::new(Operation::List, &[], echo),
        Method::new(Operation::Update, &[], echo),
        Method::new(Operation::Patch, &[], echo),
        Method::new(Operation::Delete, &[], echo),
    ],
    exists: None,
    help: "Show operation, path and data as they arrived.",
};

const GATE: Route<Engine> = Route {
    pattern: "gate/{name}",
    access: Access::Token,
    methods: &[Method::new(Operation::Update, &[], wait)],
    exists: None,
    help: "Wait until the test opens the gate.",
};

const PANIC: Route<Engine> = Route {
    pattern: "panic",
    access: Access::Public,
    methods: &[Method::read(panic)],
    exists: None,
    help: "Panic.",
};

const FALSE_LOGIN: Route<Engine> = Route {
    pattern: "login",
    access: Access::Token,
    methods: &[Method::read(false_login)],
    exists: None,
    help: "Answer with a proof of identity where none is due.",
};

impl Engine {
    fn has(&self, name: &str) -> bool {
        self.things.lock().expect("not poisoned").contains(name)
    }
}

fn read<'a>(engine: &'a Engine, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        if !engine.has(call.captured("name")) {
            return Err(Error::not_found());
        }
        shown(&call)
    })
}

fn write<'a>(engine: &'a Engine, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = call.captured("name").to_owned();
        engine.things.lock().expect("not poisoned").insert(name);
        shown(&call)
    })
}

fn remove<'a>(engine: &'a Engine, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        engine
            .things
            .lock()
            .expect("not poisoned")
            .remove(call.captured("name"));
        Ok(Reply::empty())
    })
}

fn echo<'a>(_: &'a Engine, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { shown(&call) })
}

fn wait<'a>(_: &'a Engine, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        gate(call.captured("name")).pass().await;
        shown(&call)
    })
}

fn shown(call: &Call<'_>) -> Result<Reply, Error> {
    let mut data = Data::new();
    data.insert("operation".to_owned(), call.operation.as_str().into());
    data.insert("path".to_owned(), call.path.into());
    data.insert("data".to_owned(), Value::Object(call.request.data.clone()));
    data.insert("policies".to_owned(), call.caller.policies.clone().into());
    data.insert("has_sudo".to_owned(), call.caller.has_sudo.into());
    Ok(Reply::data(data))
}

fn panic<'a>(_: &'a Engine, _: Call<'a>) -> Answer<'a> {
    Box::pin(async move { panic!("the test asked for it") })
}

fn false_login<'a>(_: &'a Engine, _: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Ok(Reply::login(Login::default())) })
}
