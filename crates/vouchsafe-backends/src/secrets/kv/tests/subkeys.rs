//! `subkeys/<path>`, row by row of vault-core.md §14.

use super::*;

fn subkeys(mount: &Mount, query: Value) -> Value {
    let mut answer = mount.read_with("subkeys/a", query).unwrap();
    answer.data["subkeys"].take()
}

#[test]
fn names_are_shown_without_values_down_to_a_depth() {
    let mount = Mount::versioned();
    let secret = json!({"a": 1, "b": {"c": {"d": {"e": 1}}, "n": null}, "l": [{"x": 1}], "e": {}});
    mount.put("a", secret);
    let all = json!({"a": null, "b": {"c": {"d": {"e": null}}, "n": null}, "l": null, "e": null});
    assert_eq!(subkeys(&mount, json!({})), all);
    assert_eq!(subkeys(&mount, json!({"depth": "0"})), all);
    assert_eq!(subkeys(&mount, json!({"depth": "9"})), all);
    assert_eq!(
        subkeys(&mount, json!({"depth": "1"})),
        json!({"a": null, "b": null, "l": null, "e": null})
    );
    assert_eq!(
        subkeys(&mount, json!({"depth": "2"})),
        json!({"a": null, "b": {"c": null, "n": null}, "l": null, "e": null})
    );
    refused(
        mount.read_with("subkeys/a", json!({"depth": "-1"})),
        "depth is -1; expected 0 (for all levels) or more",
    );
    let metadata = &mount.read("subkeys/a").unwrap().data["metadata"];
    assert_eq!(metadata["version"], 1);
}

#[test]
fn versions_are_found_as_by_a_read() {
    let mount = Mount::versioned();
    absent(mount.read("subkeys/a"));
    mount.put("a", json!({"first": 1}));
    mount.put("a", json!({"second": 1}));
    assert_eq!(
        subkeys(&mount, json!({"version": 1})),
        json!({"first": null})
    );
    absent(mount.read_with("subkeys/a", json!({"version": 9})));
    done(mount.delete("data/a"));
    let answer = mount.read("subkeys/a").unwrap();
    assert!(answer.not_found);
    assert_eq!(answer.data["subkeys"], Value::Null);
    assert_eq!(answer.data["metadata"]["version"], 2);
}
