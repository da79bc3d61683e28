//! Tests of the audit broker: entries, toggles, failures, concurrency, the whole pipeline.

mod broker;
mod chain;
mod declare;
mod enable;
mod entry;
mod faulty;
mod pipeline;
mod toggle;
mod verify;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use vouchsafe_logical::{
    CallerSummary, Data, Operation, PolicyNames, Request, RequestPath, Secret, Timestamp, View,
};
use vouchsafe_testing::{FakeFetcher, ManualClock, MemoryStore, SeededEntropy, TestSystem};

use super::Record;
use super::broker::{Broker, Open};
use super::device::{Device, DeviceRecord};
use super::header::Headers;
use super::options::{Destination, Options};
use super::record::{CallerFacts, MountFacts};
use crate::mount::{MountConfig, MountEntry, StoredClass};
use crate::ports::Ports;
use crate::token::{TokenEntry, TokenType};
use faulty::Disk;

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;
/// What a test waits for something that will not come.
const SOON: Duration = Duration::from_millis(100);
/// What a test waits for something that will come, on a machine that is busy.
const LATE: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a time that exists")
}

fn ports() -> Ports {
    Ports {
        clock: Arc::new(ManualClock::at(NOW)),
        entropy: Arc::new(SeededEntropy::default()),
        fetcher: Arc::new(FakeFetcher::default()),
        metrics: Arc::default(),
        workers: TestSystem::new(),
        publications: Arc::default(),
    }
}

fn store() -> View {
    View::new(Arc::new(MemoryStore::default()), "")
}

async fn broker() -> Broker {
    Broker::open(&store(), &ports())
        .await
        .expect("a store without devices")
}

/// Options of a device that writes nowhere by itself.
fn options() -> Options {
    Options {
        destination: Destination::Discard,
        log_raw: false,
        hmac_accessor: true,
        elide_list_responses: false,
        skip_test: false,
    }
}

fn device_over(name: &str, options: Options, disk: &Disk) -> Arc<Device> {
    impatient_device_over(name, options, disk, LATE)
}

fn impatient_device_over(
    name: &str,
    options: Options,
    disk: &Disk,
    patience: Duration,
) -> Arc<Device> {
    let record = DeviceRecord {
        path: format!("{name}/"),
        kind: "file".to_owned(),
        description: String::new(),
        options: BTreeMap::new(),
        local: false,
        uuid: name.to_owned(),
        salt: "4a656665".to_owned(),
    };
    Device::start_over(record, options, Box::new(disk.sink()), patience).expect("a thread")
}

/// A broker over faulty disks, each with the patience of those who wait for it.
async fn broker_over(disks: &[(&Disk, Duration)]) -> Broker {
    let broker = broker().await;
    let devices = disks
        .iter()
        .enumerate()
        .map(|(number, (disk, patience))| {
            impatient_device_over(&format!("disk-{number}"), options(), disk, *patience)
        })
        .collect();
    broker.put_in_force(Open {
        devices,
        headers: Headers::default(),
    });
    broker
}

fn data(value: Value) -> Data {
    match value {
        Value::Object(data) => data,
        other => panic!("{other} is not an object"),
    }
}

fn request(id: &str, operation: Operation, path: &str, data: Data) -> Request {
    Request {
        id: id.to_owned(),
        operation,
        path: RequestPath::parse(path).expect("a path"),
        data,
        token: None,
        remote: None,
        login: None,
        wrap_ttl: None,
        headers: Vec::new(),
    }
}

fn with_token(mut request: Request, token: &str) -> Request {
    request.token = Some(Secret::new(token.to_owned()));
    request
}

/// The record of a request for everybody.
fn record(request: &Request) -> Record<'_> {
    Record {
        request,
        at: now(),
        mount: None,
        operation: request.operation,
        caller: None,
        granted_by: Some(Vec::new()),
        refusal: None,
        is_login: false,
    }
}

/// A mount with a caller, that records borrow from.
struct Scene {
    mount: MountEntry,
    mount_summary: vouchsafe_logical::MountSummary,
    token: TokenEntry,
    summary: CallerSummary,
    identity_policies: PolicyNames,
}

impl Scene {
    fn new() -> Self {
        let mount = MountEntry {
            path: "kv/".to_owned(),
            kind: "kv".to_owned(),
            class: StoredClass::Secret,
            description: String::new(),
            accessor: "kv_00000001".to_owned(),
            uuid: "u".to_owned(),
            config: MountConfig {
                audit_non_hmac_request_keys: vec!["shown".to_owned()],
                audit_non_hmac_response_keys: vec!["shown".to_owned()],
                ..MountConfig::default()
            },
            options: BTreeMap::new(),
            local: false,
            seal_wrap: false,
        };
        let names = |names: &[&str]| PolicyNames::parse(names).expect("plain names");
        Self {
            mount_summary: mount.summary(crate::mount::LeaseTtl::default()),
            mount,
            token: TokenEntry {
                accessor: "accessor-canary".to_owned(),
                display_name: "userpass-bob".to_owned(),
                path: "auth/userpass/login/bob".to_owned(),
                policies: names(&["default"]),
                meta: Some([("username".to_owned(), "bob".to_owned())].into()),
                token_type: TokenType::Service,
                entity_id: Some("entity-1".to_owned()),
                login: None,
                parent: None,
                role: None,
                created_at: now(),
                creation_ttl: Duration::from_secs(3_600),
                expire_at: None,
                last_renewed_at: None,
                explicit_max_ttl: Duration::ZERO,
                max_ttl: Duration::ZERO,
                period: Duration::ZERO,
                renewable: true,
                num_uses: 3,
                bound_cidrs: Vec::new(),
                claims: None,
                internal: Value::Null,
                mount_accessor: None,
                initial_root: false,
                spent: false,
            },
            summary: CallerSummary {
                policies: vec!["default".to_owned(), "team".to_owned()],
                ..CallerSummary::default()
            },
            identity_policies: names(&["team"]),
        }
    }

    fn record<'r>(&'r self, request: &'r Request) -> Record<'r> {
        Record {
            mount: Some(MountFacts {
                summary: &self.mount_summary,
                entry: &self.mount,
            }),
            caller: Some(CallerFacts {
                summary: &self.summary,
                token: &self.token,
                identity_policies: &self.identity_policies,
                entity_id: self.token.entity_id.as_deref(),
                entity_created: false,
            }),
            granted_by: Some(vec!["team".to_owned()]),
            ..record(request)
        }
    }
}

/// The lines of a log, each of which must be whole.
fn entries(log: &str) -> Vec<Map<String, Value>> {
    assert!(
        log.is_empty() || log.ends_with('\n'),
        "the last line is torn"
    );
    log.lines()
        .map(|line| serde_json::from_str(line).expect("a whole entry"))
        .collect()
}
