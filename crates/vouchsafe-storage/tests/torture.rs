//! Sudden death: a child process commits from many tasks and is killed without warning, again and
//! again; after each round everything that it was told is durable must be there, and every commit
//! whole or absent.
//!
//! Ten rounds by default. `--seconds N` goes on for that long, and for [`LONG_ROUNDS`] at least,
//! after a conformance run on a real disk: `cargo xtask torture --seconds N`. A killed process
//! does not lose what the kernel holds; loss of power is simulated beside the implementation.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and talks to whoever runs it"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use vouchsafe_logical::{Batch, Record};
use vouchsafe_storage::physical::conformance;
use vouchsafe_storage::{FilePhysical, Physical};

/// Tasks that commit at once.
const TASKS: usize = 16;
/// Rounds when no time is given.
const SHORT_ROUNDS: u64 = 10;
/// The fewest rounds when a time is given.
const LONG_ROUNDS: u64 = 200;
/// Rounds that one store lives through.
const ROUNDS_PER_STORE: u64 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["writer", path] => write_until_killed(Path::new(path)),
        ["--seconds", seconds] => {
            let seconds = seconds.parse().expect("`--seconds` takes a number");
            Runtime::new().unwrap().block_on(conform());
            torture(LONG_ROUNDS, Duration::from_secs(seconds));
        }
        // Whatever else `cargo test` passes on is meant for tests with names.
        _ => torture(SHORT_ROUNDS, Duration::ZERO),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long to go on is the wall's time; nothing is decided by it"
)]
fn torture(rounds: u64, time: Duration) {
    let start = Instant::now();
    let mut acknowledged = 0;
    let mut round = 0;
    while round < rounds || start.elapsed() < time {
        let folder = TempDir::new().unwrap();
        let mut told = [0; TASKS];
        for _ in 0..ROUNDS_PER_STORE.min(rounds) {
            kill_a_writer(
                folder.path(),
                Duration::from_millis(40 + round * 53 % 190),
                &mut told,
            );
            let found = Runtime::new()
                .unwrap()
                .block_on(check(folder.path(), &told));
            // What was durable without being acknowledged counts from now on.
            told = found;
            round += 1;
        }
        acknowledged += told.iter().sum::<u64>();
    }
    assert!(
        acknowledged > rounds,
        "the writers were killed before they wrote"
    );
    println!("torture: {round} rounds, {acknowledged} commits, none lost or torn");
}

/// Starts a writer, kills it after `life`, and notes what it was told.
fn kill_a_writer(folder: &Path, life: Duration, told: &mut [u64; TASKS]) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("writer")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("start a writer");
    let output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(output).split(b'\n');
        lines.map_while(Result::ok).collect::<Vec<_>>()
    });
    std::thread::sleep(life);
    // SIGKILL: no destructor runs, nothing is flushed.
    child.kill().unwrap();
    assert!(
        !child.wait().unwrap().success(),
        "the writer ended on its own"
    );
    for line in reader.join().unwrap() {
        // The last line may be cut: a commit without its number is not counted.
        let text = String::from_utf8(line).unwrap();
        let mut words = text.split(' ');
        if let (Some(task), Some(number), Some(".")) = (words.next(), words.next(), words.next()) {
            let told = &mut told[task.parse::<usize>().unwrap()];
            *told = (*told).max(number.parse().unwrap());
        }
    }
}

fn number(record: Option<&Record>) -> u64 {
    record.map_or(0, |record| {
        u64::from_be_bytes(record.value[..8].try_into().unwrap())
    })
}

/// Task and number as one transaction of three keys.
fn batch(task: usize, number: u64) -> Batch {
    let mut batch = Batch::default();
    let bytes = number.to_be_bytes();
    for key in [format!("{task:02}/a"), format!("{task:02}/z")] {
        batch.writes.insert(key, Some(bytes.to_vec()));
    }
    // A page's worth, so that commits share no page.
    let own = bytes.repeat(200);
    batch
        .writes
        .insert(format!("log/{task:02}/{number:08}"), Some(own));
    batch
}

fn write_until_killed(folder: &Path) {
    let store = Arc::new(FilePhysical::open(folder).unwrap());
    Runtime::new().unwrap().block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let key = format!("{task:02}/a");
                loop {
                    let found = store.get(&key).await.unwrap();
                    let next = number(found.as_ref()) + 1;
                    let mut batch = batch(task, next);
                    batch
                        .expect
                        .insert(key.clone(), found.map(|record| record.version));
                    store.commit(batch).await.unwrap();
                    let line = format!("{task} {next} .\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
}

/// Checks a store against what its writers were told, and answers what it holds.
async fn check(folder: &Path, told: &[u64; TASKS]) -> [u64; TASKS] {
    let store = FilePhysical::open(folder).expect("a killed writer leaves a store that opens");
    let mut found = [0; TASKS];
    for task in 0..TASKS {
        let first = store.get(&format!("{task:02}/a")).await.unwrap();
        let last = store.get(&format!("{task:02}/z")).await.unwrap();
        assert_eq!(first, last, "task {task}: half a commit");
        let at = number(first.as_ref());
        assert!(
            at >= told[task],
            "task {task}: told {}, found {at}",
            told[task]
        );
        let mut after = None;
        let mut expected = 1;
        loop {
            let page = store
                .list(&format!("log/{task:02}/"), after.as_deref(), 1_000)
                .await;
            let page = page.unwrap();
            for key in &page {
                assert_eq!(*key, format!("log/{task:02}/{expected:08}"));
                expected += 1;
            }
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
        }
        assert_eq!(expected - 1, at, "task {task}: the log ends elsewhere");
        found[task] = at;
    }
    found
}

/// The conformance suite with real syncs.
async fn conform() {
    let folders = TempDir::new().unwrap();
    let stores = std::sync::atomic::AtomicUsize::new(0);
    conformance::run(|| async {
        let number = stores.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let store = FilePhysical::open(&folders.path().join(number.to_string())).unwrap();
        Arc::new(store) as Arc<dyn Physical>
    })
    .await;
}
