//! Policies that people really write.

use vouchsafe_logical::Operation;

use super::{acl, ask};
use crate::Policy;

/// The policy of the workload identity guide, as it stands there.
const WORKLOAD: &str = r#"
path "identity/oidc/token/workload-role" {
  capabilities = ["read"]
}

# Allow reading own entity information
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}

# Allow looking up own token info
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
"#;

#[test]
fn the_workload_policy_of_the_guide() {
    assert!(Policy::parse("workload", WORKLOAD).unwrap().is_templated());
    let acl = acl(&[WORKLOAD]);
    assert!(
        acl.decide(ask(Operation::Read, "identity/oidc/token/workload-role"))
            .is_ok()
    );
    assert!(
        acl.decide(ask(Operation::Read, "identity/oidc/token/other"))
            .is_err()
    );
    assert!(
        acl.decide(ask(Operation::Update, "auth/token/lookup-self"))
            .is_err()
    );
    // Without an entity there is nothing to read.
    assert_eq!(acl.rules().len(), 2);
}

#[test]
fn a_tenant_policy() {
    let acl = acl(&[r#"
        path "secret/data/{{identity.entity.id}}/*" { capabilities = ["create", "update"] }
        path "secret/data/shared/*"   { capabilities = ["read"] }
        path "secret/metadata/shared" { capabilities = ["list"] }
        path "secret/data/shared/+/private" { capabilities = ["deny"] }
    "#]);
    assert!(
        acl.decide(ask(Operation::Read, "secret/data/shared/a/b"))
            .is_ok()
    );
    assert!(
        acl.decide(ask(Operation::List, "secret/metadata/shared/"))
            .is_ok()
    );
    // The `+` rule has its first wildcard where the prefix ends, and it is complete.
    assert!(
        acl.decide(ask(Operation::Read, "secret/data/shared/a/private"))
            .is_err()
    );
    assert!(
        acl.decide(ask(
            Operation::Create,
            "secret/data/{{identity.entity.id}}/x"
        ))
        .is_err()
    );
}
