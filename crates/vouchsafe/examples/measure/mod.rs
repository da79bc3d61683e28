//! What the programs share that measure a real server from outside: one connection, and the
//! process of the server.

mod connection;
mod process;

pub(crate) use connection::{Connection, request};
pub(crate) use process::Process;
