//! `sys/` and the core's own engine, `cubbyhole/`.

mod audit;
mod cubbyhole;
mod key;
mod lease;
mod lifetime;
mod metric;
mod mount;
mod seal;
mod tool;
mod unused;
mod wrapping;
