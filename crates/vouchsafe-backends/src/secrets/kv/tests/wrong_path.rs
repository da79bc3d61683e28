//! Paths of version 1 on a mount of version 2.

use super::*;

#[test]
fn a_path_without_its_first_segment_is_explained() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "v"}));
    for (operation, command) in [
        (Operation::Read, "get"),
        (Operation::Update, "put"),
        (Operation::Patch, "patch"),
        (Operation::Delete, "delete"),
        (Operation::List, "list"),
    ] {
        for path in ["a", "a/b", ""] {
            let answer = mount.send(operation, path, Value::Null).unwrap();
            let warning = format!(
                "Invalid path for a versioned K/V secrets engine. See the API docs for the \
                 appropriate API endpoints to use. If using the Vouchsafe CLI, use 'vouchsafe kv \
                 {command}' for this operation."
            );
            let explained = Answer {
                not_found: true,
                data: Value::Null,
                warnings: vec![warning],
                lease_seconds: 0,
            };
            assert_eq!(answer, explained, "{operation} {path:?}");
        }
    }
    assert_eq!(mount.latest("a"), json!({"k": "v"}));
}
