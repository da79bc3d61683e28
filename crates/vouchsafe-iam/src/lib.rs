//! The IAM file (TOML with `users`, `roles`, `policies` and `idps`) and what follows from it.
//!
//! [`IamConfig::parse`] takes the whole text or refuses it with every fault that it has. What it
//! returns is compiled: identity providers are found by the exact pair of `iss` and `aud`, their
//! inline keys are ready to verify, names refer to what exists. [`Provider::decide`] says which role
//! the claims of a verified token have.
//!
//! Pure: no I/O, no clock. Whose signature a token bears and whether its times fit is found out
//! elsewhere; keys behind a `jwks_uri` are fetched elsewhere too.
//!
//! The file's format is that of Piiano Vault (its data `policies` are checked and kept, and decide
//! nothing here, since there is no data API); `acl_policies` and `create_entity` of a role are ours.

mod capability;
mod config;
mod decide;
mod document;
mod fault;
mod keys;
pub mod limits;
mod parse;
mod provider;

pub use capability::Capabilities;
pub use config::{ADMIN, DataPolicy, IamConfig, Role, User};
pub use decide::{Decision, Refusal};
pub use fault::{Fault, Faults};
pub use keys::ProviderKeys;
pub use provider::{Lookup, Provider};
