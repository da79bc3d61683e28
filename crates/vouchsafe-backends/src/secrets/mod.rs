//! Secrets engines.

pub mod identity;
pub mod kv;
