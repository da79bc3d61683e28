//! `group`, `group/id`, `group/name`.

use serde_json::{Value, json};

use super::{Engine, absent, redact, refused};

#[test]
fn a_new_group_and_how_it_reads() {
    let engine = Engine::open();
    let bob = engine.make("entity", json!({"name": "bob"}));
    let answer = engine
        .write(
            "group",
            json!({"name": "Devs", "member_entity_ids": [bob, bob], "policies": "Gp,a", "metadata": {"cost": "7"}}),
        )
        .unwrap();
    let id = answer["id"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({"id": id, "name": "Devs"}));
    let read = redact(engine.read(&format!("group/id/{id}")).unwrap());
    assert_eq!(
        read,
        json!({
            "alias": {},
            "creation_time": "<time>",
            "id": id,
            "last_update_time": "<time>",
            "member_entity_ids": [bob],
            "member_group_ids": null,
            "metadata": {"cost": "7"},
            "modify_index": 1,
            "name": "Devs",
            "namespace_id": "root",
            "parent_group_ids": null,
            "policies": ["a", "gp"],
            "type": "internal",
        })
    );
    assert_eq!(redact(engine.read("group/name/DEVS").unwrap()), read);
}

#[test]
fn a_group_without_anything() {
    let engine = Engine::open();
    let answer = engine.write("group", json!({"type": "external"})).unwrap();
    let name = answer["name"].as_str().unwrap();
    let digits = name
        .strip_prefix("group_")
        .and_then(|rest| rest.strip_suffix(".root"));
    assert_eq!(digits.map(str::len), Some(8), "{name}");
    let read = engine.read(&format!("group/name/{name}")).unwrap();
    assert_eq!(read["type"], "external");
    for member in [
        "member_entity_ids",
        "member_group_ids",
        "parent_group_ids",
        "policies",
        "metadata",
    ] {
        assert_eq!(read[member], Value::Null, "{member}");
    }
}

#[test]
fn a_write_replaces_what_it_names_and_keeps_the_rest() {
    let engine = Engine::open();
    let bob = engine.make("entity", json!({"name": "bob"}));
    let id = engine.make(
        "group/name/Devs",
        json!({"policies": "p", "member_entity_ids": bob}),
    );
    engine.update("group/name/devs", json!({"metadata": {"a": "1"}}));
    engine.update(
        "group",
        json!({"id": id, "policies": "q", "type": "internal"}),
    );
    engine.update(&format!("group/id/{id}"), json!({"name": "ops"}));
    // The id in the body is not looked at where the path names the group.
    engine.update("group/name/ops", json!({"id": "nope"}));
    let read = engine.read("group/name/OPS").unwrap();
    assert_eq!((&read["id"], &read["name"]), (&json!(id), &json!("ops")));
    assert_eq!(
        (&read["metadata"], &read["policies"]),
        (&json!({"a": "1"}), &json!(["q"]))
    );
    assert_eq!(
        (&read["modify_index"], &read["member_entity_ids"]),
        (&json!(5), &json!([bob]))
    );
    absent(engine.read("group/name/devs"));
    engine.update(&format!("group/id/{id}"), json!({"member_entity_ids": []}));
    let entity = engine.read("entity/name/bob").unwrap();
    assert_eq!(entity["group_ids"], json!([]));
}

#[test]
fn membership_is_transitive() {
    let engine = Engine::open();
    let bob = engine.make("entity", json!({"name": "bob"}));
    let inner = engine.make("group", json!({"member_entity_ids": [bob]}));
    let outer = engine.make("group", json!({"member_group_ids": [inner]}));
    let entity = engine.read("entity/name/bob").unwrap();
    assert_eq!(entity["direct_group_ids"], json!([inner]));
    assert_eq!(entity["inherited_group_ids"], json!([outer]));
    assert_eq!(entity["group_ids"], json!([inner, outer]));
    let read = engine.read(&format!("group/id/{inner}")).unwrap();
    assert_eq!(read["parent_group_ids"], json!([outer]));
    // Becoming a member is a change of the group.
    assert_eq!(read["modify_index"], 2);
    engine.delete(&format!("group/id/{inner}"));
    let read = engine.read(&format!("group/id/{outer}")).unwrap();
    assert_eq!(read["member_group_ids"], Value::Null);
    assert_eq!(
        engine.read("entity/name/bob").unwrap()["group_ids"],
        json!([])
    );
}

#[test]
fn a_cycle_is_refused_however_long() {
    let engine = Engine::open();
    let a = engine.make("group", json!({}));
    let b = engine.make("group", json!({"member_group_ids": [a]}));
    let c = engine.make("group", json!({"member_group_ids": [b]}));
    for (group, member) in [(&a, &b), (&a, &c), (&b, &c)] {
        refused(
            engine.write(
                &format!("group/id/{group}"),
                json!({"member_group_ids": [member]}),
            ),
            &format!("cyclic relationship detected for member group ID {member:?}"),
        );
    }
    refused(
        engine.write(&format!("group/id/{a}"), json!({"member_group_ids": [a]})),
        &format!("member group ID {a:?} is same as the ID of the group"),
    );
    // Two ways to one group are no cycle.
    engine.update(
        &format!("group/id/{c}"),
        json!({"member_group_ids": [a, b]}),
    );
}

#[test]
fn refusals() {
    let engine = Engine::open();
    let bob = engine.make("entity", json!({"name": "bob"}));
    let id = engine.make("group", json!({"name": "devs"}));
    let external = engine.make("group", json!({"name": "ext", "type": "external"}));
    let write = |body| engine.write("group", body);
    refused(write(json!({"id": "zz"})), "invalid group ID");
    refused(write(json!({"id": ""})), "empty group ID");
    refused(write(json!({"name": ""})), "empty group name");
    for root in ["ROOT", " root", "a,Root"] {
        refused(
            write(json!({"policies": root})),
            "policies cannot contain root",
        );
    }
    for kind in ["external", "", "bogus"] {
        refused(
            write(json!({"id": id, "type": kind})),
            "group type cannot be changed",
        );
    }
    refused(
        write(json!({"type": "bogus"})),
        "invalid group type \"bogus\"",
    );
    refused(
        write(json!({"id": id, "name": "EXT"})),
        "group name is already in use",
    );
    let set = "member entities can't be set manually for external groups";
    refused(
        write(json!({"type": "external", "member_entity_ids": [bob]})),
        set,
    );
    refused(write(json!({"id": external, "member_entity_ids": []})), set);
    refused(
        write(json!({"id": external, "member_group_ids": [id]})),
        "member groups can't be set for external groups",
    );
    for unknown in ["nope", "00000000-0000-0000-0000-000000000000"] {
        refused(
            write(json!({"member_entity_ids": [bob, unknown]})),
            &format!("invalid entity ID {unknown:?}"),
        );
        refused(
            write(json!({"member_group_ids": [unknown]})),
            &format!("invalid member group ID {unknown:?}"),
        );
    }
    let value = "v".repeat(513);
    refused(
        write(json!({"metadata": {"k": value}})),
        &format!(
            "invalid group metadata: failed to load metadata pair (\"k\", {value:?}): value is too long (limit: 512 characters)"
        ),
    );
    // Nothing of all that was written.
    assert_eq!(
        engine.list("group/name").unwrap()["keys"],
        json!(["devs", "ext"])
    );
    assert_eq!(
        engine.read("entity/name/bob").unwrap()["group_ids"],
        json!([])
    );
}

#[test]
fn listings() {
    let engine = Engine::open();
    absent(engine.list("group/id/"));
    absent(engine.list("group/name/"));
    let bob = engine.make("entity", json!({"name": "bob"}));
    let inner = engine.make("group", json!({"name": "b", "member_entity_ids": [bob]}));
    engine.make("group", json!({"name": "A", "member_group_ids": [inner]}));
    let external = engine.make("group", json!({"name": "x", "type": "external"}));
    let alias = engine.make(
        "group-alias",
        json!({"name": "ops", "canonical_id": external, "mount_accessor": engine.jwt}),
    );
    assert_eq!(
        engine.list("group/name/").unwrap(),
        json!({"keys": ["A", "b", "x"]})
    );
    let listed = engine.list("group/id/").unwrap();
    assert_eq!(
        listed["key_info"][&inner],
        json!({"name": "b", "num_member_entities": 1, "num_parent_groups": 1})
    );
    assert_eq!(
        listed["key_info"][&external],
        json!({
            "name": "x",
            "num_member_entities": 0,
            "num_parent_groups": 0,
            "alias": {
                "id": alias,
                "mount_accessor": engine.jwt,
                "mount_path": "auth/jwt/",
                "mount_type": "jwt",
                "name": "ops",
            },
        })
    );
}

#[test]
fn deletes() {
    let engine = Engine::open();
    engine.make("group", json!({"name": "Devs"}));
    engine.delete("group/name/devs");
    absent(engine.read("group/name/devs"));
    for path in ["group/id/nope", "group/name/nobody"] {
        engine.delete(path);
    }
}
