//! Secrets engines.

pub mod identity;
