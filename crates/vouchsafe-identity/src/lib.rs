//! Entities, groups, claim templates and key life. Pure.

pub mod issuer;
pub mod subject;
pub mod template;
