//! Version 1, row by row of vault-core.md §14.

use super::*;

#[test]
fn a_secret_is_stored_as_it_is() {
    let mount = Mount::unversioned();
    let secret = json!({"z": "v", "n": 1, "f": 1.5, "path": "mine", "o": {"l": [1, null, true]}});
    done(mount.write("a", secret.clone()));
    let answer = mount.read("a").unwrap();
    assert_eq!(answer.data, secret);
    let names: Vec<&String> = answer.data.as_object().unwrap().keys().collect();
    assert_eq!(names, ["z", "n", "f", "path", "o"]);
    done(mount.write("a", json!({"only": "this"})));
    assert_eq!(mount.read("a").unwrap().data, json!({"only": "this"}));
    done(mount.delete("a"));
    absent(mount.read("a"));
    done(mount.delete("a"));
    assert_eq!(mount.keys(), [] as [&str; 0]);
}

#[test]
fn an_empty_write_is_refused() {
    let mount = Mount::unversioned();
    refused(mount.write("a", Value::Null), "missing data fields");
    refused(mount.write("a", json!({})), "missing data fields");
    absent(mount.read("a"));
}

#[test]
fn the_lease_duration_is_what_the_secret_claims_or_the_mounts_default() {
    let mount = Mount::unversioned();
    let check = |secret: Value, expected: u64| {
        done(mount.write("a", secret.clone()));
        let answer = mount.read("a").unwrap();
        assert_eq!(answer.lease_seconds, expected, "{secret}");
    };
    check(json!({"k": "v"}), 2_764_800);
    check(json!({"ttl": "1h"}), 3_600);
    check(json!({"ttl": 30}), 30);
    check(json!({"ttl": "30"}), 30);
    check(json!({"ttl": 0}), 0);
    check(json!({"lease": "10m"}), 600);
    check(json!({"lease": "10m", "ttl": "5m"}), 300);
    check(json!({"lease": "10m", "ttl": "zz"}), 2_764_800);
    check(json!({"ttl": "zz"}), 2_764_800);
    check(json!({"ttl": -1}), 2_764_800);
    check(json!({"ttl": ["1h"]}), 2_764_800);
}

#[test]
fn folders_are_listed_one_level_at_a_time() {
    let mount = Mount::unversioned();
    absent(mount.send(Operation::List, "", Value::Null));
    for path in ["a", "f", "f/b", "f/c/d", "g-1", "g/x"] {
        done(mount.write(path, json!({"k": "v"})));
    }
    assert_eq!(mount.names(""), json!(["a", "f", "f/", "g-1", "g/"]));
    assert_eq!(mount.names("f/"), json!(["b", "c/"]));
    assert_eq!(mount.names("f"), json!(["b", "c/"]));
    absent(mount.send(Operation::List, "a/", Value::Null));
    absent(mount.send(Operation::List, "nope/", Value::Null));
    done(mount.delete("f"));
    assert_eq!(mount.read("f/b").unwrap().data, json!({"k": "v"}));
    absent(mount.read("f"));
}

#[test]
fn a_listing_goes_page_by_page() {
    let mount = Mount::unversioned();
    for path in ["a", "b", "c/x", "d"] {
        done(mount.write(path, json!({"k": "v"})));
    }
    let page = |query| mount.send(Operation::List, "", query).unwrap().data["keys"].take();
    assert_eq!(page(json!({"limit": "2"})), json!(["a", "b"]));
    assert_eq!(page(json!({"after": "b", "limit": 1})), json!(["c/"]));
    assert_eq!(page(json!({"after": "b"})), json!(["c/", "d"]));
    assert_eq!(page(json!({"limit": 0})), json!(["a", "b", "c/", "d"]));
    assert_eq!(page(json!({"limit": -1})), json!(["a", "b", "c/", "d"]));
    absent(mount.send(Operation::List, "", json!({"after": "d"})));
}

#[test]
fn create_is_told_from_update() {
    let mount = Mount::unversioned();
    assert_eq!(mount.exists("a"), Some(false));
    done(mount.write("a", json!({"k": "v"})));
    assert_eq!(mount.exists("a"), Some(true));
    done(mount.delete("a"));
    assert_eq!(mount.exists("a"), Some(false));
}

#[test]
fn a_folder_is_no_secret() {
    let mount = Mount::unversioned();
    done(mount.write("f/b", json!({"k": "v"})));
    absent(mount.read("f/"));
    absent(mount.read("f"));
    absent(mount.read(""));
    unsupported(mount.patch("f/b", json!({"k": "w"})));
}
