//! Users: written, read, listed, deleted.

use serde_json::{Value, json};
use vouchsafe_logical::{ErrorKind, Operation};

use super::{METHOD, password, with_bob};
use crate::auth::driver::{Driver, contains};
use crate::auth::userpass::password::{COST, COST_MAX, PASSWORD_BYTES_MAX};

fn hash(text: &str, cost: u32) -> String {
    bcrypt::hash_with_salt(text, cost, [7; 16])
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn a_user_is_written_read_listed_and_deleted() {
    let userpass = Driver::open(&METHOD);
    assert!(userpass.list("users/").await.is_empty());
    assert_eq!(userpass.exists("users/bob").await, Some(false));
    userpass
        .write(
            "users/Bob",
            json!({ "password": "q", "token_policies": ["Dev", "ops"], "token_ttl": "5m" }),
        )
        .await;
    assert_eq!(userpass.exists("users/BOB").await, Some(true));
    userpass.write("users/alice", password("q")).await;
    assert_eq!(userpass.list("users/").await, ["alice", "bob"]);
    let expected = json!({
        "token_bound_cidrs": [],
        "token_explicit_max_ttl": 0,
        "token_max_ttl": 0,
        "token_no_default_policy": false,
        "token_num_uses": 0,
        "token_period": 0,
        "token_policies": ["dev", "ops"],
        "token_ttl": 300,
        "token_type": "default",
    });
    assert_eq!(Value::Object(userpass.read("users/BOB").await), expected);
    userpass.delete("users/bOb").await;
    userpass.delete("users/bOb").await;
    assert_eq!(userpass.list("users/").await, ["alice"]);
    let gone = userpass
        .send(Operation::Read, "users/bob", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (gone.kind(), gone.messages().len()),
        (ErrorKind::NotFound, 0)
    );
}

#[tokio::test]
async fn former_names_are_shown_to_those_who_wrote_them() {
    let userpass = Driver::open(&METHOD);
    let former = json!({
        "password": "q", "policies": "a,b", "ttl": "5m", "max_ttl": 600, "bound_cidrs": "10.0.0.1",
    });
    userpass.write("users/bob", former).await;
    let read = userpass.read("users/bob").await;
    for (former, present) in [
        ("policies", json!(["a", "b"])),
        ("ttl", json!(300)),
        ("max_ttl", json!(600)),
        ("bound_cidrs", json!(["10.0.0.1"])),
    ] {
        assert_eq!(read[former], present);
        assert_eq!(read[&format!("token_{former}")], present);
    }
    userpass
        .write(
            "users/bob",
            json!({ "token_policies": "c", "policies": "d" }),
        )
        .await;
    let read = userpass.read("users/bob").await;
    assert_eq!(
        read["token_policies"],
        json!(["c"]),
        "the present name wins"
    );
    assert!(!read.contains_key("policies"));
    assert_eq!(
        read["ttl"], 300,
        "what was not written stays as it was written"
    );
    userpass.write("users/bob", json!({ "ttl": 0 })).await;
    assert!(!userpass.read("users/bob").await.contains_key("ttl"));
}

#[tokio::test]
async fn a_new_user_needs_a_password_and_an_old_one_keeps_it() {
    let userpass = Driver::open(&METHOD);
    userpass
        .refuses(
            "users/bob",
            json!({ "token_policies": "x" }),
            "missing password",
        )
        .await;
    userpass
        .refuses("users/bob", password(""), "missing password")
        .await;
    userpass.write("users/bob", password("right")).await;
    userpass
        .write("users/bob", json!({ "token_policies": "x" }))
        .await;
    assert!(userpass.login("login/bob", password("right")).await.is_ok());
    userpass
        .write("users/bob/password", password("other"))
        .await;
    assert!(
        userpass
            .login("login/bob", password("right"))
            .await
            .is_err()
    );
    assert!(userpass.login("login/bob", password("other")).await.is_ok());
    assert_eq!(
        userpass.read("users/bob").await["token_policies"],
        json!(["x"])
    );
}

#[tokio::test]
async fn password_and_policies_belong_to_a_user_who_exists() {
    let userpass = with_bob().await;
    userpass
        .refuses(
            "users/no/password",
            password("q"),
            "username does not exist",
        )
        .await;
    userpass
        .refuses(
            "users/no/policies",
            json!({ "policies": "q" }),
            "username does not exist",
        )
        .await;
    userpass
        .refuses("users/bob/password", json!({}), "missing password")
        .await;
    assert_eq!(userpass.list("users/").await, ["bob"]);
    userpass
        .write("users/bob/policies", json!({ "policies": "a,b" }))
        .await;
    assert_eq!(
        userpass.read("users/bob").await["policies"],
        json!(["a", "b"])
    );
    userpass.write("users/bob/policies", json!({})).await;
    assert_eq!(
        userpass.read("users/bob").await["token_policies"],
        json!(["a", "b"])
    );
}

#[tokio::test]
async fn a_hash_can_stand_in_for_the_password() {
    let userpass = Driver::open(&METHOD);
    for variant in ["2a", "2b", "2y"] {
        let text = hash("right", 4).replacen("2b", variant, 1);
        userpass
            .write("users/bob", json!({ "password_hash": text }))
            .await;
        assert!(
            userpass.login("login/bob", password("right")).await.is_ok(),
            "{variant}"
        );
        assert!(
            userpass
                .login("login/bob", password("wrong"))
                .await
                .is_err(),
            "{variant}"
        );
    }
    userpass
        .write(
            "users/bob/password",
            json!({ "password_hash": hash("other", 4) }),
        )
        .await;
    assert!(userpass.login("login/bob", password("other")).await.is_ok());
    let both = json!({ "password": "a", "password_hash": hash("a", 4) });
    userpass
        .refuses(
            "users/bob",
            both,
            "only one of password or password_hash may be provided",
        )
        .await;
}

#[tokio::test]
async fn what_is_no_hash_is_refused() {
    let userpass = Driver::open(&METHOD);
    let good = hash("right", 4);
    let faults = [
        String::new(),
        "right".to_owned(),
        good.replacen("2b", "2x", 1),
        good.replacen("2b", "1b", 1),
        good[..59].to_owned(),
        format!("{good}A"),
        good.replace('$', "/"),
        format!("{}é", &good[..58]),
    ];
    for fault in faults {
        let error = userpass
            .refusal("users/bob", json!({ "password_hash": fault }))
            .await;
        let expected = "password_hash is not a valid bcrypt hash; expected `$2b$10$…`";
        assert_eq!(error.messages(), [expected], "{fault:?}");
    }
    let at = good.replacen("$04$", &format!("${COST_MAX:02}$"), 1);
    userpass
        .write("users/bob", json!({ "password_hash": at }))
        .await;
    for cost in [0, 3, COST_MAX + 1, 31, 99] {
        let text = good.replacen("$04$", &format!("${cost:02}$"), 1);
        let error = userpass
            .refusal("users/bob", json!({ "password_hash": text }))
            .await;
        let expected = format!("password_hash has cost {cost}; expected 4 to {COST_MAX}");
        assert_eq!(error.messages(), [expected]);
    }
}

#[tokio::test]
async fn passwords_that_bcrypt_can_not_tell_apart_are_refused() {
    let userpass = Driver::open(&METHOD);
    userpass
        .write("users/bob", password(&"p".repeat(PASSWORD_BYTES_MAX)))
        .await;
    let message = "password length exceeds 72 bytes, which is all that bcrypt reads";
    let long = "p".repeat(PASSWORD_BYTES_MAX + 1);
    userpass
        .refuses("users/bob", password(&long), message)
        .await;
    userpass
        .refuses("users/bob/password", password(&long), message)
        .await;
    let message = "password contains a NUL character, which bcrypt can't tell";
    userpass
        .refuses("users/bob", password("a\0a"), message)
        .await;
}

#[tokio::test]
async fn the_password_is_stored_as_a_hash_with_a_salt_of_its_own() {
    let userpass = Driver::open(&METHOD);
    userpass.write("users/a", password("canary-password")).await;
    userpass.write("users/b", password("canary-password")).await;
    let stored = userpass.stored().await;
    let hash_of = |name: &str| {
        let (_, value) = stored.iter().find(|(key, _)| key == name).unwrap();
        let record: Value = serde_json::from_slice(&value[1..]).unwrap();
        record["password_hash"].as_str().unwrap().to_owned()
    };
    assert!(stored.iter().all(|(_, value)| !contains(value, "canary")));
    assert!(hash_of("user/a").starts_with(&format!("$2b${COST}$")));
    assert_ne!(hash_of("user/a"), hash_of("user/b"));
}

/// CVE-2025-4166: a secret in a field of the wrong type must not come back in the error.
#[tokio::test]
async fn refusals_do_not_repeat_secrets() {
    let userpass = with_bob().await;
    for value in [
        json!({ "canary": 1 }),
        json!(["canary"]),
        json!("canary\0"),
        json!("canary".repeat(20)),
    ] {
        for (path, field) in [
            ("users/bob", "password"),
            ("users/bob", "password_hash"),
            ("users/bob/password", "password"),
            ("users/bob/password", "password_hash"),
            ("login/bob", "password"),
        ] {
            let mut body = json!({});
            body[field] = value.clone();
            let error = userpass.refusal(path, body).await;
            let detail = error
                .detail()
                .map(|detail| detail.for_operator().to_owned());
            assert!(
                !format!("{error:?} {error} {detail:?}").contains("canary"),
                "{path} {field}"
            );
        }
    }
}

#[tokio::test]
async fn names_that_are_no_user_names_have_no_route() {
    let userpass = Driver::open(&METHOD);
    for path in [
        "users/a@b.c",
        "users/ b",
        "users/a b",
        "users/-a",
        "users/a/b",
        "login/a@b",
    ] {
        assert_eq!(
            userpass.refusal(path, password("q")).await.kind(),
            ErrorKind::UnsupportedPath,
            "{path}"
        );
    }
}

/// A login never gives `root`: a user who had it could not log in.
#[tokio::test]
async fn root_is_refused_when_it_is_written() {
    let userpass = with_bob().await;
    for (path, body) in [
        ("users/bob", json!({ "token_policies": "dev,Root" })),
        ("users/bob", json!({ "policies": "root" })),
        (
            "users/bob/policies",
            json!({ "token_policies": [" root "] }),
        ),
        (
            "users/eve",
            json!({ "password": "q", "token_policies": "root" }),
        ),
    ] {
        let error = userpass.refusal(path, body).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.messages(), ["policies cannot contain root"], "{path}");
    }
    let bob = userpass.read("users/bob").await;
    assert_eq!(bob["token_policies"], json!(["dev"]));
    assert_eq!(userpass.list("users/").await, ["bob"]);
}
