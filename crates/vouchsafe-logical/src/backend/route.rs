//! Routes: what a backend declares of a path, and what others may know of it.

use crate::error::Error;
use crate::field::{Field, Input, Kind};
use crate::operation::Operation;
use crate::pattern::Captures;
use crate::view::BoxFuture;

use super::{Answer, Call};

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
    /// A document of its own, as its specification has it: [`Reply::raw`](crate::Reply::raw).
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

/// What is known of a route.
pub(super) fn info<B>(route: &Route<B>) -> RouteInfo {
    RouteInfo {
        pattern: route.pattern,
        access: route.access,
        help: route.help,
        has_existence_check: route.exists.is_some(),
    }
}
