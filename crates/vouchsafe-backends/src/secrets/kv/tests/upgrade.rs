//! A history is turned on.

use super::super::limit::UPGRADE_SECRETS_PER_CALL;
use super::*;

const UPGRADING: &str = "Upgrading from non-versioned to versioned data. This backend will be \
                         unavailable for a brief period and will resume service shortly.";

const NO_WAY_BACK: &str =
    "the secrets of this mount have a history; tune it back to the option version=2";

#[test]
fn secrets_become_the_first_versions_of_their_keys() {
    let old = Mount::unversioned();
    done(old.write("a", json!({"k": "v"})));
    done(old.write("f/b", json!({"data": {"x": 1}})));
    let new = old.reopened("2");
    assert_eq!(new.latest("a"), json!({"k": "v"}));
    assert_eq!(new.latest("f/b"), json!({"data": {"x": 1}}));
    assert_eq!(new.names("metadata/"), json!(["a", "f/"]));
    let shown = new.read("metadata/a").unwrap().data;
    assert_eq!(
        (&shown["current_version"], &shown["oldest_version"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(shown["created_time"], START);
    assert_eq!(new.put("a", json!({"k": "w"})), 2);
    let first = new.read_with("data/a", json!({"version": 1})).unwrap();
    assert_eq!(first.data["data"], json!({"k": "v"}));
    assert!(new.keys().iter().all(|key| !key.starts_with("object/")));
}

#[test]
fn an_old_mount_that_is_still_open_writes_nothing_more() {
    let old = Mount::unversioned();
    done(old.write("a", json!({"k": "v"})));
    let new = old.reopened("2");
    assert_eq!(new.latest("a"), json!({"k": "v"}));
    refused(old.write("a", json!({"k": "w"})), NO_WAY_BACK);
    refused(old.delete("a"), NO_WAY_BACK);
    assert_eq!(new.latest("a"), json!({"k": "v"}));
}

#[test]
fn there_is_no_way_back() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "v"}));
    let back = mount.reopened("1");
    refused(back.read("a"), NO_WAY_BACK);
    refused(back.write("a", json!({"k": "w"})), NO_WAY_BACK);
    refused(back.send(Operation::List, "", Value::Null), NO_WAY_BACK);
    assert_eq!(mount.reopened("2").latest("a"), json!({"k": "v"}));
}

#[test]
fn a_large_mount_is_upgraded_in_parts() {
    let old = Mount::unversioned();
    block_on(async {
        for number in 0..UPGRADE_SECRETS_PER_CALL + 1 {
            let body = json!({ "i": number });
            let path = format!("s{number:05}");
            old.ask(Operation::Update, &path, body).await.unwrap();
        }
    });
    let new = old.reopened("2");
    refused(new.read("data/s00000"), UPGRADING);
    // A node that starts anew goes on where the first one stopped.
    let other = old.reopened("2");
    assert_eq!(other.latest("s01000"), json!({"i": 1_000}));
    assert_eq!(new.latest("s00000"), json!({"i": 0}));
    assert!(new.keys().iter().all(|key| !key.starts_with("object/")));
}

#[test]
fn the_tick_drives_an_upgrade_that_no_request_drives() {
    let old = Mount::unversioned();
    block_on(async {
        for number in 0..UPGRADE_SECRETS_PER_CALL {
            let path = format!("s{number:05}");
            old.ask(Operation::Update, &path, json!({"k": "v"}))
                .await
                .unwrap();
        }
    });
    let new = old.reopened("2");
    block_on(async {
        new.backend.tick().await.unwrap();
        new.backend.tick().await.unwrap();
    });
    assert!(new.keys().iter().all(|key| !key.starts_with("object/")));
    assert_eq!(new.latest("s00999"), json!({"k": "v"}));
    block_on(old.backend.tick()).unwrap();
}
