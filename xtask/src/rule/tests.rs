//! Each rule against a planted violation and against its nearest innocent neighbour.

use std::collections::BTreeSet;

use super::{Fault, edge, module, package, page, size, text};
use crate::tidy;
use crate::tree::{Member, Tree, When};

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.add(path, text.as_bytes().to_vec());
    }
    tree
}

fn member(name: &str, dependencies: &[(&str, When)]) -> Member {
    let dependencies = dependencies
        .iter()
        .map(|(name, when)| ((*name).to_owned(), *when));
    Member {
        name: name.to_owned(),
        dependencies: dependencies.collect(),
        roots: Vec::new(),
    }
}

/// All members of the table, each using all that it may.
fn full_workspace() -> Vec<Member> {
    let rows = tidy::EDGES.iter().map(|row| {
        let shipped = row.may_use.iter().map(|name| (*name, When::Shipped));
        let tests = row.tests_may_use.iter().map(|name| (*name, When::Tests));
        member(row.package, &shipped.chain(tests).collect::<Vec<_>>())
    });
    rows.collect()
}

/// The faults' text, for a comparison that a reader can follow.
fn shown(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn the_table_of_edges_allows_exactly_itself() {
    assert_eq!(shown(&edge::check(tidy::EDGES, &full_workspace())), [""; 0]);
}

#[test]
fn every_edge_outside_the_table_is_found() {
    let mut planted = 0;
    for row in tidy::EDGES {
        for used in tidy::EDGES
            .iter()
            .map(|row| row.package)
            .filter(|used| *used != row.package)
        {
            for when in [When::Shipped, When::Tests] {
                let mut members = full_workspace();
                let user = members
                    .iter_mut()
                    .find(|member| member.name == row.package)
                    .unwrap();
                user.dependencies = vec![(used.to_owned(), when)];
                let allowed = row.may_use.contains(&used)
                    || (when == When::Tests && row.tests_may_use.contains(&used));
                let faults = edge::check(tidy::EDGES, &members);
                assert_eq!(
                    faults.len(),
                    usize::from(!allowed),
                    "{} {used} {when:?}",
                    row.package
                );
                planted += faults.len();
            }
        }
    }
    assert!(planted > 100, "only {planted} forbidden edges were tried");
}

#[test]
fn a_crate_without_a_row_is_found() {
    let mut members = full_workspace();
    members.push(member("vouchsafe-new", &[]));
    let faults = edge::check(tidy::EDGES, &members);
    assert_eq!(
        shown(&faults),
        ["vouchsafe-new: has no row in the table of allowed edges"]
    );
}

#[test]
fn a_test_edge_does_not_license_a_shipped_one() {
    let mut members = full_workspace();
    let server = members
        .iter_mut()
        .find(|member| member.name == "vouchsafe-server")
        .unwrap();
    server
        .dependencies
        .push(("vouchsafe-backends".to_owned(), When::Shipped));
    let faults = edge::check(tidy::EDGES, &members);
    assert_eq!(
        shown(&faults),
        ["vouchsafe-server: may not use `vouchsafe-backends` in shipped code"]
    );
}

#[test]
fn every_impure_and_every_banned_package_is_found() {
    let innocent: BTreeSet<String> = ["serde", "serde_json", "bytes"].map(str::to_owned).into();
    assert!(package::check_pure("vouchsafe-jose", tidy::IMPURE, &innocent).is_empty());
    assert!(package::check_banned(tidy::BANNED, &innocent).is_empty());
    for (name, reason) in tidy::IMPURE {
        let mut linked = innocent.clone();
        linked.insert((*name).to_owned());
        let faults = shown(&package::check_pure(
            "vouchsafe-jose",
            tidy::IMPURE,
            &linked,
        ));
        assert_eq!(
            faults,
            [format!(
                "vouchsafe-jose: is pure and may not link `{name}`: {reason}"
            )]
        );
    }
    for (name, _) in tidy::BANNED {
        let mut linked = innocent.clone();
        linked.insert((*name).to_owned());
        assert_eq!(
            package::check_banned(tidy::BANNED, &linked).len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn a_ban_that_deny_toml_does_not_share_is_found() {
    let banned = [("ring", "one provider"), ("rsa", "slow")];
    let check = |lines: &str| {
        let text = format!("skip = [\n]\ndeny = [\n{lines}\n]\n");
        package::check_agreement(&banned, &tree(&[("deny.toml", &text)])).len()
    };
    let ring = "    { crate = \"ring\", reason = \"one provider\" },\n";
    let rsa = "    { crate = \"rsa\", reason = \"slow\" },\n";
    let more = "    { crate = \"smol\", reason = \"slow\" },\n";
    assert_eq!(check(&format!("{ring}{rsa}")), 0);
    assert_eq!(check(ring), 1);
    assert_eq!(check(&format!("{ring}{rsa}{more}")), 1);
    assert_eq!(check(&format!("{ring}{}", rsa.replace("slow", "odd"))), 2);
}

#[test]
fn empty_names_of_crates_and_modules_are_found() {
    for word in tidy::EMPTY_NAMES {
        let members = [member(&format!("vouchsafe-{word}"), &[])];
        assert_eq!(
            package::check_names(tidy::EMPTY_NAMES, &members).len(),
            1,
            "{word}"
        );

        let source = format!("pub(crate) mod {word};\nmod inner {{ mod {word} {{}} }}\n");
        let file = format!("a/src/{word}.rs");
        let tree = tree(&[("a/src/lib.rs", &source), (&file, "")]);
        let faults = module::check(tidy::EMPTY_NAMES, &tree, &["a/src/lib.rs".into()]);
        assert_eq!(faults.len(), 2, "{word}: {faults:?}");
    }
    let members = [member("vouchsafe-commonality", &[])];
    assert!(package::check_names(tidy::EMPTY_NAMES, &members).is_empty());
}

#[test]
fn a_file_outside_the_module_graph_is_found() {
    let tree = tree(&[
        (
            "a/src/lib.rs",
            "mod one;\npub mod two { mod inner; }\n#[cfg(test)]\n#[path = \"odd.rs\"]\nmod moved;\n",
        ),
        ("a/src/one/mod.rs", "pub(crate) mod deep;"),
        ("a/src/one/deep.rs", "mod deeper;"),
        ("a/src/one/deep/deeper.rs", ""),
        ("a/src/two/inner.rs", ""),
        ("a/src/odd.rs", ""),
        ("a/src/moved.rs", "// shadowed by the path attribute"),
        ("a/src/orphan.rs", "mod one;"),
    ]);
    let faults = module::check(tidy::EMPTY_NAMES, &tree, &["a/src/lib.rs".into()]);
    assert_eq!(
        shown(&faults),
        [
            "a/src/moved.rs: is reached by no `mod` of any target",
            "a/src/orphan.rs: is reached by no `mod` of any target",
        ]
    );
}

#[test]
fn a_mod_in_a_comment_or_a_literal_reaches_nothing() {
    let sources = [
        "// mod ghost;",
        "/* mod ghost; /* mod ghost; */ mod ghost; */",
        "const A: &str = \"mod ghost; \\\" mod ghost;\";",
        "const A: &str = r#\"\" mod ghost; \"#;",
        "const A: &[u8] = br\"mod ghost;\";",
        "fn modest() {} // '\nfn ghost() {}",
    ];
    for source in sources {
        let tree = tree(&[("a/src/lib.rs", source), ("a/src/ghost.rs", "")]);
        let faults = module::check(tidy::EMPTY_NAMES, &tree, &["a/src/lib.rs".into()]);
        assert_eq!(faults.len(), 1, "{source}");
    }
    // The same marks before a real declaration do not hide it.
    for before in sources {
        let source =
            format!("{before}\nconst Q: char = '\"'; fn f<'a>(_: &'a str) {{}}\nmod ghost;");
        let tree = tree(&[("a/src/lib.rs", &source), ("a/src/ghost.rs", "")]);
        let faults = module::check(tidy::EMPTY_NAMES, &tree, &["a/src/lib.rs".into()]);
        assert_eq!(faults, [], "{before}");
    }
}

#[test]
fn a_module_beside_its_folder_is_found() {
    let check = |files: &[(&str, &str)]| shown(&module::check_folders(&tree(files)));
    let planted = check(&[("a/src/part.rs", ""), ("a/src/part/deep/leaf.rs", "")]);
    assert_eq!(
        planted,
        ["a/src/part.rs: belongs into its folder, as a/src/part/mod.rs"]
    );
    let innocent = [
        ("a/src/part/mod.rs", ""),
        ("a/src/part/leaf.rs", ""),
        ("a/src/partial.rs", ""),
    ];
    assert_eq!(check(&innocent), [""; 0]);
    let tests = [
        ("a/src/part.rs", ""),
        ("a/src/part/tests/mod.rs", ""),
        ("a/src/flat.rs", ""),
        ("a/src/flat/tests.rs", ""),
    ];
    assert_eq!(check(&tests), [""; 0]);
}

#[test]
fn a_file_that_does_not_say_what_it_is_for_is_found() {
    let planted = tree(&[
        ("a/src/lib.rs", "use std::fmt;\n//! Late.\n"),
        ("b/src/lib.rs", "//!\n"),
    ]);
    assert_eq!(text::check_openings(&planted).len(), 2);
    let innocent = tree(&[
        ("a/src/lib.rs", "//! What it is for.\n"),
        ("a.md", "Not Rust."),
    ]);
    assert_eq!(text::check_openings(&innocent), []);
}

#[test]
fn unfinished_work_is_found_in_rust_only() {
    for word in tidy::UNFINISHED {
        let line = format!("fn f() {{}}\n// {word} later");
        let planted = tree(&[("a/src/lib.rs", &line), ("notes.md", &line)]);
        let faults = text::check_unfinished(tidy::UNFINISHED, tidy::TEXT_EXEMPT, &planted);
        assert_eq!(faults.len(), 1, "{word}");
        assert_eq!(faults[0].place, "a/src/lib.rs:2", "{word}");
    }
    let innocent = tree(&[("a/src/lib.rs", "fn my_todo(TODOS: u8) {}")]);
    assert!(text::check_unfinished(tidy::UNFINISHED, &[], &innocent).is_empty());
}

#[test]
fn machine_paths_and_registry_hosts_are_found() {
    let check = |line: &str| {
        let tree = tree(&[("docs/page.md", line)]);
        text::check_places(
            tidy::MACHINE_PATHS,
            tidy::REGISTRY_HOSTS,
            tidy::TEXT_EXEMPT,
            &tree,
        )
        .len()
    };
    for path in tidy::MACHINE_PATHS {
        assert_eq!(check(&format!("see `{path}me`")), 1, "{path}");
        assert_eq!(check(&format!("{path}me")), 1, "{path}");
        assert_eq!(check(&format!("GET auth{path}me")), 0, "{path}");
    }
    for host in tidy::REGISTRY_HOSTS {
        assert_eq!(check(&format!("from https://{host}/x")), 1, "{host}");
        assert_eq!(check(&format!("index.{host}")), 1, "{host}");
        assert_eq!(check(&format!("not{host}")), 0, "{host}");
    }
    let host = tidy::REGISTRY_HOSTS[0];
    let files = tree(&[
        ("Cargo.lock", host),
        ("fuzz/Cargo.lock", host),
        ("NoCargo.lock", host),
    ]);
    let faults = text::check_places(&[], tidy::REGISTRY_HOSTS, tidy::TEXT_EXEMPT, &files);
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn a_blob_is_refused_one_byte_past_the_limit() {
    let mut tree = Tree::default();
    tree.add("at.bin", vec![0xff; 100]);
    tree.add("past.bin", vec![0xff; 101]);
    let faults = size::check_blobs(100, &tree);
    assert_eq!(shown(&faults), ["past.bin: has 101 bytes; at most 100"]);
}

#[test]
fn a_plug_in_without_a_page_is_found() {
    for (folder, pages) in tidy::PLUGINS {
        let file = format!("{folder}/thing/mod.rs");
        let siblings = format!("{folder}/mod.rs");
        let page = format!("{pages}/thing.md");
        let without = tree(&[(&file, ""), (&siblings, "")]);
        assert_eq!(page::check(tidy::PLUGINS, &without).len(), 1, "{folder}");
        let with = tree(&[(&file, ""), (&siblings, ""), (&page, "")]);
        assert_eq!(page::check(tidy::PLUGINS, &with), [], "{folder}");
    }
}

#[test]
fn a_metric_without_a_row_and_a_row_without_a_metric_are_found() {
    let code = "static A: Counter<0> = Counter::new(\n    \"vouchsafe_a_total\",\n    \"A.\", []);\n\
                static B: Gauge<1> = Gauge::new(\"vouchsafe_b\", \"B.\", [\"of\"]);";
    let check = |page: &str| {
        let files = tree(&[("crates/a/src/b.rs", code), (tidy::METRICS_PAGE, page)]);
        page::check_metrics(tidy::METRICS_PAGE, &files).len()
    };
    let rows = "| `vouchsafe_a_total` | counter |\n| `vouchsafe_b` | gauge |\n";
    assert_eq!(check(rows), 0);
    assert_eq!(check("| `vouchsafe_b` | gauge |\n"), 1);
    assert_eq!(check(&format!("{rows}| `vouchsafe_c` | gauge |\n")), 1);
    assert_eq!(check(""), 2);
}

#[test]
fn the_report_names_long_files_and_counts_by_crate() {
    let long = "x\n".repeat(11);
    let tree = tree(&[
        ("crates/a/src/lib.rs", &long),
        ("crates/a/src/b.rs", "x\n"),
        ("x.md", &long),
    ]);
    let report = size::report(10, &tree);
    assert!(
        report.contains("look again: crates/a/src/lib.rs, 11 lines"),
        "{report}"
    );
    assert_eq!(report.matches("look again").count(), 1, "{report}");
    assert!(report.contains("2 files      12 lines"), "{report}");
}
