//! `entity/merge`.

use serde_json::{Value, json};
use vouchsafe_logical::ErrorKind;

use super::{Engine, absent, refused};

#[test]
fn a_merge_unites_everything_but_metadata() {
    let engine = Engine::open();
    let to = engine.make(
        "entity",
        json!({"name": "to", "policies": "a", "metadata": {"m": "to"}}),
    );
    let from = engine.make(
        "entity",
        json!({"name": "from", "policies": "b", "metadata": {"m": "from"}}),
    );
    let more = engine.make("entity", json!({"name": "more"}));
    let group = engine.make("group", json!({"member_entity_ids": [from, to]}));
    let alias = engine.make(
        "entity-alias",
        json!({"name": "f", "canonical_id": from, "mount_accessor": engine.jwt}),
    );
    engine.update(
        "entity/merge",
        json!({"from_entity_ids": [from, more, from], "to_entity_id": to, "force": true}),
    );
    let read = engine.read("entity/name/to").unwrap();
    assert_eq!(read["policies"], json!(["a", "b"]));
    assert_eq!(read["metadata"], json!({"m": "to"}));
    let mut merged: Vec<&str> = read["merged_entity_ids"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    merged.sort_unstable();
    let mut expected = [from.as_str(), more.as_str()];
    expected.sort_unstable();
    assert_eq!(merged, expected);
    assert_eq!(read["aliases"][0]["id"], alias.as_str());
    assert_eq!(
        read["aliases"][0]["merged_from_canonical_ids"],
        json!([from])
    );
    assert_eq!(read["direct_group_ids"], json!([group]));
    assert_eq!(
        engine.read(&format!("group/id/{group}")).unwrap()["member_entity_ids"],
        json!([to])
    );
    for gone in [format!("entity/id/{from}"), "entity/name/from".to_owned()] {
        absent(engine.read(&gone));
    }
    assert_eq!(engine.log_in("jwt", "F", &[]), to);
    engine.make("entity", json!({"name": "from"}));
}

#[test]
fn refusals() {
    let engine = Engine::open();
    let a = engine.make("entity", json!({}));
    let b = engine.make("entity", json!({}));
    let c = engine.make("entity", json!({}));
    let merge = |from: Value, to: &str, keep: Value| {
        let body = json!({"from_entity_ids": from, "to_entity_id": to, "conflicting_alias_ids_to_keep": keep});
        engine.write("entity/merge", body)
    };
    refused(
        engine.write("entity/merge", json!({})),
        "missing entity id to merge to",
    );
    refused(
        merge(json!([]), &a, json!([])),
        "missing entity ids to merge from",
    );
    refused(
        merge(json!([b]), "zz", json!([])),
        "entity id to merge to is invalid",
    );
    refused(
        merge(json!(["zz"]), &a, json!([])),
        "entity id to merge from is invalid",
    );
    refused(
        merge(json!([b, a]), &a, json!([])),
        "to_entity_id should not be present in from_entity_ids",
    );
    refused(
        merge(json!([b, c]), &a, json!(["x"])),
        "aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time",
    );
}

/// Two entities that both have an alias on userpass.
struct Clash {
    engine: Engine,
    to: String,
    from: String,
    to_alias: String,
    from_alias: String,
}

impl Clash {
    fn open() -> Self {
        let engine = Engine::open();
        let to = engine.make("entity", json!({"name": "to"}));
        let from = engine.make("entity", json!({"name": "from"}));
        let alias = |name: &str, entity: &str| {
            let body =
                json!({"name": name, "canonical_id": entity, "mount_accessor": engine.userpass});
            engine.make("entity-alias", body)
        };
        let (to_alias, from_alias) = (alias("t", &to), alias("f", &from));
        for name in ["g-to", "g-from"] {
            let group = engine.make("group", json!({"type": "external", "name": name}));
            let body =
                json!({"name": name, "canonical_id": group, "mount_accessor": engine.userpass});
            engine.make("group-alias", body);
        }
        engine.log_in("userpass", "t", &["g-to"]);
        engine.log_in("userpass", "f", &["g-from"]);
        Self {
            engine,
            to,
            from,
            to_alias,
            from_alias,
        }
    }

    fn merge_keeping(&self, alias: &str) {
        self.engine.update(
            "entity/merge",
            json!({
                "from_entity_ids": [self.from],
                "to_entity_id": self.to,
                "conflicting_alias_ids_to_keep": [alias],
            }),
        );
    }

    /// The names of the groups of the entity that stays.
    fn groups(&self) -> Vec<String> {
        let read = self.engine.read("entity/name/to").unwrap();
        let ids = read["direct_group_ids"].as_array().unwrap().clone();
        let name = |id: &Value| {
            let group = self
                .engine
                .read(&format!("group/id/{}", id.as_str().unwrap()))
                .unwrap();
            group["name"].as_str().unwrap().to_owned()
        };
        ids.iter().map(name).collect()
    }
}

#[test]
fn a_clash_of_aliases_is_shown_to_people_and_programs() {
    let Clash {
        engine,
        to,
        from,
        to_alias,
        from_alias,
    } = Clash::open();
    let body = json!({"from_entity_ids": [from], "to_entity_id": to});
    let error = engine.write("entity/merge", body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let text = format!(
        "2 errors occurred:\n\t* toEntity and at least one fromEntity have aliases with the same mount accessor, repeat the merge request specifying exactly one fromEntity, clashes: \n\t* mountAccessor: {}, toEntity ID: {to}, fromEntity ID: {from}, conflicting toEntity alias ID: {to_alias}, conflicting fromEntity alias ID: {from_alias}\n\n",
        engine.userpass
    );
    assert_eq!(error.messages(), [text]);
    let owner = |alias: &str, entity: &str, id: &str| json!({"alias": alias, "entity": entity, "entity_id": id, "mount": "userpass", "mount_path": "auth/userpass/"});
    assert_eq!(
        error.data(),
        Some(&json!([owner("t", "to", &to), owner("f", "from", &from)]))
    );
    engine.read("entity/name/from").unwrap();

    // Nor may two that go bring an alias of the same mount.
    let third = engine.make("entity", json!({"name": "third"}));
    let body = json!({"from_entity_ids": [to, from], "to_entity_id": third});
    let error = engine.write("entity/merge", body).unwrap_err();
    assert_eq!(error.reason(), "merge_conflict");
    refused(
        engine.write(
            "entity/merge",
            json!({"from_entity_ids": [from], "to_entity_id": to, "conflicting_alias_ids_to_keep": ["zz"]}),
        ),
        &format!(
            "conflicting mount accessors in following alias IDs and neither were present in conflicting_alias_ids_to_keep: {from_alias}, {to_alias}"
        ),
    );
}

#[test]
fn the_alias_of_the_entity_that_stays_can_be_kept() {
    let clash = Clash::open();
    clash.merge_keeping(&clash.to_alias);
    let read = clash.engine.read("entity/name/to").unwrap();
    assert_eq!(read["aliases"].as_array().unwrap().len(), 1);
    assert_eq!(read["aliases"][0]["id"], clash.to_alias.as_str());
    // Nobody proved to be in the group of the alias that went.
    assert_eq!(clash.groups(), ["g-to"]);
    assert_ne!(clash.engine.log_in("userpass", "f", &[]), clash.to);
}

#[test]
fn the_alias_of_the_entity_that_goes_can_be_kept() {
    let clash = Clash::open();
    clash.merge_keeping(&clash.from_alias);
    let read = clash.engine.read("entity/name/to").unwrap();
    assert_eq!(read["aliases"].as_array().unwrap().len(), 1);
    assert_eq!(read["aliases"][0]["id"], clash.from_alias.as_str());
    assert_eq!(clash.groups(), ["g-from"]);
    assert_eq!(clash.engine.log_in("userpass", "f", &["g-from"]), clash.to);
}
