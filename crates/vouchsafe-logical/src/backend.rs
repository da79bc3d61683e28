//! Backends: auth methods and secrets engines, their routes, and what they may ask of the core.
//!
//! A backend is a struct with a table of [`Route`]s. It sees its own [`View`] of storage and a
//! [`Call`]; it never sees the barrier, other mounts' data, HTTP or the pipeline. Everything that
//! is known about a route (who may call it, what it takes, what it is for) stands in the table,
//! and the router, help, OpenAPI and the authorization matrix are derived from it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Clock, Entropy};
use crate::error::{Error, ErrorKind};
use crate::fetch::Fetch;
use crate::field::{Field, FromField, Input, Kind};
use crate::login::TokenParameters;
use crate::metric::Metrics;
use crate::operation::Operation;
use crate::pattern;
pub use crate::pattern::Captures;
use crate::publication::Publications;
use crate::request::{CallerSummary, Guest, Request};
use crate::response::Reply;
use crate::view::{BoxFuture, View};

/// A handler's future.
pub type Answer<'a> = BoxFuture<'a, Result<Reply, Error>>;
/// A function that serves one operation of one route.
pub type Handler<B> = for<'a> fn(&'a B, Call<'a>) -> Answer<'a>;
/// A function that tells whether the object of a route exists, so that a write is a create or an
/// update.
pub type Exists<B> = for<'a> fn(&'a B, Call<'a>) -> BoxFuture<'a, Result<bool, Error>>;
/// A function that names the principal whose proof a login route checks, before it is checked.
pub type Principal = for<'a> fn(&Call<'a>) -> Option<String>;

/// Who may call a route.
#[derive(Clone, Copy)]
pub enum Access {
    /// A token whose policies allow it.
    Token,
    /// A token whose policies allow it and grant `sudo` as well.
    Sudo,
    /// Everybody: nothing secret is answered and nothing is changed.
    Public,
    /// Everybody as with [`Access::Public`]; who sends a token that works is the caller, and may be
    /// told more. One that does not work is as good as none.
    Optional,
    /// Everybody, because it is how one gets a token. Failures count against the principal.
    Login(Principal),
    /// Everybody, because the body carries its own proof (a wrapping token).
    Proof,
}

impl Access {
    /// Whether a request without a token may pass.
    #[must_use]
    pub const fn needs_token(self) -> bool {
        matches!(self, Self::Token | Self::Sudo)
    }

    /// The word that tables and documents use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Sudo => "sudo",
            // Who may call is the same; what is answered differs.
            Self::Public | Self::Optional => "public",
            Self::Login(_) => "login",
            Self::Proof => "proof",
        }
    }
}

/// One path of a backend.
pub struct Route<B: 'static> {
    /// The path, see [`crate::pattern`].
    pub pattern: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What can be done there.
    pub methods: &'static [Method<B>],
    /// Tells create from update, where policies shall.
    pub exists: Option<Exists<B>>,
    /// What it is for, in a sentence.
    pub help: &'static str,
}

/// One operation of a route.
pub struct Method<B: 'static> {
    /// The operation; [`Operation::Update`] also serves creates.
    pub operation: Operation,
    /// The declared fields, by part.
    pub fields: &'static [&'static [Field]],
    /// What a success looks like.
    pub form: Form,
    /// Serves it.
    pub handler: Handler<B>,
}

/// What the body of a success looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Vault's envelope, or nothing.
    Envelope,
    /// A document of its own, as its specification has it: [`Reply::raw`].
    Document,
}

/// The declaration of a method that takes any member.
const OPEN: &[Field] = &[Field {
    name: Field::ANY,
    kind: Kind::Any,
    required: false,
    help: "Any members, kept as they are sent.",
}];

impl<B> Method<B> {
    /// An operation with fields as they are given.
    #[must_use]
    pub const fn new(
        operation: Operation,
        fields: &'static [&'static [Field]],
        handler: Handler<B>,
    ) -> Self {
        Self {
            operation,
            fields,
            form: Form::Envelope,
            handler,
        }
    }

    /// The same, answering with a document of its own.
    #[must_use]
    pub const fn document(mut self) -> Self {
        self.form = Form::Document;
        self
    }

    /// An operation that takes whatever members are sent.
    #[must_use]
    pub const fn open(operation: Operation, handler: Handler<B>) -> Self {
        Self::new(operation, &[OPEN], handler)
    }

    /// A read without parameters beyond the path's.
    #[must_use]
    pub const fn read(handler: Handler<B>) -> Self {
        Self::new(Operation::Read, &[], handler)
    }

    /// A listing.
    #[must_use]
    pub const fn list(handler: Handler<B>) -> Self {
        Self::new(Operation::List, &[], handler)
    }

    /// A delete.
    #[must_use]
    pub const fn delete(handler: Handler<B>) -> Self {
        Self::new(Operation::Delete, &[], handler)
    }

    /// A write (create or update) that takes `I`.
    #[must_use]
    pub const fn update<I: Input>(handler: Handler<B>) -> Self {
        Self::new(Operation::Update, &[I::FIELDS], handler)
    }

    /// A write that takes the fields of both `I` and `J`.
    #[must_use]
    pub const fn update2<I: Input, J: Input>(handler: Handler<B>) -> Self {
        Self::new(Operation::Update, &[I::FIELDS, J::FIELDS], handler)
    }

    /// A write that takes the fields of `I`, `J` and `K`.
    #[must_use]
    pub const fn update3<I: Input, J: Input, K: Input>(handler: Handler<B>) -> Self {
        Self::new(
            Operation::Update,
            &[I::FIELDS, J::FIELDS, K::FIELDS],
            handler,
        )
    }

    /// Any operation with the fields of `I`.
    #[must_use]
    pub const fn with<I: Input>(operation: Operation, handler: Handler<B>) -> Self {
        Self::new(operation, &[I::FIELDS], handler)
    }
}

/// One request to one backend.
pub struct Call<'a> {
    /// The request as it came.
    pub request: &'a Request,
    /// The operation, with create told from update.
    pub operation: Operation,
    /// The path below the mount.
    pub path: &'a str,
    /// What the pattern captured.
    pub captures: Captures<'a>,
    /// Who calls.
    pub caller: &'a CallerSummary,
    /// The mount that is called.
    pub mount: &'a MountSummary,
}

impl Call<'_> {
    /// A field's value: what the path captured, else what the data has.
    ///
    /// # Errors
    /// The value is missing or of the wrong kind.
    pub fn field<T: FromField>(&self, name: &str) -> Result<T, Error> {
        match self.captures.get(name) {
            Some(captured) => T::from_field(name, Some(&Value::String(captured.to_owned()))),
            None => T::from_field(name, self.request.data.get(name)),
        }
    }

    /// A captured path parameter. Empty where the pattern has none of that name.
    #[must_use]
    pub fn captured(&self, name: &str) -> &str {
        self.captures.get(name).unwrap_or("")
    }

    /// Parses a declared input.
    ///
    /// # Errors
    /// As [`Input::parse`].
    pub fn input<I: Input>(&self) -> Result<I, Error> {
        I::parse(self)
    }
}

/// What is known of a route without its backend's type.
#[derive(Clone, Copy)]
pub struct RouteInfo {
    /// The path's pattern.
    pub pattern: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it is for.
    pub help: &'static str,
    /// Whether writes are told apart into create and update.
    pub has_existence_check: bool,
}

/// An operation of a route without its backend's type.
#[derive(Clone, Copy)]
pub struct MethodInfo {
    /// The operation.
    pub operation: Operation,
    /// Its fields.
    pub fields: &'static [&'static [Field]],
    /// What a success looks like.
    pub form: Form,
}

/// A route that a path was matched to.
#[derive(Clone)]
pub struct Matched<'a> {
    /// Its place in the backend's table.
    pub index: usize,
    /// What is known of it.
    pub info: RouteInfo,
    /// What the pattern captured.
    pub captures: Captures<'a>,
}

/// A backend as the core sees it.
pub trait Backend: Send + Sync + 'static {
    /// All routes with their operations, in the order in which they are tried.
    fn routes(&self) -> Vec<(RouteInfo, Vec<MethodInfo>)>;

    /// The route that a path below the mount belongs to.
    fn find<'a>(&self, path: &'a str) -> Option<Matched<'a>>;

    /// Whether the object of a call exists; `None` where the route does not ask.
    fn exists<'a>(
        &'a self,
        index: usize,
        call: Call<'a>,
    ) -> Option<BoxFuture<'a, Result<bool, Error>>>;

    /// Whether some operation of a route takes a parameter of this name.
    fn declares(&self, index: usize, name: &str) -> bool;

    /// Serves a call.
    fn call<'a>(&'a self, index: usize, call: Call<'a>) -> Answer<'a>;

    /// Some node wrote `key` (relative to the backend's view): drop what was made from it. The
    /// empty key stands for all of them.
    fn invalidate(&self, key: &str);

    /// Brings up to date what is served without asking storage. Called when the server has been
    /// unsealed, before its first request, and after [`Backend::invalidate`].
    fn refresh(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Does what is due (rotations, removals). Called about once a minute by every node.
    fn tick(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Goes to other servers for what is due there. Called as often as [`Backend::tick`], by a task of
    /// its own: others may take their time.
    fn errand(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Who sends a request to this mount, where the mount has credentials of its own and this may be
    /// one. Asked for routes that need a token, before the tokens of the core.
    fn admit<'a>(&'a self, request: &'a Request) -> Option<Admission<'a>>;

    /// A token that this mount's login made is renewed: what it may have now.
    fn renew<'a>(&'a self, internal: &'a Value) -> Renewal<'a>;
}

/// Whom a mount recognises in the sender of a request. `None` = nobody: whether the credential is
/// good for something else is for the pipeline to say.
pub type Admission<'a> = BoxFuture<'a, Result<Option<Guest>, Error>>;

/// The answer to a renewal: the role's parameters of today, or `None` to keep those of the login.
pub type Renewal<'a> = BoxFuture<'a, Result<Option<TokenParameters>, Error>>;

/// The part of a backend that is not in its routes. The defaults do nothing.
pub trait Duties: Send + Sync + 'static {
    /// See [`Backend::invalidate`].
    fn invalidate(&self, _key: &str) {}

    /// See [`Backend::refresh`]. What fails is tried again by a tick of the backend's own.
    fn refresh(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// See [`Backend::tick`].
    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// See [`Backend::errand`].
    fn errand(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// See [`Backend::admit`].
    fn admit<'a>(&'a self, _request: &'a Request) -> Option<Admission<'a>> {
        None
    }

    /// See [`Backend::renew`]. An error refuses the renewal: the role is gone, say.
    fn renew<'a>(&'a self, _internal: &'a Value) -> Renewal<'a> {
        Box::pin(async { Ok(None) })
    }
}

/// A backend's struct with its route table: the one implementation of [`Backend`].
pub struct Mounted<B: 'static> {
    backend: B,
    routes: &'static [&'static Route<B>],
}

impl<B: Duties> Mounted<B> {
    /// Joins a backend and its routes.
    pub fn open(backend: B, routes: &'static [&'static Route<B>]) -> Arc<dyn Backend> {
        Arc::new(Self { backend, routes })
    }
}

fn serves(declared: Operation, asked: Operation) -> bool {
    declared == asked || (declared == Operation::Update && asked == Operation::Create)
}

impl<B: Duties> Backend for Mounted<B> {
    fn routes(&self) -> Vec<(RouteInfo, Vec<MethodInfo>)> {
        self.routes
            .iter()
            .map(|route| {
                let methods = route.methods.iter();
                let methods = methods
                    .map(|m| MethodInfo {
                        operation: m.operation,
                        fields: m.fields,
                        form: m.form,
                    })
                    .collect();
                (info(route), methods)
            })
            .collect()
    }

    fn find<'a>(&self, path: &'a str) -> Option<Matched<'a>> {
        self.routes.iter().enumerate().find_map(|(index, route)| {
            let captures = pattern::matches(route.pattern, path)?;
            Some(Matched {
                index,
                info: info(route),
                captures,
            })
        })
    }

    fn exists<'a>(
        &'a self,
        index: usize,
        call: Call<'a>,
    ) -> Option<BoxFuture<'a, Result<bool, Error>>> {
        let exists = self.routes.get(index)?.exists?;
        Some(exists(&self.backend, call))
    }

    fn declares(&self, index: usize, name: &str) -> bool {
        let Some(route) = self.routes.get(index) else {
            return false;
        };
        route
            .methods
            .iter()
            .flat_map(|method| method.fields.iter().copied().flatten())
            .any(|field| field.name == name || field.name == Field::ANY)
    }

    fn call<'a>(&'a self, index: usize, call: Call<'a>) -> Answer<'a> {
        let methods = self
            .routes
            .get(index)
            .map_or(&[][..], |route| route.methods);
        match methods
            .iter()
            .find(|method| serves(method.operation, call.operation))
        {
            Some(method) => (method.handler)(&self.backend, call),
            None => Box::pin(async {
                Err(Error::new(
                    ErrorKind::UnsupportedOperation,
                    "unsupported_operation",
                    "unsupported operation",
                )
                .wrapped())
            }),
        }
    }

    fn invalidate(&self, key: &str) {
        self.backend.invalidate(key);
    }

    fn refresh(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.backend.refresh()
    }

    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.backend.tick()
    }

    fn errand(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.backend.errand()
    }

    fn admit<'a>(&'a self, request: &'a Request) -> Option<Admission<'a>> {
        self.backend.admit(request)
    }

    fn renew<'a>(&'a self, internal: &'a Value) -> Renewal<'a> {
        self.backend.renew(internal)
    }
}

fn info<B>(route: &Route<B>) -> RouteInfo {
    RouteInfo {
        pattern: route.pattern,
        access: route.access,
        help: route.help,
        has_existence_check: route.exists.is_some(),
    }
}

/// A mount as others may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountSummary {
    /// `auth_userpass_1a2b3c4d`: unique, never reused.
    pub accessor: String,
    /// `userpass`.
    pub kind: String,
    /// `auth/userpass/`, with a `/` at the end.
    pub path: String,
    /// Whether it is local to one cluster of several.
    pub local: bool,
    /// Life of tokens and leases where nobody says otherwise.
    pub default_lease_ttl: Duration,
    /// The longest life of tokens and leases.
    pub max_lease_ttl: Duration,
}

/// Work that would hold up others if it ran where requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// RSA, P-384 and P-521 signatures: tens of microseconds to a few milliseconds.
    Signing,
    /// Password hashing and key generation: up to a second.
    Slow,
}

/// Bounded pools of threads for slow work.
pub trait Workers: Send + Sync + 'static {
    /// Queues a job.
    ///
    /// # Errors
    /// The queue is full: [`ErrorKind::Unavailable`].
    fn submit(&self, pool: Pool, job: Box<dyn FnOnce() + Send>) -> Result<(), Error>;
}

/// Runs a job on a pool and waits for its result.
///
/// # Errors
/// The queue is full, or the job panicked.
pub async fn run_on<T: Send + 'static>(
    workers: &dyn Workers,
    pool: Pool,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = futures_channel::oneshot::channel();
    workers.submit(pool, Box::new(move || drop(sender.send(job()))))?;
    receiver
        .await
        .map_err(|_| Error::internal("a worker died with its job"))
}

/// What backends may ask of the core.
pub trait System: Send + Sync + 'static {
    /// The time.
    fn clock(&self) -> &dyn Clock;
    /// Randomness.
    fn entropy(&self) -> &dyn Entropy;
    /// Requests to other servers.
    fn fetcher(&self) -> &dyn Fetch;
    /// What is counted.
    fn metrics(&self) -> &Metrics;
    /// Threads for slow work.
    fn workers(&self) -> &dyn Workers;
    /// What is published for everybody.
    fn publications(&self) -> &Publications;
    /// The server's address as clients reach it, e.g. `https://vault.example.com:8200`; may be
    /// empty.
    fn api_address(&self) -> String;
    /// The mount with this accessor.
    fn mount_by_accessor(&self, accessor: &str) -> Option<MountSummary>;
}

/// What a backend gets when its mount is opened.
#[derive(Clone)]
pub struct Settings {
    /// Its slice of storage.
    pub view: View,
    /// Its mount's accessor.
    pub accessor: String,
    /// The mount's options (`version=2`).
    pub options: std::collections::BTreeMap<String, String>,
    /// The core.
    pub system: Arc<dyn System>,
}

/// Auth method or secrets engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MountClass {
    /// Mounted below `auth/`.
    Auth,
    /// Mounted anywhere else.
    Secret,
}

/// Another kind of the catalog with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandsFor {
    /// The kind.
    pub kind: &'static str,
    /// The option's name.
    pub option: &'static str,
    /// The option's value.
    pub value: &'static str,
}

/// One entry of the catalog.
pub struct BackendKind {
    /// The name in `auth enable NAME` or `secrets enable NAME`.
    pub name: &'static str,
    /// Where it may be mounted.
    pub class: MountClass,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Whether failed logins lock the principal out (Vault: userpass, approle, ldap).
    pub locks_out: bool,
    /// What a mount of this name is stored as, where the name only stands for another kind with
    /// an option: `kv-v2` is `kv` with `version=2`.
    pub stands_for: Option<StandsFor>,
    /// Opens a mount.
    pub open: fn(Settings) -> Arc<dyn Backend>,
}

/// Everything that can be mounted. The composition root makes it; the core is told nothing else.
pub type Catalog = &'static [&'static BackendKind];
