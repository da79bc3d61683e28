//! Canaries: every field of every endpoint is sent a value that is marked with the field's name, in
//! right and wrong types, and what the server says anywhere is searched for the marks.
//!
//! - The log, at every level, and the metrics must have none.
//! - The audit log, answers and refusals have some that are no secrets: names that a message has to
//!   say, what a write answers with. They are listed in `canaries.txt`, as `WHERE FIELD: ROWS`. The
//!   list may only shrink (`VOUCHSAFE_BLESS=1` takes off what is not seen any more).
//! - No [secret](SECRETS) can be on the list, but for answers that give back what was written.
//!
//! CVE-2025-4166 was a refusal that quoted its input, CVE-2025-62513 a body in the audit log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use vouchsafe_core::door::DOORS;
use vouchsafe_logical::{Access, Operation};

use super::samples::{Samples, World};
use super::{Row, file, is_blessing, rows, stored, verb};
use crate::harness::{Log, TestServer};

/// Fields that hold credentials, key material or what users keep: whatever they are sent, neither log
/// nor audit log nor a refusal says it.
const SECRETS: &[&str] = &[
    "api_key",
    "authorization",
    "client_nonce",
    "client_token",
    "code",
    "data",
    "input",
    "jwt",
    "key",
    "lease_id",
    "malformed",
    "oidc_client_secret",
    "otp",
    "passcode",
    "password",
    "password_hash",
    "secret_id",
    "state",
    "token",
    "token_reviewer_jwt",
    "undeclared",
];

/// Fields of these rows that are called like a secret and are a name.
const NAMES: &[&str] = &["key: identity/oidc/role/{name} update"];

/// A value that can be found again.
fn canary(field: &str) -> String {
    format!("canary-{field}-end")
}

/// The fields whose canaries are in a text.
fn found(text: &str) -> BTreeSet<String> {
    text.split("canary-")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("-end")?.0.to_owned()))
        .filter(|field| field.len() < 64)
        .collect()
}

/// Where which fields were seen, by row.
#[derive(Default)]
struct Seen(BTreeMap<(&'static str, String), BTreeSet<String>>);

impl Seen {
    fn note(&mut self, place: &'static str, text: &str, row: &str) {
        for field in found(text) {
            let rows = self.0.entry((place, field)).or_default();
            rows.insert(row.to_owned());
        }
    }

    /// One line for each place, field and row.
    fn lines(&self) -> BTreeSet<String> {
        let lines = self.0.iter().flat_map(|((place, field), rows)| {
            rows.iter()
                .map(move |row| format!("{place} {field}: {row}"))
        });
        lines.collect()
    }
}

/// The bodies of a row: a good one, the same with each field in turn being a canary, and all fields
/// as canaries in right and wrong types.
fn bodies(row: &Row, sample: &Value) -> Vec<Map<String, Value>> {
    let good = sample.as_object().cloned().unwrap_or_default();
    let declared = row.fields.iter().copied().flatten();
    let mut fields: Vec<&str> = declared
        .map(|field| field.name)
        .filter(|name| *name != "*")
        .collect();
    fields.push("undeclared");
    let all = |value: &dyn Fn(&str) -> Value| -> Map<String, Value> {
        fields
            .iter()
            .map(|name| ((*name).to_owned(), value(name)))
            .collect()
    };
    let mut bodies = vec![
        all(&|name| {
            good.get(name)
                .cloned()
                .unwrap_or_else(|| canary(name).into())
        }),
        all(&|name| canary(name).into()),
        all(&|name| json!({ "k": canary(name) })),
        all(&|name| json!([canary(name), { "k": [canary(name)] }])),
    ];
    for name in &fields {
        let mut body = good.clone();
        body.insert((*name).to_owned(), canary(name).into());
        bodies.push(body);
    }
    bodies
}

/// Parameters as a query: what is no text is left out.
fn query(parameters: &Map<String, Value>) -> String {
    let pairs = parameters.iter();
    let pairs = pairs.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Sends everything of a row to a server of its own, and notes where it is seen again.
async fn play(world: &World, row: &Row, seen: &mut Seen) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let core = world.core.fork().await;
    let device = json!({ "type": "file", "options": { "file_path": log.display().to_string() } });
    core.write("sys/audit/canaries", device).await;
    let header = "sys/config/auditing/request-headers/x-canary";
    core.write(header, json!({ "hmac": true })).await;
    let mut sample = Samples { world }.request(&row.mount, row.pattern, row.operation);
    world.begin(&core, row, &mut sample).await;
    let server = TestServer::over(core).await;
    let method = verb(row.operation);
    let name = row.name();
    Log::start();
    let ask = |token: &str, path: String| {
        let ask = server.ask(method, &path).token(token);
        ask.header("x-canary", &canary("x-canary"))
            .header("content-type", "application/merge-patch+json")
    };
    let writes = matches!(row.operation, Operation::Update | Operation::Patch);
    let root = server.root_token.clone();
    let mut asks = Vec::new();
    for body in bodies(row, &sample.data) {
        asks.push(if writes {
            ask(&root, sample.path.clone()).json(Value::Object(body))
        } else {
            ask(&root, format!("{}?{}", sample.path, query(&body)))
        });
    }
    let good = || {
        if writes {
            sample.data.clone()
        } else {
            Value::Null
        }
    };
    asks.push(ask(&canary("token"), sample.path.clone()).json(good()));
    let bearer = format!("Bearer {}", canary("authorization"));
    asks.push(ask("", sample.path.clone()).header("authorization", &bearer));
    asks.push(
        ask(&root, sample.path.clone())
            .header("x-vault-wrap-ttl", "60")
            .json(good()),
    );
    if writes {
        let malformed = format!("{{\"password\":\"{}\",", canary("malformed"));
        asks.push(ask(&root, sample.path.clone()).body(malformed));
    }
    for ask in asks {
        let answer = ask.send_for_any().await;
        let place = if answer.status.is_success() {
            "answer"
        } else {
            "refusal"
        };
        let headers = format!("{:?}", answer.headers);
        seen.note(place, &(answer.text + &headers), &name);
    }
    seen.note("log", &Log::text(), &name);
    seen.note(
        "metrics",
        &format!("{:?}", server.metrics.readings()),
        &name,
    );
    seen.note(
        "audit",
        &std::fs::read_to_string(&log).expect("a log"),
        &name,
    );
    server.stop().await;
}

/// The rows of the matrix, and the doors before the pipeline.
fn all_rows(world: &World) -> Vec<Row> {
    let mut all = rows(&world.core);
    for door in DOORS {
        all.extend(door.methods.iter().map(|method| Row {
            mount: "sys/".to_owned(),
            pattern: door.info.pattern,
            access: Access::Public,
            operation: method.operation,
            fields: method.fields,
            form: method.form,
        }));
    }
    all
}

#[tokio::test]
async fn what_is_sent_is_said_nowhere_but_where_it_is_listed() {
    let world = World::build().await;
    let mut seen = Seen::default();
    for row in all_rows(&world) {
        play(&world, &row, &mut seen).await;
    }
    let seen = seen.lines();
    check_secrets(&seen);
    check_listed(&seen);
}

#[track_caller]
fn check_secrets(seen: &BTreeSet<String>) {
    let told: Vec<&String> = seen
        .iter()
        .filter(|line| {
            let (place, rest) = line.split_once(' ').expect("a place");
            let (field, _) = rest.split_once(':').expect("a field");
            match place {
                "log" | "metrics" => true,
                "answer" => false,
                _ => SECRETS.contains(&field) && !NAMES.contains(&rest),
            }
        })
        .collect();
    assert!(told.is_empty(), "a secret is told: {told:#?}");
}

#[track_caller]
fn check_listed(seen: &BTreeSet<String>) {
    let name = "canaries.txt";
    let file_text = stored(name);
    let is_entry = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let listed: BTreeSet<&str> = file_text.lines().filter(is_entry).collect();
    let fresh: Vec<&String> = seen
        .iter()
        .filter(|line| !listed.contains(line.as_str()))
        .collect();
    assert!(
        fresh.is_empty(),
        "said again, and not in {name}: say it no more, or list it with its reason: {fresh:#?}"
    );
    let is_gone = |line: &&str| is_entry(line) && !seen.contains(*line);
    if is_blessing() {
        let left = file_text.lines().filter(|line| !is_gone(line));
        let text: String = left.map(|line| format!("{line}\n")).collect();
        std::fs::write(file(name), text).expect("written");
        return;
    }
    let gone: Vec<&str> = file_text.lines().filter(is_gone).collect();
    assert!(
        gone.is_empty(),
        "not seen any more; take them off {name}: {gone:#?}"
    );
}

/// The search itself finds what it is meant to find.
#[test]
fn a_canary_is_found_wherever_it_is() {
    let text = format!("a\"{}\\n{}", canary("password"), canary("secret_id"));
    let fields = found(&text);
    assert_eq!(
        fields.iter().map(String::as_str).collect::<Vec<_>>(),
        ["password", "secret_id"]
    );
    assert!(found("canary-birds do not end").is_empty());
}

/// The check itself refuses what it is meant to refuse.
#[test]
#[should_panic(expected = "a secret is told")]
fn a_told_secret_fails_whatever_is_listed() {
    check_secrets(&["refusal password: auth/userpass/login/{username} update".to_owned()].into());
}

#[test]
#[should_panic(expected = "a secret is told")]
fn whatever_is_logged_fails() {
    check_secrets(&["log name: identity/entity update".to_owned()].into());
}
