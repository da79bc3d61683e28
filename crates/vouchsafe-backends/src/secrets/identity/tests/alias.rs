//! `entity-alias`.

use serde_json::{Value, json};

use super::{Engine, absent, redact, refused};

const CLASH: &str = "alias with combination of mount accessor and name already exists";

/// An engine with the entities bob and carl, of whom bob has the alias `Bob` on userpass.
struct World {
    engine: Engine,
    bob: String,
    carl: String,
    alias: String,
}

impl World {
    fn open() -> Self {
        let engine = Engine::open();
        let bob = engine.make("entity", json!({"name": "bob"}));
        let carl = engine.make("entity", json!({"name": "carl"}));
        let alias = engine.make(
            "entity-alias",
            json!({
                "name": "Bob", "canonical_id": bob, "mount_accessor": engine.userpass,
                "custom_metadata": {"k": "v"},
            }),
        );
        Self {
            engine,
            bob,
            carl,
            alias,
        }
    }

    fn path(&self) -> String {
        format!("entity-alias/id/{}", self.alias)
    }

    fn read(&self) -> Value {
        self.engine.read(&self.path()).unwrap()
    }

    /// Updates the alias by id.
    fn update(&self, body: Value) {
        let answer = self.engine.write(&self.path(), body).unwrap();
        assert_eq!(answer["id"], self.alias.as_str(), "nothing was changed");
    }
}

#[test]
fn a_new_alias_and_how_it_reads() {
    let world = World::open();
    let read = redact(world.read());
    assert_eq!(
        read,
        json!({
            "canonical_id": world.bob,
            "creation_time": "<time>",
            "custom_metadata": {"k": "v"},
            "id": world.alias,
            "last_update_time": "<time>",
            "local": false,
            "merged_from_canonical_ids": null,
            "metadata": null,
            "mount_accessor": world.engine.userpass,
            "name": "Bob",
            "mount_path": "auth/userpass/",
            "mount_type": "userpass",
            "namespace_id": "root",
        })
    );
    let mut of_entity = read;
    of_entity.as_object_mut().unwrap().remove("namespace_id");
    let entity = world.engine.read("entity/name/bob").unwrap();
    assert_eq!(redact(entity)["aliases"], json!([of_entity]));
    let listed = world.engine.list("entity-alias/id/").unwrap();
    assert_eq!(listed["keys"], json!([world.alias]));
    assert_eq!(
        listed["key_info"][&world.alias],
        json!({
            "canonical_id": world.bob,
            "custom_metadata": {"k": "v"},
            "local": false,
            "metadata": null,
            "mount_accessor": world.engine.userpass,
            "name": "Bob",
            "mount_path": "auth/userpass/",
            "mount_type": "userpass",
        })
    );
}

#[test]
fn an_alias_of_nobody_gets_a_new_entity() {
    let world = World::open();
    let body = json!({"name": "dora", "mount_accessor": world.engine.jwt});
    let answer = world.engine.write("entity-alias", body).unwrap();
    let entity = world.engine.read(&format!(
        "entity/id/{}",
        answer["canonical_id"].as_str().unwrap()
    ));
    assert_eq!(entity.unwrap()["aliases"][0]["id"], answer["id"]);
}

#[test]
fn the_legacy_name_of_the_canonical_id() {
    let world = World::open();
    let body = json!({"name": "bob", "entity_id": world.bob, "mount_accessor": world.engine.jwt});
    assert_eq!(
        world.engine.write("entity-alias", body).unwrap()["canonical_id"],
        world.bob.as_str()
    );
}

#[test]
fn a_login_finds_the_alias_in_any_case() {
    let world = World::open();
    assert_eq!(world.engine.log_in("userpass", "bOB", &[]), world.bob);
    let read = world.read();
    assert_eq!(read["name"], "Bob");
    assert_eq!(read["metadata"], json!({"from": "userpass"}));
    assert_eq!(read["custom_metadata"], json!({"k": "v"}));
}

#[test]
fn an_update_by_id_keeps_what_it_does_not_name() {
    let world = World::open();
    world.update(json!({"name": "robert"}));
    assert_eq!(world.read()["custom_metadata"], json!({"k": "v"}));
    world.update(json!({"custom_metadata": {"k": "v2"}}));
    let read = world.read();
    assert_eq!(
        (&read["name"], &read["custom_metadata"]),
        (&json!("robert"), &json!({"k": "v2"}))
    );
    for nothing in [
        json!({}),
        json!({"name": "robert"}),
        json!({"canonical_id": world.bob}),
    ] {
        world.engine.update(&world.path(), nothing);
    }
    assert_eq!(world.engine.log_in("userpass", "Robert", &[]), world.bob);
    assert_ne!(world.engine.log_in("userpass", "bob", &[]), world.bob);
}

#[test]
fn an_update_by_mount_and_name_clears_custom_metadata() {
    let world = World::open();
    let body = json!({"name": "BOB", "mount_accessor": world.engine.userpass});
    let answer = world.engine.write("entity-alias", body.clone()).unwrap();
    assert_eq!(
        answer,
        json!({"canonical_id": world.bob, "id": world.alias})
    );
    let read = world.read();
    assert_eq!(
        (&read["name"], &read["custom_metadata"]),
        (&json!("BOB"), &Value::Null)
    );
    world.engine.update("entity-alias", body);
}

#[test]
fn an_alias_moves_to_another_entity_and_to_another_mount() {
    let world = World::open();
    world.update(json!({"canonical_id": world.carl}));
    assert_eq!(world.read()["canonical_id"], world.carl.as_str());
    assert_eq!(world.engine.log_in("userpass", "bob", &[]), world.carl);
    assert_eq!(
        world.engine.read("entity/name/bob").unwrap()["aliases"],
        json!([])
    );
    world.update(json!({"mount_accessor": world.engine.jwt}));
    let read = world.read();
    assert_eq!(read["mount_type"], "jwt");
    // What userpass said of the one is not what jwt says of the other.
    assert_eq!(read["metadata"], Value::Null);
    assert_eq!(world.engine.log_in("jwt", "bob", &[]), world.carl);
    assert_ne!(world.engine.log_in("userpass", "bob", &[]), world.carl);
}

#[test]
fn refusals_of_a_new_alias() {
    let world = World::open();
    let write = |body| world.engine.write("entity-alias", body);
    let missing = "'id' or 'mount_accessor' and 'name' must be provided";
    refused(
        write(json!({"mount_accessor": world.engine.userpass})),
        missing,
    );
    refused(write(json!({"name": "x", "mount_accessor": ""})), missing);
    refused(
        write(json!({"name": "x", "mount_accessor": "zz"})),
        "invalid mount accessor \"zz\"",
    );
    refused(
        write(json!({"name": "x", "mount_accessor": world.engine.jwt, "canonical_id": "zz"})),
        "invalid canonical ID",
    );
    refused(
        write(
            json!({"name": "x", "mount_accessor": world.engine.userpass, "canonical_id": world.bob}),
        ),
        "Alias already exists for requested entity and mount accessor",
    );
    for (metadata, fault) in [
        (
            json!({"k": ""}),
            "length of value for key \"k\" is 0 but must be 0 < len(value) <= 512",
        ),
        (
            json!({"": "v"}),
            "length of key \"\" is 0 but must be 0 < len(key) <= 128",
        ),
        (
            json!({"k": "v\n"}),
            "value for key \"k\" contains unprintable characters",
        ),
    ] {
        let body =
            json!({"name": "x", "mount_accessor": world.engine.jwt, "custom_metadata": metadata});
        refused(
            write(body),
            &format!("custom_metadata validation failed: {fault}"),
        );
    }
}

#[test]
fn refusals_of_an_update() {
    let world = World::open();
    let taken = json!({"name": "carl", "canonical_id": world.carl, "mount_accessor": world.engine.userpass});
    world.engine.make("entity-alias", taken);
    let jwt = json!({"name": "bob", "canonical_id": world.bob, "mount_accessor": world.engine.jwt});
    world.engine.make("entity-alias", jwt);
    let write = |body| world.engine.write(&world.path(), body);
    for id in ["nope", "00000000-0000-0000-0000-000000000000"] {
        let body = json!({"name": "x"});
        refused(
            world.engine.write(&format!("entity-alias/id/{id}"), body),
            "invalid alias ID provided",
        );
    }
    refused(
        write(json!({"mount_accessor": "zz"})),
        "invalid mount accessor \"zz\"",
    );
    refused(write(json!({"name": "CARL"})), CLASH);
    refused(
        write(json!({"canonical_id": "zz"})),
        "given 'canonical_id' is not associated with an entity",
    );
    refused(
        write(json!({"canonical_id": world.carl})),
        "Alias cannot be updated as the given entity already has an alias for this mount ",
    );
    refused(
        write(json!({"mount_accessor": world.engine.jwt})),
        "Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' ",
    );
    refused(
        world.engine.write(
            "entity-alias",
            json!({"name": "bob", "mount_accessor": world.engine.userpass, "canonical_id": world.carl}),
        ),
        "Alias cannot be updated as the given entity already has an alias for this mount ",
    );
    assert_eq!(world.read()["custom_metadata"], json!({"k": "v"}));
}

#[test]
fn an_alias_outlives_its_mount() {
    let world = World::open();
    world.engine.system.mounts.lock().unwrap().clear();
    let read = world.read();
    assert!(read.get("mount_type").is_none() && read.get("mount_path").is_none());
    let body = json!({"mount_accessor": world.engine.userpass, "custom_metadata": {"k": "w"}});
    world.update(body);
    assert_eq!(world.read()["custom_metadata"], json!({"k": "w"}));
    world.engine.delete(&world.path());
    absent(world.engine.read(&world.path()));
}

#[test]
fn a_deleted_alias_leaves_its_entity() {
    let world = World::open();
    world.engine.delete(&world.path());
    world.engine.delete(&world.path());
    absent(world.engine.read(&world.path()));
    absent(world.engine.list("entity-alias/id/"));
    assert_eq!(
        world.engine.read("entity/name/bob").unwrap()["aliases"],
        json!([])
    );
    assert_ne!(world.engine.log_in("userpass", "bob", &[]), world.bob);
}
