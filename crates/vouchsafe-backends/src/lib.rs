//! Everything pluggable: auth methods and secrets engines, one folder and one catalog line each.
//!
//! A backend sees its own slice of storage and the vocabulary of `vouchsafe-logical`. It never
//! names the core, the barrier or HTTP.

pub mod auth;
pub mod catalog;
pub mod publish;
pub mod secrets;
