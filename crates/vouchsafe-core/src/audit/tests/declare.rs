//! Devices that the configuration declares.

use std::fs;

use super::*;
use crate::audit::DeclaredDevice;

fn declared(path: &str, options: &[(&str, &str)]) -> DeclaredDevice {
    DeclaredDevice {
        path: path.to_owned(),
        kind: "file".to_owned(),
        description: "declared".to_owned(),
        options: options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        local: false,
    }
}

#[tokio::test]
async fn a_missing_one_is_made_and_a_present_one_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log").display().to_string();
    let device = declared("log", &[("file_path", &log)]);
    let broker = broker().await;
    for _ in 0..2 {
        broker
            .declare(std::slice::from_ref(&device))
            .await
            .expect("made, or as declared");
        let devices = broker.devices();
        assert_eq!(devices.len(), 1);
        assert_eq!(
            (devices[0].path.as_str(), devices[0].description.as_str()),
            ("log/", "declared")
        );
    }
    let lines = fs::read_to_string(&log).expect("a log").lines().count();
    assert_eq!(lines, 1, "one test entry, from when it was made");
}

#[tokio::test]
async fn a_contradiction_is_named() {
    let broker = broker().await;
    let device = declared("log", &[("file_path", "discard")]);
    broker
        .declare(std::slice::from_ref(&device))
        .await
        .expect("made");
    let differing = [
        (
            DeclaredDevice {
                description: "other".to_owned(),
                ..device.clone()
            },
            "its description is `declared` where the configuration says `other`",
        ),
        (
            DeclaredDevice {
                local: true,
                ..device.clone()
            },
            "its `local` is `false` where the configuration says `true`",
        ),
        (
            DeclaredDevice {
                kind: "stdout".to_owned(),
                options: BTreeMap::new(),
                ..device.clone()
            },
            "its type is `file` where the configuration says `stdout`",
        ),
        (
            declared("log/", &[("file_path", "discard"), ("log_raw", "true")]),
            "its option `log_raw` is `not set` where the configuration says `true`",
        ),
        (
            declared("log", &[("file_path", "stdout")]),
            "its option `file_path` is `discard` where the configuration says `stdout`",
        ),
    ];
    for (other, expected) in differing {
        let error = broker.declare(&[other]).await.expect_err(expected);
        assert_eq!(error.reason(), "audit_declaration_differs");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(broker.devices()[0].description, "declared");
    }
}

#[tokio::test]
async fn one_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().display().to_string();
    let error = broker()
        .await
        .declare(&[declared("log", &[("file_path", &place)])])
        .await
        .expect_err("a folder is no file");
    assert!(
        error
            .to_string()
            .starts_with("audit device `log/` of the configuration: sanity check failed"),
        "{error}"
    );
}

#[test]
fn a_declaration_is_checked_without_opening_anything() {
    declared("log", &[("file_path", "/nowhere/at/all")])
        .check()
        .expect("can be understood");
    for (path, options) in [
        ("", &[("file_path", "/a")][..]),
        ("log", &[][..]),
        ("log", &[("file_path", "/a"), ("log_row", "true")][..]),
    ] {
        declared(path, options)
            .check()
            .expect_err("can't be understood");
    }
}
