//! `lookup/entity` and `lookup/group`.

use serde_json::{Value, json};

use super::{Engine, refused};

#[test]
fn an_entity_is_found_by_everything_that_names_it() {
    let engine = Engine::open();
    let bob = engine.log_in("userpass", "bob", &[]);
    let read = engine.read(&format!("entity/id/{bob}")).unwrap();
    let found = |body| engine.write("lookup/entity", body).unwrap();
    for query in [
        json!({"id": bob}),
        json!({"name": read["name"]}),
        json!({"alias_id": read["aliases"][0]["id"]}),
        json!({"alias_name": "BOB", "alias_mount_accessor": engine.userpass}),
    ] {
        assert_eq!(found(query), read);
    }
    for query in [
        json!({"id": "nope"}),
        json!({"id": ""}),
        json!({"name": "nobody"}),
        json!({"alias_id": bob}),
        json!({"alias_name": "bob", "alias_mount_accessor": engine.jwt}),
        json!({"alias_name": "bob", "alias_mount_accessor": "../x"}),
    ] {
        assert_eq!(found(query), Value::Null);
    }
}

#[test]
fn a_group_is_found_by_everything_that_names_it() {
    let engine = Engine::open();
    let group = engine.make("group", json!({"name": "ops", "type": "external"}));
    let alias = engine.make(
        "group-alias",
        json!({"name": "Ops", "canonical_id": group, "mount_accessor": engine.jwt}),
    );
    let read = engine.read(&format!("group/id/{group}")).unwrap();
    let found = |body| engine.write("lookup/group", body).unwrap();
    for query in [
        json!({"id": group}),
        json!({"name": "OPS"}),
        json!({"alias_id": alias}),
        json!({"alias_name": "ops", "alias_mount_accessor": engine.jwt}),
    ] {
        assert_eq!(found(query), read);
    }
    for query in [
        json!({"name": "none"}),
        json!({"id": "nope"}),
        json!({"alias_id": "nope"}),
    ] {
        assert_eq!(found(query), Value::Null);
    }
}

#[test]
fn refusals() {
    let engine = Engine::open();
    for path in ["lookup/entity", "lookup/group"] {
        let look = |body| engine.write(path, body);
        refused(look(json!({})), "query parameter not supplied");
        let both = "both 'alias_name' and 'alias_mount_accessor' needs to be set";
        refused(look(json!({"alias_name": "a"})), both);
        refused(look(json!({"alias_mount_accessor": "a"})), both);
        let conflict = "query parameter conflict; please supply distinct set of query parameters";
        refused(look(json!({"id": "a", "name": "b"})), conflict);
        refused(look(json!({"alias_id": "a", "alias_name": "b"})), conflict);
    }
}
