//! One device that writes is enough, none is an error, and it is one until it writes again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::{Error, Operation, Reply};

use super::faulty::Disk;
use super::*;
use crate::audit::device::QUEUE_BYTES_MAX;

async fn ask(broker: &Broker, id: &str) -> Result<(), Error> {
    let request = request(id, Operation::Read, "kv/a", Data::new());
    broker.record_request(&record(&request)).await
}

#[track_caller]
fn is_audit_failure(result: Result<(), Error>) {
    let error = result.expect_err("nobody could write");
    assert_eq!(error.reason(), "audit_failed");
    assert_eq!(error.messages(), ["internal error"]);
}

#[tokio::test]
async fn without_devices_nothing_is_recorded_and_nothing_fails() {
    let broker = broker().await;
    ask(&broker, "1")
        .await
        .expect("there is nothing that could fail");
    let request = request("1", Operation::Read, "kv/a", Data::new());
    broker
        .record_response(&record(&request), &Ok(Reply::empty()))
        .await
        .expect("the same");
}

#[tokio::test]
async fn a_full_disk_fails_requests_until_it_has_room() {
    let disk = Disk::default();
    let broker = broker_over(&[(&disk, LATE)]).await;
    ask(&broker, "before").await.expect("a working disk");
    disk.leave_room(10);
    is_audit_failure(ask(&broker, "torn").await);
    is_audit_failure(ask(&broker, "full").await);
    let request = request("full", Operation::Read, "kv/a", Data::new());
    is_audit_failure(
        broker
            .record_response(&record(&request), &Ok(Reply::empty()))
            .await,
    );
    disk.make_room();
    ask(&broker, "after").await.expect("a working disk");
    let text = disk.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("\"before\""));
    assert_eq!(lines[1].len(), 10, "the torn line has a line of its own");
    assert!(lines[2].contains("\"after\""));
}

#[tokio::test]
async fn one_device_that_writes_is_enough() {
    let (works, fails) = (Disk::default(), Disk::default());
    let broker = broker_over(&[(&fails, LATE), (&works, LATE)]).await;
    fails.set_gone(true);
    let failures = || {
        let readings = broker.ports.metrics.readings();
        let series = readings.iter().flat_map(|reading| &reading.series);
        series.map(|(_, number)| number).sum::<u64>()
    };
    ask(&broker, "1").await.expect("the other one writes");
    assert_eq!(failures(), 1, "an operator can see it while requests go on");
    works.leave_room(0);
    is_audit_failure(ask(&broker, "2").await);
    assert_eq!(failures(), 3);
    fails.set_gone(false);
    ask(&broker, "3").await.expect("the first one is back");
    assert_eq!(entries(&works.text()).len(), 1);
    assert_eq!(entries(&fails.text()).len(), 1);
}

#[tokio::test]
async fn a_device_that_hangs_is_waited_for_once() {
    let (works, hangs) = (Disk::default(), Disk::default());
    let broker = broker_over(&[(&hangs, SOON), (&works, LATE)]).await;
    hangs.set_held(true);
    ask(&broker, "1").await.expect("the other one writes");
    // The device is known to have stalled: a thousand waits would take longer than this test may.
    let many = async {
        for number in 0..1_000 {
            ask(&broker, &number.to_string())
                .await
                .expect("the other one writes");
        }
    };
    tokio::time::timeout(LATE, many)
        .await
        .expect("nobody waits for a stalled device");
    hangs.set_held(false);
    while entries(&hangs.text()).len() < 1_001 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    works.leave_room(0);
    // Its thread has moved, so that it counts again.
    tokio::time::timeout(LATE, async {
        while ask(&broker, "again").await.is_err() {}
    })
    .await
    .expect("the device that hung works again");
}

#[tokio::test]
async fn a_device_that_hangs_alone_fails_requests() {
    let disk = Disk::default();
    let broker = broker_over(&[(&disk, SOON)]).await;
    disk.set_held(true);
    is_audit_failure(ask(&broker, "1").await);
    is_audit_failure(ask(&broker, "2").await);
    disk.set_held(false);
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let disk = Disk::default();
    let device = device_over("disk", options(), &disk);
    disk.set_held(true);
    let line = |bytes: usize| vec![b'\n'; bytes];
    let first = device.submit(line(QUEUE_BYTES_MAX - 1)).expect("room");
    let second = device.submit(line(1)).expect("just enough room");
    let refused = device.submit(line(1)).err().expect("a byte too many");
    assert!(refused.contains("wait to be written"), "{refused}");
    disk.set_held(false);
    device.written(first).await.expect("written");
    device.written(second).await.expect("written");
    let last = device.submit(line(1)).expect("room again");
    device.written(last).await.expect("written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_leave_two_whole_lines_each() {
    const TASKS: usize = 32;
    const REQUESTS: usize = 50;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.log");
    let broker = Arc::new(broker().await);
    let new = super::enable::file_device("file", &path, &[("skip_test", "true")]);
    broker.enable(new).await.expect("a new file");
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let broker = Arc::clone(&broker);
        tasks.spawn(async move {
            for number in 0..REQUESTS {
                let members = data(json!({ "value": "x".repeat(task * number) }));
                let id = format!("{task}-{number}");
                let request = request(&id, Operation::Update, "kv/a", members);
                let record = record(&request);
                broker.record_request(&record).await.expect("written");
                broker
                    .record_response(&record, &Ok(Reply::empty()))
                    .await
                    .expect("written");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task panics");
    }
    let log = std::fs::read_to_string(&path).expect("a log");
    let mut kinds: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in entries(&log) {
        let id = entry["request"]["id"].as_str().expect("an id").to_owned();
        kinds.entry(id).or_default().push(entry["type"].clone());
    }
    assert_eq!(kinds.len(), TASKS * REQUESTS);
    assert!(
        kinds
            .values()
            .all(|kinds| *kinds == ["request", "response"])
    );
}
