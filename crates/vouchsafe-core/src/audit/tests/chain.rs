//! Files whose entries are chained, over restarts, rotation, torn lines and many requests at once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vouchsafe_logical::Error;

use super::enable::file_device;
use super::*;
use crate::audit::Head;
use crate::audit::chain::Link;
use crate::audit::file::LogFile;
use crate::audit::verify::{Fault, Place, Verdict, Verifier};
use crate::audit::writer::Writer;

/// An entry as the device is given it, of about so many bytes.
pub(super) fn entry(id: u64, bytes: usize) -> String {
    let text = "x{\\\"".repeat(bytes / 4);
    format!(
        "{{\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"request\",\
         \"request\":{{\"id\":\"{id}\",\"data\":[\"{text}\"]}}}}\n"
    )
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A device's writer over a file, as after a start of the server.
    fn writer(&self, name: &str) -> Writer {
        Writer::new(Box::new(LogFile::new(self.path(name), None)))
    }
}

#[track_caller]
fn write(writer: &mut Writer, ids: std::ops::Range<u64>) {
    let lines: Vec<String> = ids.map(|id| entry(id, 40)).collect();
    let appended = writer.append(lines.iter().map(String::as_bytes));
    assert!(appended.failure.is_none(), "{appended:?}");
    assert_eq!(appended.whole, lines.len());
}

/// The text of a log of so many entries.
pub(super) fn log(entries: u64) -> String {
    let folder = Folder::new();
    write(&mut folder.writer("audit.log"), 0..entries);
    fs::read_to_string(folder.path("audit.log")).expect("a log")
}

pub(super) fn verify_texts(texts: &[&[u8]], expected: Option<Head>) -> Verdict {
    let mut verifier = Verifier::expecting(expected);
    for text in texts {
        verifier.check(&mut &**text).expect("bytes in memory");
    }
    verifier.finish()
}

fn verify_files(paths: &[PathBuf]) -> Verdict {
    let texts: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| fs::read(path).expect("a log"))
        .collect();
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    verify_texts(&texts, None)
}

#[track_caller]
pub(super) fn is_whole(verdict: &Verdict, entries: u64) {
    assert_eq!(verdict.faults, [], "{verdict:?}");
    assert_eq!(verdict.faults_total, 0);
    assert_eq!(verdict.entries, entries);
}

#[test]
fn entries_are_counted_and_hashed() {
    let log = log(2);
    let lines: Vec<&str> = log.lines().collect();
    let chain = |line: &str| entries(&format!("{line}\n"))[0]["chain"].clone();
    let zeros = "0".repeat(64);
    assert_eq!(
        chain(lines[0]),
        serde_json::json!({ "number": 1, "previous": zeros })
    );
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, lines[0].as_bytes());
    let previous = hex::encode(digest);
    assert_eq!(
        chain(lines[1]),
        serde_json::json!({ "number": 2, "previous": previous })
    );
    let without_chain = entry(0, 40);
    let beginning = without_chain.strip_suffix("}\n").expect("an object");
    assert!(
        lines[0].starts_with(beginning),
        "nothing else of the entry is touched"
    );
}

#[test]
fn only_files_are_chained() {
    let disk = Disk::default();
    let line = entry(0, 40);
    Writer::new(Box::new(disk.sink())).append([line.as_bytes()].into_iter());
    assert_eq!(disk.text(), line);
}

#[test]
fn a_link_is_written_in_one_way() {
    let zeros = "0".repeat(64);
    let link = |number: &str, previous: &str| {
        let line =
            format!("{{\"a\":1,\"chain\":{{\"number\":{number},\"previous\":\"{previous}\"}}}}");
        Link::at_end_of(line.as_bytes()).map(|link| link.number)
    };
    assert_eq!(link("1", &zeros), Some(1));
    assert_eq!(
        link("9007199254740991", &"af".repeat(32)),
        Some(9_007_199_254_740_991)
    );
    for number in ["9007199254740992", "0", "01", "+1", "-1", "1.0", "", "1 "] {
        assert_eq!(link(number, &zeros), None, "{number:?}");
    }
    for previous in [
        "",
        "00",
        &"AF".repeat(32),
        &"0".repeat(63),
        &"0".repeat(66),
        &"é".repeat(32),
    ] {
        assert_eq!(link("1", previous), None, "{previous:?}");
    }
    assert_eq!(Link::at_end_of(b""), None);
}

#[test]
fn a_restart_goes_on_with_the_chain() {
    let folder = Folder::new();
    for start in 0..4 {
        write(&mut folder.writer("audit.log"), start * 3..start * 3 + 3);
    }
    let verdict = verify_files(&[folder.path("audit.log")]);
    is_whole(&verdict, 12);
    assert_eq!(
        (verdict.first, verdict.last.map(|last| last.number)),
        (Some(1), Some(12))
    );
}

#[test]
fn the_last_entry_is_found_however_long_it_is() {
    // Around the first window that is searched, and beyond the second.
    for bytes in (65_400..65_700).step_by(20).chain([5 << 20]) {
        let folder = Folder::new();
        let long = entry(1, bytes);
        folder
            .writer("audit.log")
            .append([entry(0, 40).as_bytes(), long.as_bytes()].into_iter());
        write(&mut folder.writer("audit.log"), 2..3);
        is_whole(&verify_files(&[folder.path("audit.log")]), 3);
    }
}

#[test]
fn a_rotated_file_begins_where_the_former_ended() {
    let folder = Folder::new();
    let paths = [folder.path("audit.log.1"), folder.path("audit.log")];
    let mut writer = folder.writer("audit.log");
    write(&mut writer, 0..3);
    fs::rename(&paths[1], &paths[0]).expect("moved");
    write(&mut writer, 3..5);
    writer.reopen().expect("a new file");
    write(&mut writer, 5..7);
    is_whole(&verify_files(&paths), 7);
    let second = verify_files(&paths[1..]);
    is_whole(&second, 2);
    assert_eq!(second.first, Some(6));

    // Entries between the two files, and the order of the files.
    let first = fs::read_to_string(&paths[0]).expect("a log");
    let shorter: String = first.split_inclusive('\n').take(3).collect();
    fs::write(&paths[0], shorter).expect("a log");
    let place = Place { file: 1, line: 1 };
    let removed = Fault::Removed { numbers: 4..=5 };
    assert_eq!(verify_files(&paths).faults, [(place, removed)]);
    let [one, two] = paths;
    assert_ne!(verify_files(&[two, one]).faults_total, 0);
}

#[test]
fn a_file_that_a_stopped_server_did_not_know_begins_anew() {
    let folder = Folder::new();
    let paths = [folder.path("audit.log.1"), folder.path("audit.log")];
    write(&mut folder.writer("audit.log"), 0..3);
    fs::rename(&paths[1], &paths[0]).expect("moved");
    write(&mut folder.writer("audit.log"), 3..6);
    is_whole(&verify_files(&paths[..1]), 3);
    is_whole(&verify_files(&paths[1..]), 3);
    let place = Place { file: 1, line: 1 };
    assert_eq!(verify_files(&paths).faults, [(place, Fault::BegunAnew)]);
}

#[test]
fn a_file_that_was_cut_short_under_the_server_shows_it() {
    let folder = Folder::new();
    let mut writer = folder.writer("audit.log");
    write(&mut writer, 0..4);
    let text = fs::read_to_string(folder.path("audit.log")).expect("a log");
    let shorter: String = text.split_inclusive('\n').take(2).collect();
    fs::write(folder.path("audit.log"), shorter).expect("a log");
    write(&mut writer, 4..6);
    let verdict = verify_files(&[folder.path("audit.log")]);
    let place = Place { file: 0, line: 3 };
    assert_eq!(verdict.faults, [(place, Fault::Removed { numbers: 3..=4 })]);

    // Copied and emptied, as rotation can do it: the chain goes on.
    fs::write(folder.path("audit.log"), "").expect("a log");
    write(&mut writer, 6..8);
    let verdict = verify_files(&[folder.path("audit.log")]);
    is_whole(&verdict, 2);
    assert_eq!(verdict.first, Some(7));
}

#[test]
fn writers_that_take_turns_continue_one_chain() {
    let folder = Folder::new();
    let mut writers = [folder.writer("audit.log"), folder.writer("audit.log")];
    for turn in 0..6 {
        write(&mut writers[turn % 2], 0..2);
    }
    is_whole(&verify_files(&[folder.path("audit.log")]), 12);
}

#[test]
fn wherever_a_line_is_torn_the_chain_goes_on() {
    let whole = log(3);
    let last_at = whole.trim_end().rfind('\n').expect("lines") + 1;
    for cut in last_at..=whole.len() {
        let folder = Folder::new();
        let path = folder.path("audit.log");
        fs::write(&path, &whole[..cut]).expect("a log");
        write(&mut folder.writer("audit.log"), 3..4);
        // Torn once more, and the server dies before it writes anything else.
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("a log");
        file.write_all(&whole.as_bytes()[..20]).expect("room");
        file.write_all(b"\n").expect("room");
        write(&mut folder.writer("audit.log"), 4..5);
        let verdict = verify_files(&[path]);
        // A line that lacks only its line feed is an entry.
        let third_is_whole = cut + 1 >= whole.len();
        is_whole(&verdict, if third_is_whole { 5 } else { 4 });
        let has_nothing = third_is_whole || cut == last_at;
        assert_eq!(
            verdict.torn_total,
            if has_nothing { 1 } else { 2 },
            "cut at {cut}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_make_one_chain_over_rotations() {
    const TASKS: usize = 16;
    const REQUESTS: usize = 25;
    let folder = Folder::new();
    let path = folder.path("audit.log");
    let broker = Arc::new(broker().await);
    broker
        .enable(file_device("file", &path, &[]))
        .await
        .expect("a new file");
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let broker = Arc::clone(&broker);
        tasks.spawn(async move {
            for number in 0..REQUESTS {
                say(&broker, &format!("{task}-{number}"))
                    .await
                    .expect("written");
            }
        });
    }
    let mut paths = Vec::new();
    for rotation in 0..4 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        paths.push(rotate(&broker, &path, rotation).await);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task panics");
    }
    paths.push(path);
    is_whole(&verify_files(&paths), 1 + 4 + (TASKS * REQUESTS) as u64);
}

/// Moves the log away, and returns where to once the device has left it.
async fn rotate(broker: &Broker, path: &Path, rotation: usize) -> PathBuf {
    let moved = path.with_extension(rotation.to_string());
    fs::rename(path, &moved).expect("moved");
    broker.reopen();
    say(broker, "rotated")
        .await
        .expect("written to the new file");
    moved
}

async fn say(broker: &Broker, id: &str) -> Result<(), Error> {
    let request = request(id, Operation::Read, "kv/a", Data::new());
    broker.record_request(&record(&request)).await
}
