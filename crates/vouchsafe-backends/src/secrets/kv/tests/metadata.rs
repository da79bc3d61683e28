//! `metadata/<path>`, row by row of vault-core.md §14.

use super::*;

#[test]
fn a_keys_metadata_show_its_settings_and_versions() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "v"}));
    mount.system.clock.advance(Duration::from_secs(1));
    mount.put("a", json!({"k": "w"}));
    let later = "2026-01-01T00:00:01.000000000Z";
    let version =
        |created| json!({"created_time": created, "deletion_time": "", "destroyed": false});
    assert_eq!(
        mount.read("metadata/a").unwrap().data,
        json!({
            "cas_required": false,
            "created_time": START,
            "current_metadata_version": 0,
            "current_version": 2,
            "custom_metadata": null,
            "delete_version_after": "0s",
            "max_versions": 0,
            "metadata_cas_required": false,
            "oldest_version": 0,
            "updated_time": later,
            "versions": {"1": version(START), "2": version(later)},
        })
    );
    absent(mount.read("metadata/none"));
    absent(mount.read("metadata/"));
}

#[test]
fn settings_are_written_before_the_first_version() {
    let mount = Mount::versioned();
    let settings = json!({
        "max_versions": 2,
        "cas_required": true,
        "delete_version_after": "3h25m19s",
        "custom_metadata": {"owner": "me"},
    });
    done(mount.write("metadata/a", settings));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["current_version"], 0);
    assert_eq!(shown["versions"], json!({}));
    assert_eq!(shown["max_versions"], 2);
    assert_eq!(shown["cas_required"], true);
    assert_eq!(shown["delete_version_after"], "3h25m19s");
    assert_eq!(shown["custom_metadata"], json!({"owner": "me"}));
    assert_eq!(shown["current_metadata_version"], 1);
    absent(mount.read("data/a"));
}

#[test]
fn a_write_that_says_nothing_changes_nothing() {
    let mount = Mount::versioned();
    done(mount.write("metadata/a", json!({})));
    absent(mount.read("metadata/a"));
    done(mount.write("metadata/a", json!({"max_versions": 3})));
    done(mount.write("metadata/a", json!({"unknown": 1})));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["current_metadata_version"], 1);
}

#[test]
fn what_a_write_leaves_out_stays() {
    let mount = Mount::versioned();
    let all = json!({"max_versions": 3, "cas_required": true, "custom_metadata": {"a": "b"}});
    done(mount.write("metadata/a", all));
    done(mount.write("metadata/a", json!({"max_versions": 5})));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["max_versions"], 5);
    assert_eq!(shown["cas_required"], true);
    assert_eq!(shown["custom_metadata"], json!({"a": "b"}));
    done(mount.write("metadata/a", json!({"custom_metadata": {"c": 1}})));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["custom_metadata"], json!({"c": "1"}));
    done(mount.write("metadata/a", json!({"custom_metadata": null})));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["custom_metadata"], Value::Null);
}

#[test]
fn a_patch_merges_and_null_resets() {
    let mount = Mount::versioned();
    absent(mount.patch("metadata/a", json!({"max_versions": 1})));
    absent(mount.patch("metadata/a", json!({})));
    let all = json!({
        "max_versions": 3, "cas_required": true, "delete_version_after": "1h",
        "custom_metadata": {"a": "1", "b": "2"},
    });
    done(mount.write("metadata/a", all));
    done(mount.patch(
        "metadata/a",
        json!({"custom_metadata": {"a": null, "c": "3"}}),
    ));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["custom_metadata"], json!({"b": "2", "c": "3"}));
    assert_eq!(shown["max_versions"], 3);
    let reset = json!({
        "max_versions": null, "cas_required": null, "delete_version_after": null,
        "custom_metadata": null,
    });
    done(mount.patch("metadata/a", reset));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["max_versions"], 0);
    assert_eq!(shown["cas_required"], false);
    assert_eq!(shown["delete_version_after"], "0s");
    assert_eq!(shown["custom_metadata"], Value::Null);
    assert_eq!(shown["current_metadata_version"], 3);
    done(mount.patch("metadata/a", json!({})));
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["current_metadata_version"], 3);
}

#[test]
fn custom_metadata_are_shown_with_each_version() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "v"}));
    done(mount.write("metadata/a", json!({"custom_metadata": {"owner": "me"}})));
    let read = mount.read("data/a").unwrap().data;
    assert_eq!(read["metadata"]["custom_metadata"], json!({"owner": "me"}));
    let written = mount.write("data/a", json!({"data": {}})).unwrap().data;
    assert_eq!(written["custom_metadata"], json!({"owner": "me"}));
}

#[test]
fn metadata_cas_counts_writes_of_metadata() {
    let mount = Mount::versioned();
    let mismatch = "metadata check-and-set parameter does not match the current version";
    let required = "metadata check-and-set parameter required for this call";
    let body = |cas: u64| json!({"max_versions": 3, "metadata_cas": cas});
    refused(mount.write("metadata/a", body(1)), mismatch);
    done(mount.write("metadata/a", body(0)));
    refused(mount.write("metadata/a", body(0)), mismatch);
    mount.put("a", json!({"k": "v"}));
    done(mount.patch("metadata/a", body(1)));
    done(mount.write("metadata/a", json!({"metadata_cas_required": true})));
    refused(
        mount.write("metadata/a", json!({"max_versions": 4})),
        required,
    );
    refused(
        mount.patch("metadata/a", json!({"max_versions": 4})),
        required,
    );
    done(mount.patch("metadata/a", body(3)));
    done(mount.write("config", json!({"metadata_cas_required": true})));
    refused(
        mount.write("metadata/b", json!({"max_versions": 4})),
        required,
    );
    done(mount.write("metadata/b", body(0)));
}

#[test]
fn fewer_versions_hold_from_the_next_write_on() {
    let mount = Mount::versioned();
    for number in 1..=4 {
        mount.put("a", json!({ "i": number }));
    }
    done(mount.write("metadata/a", json!({"max_versions": 2})));
    assert_eq!(mount.kept("a"), [1, 2, 3, 4]);
    mount.put("a", json!({"i": 5}));
    assert_eq!(mount.kept("a"), [4, 5]);
    let shown = mount.read("metadata/a").unwrap().data;
    assert_eq!(shown["oldest_version"], 4);
}

#[test]
fn a_version_is_deleted_by_itself_when_its_time_is_over() {
    let mount = Mount::versioned();
    done(mount.write("metadata/a", json!({"delete_version_after": "1h"})));
    let written = mount.write("data/a", json!({"data": {"k": "v"}})).unwrap();
    let deletion = "2026-01-01T01:00:00.000000000Z";
    assert_eq!(written.data["deletion_time"], deletion);
    mount.system.clock.advance(Duration::from_secs(3_599));
    assert_eq!(mount.latest("a"), json!({"k": "v"}));
    mount.system.clock.advance(Duration::from_secs(1));
    let read = mount.read("data/a").unwrap();
    assert!(read.not_found);
    assert_eq!(read.data["data"], Value::Null);
    assert_eq!(read.data["metadata"]["deletion_time"], deletion);
}

#[test]
fn a_key_is_removed_with_everything_that_it_has() {
    let mount = Mount::versioned();
    mount.put("b", json!({"k": "v"}));
    let before = mount.keys();
    mount.put("a", json!({"k": "v"}));
    mount.put("a", json!({"k": "w"}));
    done(mount.write("destroy/a", json!({"versions": [1]})));
    done(mount.delete("metadata/a"));
    assert_eq!(mount.keys(), before);
    absent(mount.read("data/a"));
    absent(mount.read("metadata/a"));
    done(mount.delete("metadata/a"));
    assert_eq!(mount.put("a", json!({"k": "anew"})), 1);
}

#[test]
fn keys_are_listed_also_when_their_secrets_are_deleted() {
    let mount = Mount::versioned();
    absent(mount.send(Operation::List, "metadata/", Value::Null));
    for path in ["a", "f/x", "f/y/z"] {
        mount.put(path, json!({"k": "v"}));
    }
    done(mount.delete("data/a"));
    assert_eq!(mount.names("metadata/"), json!(["a", "f/"]));
    assert_eq!(mount.names("metadata"), json!(["a", "f/"]));
    assert_eq!(mount.names("metadata/f/"), json!(["x", "y/"]));
    absent(mount.send(Operation::List, "metadata/none/", Value::Null));
    let page = mount.send(Operation::List, "metadata/", json!({"limit": "1"}));
    assert_eq!(page.unwrap().data["keys"], json!(["a"]));
}
