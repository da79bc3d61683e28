//! The worker against a source and a publisher that are not there.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::fetch::{Method, Plaintext};
use vouchsafe_logical::{FetchError, Fetched, Secret};
use vouchsafe_testing::{FakeFetcher, ManualClock, SeededEntropy};

use super::fault::Fault;
use super::health::Health;
use super::round::{Change, Worker};
use super::schedule::pause;
use super::settings::{Credential, FILE_BYTES_MAX, Mode, Settings, Source, read};
use vouchsafe_logical::Clock as _;

const SOURCE: &str = "https://vault.internal/v1/identity/oidc";
const DISCOVERY: &str = "https://vault.internal/v1/identity/oidc/.well-known/openid-configuration";
const KEYS: &str = "https://vault.internal/v1/identity/oidc/.well-known/keys";
const CONFIG: &str = "https://publish.example/api/services/vault/config";

fn settings() -> Settings {
    Settings {
        source: Source {
            url: SOURCE.to_owned(),
            token_path: None,
            ca_path: None,
        },
        publisher: "https://publish.example/api".to_owned(),
        publisher_ca_path: None,
        service: "vault".to_owned(),
        credential: Credential::Key(Secret::new("oidcpub_key".to_owned())),
        plaintext: Plaintext::Loopback,
        interval: Duration::from_secs(300),
        mode: Mode::Forever,
        health_address: None,
    }
}

fn status(status: u16, body: impl ToString) -> Result<Fetched, FetchError> {
    Ok(Fetched {
        status,
        body: body.to_string().into_bytes().into(),
        ..Fetched::default()
    })
}

fn key_set(kid: &str) -> Value {
    json!({ "keys": [{ "kty": "RSA", "kid": kid, "n": "sXch", "e": "AQAB" }] })
}

/// A source that says `jwks_uri`, and serves its keys at `at`; a publisher that takes everything.
fn world(issuer: &str, jwks_uri: &str, at: &str) -> FakeFetcher {
    let fetcher = FakeFetcher::default();
    fetcher.serve(DISCOVERY, json!({ "issuer": issuer, "jwks_uri": jwks_uri }));
    fetcher.serve(at, key_set("k1"));
    fetcher.answer(CONFIG, status(200, "{}"));
    fetcher
}

fn uploads(fetcher: &FakeFetcher) -> Vec<Value> {
    let requests = fetcher.requests().into_iter();
    let bodies = requests.filter_map(|request| match request.method {
        Method::PutJson(body) => Some(serde_json::from_slice(&body).unwrap()),
        _ => None,
    });
    bodies.collect()
}

fn published(kid: &str) -> Change {
    Change::Published {
        keys: vec![kid.to_owned()],
    }
}

#[tokio::test]
async fn both_documents_go_in_one_upload_and_once() {
    let fetcher = world(SOURCE, KEYS, KEYS);
    let settings = settings();
    let mut worker = Worker::new(&settings, &fetcher);
    assert_eq!(worker.round().await, Ok(published("k1")));
    assert_eq!(worker.round().await, Ok(Change::None));
    let discovery = json!({ "issuer": SOURCE, "jwks_uri": KEYS });
    let expected = json!({ "openidConfiguration": discovery, "jwks": key_set("k1") });
    assert_eq!(uploads(&fetcher), [expected]);
}

#[tokio::test]
async fn a_new_key_is_uploaded() {
    let fetcher = world(SOURCE, KEYS, KEYS);
    let settings = settings();
    let mut worker = Worker::new(&settings, &fetcher);
    worker.round().await.unwrap();
    fetcher.serve(KEYS, key_set("k2"));
    assert_eq!(worker.round().await, Ok(published("k2")));
}

#[tokio::test]
async fn a_publisher_that_lost_the_documents_gets_them_again() {
    let fetcher = world(SOURCE, KEYS, KEYS);
    let settings = settings();
    let mut worker = Worker::new(&settings, &fetcher);
    worker.round().await.unwrap();
    fetcher.respond(CONFIG, |request| match request.method {
        Method::Get => status(404, "{}"),
        _ => status(200, "{}"),
    });
    assert_eq!(worker.round().await, Ok(published("k1")));
}

/// Its answer would be what was published before, and no new key would ever get out.
#[tokio::test]
async fn the_public_issuers_own_host_is_never_asked_for_the_keys() {
    let public = "https://vault.publish.example/v1/identity/oidc/.well-known/keys";
    let issuer = "https://vault.publish.example/v1/identity/oidc";
    let fetcher = world(issuer, public, KEYS);
    fetcher.serve(public, key_set("old"));
    let settings = settings();
    let mut worker = Worker::new(&settings, &fetcher);
    assert_eq!(worker.round().await, Ok(published("k1")));
    assert_eq!(fetcher.count(public), 0);
}

#[tokio::test]
async fn a_name_that_can_not_be_reached_is_replaced_by_the_sources() {
    let outside = "https://203.0.113.9:6443/openid/v1/jwks";
    let inside = "https://vault.internal/openid/v1/jwks";
    let fetcher = world("https://kubernetes.default.svc", outside, inside);
    let settings = settings();
    let mut worker = Worker::new(&settings, &fetcher);
    assert_eq!(worker.round().await, Ok(published("k1")));
    assert_eq!(fetcher.count(outside), 1);
}

#[tokio::test]
async fn the_sources_token_goes_to_the_source_alone() {
    let elsewhere = "https://keys.example/jwks";
    let fetcher = world(SOURCE, elsewhere, elsewhere);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "source-token\n").unwrap();
    let mut settings = settings();
    settings.source.token_path = Some(path);
    Worker::new(&settings, &fetcher).round().await.unwrap();
    for request in fetcher.requests() {
        let bearer = request.bearer.as_ref().map(|token| token.expose().as_str());
        let expected = match request.url.as_str() {
            DISCOVERY => Some("source-token"),
            CONFIG => Some("oidcpub_key"),
            _ => None,
        };
        assert_eq!(bearer, expected, "{}", request.url);
    }
}

#[tokio::test]
async fn a_projected_token_is_read_at_each_sync() {
    let fetcher = world(SOURCE, KEYS, KEYS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let mut settings = settings();
    settings.credential = Credential::File(path.clone());
    let mut worker = Worker::new(&settings, &fetcher);
    for (token, kid) in [("first", "k1"), ("second", "k2")] {
        std::fs::write(&path, token).unwrap();
        fetcher.serve(KEYS, key_set(kid));
        worker.round().await.unwrap();
        let last = fetcher.requests().pop().unwrap();
        assert_eq!(last.bearer.unwrap().expose(), token);
    }
    std::fs::remove_file(&path).unwrap();
    let fault = worker.round().await.unwrap_err();
    assert!(matches!(fault, Fault::Local(_)), "{fault}");
}

#[track_caller]
fn refused(outcome: Result<Change, Fault>, fetcher: &FakeFetcher, words: &str) {
    let fault = outcome.unwrap_err().to_string();
    assert!(fault.contains(words), "{fault}");
    assert!(!fault.contains("c2VjcmV0"), "it shows the private number");
    assert_eq!(uploads(fetcher), [] as [Value; 0]);
}

#[tokio::test]
async fn a_private_or_symmetric_key_never_leaves_and_is_named() {
    let settings = settings();
    for (member, kty) in [("d", "RSA"), ("k", "oct"), ("priv", "AKP"), ("oth", "RSA")] {
        let fetcher = world(SOURCE, KEYS, KEYS);
        let good = json!({ "kty": "RSA", "kid": "good", "n": "sXch", "e": "AQAB" });
        let bad = json!({ "kty": kty, "kid": "bad", "n": "sXch", member: "c2VjcmV0" });
        fetcher.serve(KEYS, json!({ "keys": [good, bad] }));
        let outcome = Worker::new(&settings, &fetcher).round().await;
        refused(outcome, &fetcher, "the key bad");
    }
}

#[tokio::test]
async fn documents_that_are_none_are_not_uploaded() {
    let settings = settings();
    let cases = [
        (KEYS, json!({ "keys": [] }), "has no keys"),
        (KEYS, json!({}), "has no keys"),
        (KEYS, json!([1]), "no JSON object"),
        (KEYS, json!({ "keys": [1] }), "no object"),
        (DISCOVERY, json!({ "issuer": SOURCE }), "no `jwks_uri`"),
        (DISCOVERY, json!({ "jwks_uri": KEYS }), "no `issuer`"),
    ];
    for (url, document, words) in cases {
        let fetcher = world(SOURCE, KEYS, KEYS);
        fetcher.serve(url, document);
        let outcome = Worker::new(&settings, &fetcher).round().await;
        refused(outcome, &fetcher, words);
    }
}

#[tokio::test]
async fn a_dead_or_redirecting_source_is_a_fault_that_names_it() {
    let settings = settings();
    let fetcher = world(SOURCE, KEYS, KEYS);
    fetcher.take_down(DISCOVERY);
    let outcome = Worker::new(&settings, &fetcher).round().await;
    refused(outcome, &fetcher, DISCOVERY);
    let fetcher = world(SOURCE, KEYS, KEYS);
    fetcher.answer(DISCOVERY, status(302, ""));
    let outcome = Worker::new(&settings, &fetcher).round().await;
    refused(outcome, &fetcher, "redirects are not followed");
}

#[tokio::test]
async fn a_refusal_shows_the_publishers_words_and_is_tried_again() {
    let fetcher = world(SOURCE, KEYS, KEYS);
    let body = json!({ "error": { "code": "issuer_mismatch", "message": "expected x" } });
    fetcher.answer(CONFIG, status(422, body));
    let settings = settings();
    let mut worker = Worker::new(&settings, &fetcher);
    for _ in 0..2 {
        let fault = worker.round().await.unwrap_err().to_string();
        assert!(
            fault.contains("422 (issuer_mismatch: expected x)"),
            "{fault}"
        );
    }
    assert_eq!(uploads(&fetcher).len(), 2);
}

#[test]
fn pauses_double_up_to_the_interval_and_are_spread() {
    let entropy = SeededEntropy::new(7);
    let interval = Duration::from_secs(300);
    for (failures, longest) in [(1, 5), (2, 10), (3, 20), (7, 300), (60, 300)] {
        let longest = Duration::from_secs(longest);
        let pauses: Vec<_> = (0..50)
            .map(|_| pause(failures, interval, &entropy))
            .collect();
        assert!(pauses.iter().all(|p| (longest / 2..=longest).contains(p)));
        assert!(pauses.iter().any(|p| *p != pauses[0]), "no jitter");
    }
    let rest = pause(0, interval, &entropy);
    assert!((interval * 9 / 10..=interval).contains(&rest));
}

#[test]
fn ready_is_who_synced_within_three_intervals() {
    let clock = ManualClock::at(1_767_225_600);
    let mut health = Health::new(clock.now(), Duration::from_secs(300));
    assert_eq!(health.answer("/livez", clock.now()).0, 200);
    assert_eq!(health.answer("/readyz", clock.now()).0, 503);
    health.note(&Ok(Change::None), clock.now());
    clock.advance(Duration::from_secs(900));
    assert_eq!(health.answer("/readyz", clock.now()).0, 200);
    health.note(&Err(Fault::Source("x: refused".to_owned())), clock.now());
    clock.advance(Duration::from_secs(1));
    let (status, body) = health.answer("/readyz", clock.now());
    assert_eq!(status, 503);
    assert!(body.contains("x: refused"), "{body}");
    assert_eq!(health.answer("/metrics", clock.now()).0, 404);
}

mod choice {
    //! Where the settings come from.

    use clap::Parser;

    use super::super::Args;
    use super::*;
    use crate::cli::environment::Environment;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn choose<const N: usize>(
        flags: &[&str],
        variables: [(&str, &str); N],
    ) -> Result<Settings, String> {
        let words = std::iter::once("sync").chain(flags.iter().copied());
        let line = Line::try_parse_from(words).unwrap();
        Settings::choose(&line.args, &Environment::from(variables))
            .map_err(|failure| failure.to_string())
    }

    const NEEDED: [(&str, &str); 3] = [
        ("OIDCPUB_SERVICE_ID", "k8s"),
        ("OIDCPUB_URL", "https://publish.example/api/"),
        ("OIDCPUB_API_KEY", "oidcpub_x"),
    ];

    fn with<'a>(more: &[(&'a str, &'a str)]) -> [(&'a str, &'a str); 6] {
        let mut all = [("_", "_"); 6];
        for (place, pair) in NEEDED.iter().chain(more).enumerate() {
            all[place] = *pair;
        }
        all
    }

    #[test]
    fn in_a_cluster_the_source_is_its_api_server() {
        let variables = with(&[
            ("KUBERNETES_SERVICE_HOST", "fd00::1"),
            ("KUBERNETES_SERVICE_PORT", "6443"),
        ]);
        let settings = choose(&[], variables).unwrap();
        assert_eq!(settings.source.url, "https://[fd00::1]:6443");
        let folder = PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount");
        assert_eq!(settings.source.token_path, Some(folder.join("token")));
        assert_eq!(settings.source.ca_path, Some(folder.join("ca.crt")));
        assert_eq!(settings.publisher, "https://publish.example/api");
        assert_eq!(settings.mode, Mode::Forever);
    }

    #[test]
    fn a_named_source_gets_no_service_accounts_token() {
        let variables = with(&[
            ("OIDC_SOURCE_URL", "https://gitlab.internal/"),
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("CI", "true"),
        ]);
        let settings = choose(&["--once"], variables).unwrap();
        assert_eq!(settings.source.url, "https://gitlab.internal");
        assert_eq!(settings.source.token_path, None);
        assert_eq!(choose(&[], variables).unwrap().mode, Mode::Once);
    }

    #[test]
    fn flags_win_and_what_is_missing_is_named() {
        let variables = with(&[("OIDC_SOURCE_URL", "https://a")]);
        let flags = ["--source-url=https://b", "--service-id=other"];
        let settings = choose(&flags, variables).unwrap();
        assert_eq!(
            (settings.source.url.as_str(), settings.service.as_str()),
            ("https://b", "other")
        );
        for (place, (name, _)) in NEEDED.iter().enumerate() {
            let mut without = variables;
            without[place] = ("_", "_");
            let fault = choose(&[], without).unwrap_err();
            assert!(fault.contains(name), "{fault}");
        }
        let fault = choose(&[], with(&[])).unwrap_err();
        assert!(fault.contains("OIDC_SOURCE_URL"), "{fault}");
    }

    #[test]
    fn what_would_leave_the_path_of_the_service_is_refused() {
        for service in ["../x", "a/b", "a?b", "a b", ""] {
            let flag = format!("--service-id={service}");
            let source = with(&[("OIDC_SOURCE_URL", "https://a")]);
            assert!(choose(&[&flag], source).is_err(), "{service}");
        }
        for url in ["vault.internal", "https://a?b=c", "https://a#b", ""] {
            let flag = format!("--source-url={url}");
            assert!(choose(&[&flag], with(&[])).is_err(), "{url}");
        }
    }
}

#[test]
fn a_file_is_read_whole_or_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ca.crt");
    let write = |bytes: u64| {
        let bytes = usize::try_from(bytes).unwrap();
        std::fs::write(&path, "x".repeat(bytes)).unwrap();
    };
    write(FILE_BYTES_MAX);
    let text = read(&path, "CA certificates").unwrap();
    assert_eq!(text.len() as u64, FILE_BYTES_MAX);
    write(FILE_BYTES_MAX + 1);
    let Err(Fault::Local(message)) = read(&path, "CA certificates") else {
        panic!("taken");
    };
    assert!(
        message.ends_with("ca.crt has more than 262144 bytes"),
        "{message}"
    );
}
