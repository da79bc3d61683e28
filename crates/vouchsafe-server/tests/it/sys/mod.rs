//! `sys/` and the core's own engine, `cubbyhole/`.

mod audit;
mod cubbyhole;
mod help;
mod key;
mod lease;
mod lifetime;
mod metric;
mod mount;
mod openapi;
mod quota;
mod seal;
mod storage;
mod tool;
mod unused;
mod wrapping;
