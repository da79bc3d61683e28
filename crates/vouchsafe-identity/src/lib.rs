//! Entities, groups, claim templates and key life. Pure.

pub mod template;
