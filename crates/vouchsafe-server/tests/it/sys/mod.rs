//! `sys/` and the core's own engine, `cubbyhole/`.

mod audit;
mod auto_seal;
mod cluster;
mod cubbyhole;
mod help;
mod host;
mod key;
mod lease;
mod lifetime;
mod metric;
mod mount;
mod openapi;
mod plugin;
mod quota;
mod seal;
mod storage;
mod token_role;
mod tool;
mod unused;
mod wrapping;
