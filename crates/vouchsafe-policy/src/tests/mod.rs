//! Tests of policies and decisions.

mod decide;
mod guide;
mod listing;
mod matching;
mod oracle;
mod parse;
mod property;
mod template;

use std::sync::Arc;

use vouchsafe_logical::Operation;

use crate::{Acl, Ask, NoSubject, Policy};

/// The ACL of policies `p0`, `p1`, ... without a subject.
#[track_caller]
fn acl(texts: &[&str]) -> Acl {
    let policies: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| Arc::new(Policy::parse(&format!("p{index}"), text).expect(text)))
        .collect();
    Acl::compile(&policies, &NoSubject)
}

/// A plain question.
fn ask(operation: Operation, path: &str) -> Ask<'_> {
    Ask {
        path,
        operation,
        parameters: None,
        wrap_ttl: None,
        needs_sudo: false,
    }
}
