//! Limits on what comes from outside. Each is tested at the limit and one past it.

use std::time::Duration;

/// The largest request body, in bytes: Vault's `max_request_size`.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most bytes of all request bodies that are being read at a time. A body is read before anybody
/// has proved anything, so this bounds what outsiders can make the server hold.
pub const BODIES_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;
/// The largest snapshot that is restored, in bytes: one tebibyte. It passes through a bounded amount
/// of memory, so this bounds only what is written to a disk that had better be larger.
pub const SNAPSHOT_BYTES_MAX: u64 = 1 << 40;
/// The deepest nesting of a JSON body.
pub const JSON_DEPTH_MAX: usize = 64;
/// The most values (members and elements, nested ones included) of a JSON body.
pub const JSON_VALUES_MAX: usize = 200_000;
/// The longest string of a JSON body as it is sent, and the longest field of a form, in bytes: twice
/// what a stored record holds, since an escape takes two bytes or more.
pub const JSON_STRING_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The most query parameters.
pub const QUERY_PARAMETERS_MAX: usize = 256;
/// The longest request target, in bytes.
pub const TARGET_BYTES_MAX: usize = 16 * 1024;
/// The most request headers.
pub const HEADERS_MAX: usize = 100;
/// The largest head of a request, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most connections at a time; further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 8_192;
/// How long a client may take for the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for the body of a request, or for the next piece of a snapshot.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request may take altogether: Vault's `max_request_duration`.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a connection may stay open on which nothing is asked and no answer is read.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// How long requests in flight may take after the server was told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The most concurrent requests of one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 256;

/// The limits that a server may be started with. What bounds the parser of requests is not among
/// them: those limits are the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`BODY_BYTES_MAX`].
    pub body_bytes: usize,
    /// See [`BODIES_BYTES_MAX`]. Set once, when the edge is made.
    pub bodies_bytes: usize,
    /// See [`SNAPSHOT_BYTES_MAX`].
    pub snapshot_bytes: u64,
    /// See [`CONNECTIONS_MAX`]; at least one.
    pub connections: usize,
    /// See [`HEAD_TIMEOUT`].
    pub head_timeout: Duration,
    /// See [`BODY_TIMEOUT`].
    pub body_timeout: Duration,
    /// See [`REQUEST_TIMEOUT`].
    pub request_timeout: Duration,
    /// See [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`DRAIN_TIMEOUT`].
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: BODY_BYTES_MAX,
            bodies_bytes: BODIES_BYTES_MAX,
            snapshot_bytes: SNAPSHOT_BYTES_MAX,
            connections: CONNECTIONS_MAX,
            head_timeout: HEAD_TIMEOUT,
            body_timeout: BODY_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
        }
    }
}
