//! `config`, row by row of vault-core.md §14.

use super::*;

#[test]
fn a_fresh_mount_prescribes_nothing() {
    let mount = Mount::versioned();
    let nothing = json!({
        "cas_required": false,
        "delete_version_after": "0s",
        "max_versions": 0,
        "metadata_cas_required": false,
    });
    assert_eq!(mount.read("config").unwrap().data, nothing);
    done(mount.write("config", json!({})));
    assert_eq!(mount.read("config").unwrap().data, nothing);
}

#[test]
fn what_a_write_leaves_out_stays() {
    let mount = Mount::versioned();
    done(mount.write(
        "config",
        json!({"max_versions": 3, "delete_version_after": "5m"}),
    ));
    done(mount.write("config", json!({"cas_required": true})));
    let shown = mount.read("config").unwrap().data;
    assert_eq!(shown["max_versions"], 3);
    assert_eq!(shown["delete_version_after"], "5m0s");
    assert_eq!(shown["cas_required"], true);
}

#[test]
fn a_life_below_zero_is_for_ever() {
    let mount = Mount::versioned();
    let check = |sent: Value, shown: &str| {
        done(mount.write("config", json!({ "delete_version_after": sent })));
        let config = mount.read("config").unwrap().data;
        assert_eq!(config["delete_version_after"], shown, "{sent}");
    };
    check(json!("-1s"), "-1s");
    check(json!("-5m"), "-1s");
    check(json!(-5), "-1s");
    check(json!(0), "0s");
    check(json!("-0s"), "0s");
    check(json!("90"), "1m30s");
    check(json!(90), "1m30s");
    let error = mount.write("config", json!({"delete_version_after": "--1s"}));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let error = mount.write("config", json!({"delete_version_after": "-zz"}));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[test]
fn keys_that_say_nothing_follow_the_mount() {
    let mount = Mount::versioned();
    done(mount.write(
        "config",
        json!({"max_versions": 2, "delete_version_after": "5m"}),
    ));
    for number in 1..=3 {
        mount.put("a", json!({ "i": number }));
    }
    assert_eq!(mount.kept("a"), [2, 3]);
    let read = mount.read("data/a").unwrap().data;
    let deletion = "2026-01-01T00:05:00.000000000Z";
    assert_eq!(read["metadata"]["deletion_time"], deletion);
    done(mount.write("config", json!({"delete_version_after": "-1s"})));
    done(mount.write("metadata/a", json!({"delete_version_after": "1m"})));
    let written = mount.write("data/a", json!({"data": {}})).unwrap().data;
    assert_eq!(written["deletion_time"], "");
}
