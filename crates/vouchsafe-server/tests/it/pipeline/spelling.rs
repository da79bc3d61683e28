//! A `deny` is not escaped by another spelling of what it denies.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::TestServer;

const POLICY: &str = r#"
    path "auth/userpass/users/*"      { capabilities = ["read", "update", "delete", "list"] }
    path "auth/userpass/users/admin"  { capabilities = ["deny"] }
    path "auth/approle/role/*"        { capabilities = ["create", "read", "update", "delete"] }
    path "auth/approle/role/r1"       { capabilities = ["deny"] }
    path "identity/*"                 { capabilities = ["read", "update", "delete"] }
    path "identity/entity/name/boss"  { capabilities = ["deny"] }
    path "identity/group/name/boss"   { capabilities = ["deny"] }
    path "sys/policies/acl/*"         { capabilities = ["read", "update", "delete"] }
    path "sys/policy/*"               { capabilities = ["read", "update", "delete"] }
    path "sys/policies/acl/p1"        { capabilities = ["deny"] }
    path "sys/policy/p2"              { capabilities = ["deny"] }
"#;

#[tokio::test]
async fn a_deny_holds_in_every_spelling() {
    let core = TestServer::builder()
        .with_auth("userpass")
        .with_auth("approle")
        .with_policy("p", POLICY)
        .start_core()
        .await;
    let token = core.token_with(&["p"]).await;
    let denied = async |operation: Operation, path: &str| {
        let outcome = core.handle(operation, path, Some(&token), json!({})).await;
        outcome
            .result
            .is_err_and(|error| error.reason() == "policy_denied")
    };
    for path in [
        "auth/userpass/users/admin",
        "auth/userpass/users/ADMIN",
        "auth/userpass/users/Admin",
        "auth/userpass/users/admin/",
        "auth/approle/role/R1",
        "identity/entity/name/BOSS",
        "identity/group/name/Boss",
        "sys/policies/acl/P1",
        "sys/policies/acl/ p1",
        "sys/policy/p1",
        "sys/policy/ P1",
        "sys/policy/P2",
    ] {
        for operation in [Operation::Read, Operation::Update, Operation::Delete] {
            assert!(denied(operation, path).await, "{operation:?} {path}");
        }
    }
    for path in [
        "auth/userpass/users/ADMIN2",
        "auth/approle/role/R2",
        "identity/entity/name/BOSSY",
        "sys/policies/acl/P3",
        "sys/policy/P3",
    ] {
        assert!(!denied(Operation::Read, path).await, "{path}");
    }
    assert!(!denied(Operation::List, "auth/userpass/users/").await);
    let root: Value = core.read("sys/policies/acl/P").await;
    assert_eq!(root["name"], "p");
}
