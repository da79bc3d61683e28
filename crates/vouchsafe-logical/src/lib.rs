//! The vocabulary that Vouchsafe's backends speak.
//!
//! Small and stable: requests and answers, routes, storage views, errors, metrics, time and entropy. It
//! decides nothing and does no I/O.
#![warn(missing_docs)]

pub mod attempts;
pub mod backend;
pub mod byte_stream;
pub mod cache;
pub mod clock;
pub mod duration;
pub mod error;
pub mod fetch;
pub mod field;
pub mod glob;
pub mod login;
pub mod metric;
pub mod operation;
pub mod path;
pub mod pattern;
pub mod policy_name;
pub mod publication;
pub mod record;
pub mod request;
pub mod response;
pub mod secret;
pub mod view;

pub use attempts::{Attempt, Attempts};
pub use backend::{
    Access, Admission, Answer, Backend, BackendKind, Call, Catalog, Duties, Matched, Method,
    MountClass, MountSummary, Mounted, Pool, Route, Settings, StandsFor, System, Workers, run_on,
};
pub use byte_stream::{ByteStream, Streamed};
pub use cache::VersionedCache;
pub use clock::{Clock, Entropy, EntropyExt, rfc3339};
pub use error::{Error, ErrorKind};
pub use fetch::{Fetch, FetchError, FetchRequest, Fetched};
pub use field::{CommaList, Data, Input, KeyValues};
pub use jiff::Timestamp;
pub use login::{
    AliasProposal, CLAIMS_BYTES_MAX, Login, ProvedLogin, TokenFields, TokenKind, TokenParameters,
};
pub use operation::Operation;
pub use path::RequestPath;
pub use policy_name::{PolicyName, PolicyNames};
pub use publication::Publications;
pub use request::{CallerSummary, Guest, Opaque, Request};
pub use response::{Auth, Raw, Reply, Response, WrapInfo};
pub use secret::Secret;
pub use view::{
    Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Transaction, Version, View,
};
