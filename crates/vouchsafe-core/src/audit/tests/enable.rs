//! Devices come and go: over the API, in the store, on other nodes.

use std::fs;
use std::path::Path;

use vouchsafe_logical::Error;

use super::*;
use crate::audit::NewDevice;
use crate::audit::enable::DEVICES_MAX;
use crate::audit::header::HeaderRule;

pub(super) fn file_device(name: &str, path: &Path, options: &[(&str, &str)]) -> NewDevice {
    let mut all: BTreeMap<String, String> = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    all.insert("file_path".to_owned(), path.display().to_string());
    new_device(name, "file", all)
}

fn new_device(path: &str, kind: &str, options: BTreeMap<String, String>) -> NewDevice {
    NewDevice {
        path: path.to_owned(),
        kind: kind.to_owned(),
        description: "for tests".to_owned(),
        options,
        local: false,
    }
}

fn discard(path: &str) -> NewDevice {
    file_device(path, Path::new("discard"), &[])
}

async fn say(broker: &Broker, id: &str) -> Result<(), Error> {
    let request = request(id, Operation::Read, "kv/a", Data::new());
    broker.record_request(&record(&request)).await
}

fn log_of(path: &Path) -> Vec<Map<String, Value>> {
    entries(&fs::read_to_string(path).expect("a log"))
}

#[tokio::test]
async fn a_device_begins_with_a_test_entry_unless_told_not_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tested, untested) = (folder.path().join("tested"), folder.path().join("untested"));
    let broker = broker().await;
    broker
        .enable(file_device("a", &tested, &[]))
        .await
        .expect("a new file");
    let skip = [("skip_test", "true")];
    broker
        .enable(file_device("b", &untested, &skip))
        .await
        .expect("a new file");
    let log = log_of(&tested);
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["type"], "request");
    assert_eq!(log[0]["request"]["path"], "sys/audit/test");
    assert_eq!(log[0]["request"]["operation"], "update");
    assert_eq!(fs::read(&untested).expect("made"), b"");
}

#[tokio::test]
async fn what_can_not_be_opened_is_not_enabled() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("foreign");
    fs::write(&foreign, "#!/bin/sh\n").expect("a file");
    let broker = broker().await;
    for (path, expected) in [
        (foreign.as_path(), "not an audit log"),
        (folder.path(), "directory"),
        (&foreign.join("below"), "os error"),
    ] {
        let error = broker
            .enable(file_device("f", path, &[]))
            .await
            .expect_err("refused");
        let text = error.to_string();
        let place = path.display();
        let beginning = format!("sanity check failed; unable to open \"{place}\" for writing: ");
        assert!(
            text.starts_with(&beginning) && text.contains(expected),
            "{text}"
        );
        assert_eq!(error.reason(), "audit_file_refused");
    }
    let error = broker
        .enable(new_device("f", "zz", BTreeMap::new()))
        .await
        .expect_err("no type");
    assert_eq!(error.to_string(), "unknown backend type: \"zz\"");
    assert!(broker.devices().is_empty());
    say(&broker, "1")
        .await
        .expect("no device, nothing that could fail");
}

#[tokio::test]
async fn a_path_is_taken_once() {
    let broker = broker().await;
    broker.enable(discard("file")).await.expect("free");
    for taken in ["file", "file/", "/file", "file/below"] {
        let error = broker.enable(discard(taken)).await.expect_err("taken");
        assert_eq!(error.to_string(), "path already in use", "{taken}");
    }
    broker.enable(discard("file2")).await.expect("another one");
    for bad in ["", "/", "a//b", "a/../b"] {
        broker.enable(discard(bad)).await.expect_err("no path");
    }
    broker.disable("nothing").await.expect("absent is fine");
    broker.disable("file/").await.expect("there");
    broker.enable(discard("file")).await.expect("free again");
}

#[tokio::test]
async fn limits_at_and_past() {
    let broker = broker().await;
    for number in 0..DEVICES_MAX {
        broker
            .enable(discard(&number.to_string()))
            .await
            .expect("has room");
    }
    broker
        .enable(discard("more"))
        .await
        .expect_err("one too many");
    assert_eq!(broker.devices().len(), DEVICES_MAX);
}

#[tokio::test]
async fn other_nodes_follow() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.log");
    let store = store();
    let one = Broker::open(&store, &ports()).await.expect("opens");
    let other = Broker::open(&store, &ports()).await.expect("opens");
    let skip = [("skip_test", "true")];
    one.enable(file_device("file", &path, &skip))
        .await
        .expect("a new file");
    one.show_header("X-Trace", HeaderRule { hmac: false })
        .await
        .expect("a header");

    other
        .invalidate(&["core/mounts".to_owned(), "core/auditor".to_owned()])
        .await;
    assert!(other.devices().is_empty(), "these keys are not ours");
    other.invalidate(&["core/audit".to_owned()]).await;
    assert_eq!(other.hash("file", "x").ok(), one.hash("file", "x").ok());
    assert_eq!(other.headers(), one.headers());
    say(&other, "other").await.expect("it writes");
    say(&one, "one").await.expect("it writes");
    assert_eq!(log_of(&path).len(), 2);

    // Another device of the same path is another device.
    one.disable("file").await.expect("there");
    one.enable(discard("file")).await.expect("no file at all");
    other.invalidate(&["core/audit".to_owned()]).await;
    assert_eq!(other.hash("file", "x").ok(), one.hash("file", "x").ok());
    say(&other, "nowhere").await.expect("it writes");
    assert_eq!(log_of(&path).len(), 2);

    one.disable("file").await.expect("there");
    other.invalidate(&["core/audit".to_owned()]).await;
    assert!(other.devices().is_empty());

    one.hide_header("x-trace").await.expect("there");
    other.invalidate(&["core/audit-headers".to_owned()]).await;
    assert_eq!(other.headers(), Headers::default());
}

#[tokio::test]
async fn a_restart_keeps_devices_and_their_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.log");
    let store = store();
    let before = Broker::open(&store, &ports()).await.expect("opens");
    before
        .enable(file_device("file", &path, &[]))
        .await
        .expect("a new file");
    before
        .enable(discard("other"))
        .await
        .expect("no file at all");
    let hash = before.hash("file", "x").expect("a device");
    assert_ne!(
        hash,
        before.hash("other", "x").expect("a device"),
        "keys are not shared"
    );
    drop(before);
    let after = Broker::open(&store, &ports()).await.expect("opens");
    assert_eq!(after.hash("file/", "x").expect("a device"), hash);
    say(&after, "after").await.expect("it writes");
    assert_eq!(log_of(&path).len(), 2);
    let error = after.hash("f", "x").expect_err("no such device");
    assert_eq!(error.to_string(), "unknown audit backend \"f/\"");
}

#[tokio::test]
async fn a_server_starts_without_its_log_and_waits_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logs/audit.log");
    let store = store();
    let before = Broker::open(&store, &ports()).await.expect("opens");
    before
        .enable(file_device("file", &path, &[]))
        .await
        .expect("a new file");
    drop(before);
    fs::remove_dir_all(folder.path().join("logs")).expect("there");
    fs::write(folder.path().join("logs"), "in the way").expect("a file");
    let after = Broker::open(&store, &ports())
        .await
        .expect("a server starts");
    let error = say(&after, "1").await.expect_err("nobody can write");
    assert_eq!(error.reason(), "audit_failed");
    fs::remove_file(folder.path().join("logs")).expect("there");
    say(&after, "2").await.expect("it writes again");
    assert_eq!(log_of(&path).len(), 1);
}

#[tokio::test]
async fn a_log_that_was_moved_is_left_after_reopen() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, moved) = (
        folder.path().join("audit.log"),
        folder.path().join("audit.log.1"),
    );
    let broker = broker().await;
    let skip = [("skip_test", "true")];
    broker
        .enable(file_device("file", &path, &skip))
        .await
        .expect("a new file");
    say(&broker, "1").await.expect("written");
    fs::rename(&path, &moved).expect("moved");
    say(&broker, "2").await.expect("written to the moved file");
    broker.reopen();
    say(&broker, "3").await.expect("written to the new file");
    assert_eq!(log_of(&moved).len(), 2);
    assert_eq!(log_of(&path).len(), 1);
    fs::remove_file(&path).expect("there");
    say(&broker, "4")
        .await
        .expect("a deleted file is made anew");
    assert_eq!(log_of(&path).len(), 1);
}

#[tokio::test]
async fn two_nodes_can_not_both_take_a_path() {
    let store = store();
    let one = Broker::open(&store, &ports()).await.expect("opens");
    let other = Broker::open(&store, &ports()).await.expect("opens");
    let outcomes = tokio::join!(one.enable(discard("file")), other.enable(discard("file")));
    let ((Ok(()), Err(error)) | (Err(error), Ok(()))) = outcomes else {
        panic!("{outcomes:?}");
    };
    assert_eq!(error.reason(), "audit_path_in_use");
    one.invalidate_all().await;
    assert_eq!(one.devices().len(), 1);
}

#[tokio::test]
async fn a_log_that_a_crash_tore_goes_on_with_a_line_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.log");
    let torn = r#"{"time":"2026-01-01T00:00:00.000000000Z","type":"request","auth":{"cl"#;
    fs::write(&path, torn).expect("a log");
    let broker = broker().await;
    broker
        .enable(file_device("file", &path, &[]))
        .await
        .expect("a log of ours");
    let log = fs::read_to_string(&path).expect("a log");
    let (first, rest) = log.split_once('\n').expect("lines");
    assert_eq!(first, torn);
    assert_eq!(entries(rest).len(), 1);
}
