//! `entity`, `entity/id`, `entity/name`, `entity/batch-delete`.

use serde_json::{Value, json};
use vouchsafe_logical::{CallerSummary, ErrorKind, Operation};

use super::{Engine, absent, redact, refused};

#[test]
fn a_new_entity_and_how_it_reads() {
    let engine = Engine::open();
    let answer = engine
        .write(
            "entity",
            json!({
                "name": "Bob",
                "metadata": ["team=core, platform", "env=prod"],
                "policies": " P2,p1,P1",
            }),
        )
        .unwrap();
    let id = answer["id"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({"aliases": null, "id": id, "name": "Bob"}));
    let read = redact(engine.read(&format!("entity/id/{id}")).unwrap());
    assert_eq!(
        read,
        json!({
            "aliases": [],
            "creation_time": "<time>",
            "direct_group_ids": [],
            "disabled": false,
            "group_ids": [],
            "id": id,
            "inherited_group_ids": [],
            "last_update_time": "<time>",
            "merged_entity_ids": null,
            "metadata": {"env": "prod", "team": "core, platform"},
            "name": "Bob",
            "namespace_id": "root",
            "policies": ["p1", "p2"],
        })
    );
    assert_eq!(redact(engine.read("entity/name/bOB").unwrap()), read);
    let time = engine.read("entity/name/bob").unwrap()["creation_time"].clone();
    assert_eq!(time, "2026-01-01T00:00:00.000000000Z");
}

#[test]
fn an_entity_without_a_name_gets_one() {
    let engine = Engine::open();
    let answer = engine.write("entity", json!({})).unwrap();
    let name = answer["name"].as_str().unwrap();
    let digits = name.strip_prefix("entity_").unwrap();
    let digits = digits.strip_suffix(".root").unwrap();
    assert!(
        digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{name}"
    );
    assert_eq!(
        engine.read(&format!("entity/name/{name}")).unwrap()["metadata"],
        Value::Null
    );
}

/// Who may write one name must not reach another entity by its id.
#[test]
fn an_id_beside_a_name_in_the_path_is_not_looked_at() {
    let engine = Engine::open();
    let other = engine.make("entity", json!({"name": "boss", "policies": "strong"}));
    let made = engine.make("entity/name/bob", json!({"id": other, "policies": "p"}));
    assert_ne!(made, other);
    engine.update("entity/name/bob", json!({"id": other, "disabled": true}));
    let boss = engine.read(&format!("entity/id/{other}")).unwrap();
    assert_eq!(boss["name"], "boss");
    assert_eq!(boss["policies"], json!(["strong"]));
    assert_eq!(boss["disabled"], false);
}

#[test]
fn a_write_replaces_what_it_names_and_keeps_the_rest() {
    let engine = Engine::open();
    let id = engine.make(
        "entity",
        json!({"name": "bob", "metadata": {"a": "1"}, "policies": "p"}),
    );
    let path = format!("entity/id/{id}");
    engine.update(&path, json!({"metadata": ["b=2"]}));
    engine.update("entity", json!({"name": "BOB", "disabled": true}));
    engine.update("entity/name/Bob", json!({}));
    let read = engine.read(&path).unwrap();
    assert_eq!(read["metadata"], json!({"b": "2"}));
    assert_eq!(read["policies"], json!(["p"]));
    assert_eq!(read["disabled"], true);
    // The case of the last write is shown.
    assert_eq!(read["name"], "Bob");
    engine.update(
        "entity",
        json!({"id": id, "name": "carl", "policies": [], "metadata": {}}),
    );
    let read = engine.read("entity/name/carl").unwrap();
    assert_eq!(
        (&read["policies"], &read["metadata"]),
        (&json!([]), &Value::Null)
    );
    absent(engine.read("entity/name/bob"));
}

#[test]
fn names_take_any_printable_text() {
    let engine = Engine::open();
    for name in ["a b/c", "100%", "..x", "Zoë", "-"] {
        let id = engine.make(&format!("entity/name/{name}"), json!({}));
        assert_eq!(
            engine.read(&format!("entity/name/{name}")).unwrap()["id"],
            id.as_str()
        );
    }
}

#[test]
fn refusals() {
    let engine = Engine::open();
    let bob = engine.make("entity", json!({"name": "bob"}));
    engine.make("entity", json!({"name": "carl"}));
    refused(
        engine.write("entity/id/nope", json!({})),
        "entity not found from id",
    );
    refused(
        engine.write(
            "entity",
            json!({"id": "00000000-0000-0000-0000-000000000000"}),
        ),
        "entity not found from id",
    );
    refused(
        engine.write(&format!("entity/id/{bob}"), json!({"name": "CARL"})),
        "entity name is already in use",
    );
    for root in [" Root ", "a,ROOT"] {
        refused(
            engine.write("entity", json!({"policies": root})),
            "policies cannot contain root",
        );
    }
    let value = "v".repeat(513);
    refused(
        engine.write("entity", json!({"metadata": {"k": value}})),
        &format!(
            "invalid entity metadata: failed to load metadata pair (\"k\", {value:?}): value is too long (limit: 512 characters)"
        ),
    );
    let key = "k".repeat(129);
    refused(
        engine.write("entity", json!({"metadata": {&key: "v"}})),
        &format!(
            "invalid entity metadata: failed to load metadata pair ({key:?}, \"v\"): key is too long (limit: 128 characters)"
        ),
    );
    refused(
        engine.write("entity", json!({"metadata": "no pair"})),
        "Field validation failed: error converting input for field \"metadata\": invalid key pair at index 0 in field \"metadata\"",
    );
    assert_eq!(
        engine.list("entity/name/").unwrap()["keys"],
        json!(["bob", "carl"])
    );
}

#[test]
fn listings() {
    let engine = Engine::open();
    absent(engine.list("entity/id/"));
    absent(engine.list("entity/name"));
    let carl = engine.make("entity", json!({"name": "Carl"}));
    let bob = engine.log_in("userpass", "bob", &[]);
    let name = engine.read(&format!("entity/id/{bob}")).unwrap()["name"].clone();
    assert_eq!(
        engine.list("entity/name/").unwrap(),
        json!({"keys": ["Carl", name]})
    );
    let listed = engine.list("entity/id/").unwrap();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    assert_eq!(listed["key_info"][&carl], json!({"name": "Carl"}));
    let alias = listed["key_info"][&bob]["aliases"][0].clone();
    assert_eq!(
        alias,
        json!({
            "id": alias["id"],
            "mount_accessor": engine.userpass,
            "mount_path": "auth/userpass/",
            "mount_type": "userpass",
            "name": "bob",
        })
    );
}

#[test]
fn a_deleted_entity_leaves_nothing_behind() {
    let engine = Engine::open();
    let bob = engine.log_in("userpass", "bob", &[]);
    let group = engine.make("group", json!({"member_entity_ids": [bob]}));
    let alias = engine.read(&format!("entity/id/{bob}")).unwrap()["aliases"][0]["id"].clone();
    engine.delete(&format!("entity/id/{bob}"));
    absent(engine.read(&format!("entity/id/{bob}")));
    absent(engine.read(&format!("entity-alias/id/{}", alias.as_str().unwrap())));
    absent(engine.list("entity-alias/id/"));
    let read = engine.read(&format!("group/id/{group}")).unwrap();
    assert_eq!(read["member_entity_ids"], Value::Null);
    // The same person is somebody new.
    assert_ne!(engine.log_in("userpass", "bob", &[]), bob);
    for path in [
        "entity/id/nope",
        "entity/name/nobody",
        &format!("entity/id/{bob}"),
    ] {
        engine.delete(path);
    }
    engine.make("entity", json!({"name": "carl"}));
    engine.delete("entity/name/CARL");
    absent(engine.read("entity/name/carl"));
}

#[test]
fn batch_delete_ignores_whom_it_does_not_know() {
    let engine = Engine::open();
    let ids: Vec<String> = (0..130).map(|_| engine.make("entity", json!({}))).collect();
    refused(
        engine.write("entity/batch-delete", json!({})),
        "missing entity ids to delete",
    );
    refused(
        engine.write("entity/batch-delete", json!({"entity_ids": []})),
        "missing entity ids to delete",
    );
    let mut doomed = ids[1..].to_vec();
    doomed.push("nope".to_owned());
    doomed.push(ids[1].clone());
    engine.update("entity/batch-delete", json!({"entity_ids": doomed}));
    assert_eq!(engine.list("entity/id/").unwrap()["keys"], json!([ids[0]]));
    engine.update("entity/batch-delete", json!({"entity_ids": ids[0]}));
    absent(engine.list("entity/id/"));
}

#[test]
fn a_caller_without_sudo_does_not_raise_its_own_entity() {
    let engine = Engine::open();
    let own = engine.make("entity", json!({ "name": "bob" }));
    let boss = engine.make("entity", json!({ "name": "boss", "policies": "super" }));
    let bob = CallerSummary {
        entity_id: Some(own.clone()),
        policies: vec!["default".to_owned()],
        ..CallerSummary::default()
    };
    let raises = [
        ("entity", json!({ "name": "bob", "policies": "super" })),
        ("entity/name/bob", json!({ "policies": "super" })),
        (
            "group",
            json!({ "policies": "super", "member_entity_ids": own }),
        ),
        (
            "group/name/g",
            json!({ "policies": "super", "member_entity_ids": own }),
        ),
        (
            "entity/merge",
            json!({ "from_entity_ids": boss, "to_entity_id": own }),
        ),
    ];
    for (path, body) in &raises {
        let outcome = engine.send_as(&bob, Operation::Update, path, body.clone());
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{path}: {error}");
        assert_eq!(error.reason(), "would_raise_own_policies");
    }
    let sudo = CallerSummary {
        has_sudo: true,
        ..bob
    };
    for (path, body) in raises {
        let outcome = engine.send_as(&sudo, Operation::Update, path, body);
        assert!(outcome.is_ok(), "{path}: {outcome:?}");
    }
}
