//! Policies: no text panics, no path does, and what is permitted is what is listed as a capability.
//!
//! The first line of the input is a path and a value for every template; the rest is the policy.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use vouchsafe_logical::Operation;
use vouchsafe_policy::{Acl, Ask, Capability, Policy, Subject};

struct Fixed(String);

impl Subject for Fixed {
    fn resolve(&self, _selector: &str) -> Option<String> {
        Some(self.0.clone())
    }
}

fuzz_target!(|text: &str| {
    let (path, text) = text.split_once('\n').unwrap_or(("a/b/", text));
    let Ok(policy) = Policy::parse("fuzz", text) else {
        return;
    };
    let acl = Acl::compile(&[Arc::new(policy)], &Fixed(path.to_owned()));
    assert!(!acl.is_root());
    let capabilities = acl.capabilities(path);
    assert!(!capabilities.contains(&Capability::Root));
    for operation in [
        Operation::Create,
        Operation::List,
        Operation::Read,
        Operation::Update,
    ] {
        let ask = Ask {
            path,
            operation,
            parameters: None,
            wrap_ttl: None,
            needs_sudo: false,
        };
        match acl.decide(ask) {
            Ok(permit) => {
                assert!(permit.is_for(path, operation));
                assert!(permit.granting_policies().eq(["fuzz"]));
                // Capabilities are looked up as for a LIST; other verbs ask the path as it is.
                if operation == Operation::List || !path.ends_with('/') {
                    assert!(
                        capabilities
                            .iter()
                            .any(|word| word.as_str() == operation.as_str())
                    );
                }
                assert!(acl.grants_under(path));
            }
            Err(denial) => assert_eq!(denial.path(), path),
        }
    }
});
