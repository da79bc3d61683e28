//! What a path may lead to, with real files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// The first line that the server would write.
const ENTRY: &str = "{\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"request\"}\n";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn log(path: &Path) -> LogFile {
    LogFile::new(path.to_owned(), Some(FILE_MODE))
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").mode() & 0o7777
}

#[track_caller]
fn refused(path: &Path, expected: &str) {
    let error = log(path).reopen().expect_err("this path is refused");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_new_file_is_only_for_its_owner_and_so_are_its_new_folders() {
    let folder = folder();
    let path = folder.path().join("a/b/audit.log");
    let mut log = log(&path);
    assert_eq!(log.reopen().expect("a new file"), Tail::Whole);
    log.write(ENTRY.as_bytes()).expect("room for a line");
    assert_eq!(mode_of(&path), 0o600);
    assert_eq!(mode_of(&folder.path().join("a/b")), 0o700);
    assert_eq!(fs::read_to_string(&path).expect("written"), ENTRY);
}

#[test]
fn rights_follow_the_option_unless_it_leaves_them() {
    let folder = folder();
    let path = folder.path().join("audit.log");
    fs::write(&path, ENTRY).expect("a log");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours");
    LogFile::new(path.clone(), None)
        .reopen()
        .expect("an audit log");
    assert_eq!(mode_of(&path), 0o644);
    LogFile::new(path.clone(), Some(0o640))
        .reopen()
        .expect("an audit log");
    assert_eq!(mode_of(&path), 0o640);
    log(&path).reopen().expect("an audit log");
    assert_eq!(mode_of(&path), 0o600);
}

#[test]
fn what_is_not_our_log_is_refused_and_stays_as_it_is() {
    let folder = folder();
    let path = folder.path().join("authorized_keys");
    let foreign: &[&[u8]] = &[
        b"ssh-ed25519 AAAA\n",
        b"\n",
        b"\0",
        b"{\"time\":\"yesterday\",\"type\":\"request\"}\n",
        b"{\"type\":\"request\",\"time\":\"2026-01-01T00:00:00.000000000Z\"}\n",
        b"{\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"else\"}\n",
        b" {\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"request\"}\n",
    ];
    for content in foreign {
        fs::write(&path, content).expect("somebody's file");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours");
        refused(&path, "not an audit log");
        assert_eq!(fs::read(&path).expect("still there"), *content);
        assert_eq!(mode_of(&path), 0o644, "rights of a foreign file");
    }
}

#[test]
fn links_are_not_followed() {
    let folder = folder();
    let target = folder.path().join("target.log");
    let path = folder.path().join("audit.log");
    fs::write(&target, ENTRY).expect("a log");
    symlink(&target, &path).expect("a link");
    refused(&path, "symbolic link");
    fs::remove_file(&target).expect("there");
    refused(&path, "symbolic link");
    assert!(
        !target.exists(),
        "a file was made at the end of a dangling link"
    );
}

#[test]
fn only_regular_files_are_logs() {
    let folder = folder();
    refused(folder.path(), "directory");
    refused(Path::new("/dev/null"), "a device");
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    refused(&pipe, "a named pipe");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    refused(&file.join("audit.log"), "");
}

/// They say that they are regular files without content, and are neither.
#[test]
fn files_of_the_kernel_are_no_logs() {
    for path in [
        "/proc/self/mem",
        "/proc/self/comm",
        "/proc/self/oom_score_adj",
    ] {
        let mut log = LogFile::new(path.into(), None);
        assert!(log.reopen().is_err(), "{path}");
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    let folder = folder();
    let path = folder.path().join("audit.log");
    fs::write(&path, ENTRY).expect("a log");
    let mut log = log(&path);
    log.owner += 1;
    let error = log.reopen().expect_err("not the server's");
    assert!(error.to_string().contains("another user"), "{error}");
}

#[test]
fn our_logs_are_known_again_even_torn_ones() {
    let folder = folder();
    let path = folder.path().join("audit.log");
    for cut in 1..=ENTRY.len() {
        fs::write(&path, &ENTRY[..cut]).expect("a log");
        let expected = if cut == ENTRY.len() {
            Tail::Whole
        } else {
            Tail::Torn
        };
        assert_eq!(
            log(&path).reopen().expect("an audit log"),
            expected,
            "cut at {cut}"
        );
    }
    fs::write(&path, format!("{}\n{ENTRY}", &ENTRY[..20])).expect("a log");
    assert_eq!(
        log(&path).reopen().expect("its first line was torn"),
        Tail::Whole
    );
}

#[test]
fn a_deleted_file_is_stale() {
    let folder = folder();
    let path = folder.path().join("audit.log");
    let mut log = log(&path);
    log.reopen().expect("a new file");
    assert!(!log.is_stale());
    fs::remove_file(&path).expect("there");
    assert!(log.is_stale());
    log.reopen().expect("a new file");
    assert!(path.exists());
}
