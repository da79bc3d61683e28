//! Entities, groups, claim templates and key life. Pure.

pub mod subject;
pub mod template;
