//! Tests of policies and decisions.

use std::sync::Arc;

use vouchsafe_logical::Operation;

use crate::{Acl, Ask, NoSubject, Policy};

fn acl(text: &str) -> Acl {
    Acl::compile(&[Arc::new(Policy::parse("p", text).unwrap())], &NoSubject)
}

#[test]
fn a_granted_capability_permits() {
    let acl = acl(r#"path "secret/*" { capabilities = ["read"] }"#);
    let ask = Ask {
        path: "secret/a",
        operation: Operation::Read,
        parameters: None,
        wrap_ttl: None,
        needs_sudo: false,
    };
    assert!(acl.decide(ask).is_ok());
    assert!(
        acl.decide(Ask {
            operation: Operation::Update,
            ..ask
        })
        .is_err()
    );
}
