//! `data/<path>`, row by row of vault-core.md §14.

use super::*;

fn version(number: u64, created: &str, deleted: &str) -> Value {
    json!({
        "created_time": created,
        "custom_metadata": null,
        "deletion_time": deleted,
        "destroyed": false,
        "version": number,
    })
}

#[test]
fn a_write_answers_the_versions_metadata_and_a_read_shows_both() {
    let mount = Mount::versioned();
    let answer = mount.write("data/a", json!({"data": {"x": "1"}})).unwrap();
    assert_eq!(answer.data, version(1, START, ""));
    let answer = mount.read("data/a").unwrap();
    assert_eq!(
        answer,
        Answer {
            not_found: false,
            data: json!({"data": {"x": "1"}, "metadata": version(1, START, "")}),
            warnings: Vec::new(),
            lease_seconds: 0,
        }
    );
    absent(mount.read("data/none"));
    absent(mount.read("data/"));
}

#[test]
fn an_older_version_is_read_by_its_number() {
    let mount = Mount::versioned();
    assert_eq!(mount.put("a", json!({"x": 1})), 1);
    assert_eq!(mount.put("a", json!({"x": 2})), 2);
    let read = |version: Value| mount.read_with("data/a", json!({ "version": version }));
    assert_eq!(read(json!("1")).unwrap().data["data"], json!({"x": 1}));
    assert_eq!(read(json!("2")).unwrap().data["data"], json!({"x": 2}));
    for latest in [json!("0"), json!(""), json!("-1")] {
        assert_eq!(read(latest).unwrap().data["data"], json!({"x": 2}));
    }
    absent(read(json!("3")));
    refused(
        read(json!("zz")),
        "Field validation failed: error converting input for field \"version\": expected a whole \
         number of 64 bits",
    );
}

#[test]
fn a_write_without_data_is_refused_and_null_is_data() {
    let mount = Mount::versioned();
    refused(
        mount.write("data/a", json!({"nodata": 1})),
        "no data provided",
    );
    refused(mount.write("data/a", Value::Null), "no data provided");
    absent(mount.read("metadata/a"));
    for data in [json!("text"), json!([1]), json!(1)] {
        let error = mount.write("data/a", json!({ "data": data })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert_eq!(mount.put("a", Value::Null), 1);
    assert_eq!(mount.latest("a"), Value::Null);
    assert_eq!(mount.put("a", json!({})), 2);
    assert_eq!(mount.latest("a"), json!({}));
}

#[test]
fn cas_must_be_the_latest_version() {
    let mount = Mount::versioned();
    let write = |cas: Value| {
        mount.write(
            "data/a",
            json!({"data": {"k": "v"}, "options": {"cas": cas}}),
        )
    };
    let mismatch = "check-and-set parameter did not match the current version";
    refused(write(json!(1)), mismatch);
    absent(mount.read("metadata/a"));
    assert_eq!(write(json!(0)).unwrap().data["version"], 1);
    refused(write(json!(0)), mismatch);
    assert_eq!(write(json!("1")).unwrap().data["version"], 2);
    refused(write(json!(1)), mismatch);
    refused(write(json!(-1)), mismatch);
    for fault in [json!("zz"), json!(1.5), json!({}), json!(null)] {
        refused(
            write(fault),
            "error parsing check-and-set parameter; expected a whole number",
        );
    }
    done(mount.delete("data/a"));
    refused(write(json!(0)), mismatch);
    assert_eq!(write(json!(2)).unwrap().data["version"], 3);
}

#[test]
fn cas_is_required_where_the_key_or_the_mount_says_so() {
    let required = "check-and-set parameter required for this call";
    for (path, body) in [
        ("metadata/a", json!({"cas_required": true})),
        ("config", json!({"cas_required": true})),
    ] {
        let mount = Mount::versioned();
        done(mount.write(path, body));
        refused(mount.write("data/a", json!({"data": {}})), required);
        let body = json!({"data": {}, "options": {"cas": 0}});
        assert_eq!(mount.write("data/a", body).unwrap().data["version"], 1);
        refused(mount.patch("data/a", json!({"data": {}})), required);
        let body = json!({"data": {}, "options": {"cas": 1}});
        assert_eq!(mount.patch("data/a", body).unwrap().data["version"], 2);
    }
}

#[test]
fn a_deleted_version_is_a_404_with_its_metadata() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "v"}));
    mount.system.clock.advance(Duration::from_secs(1));
    done(mount.delete("data/a"));
    let deleted = "2026-01-01T00:00:01.000000000Z";
    let gone = Answer {
        not_found: true,
        data: json!({"data": null, "metadata": version(1, START, deleted)}),
        warnings: Vec::new(),
        lease_seconds: 0,
    };
    assert_eq!(mount.read("data/a").unwrap(), gone);
    mount.system.clock.advance(Duration::from_secs(1));
    done(mount.delete("data/a"));
    assert_eq!(mount.read("data/a").unwrap(), gone, "deleted once only");
    done(mount.delete("data/none"));
    absent(mount.read("metadata/none"));
}

#[test]
fn a_patch_is_merged_into_a_new_version() {
    let mount = Mount::versioned();
    absent(mount.patch("data/a", json!({"data": {"x": 1}})));
    mount.put("a", json!({"x": 1, "y": {"z": 1, "q": 2}}));
    let patch = json!({"data": {"x": null, "y": {"q": null, "r": 3}, "n": "new"}});
    let answer = mount.patch("data/a", patch).unwrap();
    assert_eq!(answer.data, version(2, START, ""));
    assert_eq!(
        mount.latest("a"),
        json!({"y": {"z": 1, "r": 3}, "n": "new"})
    );
    refused(mount.patch("data/a", json!({"x": 1})), "no data provided");
    let stale = json!({"data": {"x": 1}, "options": {"cas": 1}});
    refused(
        mount.patch("data/a", stale),
        "check-and-set parameter did not match the current version",
    );
    let answer = mount.patch("data/a", json!({"data": null})).unwrap();
    assert_eq!(answer.data["version"], 3);
    assert_eq!(
        mount.latest("a"),
        json!({"y": {"z": 1, "r": 3}, "n": "new"})
    );
}

#[test]
fn a_deleted_secret_is_not_patched() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "v"}));
    done(mount.delete("data/a"));
    let answer = mount.patch("data/a", json!({"data": {"x": 1}})).unwrap();
    assert!(answer.not_found);
    assert_eq!(answer.data, version(1, START, START));
    assert_eq!(mount.kept("a"), [1]);
    done(mount.write("metadata/b", json!({"max_versions": 1})));
    absent(mount.patch("data/b", json!({"data": {"x": 1}})));
}

#[test]
fn old_versions_are_dropped_with_their_secrets() {
    let mount = Mount::versioned();
    for number in 1..=12 {
        assert_eq!(mount.put("a", json!({"i": number})), number);
    }
    assert_eq!(mount.kept("a"), (3..=12).collect::<Vec<_>>());
    absent(mount.read_with("data/a", json!({"version": 2})));
    let read = mount.read_with("data/a", json!({"version": 3})).unwrap();
    assert_eq!(read.data["data"], json!({"i": 3}));
    let secrets = mount
        .keys()
        .into_iter()
        .filter(|key| key.starts_with("version/"));
    assert_eq!(secrets.count(), 10);
}

#[test]
fn create_is_told_from_update() {
    let mount = Mount::versioned();
    for path in ["data/a", "metadata/a"] {
        assert_eq!(mount.exists(path), Some(false), "{path}");
    }
    mount.put("a", json!({"k": "v"}));
    done(mount.delete("data/a"));
    for path in ["data/a", "metadata/a"] {
        assert_eq!(mount.exists(path), Some(true), "{path}");
    }
    for path in ["delete/a", "undelete/a", "destroy/a", "config", "b"] {
        assert_eq!(mount.exists(path), None, "{path}");
    }
    done(mount.delete("metadata/a"));
    assert_eq!(mount.exists("data/a"), Some(false));
}

#[test]
fn paths_that_look_like_versions_of_others_are_keys_of_their_own() {
    let mount = Mount::versioned();
    for path in ["1", "1/1", "a", "a/1", "1/a"] {
        mount.put(path, json!({ "at": path }));
        mount.put(path, json!({ "at": path, "second": true }));
    }
    done(mount.delete("metadata/1/a"));
    for path in ["1", "1/1", "a", "a/1"] {
        assert_eq!(mount.latest(path), json!({ "at": path, "second": true }));
        let first = mount.read_with(&format!("data/{path}"), json!({"version": 1}));
        assert_eq!(first.unwrap().data["data"], json!({ "at": path }));
    }
}

#[test]
fn other_operations_are_refused() {
    let mount = Mount::versioned();
    unsupported(mount.send(Operation::List, "data/a", Value::Null));
    for path in ["delete/a", "undelete/a", "destroy/a"] {
        unsupported(mount.read(path));
        unsupported(mount.delete(path));
    }
    unsupported(mount.write("subkeys/a", json!({})));
    unsupported(mount.delete("config"));
}
