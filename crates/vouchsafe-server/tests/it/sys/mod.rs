//! `sys/` and the core's own engine, `cubbyhole/`.

mod cubbyhole;
mod key;
mod lease;
mod mount;
mod seal;
mod tool;
mod unused;
mod wrapping;
