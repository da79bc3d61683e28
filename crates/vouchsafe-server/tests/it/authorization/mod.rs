//! The golden matrix: who may call what.
//!
//! Rows are all operations of all routes of all mounts, taken from the route tables; columns are
//! callers. A change of who may do what so shows as a diff of `authorization.out`. Each cell is a
//! request to a core of its own, so no cell depends on another.
//!
//! `uncovered.txt` lists the rows in which no caller succeeds, because no sample of a good request
//! is written down for them in `samples.rs`: there the matrix proves who is refused, but not that
//! a permitted request gets through. The list may only shrink.
//!
//! `VOUCHSAFE_BLESS=1` writes the matrix anew and takes covered rows off the list.

mod canary;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use vouchsafe_core::Outcome;
use vouchsafe_core::door::DOORS;
use vouchsafe_logical::backend::Form;
use vouchsafe_logical::field::Field;
use vouchsafe_logical::{Access, ErrorKind, Operation};
use vouchsafe_logical::{Reply, Response};

use crate::harness::{TestCore, TestServer};
use samples::{Samples, World};

/// The columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// No token.
    Nobody,
    /// A token whose only policy grants nothing.
    Nothing,
    /// A token with the `default` policy.
    Default,
    /// `read` and `list` everywhere.
    Reader,
    /// `create`, `update`, `patch` and `delete` everywhere.
    Writer,
    /// Everything everywhere but `sudo`.
    Admin,
    /// Everything everywhere, `sudo` too.
    Sudo,
    /// A root token.
    Root,
}

const EVERYBODY: [Who; 8] = [
    Who::Nobody,
    Who::Nothing,
    Who::Default,
    Who::Reader,
    Who::Writer,
    Who::Admin,
    Who::Sudo,
    Who::Root,
];

impl Who {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Nothing => "nothing",
            Self::Default => "default",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
            Self::Sudo => "sudo",
            Self::Root => "root",
        }
    }
}

/// One row: an operation of a route of a mount.
struct Row {
    mount: String,
    pattern: &'static str,
    access: Access,
    operation: Operation,
    fields: &'static [&'static [Field]],
    form: Form,
}

impl Row {
    fn name(&self) -> String {
        format!("{}{} {}", self.mount, self.pattern, self.operation)
    }
}

/// The method of HTTP that asks for an operation.
const fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Read | Operation::Help => "GET",
        Operation::List => "LIST",
        Operation::Create | Operation::Update => "POST",
        Operation::Patch => "PATCH",
        Operation::Delete => "DELETE",
    }
}

/// What became of a request. Everything but `deny` got past authorization.
fn verdict(outcome: &Outcome) -> &'static str {
    let Err(error) = &outcome.result else {
        return "allow";
    };
    match error.kind() {
        ErrorKind::PermissionDenied if is_authorization(error.reason()) => "deny",
        // The backend itself refuses: an unknown accessor, say.
        ErrorKind::PermissionDenied => "refused",
        ErrorKind::NotFound | ErrorKind::UnsupportedPath => "absent",
        ErrorKind::InvalidRequest => "invalid",
        _ => error.reason(),
    }
}

fn is_authorization(reason: &str) -> bool {
    reason == "policy_denied" || reason == "token_missing" || reason == "token_invalid"
}

fn rows(core: &TestCore) -> Vec<Row> {
    let mut rows = Vec::new();
    for mount in core.core.mounts() {
        let path = &mount.summary().path;
        // Two mounts of one kind have the same routes; the probes exist in tests only.
        if path.contains("spare") || mount.summary().kind == "probe" {
            continue;
        }
        for (info, methods) in mount.routes() {
            rows.extend(methods.into_iter().map(|method| Row {
                mount: path.clone(),
                pattern: info.pattern,
                access: info.access,
                operation: method.operation,
                fields: method.fields,
                form: method.form,
            }));
        }
    }
    rows
}

async fn cell(world: &World, row: &Row, who: Who) -> Outcome {
    let fork = world.core.fork().await;
    let mut request = Samples { world }.request(&row.mount, row.pattern, row.operation);
    world.begin(&fork, row, &mut request).await;
    let token = world.token(who.as_str());
    let mut asked = fork.request(row.operation, &request.path, token, request.data);
    asked.wrap_ttl = request.wrap_ttl;
    fork.core.handle(&asked).await
}

/// A good request for every row: operation and path.
pub(crate) async fn every_request() -> Vec<(Operation, String)> {
    let world = World::build().await;
    let samples = Samples { world: &world };
    let requests = rows(&world.core).into_iter().map(|row| {
        let request = samples.request(&row.mount, row.pattern, row.operation);
        (row.operation, request.path)
    });
    requests.collect()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(name)
}

/// Whether golden files are to be written instead of compared.
fn is_blessing() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "asked by a person who runs the tests"
    )]
    std::env::var("VOUCHSAFE_BLESS").is_ok_and(|value| value == "1")
}

fn stored(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_default()
}

#[tokio::test]
async fn matrix() {
    let world = World::build().await;
    let mut table = String::new();
    write!(table, "{:<72}{:<8}", "", "access").expect("text");
    for who in EVERYBODY {
        write!(table, "{:<9}", who.as_str()).expect("text");
    }
    let mut found = vec![table.trim_end().to_owned()];
    let mut uncovered = BTreeMap::new();
    for row in rows(&world.core) {
        let mut line = format!("{:<72}{:<8}", row.name(), row.access.as_str());
        let mut succeeds = false;
        let mut last_word = String::new();
        for who in EVERYBODY {
            let outcome = cell(&world, &row, who).await;
            write!(line, "{:<9}", verdict(&outcome)).expect("text");
            match outcome.result {
                Ok(reply) => {
                    succeeds = true;
                    check_form(&row, &reply);
                }
                Err(error) => last_word = error.to_string(),
            }
        }
        found.push(line.trim_end().to_owned());
        if !succeeds {
            uncovered.insert(row.name(), last_word);
        }
    }
    check_matrix(&found);
    check_uncovered(&uncovered);
}

/// What answers outside the envelope is declared to, since clients are made from the declarations.
#[track_caller]
fn check_form(row: &Row, reply: &Reply) {
    let found = match reply.response {
        // Nothing has no form.
        Response::Empty => return,
        Response::Raw(_) | Response::Stream(_) => Form::Document,
        _ => Form::Envelope,
    };
    assert_eq!(found, row.form, "{}: see `Method::document`", row.name());
}

#[track_caller]
fn check_matrix(found: &[String]) {
    let name = "authorization.out";
    if is_blessing() {
        std::fs::write(file(name), found.join("\n") + "\n").expect("written");
        return;
    }
    let golden = stored(name);
    let golden: Vec<&str> = golden.lines().collect();
    let mut diff = String::new();
    for line in golden
        .iter()
        .filter(|line| !found.iter().any(|other| other == *line))
    {
        writeln!(diff, "- {line}").expect("text");
    }
    for line in found.iter().filter(|line| !golden.contains(&line.as_str())) {
        writeln!(diff, "+ {line}").expect("text");
    }
    assert!(
        diff.is_empty() && golden.len() == found.len(),
        "who may call what has changed:\n{}\n{diff}\nif that is meant, run again with VOUCHSAFE_BLESS=1",
        golden.first().unwrap_or(&""),
    );
}

/// Takes the rows in which nobody succeeds, each with what root was told.
#[track_caller]
fn check_uncovered(uncovered: &BTreeMap<String, String>) {
    let name = "uncovered.txt";
    let listed = stored(name);
    let listed: BTreeSet<&str> = listed.lines().collect();
    let (left, covered): (Vec<&str>, Vec<&str>) =
        listed.iter().partition(|row| uncovered.contains_key(**row));
    if is_blessing() {
        let text: String = left.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(file(name), text).expect("written");
    } else {
        assert!(
            covered.is_empty(),
            "covered now; take them off {name}: {covered:#?}"
        );
    }
    let fresh: BTreeMap<_, _> = uncovered
        .iter()
        .filter(|(row, _)| !listed.contains(row.as_str()))
        .collect();
    assert!(
        fresh.is_empty(),
        "nobody succeeds in these rows; write a sample of a good request in samples.rs: {fresh:#?}"
    );
}

/// Wrapping writes: on the way in, only what ends with a proof of identity is wrapped.
#[tokio::test]
async fn no_login_wraps_anything_but_a_login() {
    let world = World::build().await;
    let logins = rows(&world.core)
        .into_iter()
        .filter(|row| matches!(row.access, Access::Login(_)));
    let mut wrapped = 0;
    for row in logins {
        let plain = cell(&world, &row, Who::Nobody).await.result;
        let plain = plain.unwrap_or_else(|error| panic!("{}: {error}", row.name()));
        let is_proof = matches!(plain.response, Response::Auth(_));
        let fork = world.core.fork().await;
        let mut request = Samples { world: &world }.request(&row.mount, row.pattern, row.operation);
        world.begin(&fork, &row, &mut request).await;
        let mut asked = fork.request(row.operation, &request.path, None, request.data);
        asked.wrap_ttl = Some(Duration::from_secs(60));
        let result = fork.core.handle(&asked).await.result;
        assert_eq!(result.is_ok(), is_proof, "{}", row.name());
        match result {
            Ok(_) => wrapped += 1,
            Err(error) => assert_eq!(error.reason(), "public_not_wrappable", "{}", row.name()),
        }
    }
    assert!(wrapped >= 4, "{wrapped}");
}

/// The list of doors that need no key is short and known.
#[tokio::test]
async fn routes_without_a_token() {
    let world = World::build().await;
    let open: Vec<String> = rows(&world.core)
        .iter()
        .filter(|row| !row.access.needs_token())
        .map(|row| format!("{} ({})", row.name(), row.access.as_str()))
        .collect();
    assert_eq!(open, samples::OPEN_ROUTES);
    let doors: Vec<String> = DOORS
        .iter()
        .flat_map(|door| door.methods.iter().map(move |method| (door.info, method)))
        .map(|(door, method)| {
            let (path, access) = (door.pattern, door.access.as_str());
            format!("sys/{path} {} ({access})", method.operation)
        })
        .collect();
    assert_eq!(doors, samples::OPEN_DOORS);

    // The list is what the server does, not only what the tables say: over HTTP, every other row
    // answers 403 to a request without a token.
    let server = TestServer::start().await;
    for path in ["sys/health", "sys/seal-status", "sys/init", "sys/leader"] {
        server.get(path).send().await.expect(200);
    }
    for row in rows(&server) {
        if row.access.needs_token() {
            let request = Samples { world: &world }.request(&row.mount, row.pattern, row.operation);
            let method = verb(row.operation);
            let ask = server
                .ask(method, &request.path)
                .header("content-type", "application/merge-patch+json");
            let answer = ask.send().await.expect(403);
            assert_eq!(answer.error(), "permission denied", "{}", row.name());
        }
    }
}
