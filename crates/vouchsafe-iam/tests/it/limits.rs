//! Each limit, at it and one past it.

use vouchsafe_iam::limits::{ENTRIES_MAX, FAULTS_SHOWN_MAX, IAM_FILE_BYTES_MAX, NAME_BYTES_MAX};

use crate::fixtures::{faults, parse};

const EMPTY: &str = "[users]\n[roles]\n[policies]\n";

#[test]
fn a_file_has_a_largest_size() {
    let padded = |bytes: usize| format!("{EMPTY}#{}", "x".repeat(bytes - EMPTY.len() - 1));
    parse(&padded(IAM_FILE_BYTES_MAX));
    let faults = faults(&padded(IAM_FILE_BYTES_MAX + 1));
    assert!(faults.to_string().contains("512001 bytes"), "{faults}");
}

#[test]
fn a_name_has_a_longest_length_and_characters_that_show() {
    let named = |name: &str| format!("[users]\n[policies]\n[roles.\"{name}\"]\n");
    parse(&named(&"n".repeat(NAME_BYTES_MAX)));
    parse(&named("Rôle mit Leerzeichen"));
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    for bad in [long.as_str(), "", "a/b", "a\\u0000", "a\\u200b", "a\\nb"] {
        let faults = faults(&named(bad));
        assert!(
            faults.to_string().contains("a name has 1 to 128 bytes"),
            "{faults}"
        );
    }
}

#[test]
fn a_table_and_a_list_have_a_most_of_entries() {
    let table = |count: usize| {
        let roles: String = (0..count).map(|n| format!("[roles.r{n}]\n")).collect();
        format!("[users]\n[policies]\n[roles]\n{roles}")
    };
    parse(&table(ENTRIES_MAX));
    let message = faults(&table(ENTRIES_MAX + 1)).to_string();
    assert!(message.contains("4097 entries; at most 4096"), "{message}");
    let list = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"p{n}\"")).collect();
        format!(
            "[users]\n[policies]\n[roles.r]\nacl_policies = [{}]\n",
            names.join(",")
        )
    };
    parse(&list(ENTRIES_MAX));
    let message = faults(&list(ENTRIES_MAX + 1)).to_string();
    assert!(message.contains("4097 elements; at most 4096"), "{message}");
}

#[test]
fn as_many_faults_as_the_limit_are_shown_and_the_rest_is_counted() {
    let users = |count: usize| {
        let users: String = (0..count)
            .map(|n| format!("[users.u{n}]\nrole = 'x'\n"))
            .collect();
        format!("[roles]\n[policies]\n{users}")
    };
    let all = faults(&users(FAULTS_SHOWN_MAX));
    assert_eq!((all.found().len(), all.more()), (FAULTS_SHOWN_MAX, 0));
    let more = faults(&users(FAULTS_SHOWN_MAX + 1));
    assert_eq!((more.found().len(), more.more()), (FAULTS_SHOWN_MAX, 1));
    assert!(more.to_string().ends_with("and 1 more"));
}

#[test]
fn nesting_costs_no_stack() {
    let deep = format!(
        "{EMPTY}a = {}1{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    faults(&deep);
    let tables = format!("[{}]\n", vec!["a"; 100_000].join("."));
    faults(&tables);
}
