//! Auth methods: how a workload or a person proves who they are.

pub mod approle;
mod former_names;
pub mod jwt;
pub mod kubernetes;
mod role_name;
pub mod userpass;

#[cfg(test)]
mod driver;

use vouchsafe_logical::glob;
