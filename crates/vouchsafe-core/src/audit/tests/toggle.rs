//! No secret is in the clear whatever the options are, but `log_raw`.

use serde_json::json;
use vouchsafe_logical::{Error, Raw, Reply, Response};

use super::*;
use crate::audit::scribe::Scribe;

/// What every secret of these requests and answers contains.
const CANARY: &str = "canary";
/// What every accessor contains.
const ACCESSOR: &str = "accessor-bird";
/// What headers with credentials contain.
const CREDENTIAL: &str = "credential-bird";

fn headers() -> Headers {
    // As a store could hold them that somebody wrote to: credentials among them.
    let stored = json!({
        "x-plain": { "hmac": false },
        "x-hidden": { "hmac": true },
        "x-vault-token": { "hmac": false },
        "authorization": { "hmac": false },
    });
    serde_json::from_value(stored).expect("headers")
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.token.accessor = ACCESSOR.to_owned();
    scene
}

fn asked(operation: Operation) -> Request {
    let members = data(json!({
        "password": CANARY,
        "deep": [{ "a": { "b": [CANARY] } }],
        "json": format!("{{\"secret\":\"{CANARY}\"}}"),
    }));
    let mut request = with_token(request("1", operation, "kv/a", members), "hvs.canary");
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    request.headers = vec![
        header("x-plain", "trace"),
        header("x-plain", "trace two"),
        header("x-hidden", CANARY),
        header("x-other", CANARY),
        header("x-vault-token", CREDENTIAL),
        header("authorization", CREDENTIAL),
    ];
    request
}

/// An answer of every kind, with its operation.
fn answers() -> Vec<(Operation, bool, Result<Reply, Error>)> {
    let mut issued = super::entry::issued();
    issued.client_token = CANARY.to_owned();
    issued.accessor = ACCESSOR.to_owned();
    let object = || data(json!({ "token": CANARY, "list": [CANARY], "deep": { "a": CANARY } }));
    let keys = vec![CANARY.to_owned(), format!("{CANARY}/")];
    let info = data(json!({ "a": { "secret": CANARY } }));
    let raw = |body: &'static [u8]| {
        let content_type = "text/plain";
        let body = bytes::Bytes::from_static(body);
        Reply::raw(Raw {
            status: 200,
            content_type,
            body,
            cache_control: None,
            etag: None,
        })
    };
    let accepted = Reply {
        response: Response::Accepted,
        ..Reply::default()
    };
    vec![
        (Operation::Read, false, Ok(Reply::empty())),
        (Operation::Update, false, Ok(accepted)),
        (Operation::Read, false, Ok(Reply::data(object()))),
        (
            Operation::Read,
            false,
            Ok(Reply::data(object()).at_top_level()),
        ),
        (Operation::Create, false, Ok(Reply::data(object()))),
        (Operation::List, false, Reply::keys_with_info(keys, info)),
        (Operation::List, false, Ok(Reply::data(object()))),
        (Operation::Read, false, Ok(raw(b"canary"))),
        (Operation::Read, false, Ok(raw(b"\xff\xfe canary \x00"))),
        (Operation::Update, true, Ok(Reply::auth(issued.clone()))),
        (Operation::Update, false, Ok(Reply::auth(issued))),
        (Operation::Update, false, Err(Error::internal(CANARY))),
        (
            Operation::Update,
            false,
            Err(Error::invalid("no").with_data(object().into())),
        ),
        (
            Operation::Delete,
            false,
            Err(Error::denied("policy_denied").with_detail(CANARY)),
        ),
    ]
}

/// Every line that a device with these options writes for every kind of request and answer.
fn lines(options: Options) -> Vec<String> {
    let device = device_over("file", options, &Disk::default());
    let headers = headers();
    let scribe = Scribe::new(&device, &headers);
    let scene = scene();
    let mut lines = Vec::new();
    for (operation, is_login, result) in answers() {
        let request = asked(operation);
        for mut record in [scene.record(&request), super::record(&request)] {
            record.is_login = is_login;
            record.refusal = result.as_ref().err().cloned();
            lines.push(scribe.request(&record).expect("an entry"));
            lines.push(scribe.response(&record, &result, now()).expect("an entry"));
        }
    }
    lines
        .into_iter()
        .map(|line| String::from_utf8(line).expect("UTF-8"))
        .collect()
}

fn toggles() -> impl Iterator<Item = Options> {
    (0..8).map(|bits| Options {
        log_raw: bits & 1 != 0,
        hmac_accessor: bits & 2 != 0,
        elide_list_responses: bits & 4 != 0,
        ..options()
    })
}

#[test]
fn no_canary_sings_unless_the_log_is_raw() {
    for options in toggles() {
        let (raw, hides_accessors) = (options.log_raw, options.hmac_accessor);
        let lines = lines(options.clone());
        for line in &lines {
            assert!(!line.contains(CREDENTIAL), "{options:?}\n{line}");
            assert!(
                line.contains("\"x-plain\":[\"trace\",\"trace two\"]"),
                "{line}"
            );
            assert!(!line.contains("x-other"), "{line}");
            // Every request has secrets, so that a raw log shows some in each line.
            assert_eq!(line.contains(CANARY), raw, "{options:?}\n{line}");
            assert_eq!(line.contains("hmac-sha256:"), !raw, "{options:?}\n{line}");
        }
        let shows_accessors = lines.iter().any(|line| line.contains(ACCESSOR));
        assert_eq!(shows_accessors, raw || !hides_accessors, "{options:?}");
    }
}

#[test]
fn listings_are_shown_as_counts_where_asked() {
    for options in toggles() {
        let elides = options.elide_list_responses;
        let listings: Vec<Value> = lines(options)
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter(|entry| !entry["response"]["data"]["keys"].is_null())
            .collect();
        assert_eq!(listings.len(), 2, "one for each kind of caller");
        for entry in listings {
            let shown = &entry["response"]["data"];
            assert_eq!(shown["keys"].is_number(), elides);
            assert_eq!(shown["key_info"].is_number(), elides);
            if elides {
                assert_eq!((&shown["keys"], &shown["key_info"]), (&json!(2), &json!(1)));
            }
        }
    }
}

#[test]
fn only_listings_are_counted() {
    let device = device_over(
        "file",
        Options {
            elide_list_responses: true,
            ..options()
        },
        &Disk::default(),
    );
    let request = request("1", Operation::Read, "kv/a", Data::new());
    let result = Ok(Reply::data(data(json!({ "keys": ["a"], "key_info": {} }))));
    let headers = Headers::default();
    let line = Scribe::new(&device, &headers).response(&super::record(&request), &result, now());
    let entry: Value = serde_json::from_slice(&line.expect("an entry")).expect("JSON");
    assert!(entry["response"]["data"]["keys"].is_array());
}
