//! `group-alias`.

use serde_json::{Value, json};

use super::{Engine, absent, redact, refused};

fn alias(engine: &Engine, name: &str, group: &str) -> Value {
    json!({"name": name, "mount_accessor": engine.userpass, "canonical_id": group})
}

#[test]
fn a_new_alias_and_how_it_reads() {
    let engine = Engine::open();
    let group = engine.make("group", json!({"type": "external"}));
    let answer = engine
        .write("group-alias", alias(&engine, "Ops", &group))
        .unwrap();
    let id = answer["id"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({"canonical_id": group, "id": id}));
    let read = redact(engine.read(&format!("group-alias/id/{id}")).unwrap());
    assert_eq!(
        read,
        json!({
            "canonical_id": group,
            "creation_time": "<time>",
            "id": id,
            "last_update_time": "<time>",
            "merged_from_canonical_ids": null,
            "metadata": null,
            "mount_accessor": engine.userpass,
            "name": "Ops",
            "mount_path": "auth/userpass/",
            "mount_type": "userpass",
            "custom_metadata": null,
            "local": false,
            "namespace_id": "root",
        })
    );
    let of_group = redact(engine.read(&format!("group/id/{group}")).unwrap());
    assert_eq!(of_group["modify_index"], 2);
    for (name, value) in of_group["alias"].as_object().unwrap() {
        assert_eq!(read[name], *value, "{name}");
    }
    let listed = engine.list("group-alias/id/").unwrap();
    assert_eq!(listed["keys"], json!([id]));
    assert_eq!(listed["key_info"][&id]["mount_path"], "auth/userpass/");
    assert_eq!(listed["key_info"][&id]["canonical_id"], group.as_str());
}

#[test]
fn an_alias_of_nothing_gets_a_new_external_group() {
    let engine = Engine::open();
    let body = json!({"name": "ops", "mount_accessor": engine.jwt});
    let answer = engine.write("group-alias", body).unwrap();
    let group = engine.read(&format!(
        "group/id/{}",
        answer["canonical_id"].as_str().unwrap()
    ));
    assert_eq!(group.unwrap()["type"], "external");
}

#[test]
fn a_group_has_one_alias() {
    let engine = Engine::open();
    let group = engine.make("group", json!({"type": "external"}));
    let first = engine.make("group-alias", alias(&engine, "a", &group));
    let second = engine.make("group-alias", alias(&engine, "b", &group));
    absent(engine.read(&format!("group-alias/id/{first}")));
    assert_eq!(
        engine.list("group-alias/id").unwrap()["keys"],
        json!([second])
    );
    // The name is free again.
    let other = engine.make("group", json!({"type": "external"}));
    engine.make("group-alias", alias(&engine, "A", &other));
}

#[test]
fn an_alias_moves_to_another_group() {
    let engine = Engine::open();
    let from = engine.make("group", json!({"type": "external", "policies": "p"}));
    let to = engine.make("group", json!({"type": "external"}));
    let id = engine.make("group-alias", alias(&engine, "ops", &from));
    let bob = engine.log_in("userpass", "bob", &["ops"]);
    let path = format!("group-alias/id/{id}");
    engine.update(&path, alias(&engine, "ops", &from));
    let body = json!({"name": "ops", "mount_accessor": engine.userpass});
    engine.update(&path, body);
    let answer = engine.write(&path, alias(&engine, "ops", &to)).unwrap();
    assert_eq!(answer, json!({"canonical_id": to, "id": id}));
    let left = engine.read(&format!("group/id/{from}")).unwrap();
    assert_eq!(
        (&left["alias"], &left["member_entity_ids"]),
        (&json!({}), &Value::Null)
    );
    engine.log_in("userpass", "bob", &["ops"]);
    let entity = engine.read(&format!("entity/id/{bob}")).unwrap();
    assert_eq!(entity["direct_group_ids"], json!([to]));
}

#[test]
fn refusals() {
    let engine = Engine::open();
    let internal = engine.make("group", json!({}));
    let group = engine.make("group", json!({"type": "external"}));
    let other = engine.make("group", json!({"type": "external"}));
    let id = engine.make("group-alias", alias(&engine, "ops", &group));
    let write = |body| engine.write("group-alias", body);
    refused(write(json!({})), "missing alias name");
    refused(write(json!({"name": "x"})), "missing mount_accessor");
    refused(
        engine.write(&format!("group-alias/id/{id}"), json!({"name": "x"})),
        "missing mount_accessor",
    );
    refused(
        write(alias(&engine, "x", "zz")),
        "invalid group ID given in 'canonical_id'",
    );
    refused(
        write(alias(&engine, "x", &internal)),
        "alias can't be set on an internal group",
    );
    refused(
        write(json!({"name": "x", "mount_accessor": "zz"})),
        "invalid mount accessor \"zz\"",
    );
    let taken = "combination of mount and group alias name is already in use";
    refused(write(alias(&engine, "OPS", &other)), taken);
    refused(write(alias(&engine, "ops", &group)), taken);
    for path in [
        "group-alias/id/nope",
        "group-alias/id/00000000-0000-0000-0000-000000000000",
    ] {
        refused(
            engine.write(path, alias(&engine, "x", &group)),
            "invalid group alias ID",
        );
    }
    refused(write(json!({"id": ""})), "empty group alias ID");
    engine.system.mounts.lock().unwrap()[1].local = true;
    refused(
        write(json!({"name": "x", "mount_accessor": engine.jwt})),
        &format!("mount accessor {:?} is a local mount", engine.jwt),
    );
}

#[test]
fn a_deleted_alias_leaves_its_group_without_members() {
    let engine = Engine::open();
    let group = engine.make("group", json!({"type": "external"}));
    let id = engine.make("group-alias", alias(&engine, "ops", &group));
    let bob = engine.log_in("userpass", "bob", &["ops"]);
    let path = format!("group/id/{group}");
    assert_eq!(
        engine.read(&path).unwrap()["member_entity_ids"],
        json!([bob])
    );
    engine.delete(&format!("group-alias/id/{id}"));
    engine.delete(&format!("group-alias/id/{id}"));
    let read = engine.read(&path).unwrap();
    assert_eq!(
        (&read["alias"], &read["member_entity_ids"]),
        (&json!({}), &Value::Null)
    );
    absent(engine.read(&format!("group-alias/id/{id}")));
    absent(engine.list("group-alias/id"));
}
