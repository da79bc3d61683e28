//! `delete`, `undelete` and `destroy`, row by row of vault-core.md §14.

use super::*;

/// A key `a` with three versions.
fn three_versions() -> Mount {
    let mount = Mount::versioned();
    for number in 1..=3 {
        mount.put("a", json!({ "i": number }));
    }
    mount
}

/// Which versions can be read.
fn readable(mount: &Mount) -> Vec<u64> {
    (1..=3)
        .filter(|number| {
            let read = mount.read_with("data/a", json!({ "version": number }));
            !read.unwrap().not_found
        })
        .collect()
}

#[test]
fn versions_are_deleted_and_undeleted_by_number() {
    let mount = three_versions();
    done(mount.write("delete/a", json!({"versions": [1, "2"]})));
    assert_eq!(readable(&mount), [3]);
    done(mount.write("undelete/a", json!({"versions": ["1"]})));
    assert_eq!(readable(&mount), [1, 3]);
    done(mount.write("delete/a", json!({"versions": "1,3"})));
    assert_eq!(readable(&mount), [] as [u64; 0]);
    done(mount.write("undelete/a", json!({"versions": "1, 2,3"})));
    assert_eq!(readable(&mount), [1, 2, 3]);
    assert_eq!(mount.latest("a"), json!({"i": 3}));
}

#[test]
fn a_destroyed_version_is_gone_for_good() {
    let mount = three_versions();
    done(mount.write("destroy/a", json!({"versions": [2, 99]})));
    assert!(!mount.keys().contains(&"version/2/a".to_owned()));
    done(mount.write("undelete/a", json!({"versions": [2]})));
    let read = mount.read_with("data/a", json!({"version": 2})).unwrap();
    assert!(read.not_found);
    assert_eq!(read.data["data"], Value::Null);
    assert_eq!(read.data["metadata"]["destroyed"], true);
    assert_eq!(read.data["metadata"]["deletion_time"], "");
    assert_eq!(readable(&mount), [1, 3]);
    assert_eq!(mount.kept("a"), [1, 2, 3]);
}

#[test]
fn numbers_that_there_are_not_change_nothing() {
    let mount = three_versions();
    for path in ["delete/a", "undelete/a", "destroy/a"] {
        done(mount.write(path, json!({"versions": [0, -1, 4, 99]})));
    }
    assert_eq!(readable(&mount), [1, 2, 3]);
    for path in ["delete/none", "undelete/none", "destroy/none"] {
        done(mount.write(path, json!({"versions": [1]})));
    }
    absent(mount.read("metadata/none"));
}

#[test]
fn a_number_must_be_given_and_be_one() {
    let mount = three_versions();
    for path in ["delete/a", "undelete/a", "destroy/a"] {
        refused(mount.write(path, json!({})), "No version number provided");
        let none = json!({"versions": []});
        refused(mount.write(path, none), "No version number provided");
        refused(
            mount.write(path, json!({"versions": ["zz"]})),
            "Field validation failed: error converting input for field \"versions\": expected a \
             whole number of 64 bits",
        );
    }
    assert_eq!(readable(&mount), [1, 2, 3]);
}

#[test]
fn undelete_also_lifts_a_deletion_that_lies_ahead() {
    let mount = Mount::versioned();
    done(mount.write("metadata/a", json!({"delete_version_after": "1h"})));
    mount.put("a", json!({"k": "v"}));
    done(mount.write("undelete/a", json!({"versions": [1]})));
    mount.system.clock.advance(Duration::from_secs(7_200));
    assert_eq!(mount.latest("a"), json!({"k": "v"}));
}
