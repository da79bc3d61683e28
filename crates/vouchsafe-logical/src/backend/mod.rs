//! Backends: auth methods and secrets engines, their routes, and what they may ask of the core.
//!
//! A backend is a struct with a table of [`Route`]s. It sees its own [`View`](crate::View) of storage and a
//! [`Call`]; it never sees the barrier, other mounts' data, HTTP or the pipeline. Everything that
//! is known about a route (who may call it, what it takes, what it is for) stands in the table,
//! and the router, help, OpenAPI and the authorization matrix are derived from it.

mod kind;
mod route;
mod system;

use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::field::{Field, FromField, Input};
use crate::login::TokenParameters;
use crate::operation::Operation;
use crate::pattern;
pub use crate::pattern::Captures;
use crate::request::{CallerSummary, Guest, Request};
use crate::response::Reply;
use crate::view::BoxFuture;

pub use kind::{BackendKind, Catalog, MountClass, StandsFor};
use route::info;
pub use route::{
    Access, Exists, Form, Handler, Matched, Method, MethodInfo, Principal, Route, RouteInfo,
};
pub use system::{MountSummary, Pool, Settings, System, Workers, run_on};

/// A handler's future.
pub type Answer<'a> = BoxFuture<'a, Result<Reply, Error>>;
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
