//! Logins and renewals.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use vouchsafe_logical::ErrorKind;

use super::{METHOD, password, with_bob};
use crate::auth::driver::Driver;
use crate::auth::userpass::password::PASSWORD_BYTES_MAX;
use crate::auth::userpass::user::USER_NAME_BYTES_MAX;

#[tokio::test]
async fn the_right_password_proposes_the_users_token() {
    let userpass = with_bob().await;
    userpass
        .write(
            "users/bob",
            json!({ "token_ttl": "10m", "token_bound_cidrs": "10.0.0.0/8" }),
        )
        .await;
    let login = userpass
        .at("10.1.2.3")
        .login("login/BoB", password("right"))
        .await
        .unwrap();
    let alias = login.alias.unwrap();
    assert_eq!(alias.name, "bob");
    assert!(alias.metadata.is_empty());
    assert_eq!(login.display_name, "bob");
    assert_eq!(
        login.metadata.into_iter().collect::<Vec<_>>(),
        [("username".into(), "bob".into())]
    );
    assert_eq!(login.token.policies.to_strings(), ["dev"]);
    assert_eq!(login.token.ttl, Duration::from_secs(600));
    assert_eq!(login.token.bound_cidrs, ["10.0.0.0/8".parse().unwrap()]);
    assert!(login.renewable);
}

/// Else somebody elsewhere could try passwords and see which is right.
#[tokio::test]
async fn from_elsewhere_the_right_password_is_as_good_as_any() {
    let userpass = with_bob().await;
    userpass
        .write("users/bob", json!({ "token_bound_cidrs": "10.0.0.0/8" }))
        .await;
    let mut seen = Vec::new();
    for (path, text) in [
        ("login/bob", "right"),
        ("login/bob", "wrong"),
        ("login/nobody", "right"),
    ] {
        let error = userpass.at("11.0.0.1").refusal(path, password(text)).await;
        assert!(error.is_failed_principal(), "{path}");
        seen.push((error.kind(), error.reason(), error.messages().to_vec()));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    for near in ["10.0.0.1", "::ffff:10.0.0.1"] {
        let userpass = userpass.at(near);
        let login = userpass.login("login/bob", password("right")).await;
        assert!(login.is_ok(), "{near}");
    }
}

/// CVE-2025-6010 and 6011: who exists must not show, neither in words nor in time.
#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_are_one_answer() {
    let userpass = with_bob().await;
    let before = userpass.stored().await;
    let mut seen = Vec::new();
    for (path, text) in [
        ("login/bob", "wrong"),
        ("login/nobody", "wrong"),
        ("login/nobody", "right"),
    ] {
        let error = userpass.refusal(path, password(text)).await;
        assert!(error.is_failed_principal(), "{path}");
        seen.push((error.kind(), error.reason(), error.messages().to_vec()));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].0, ErrorKind::InvalidRequest);
    assert_eq!(seen[0].2, ["invalid username or password"]);
    assert_eq!(
        userpass.stored().await,
        before,
        "a failed login wrote something"
    );
}

/// The dummy hash is read as a hash: otherwise an unknown user would be answered at once.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test is about time that passes"
)]
async fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let userpass = with_bob().await;
    let mut fastest = [Duration::MAX; 2];
    let are_close = |[one, other]: [Duration; 2]| one.max(other) < one.min(other) * 3 / 2;
    // On a busy machine it takes a while until each had its turn undisturbed.
    for round in 1..=50 {
        for (place, path) in ["login/bob", "login/nobody"].iter().enumerate() {
            let start = std::time::Instant::now();
            userpass.refusal(path, password("wrong")).await;
            fastest[place] = fastest[place].min(start.elapsed());
        }
        if round >= 5 && are_close(fastest) {
            break;
        }
    }
    let [wrong, unknown] = fastest;
    assert!(
        are_close(fastest),
        "wrong password {wrong:?}, unknown user {unknown:?}"
    );
}

#[tokio::test]
async fn a_login_without_a_password_is_a_mistake_and_no_failure() {
    let userpass = with_bob().await;
    for body in [
        json!({}),
        json!({ "password": "" }),
        json!({ "password": null }),
    ] {
        for path in ["login/bob", "login/nobody"] {
            userpass
                .refuses(path, body.clone(), "missing password")
                .await;
            assert!(
                !userpass
                    .refusal(path, body.clone())
                    .await
                    .is_failed_principal()
            );
        }
    }
}

/// bcrypt reads 72 bytes and repeats what is before a NUL: neither may make a second password.
#[tokio::test]
async fn a_password_has_no_second_spelling() {
    let userpass = Driver::open(&METHOD);
    let longest = "p".repeat(PASSWORD_BYTES_MAX);
    userpass.write("users/long", password(&longest)).await;
    userpass.write("users/short", password("a")).await;
    assert!(
        userpass
            .login("login/long", password(&longest))
            .await
            .is_ok()
    );
    assert!(userpass.login("login/short", password("a")).await.is_ok());
    for (path, text) in [
        ("login/long", format!("{longest}p")),
        ("login/long", longest[1..].to_owned()),
        ("login/short", "a\0a".to_owned()),
        ("login/short", "a\0".to_owned()),
        ("login/short", " a".to_owned()),
        ("login/short", "A".to_owned()),
    ] {
        let error = userpass.refusal(path, password(&text)).await;
        assert_eq!(
            error.messages(),
            ["invalid username or password"],
            "{path} {text:?}"
        );
    }
}

#[tokio::test]
async fn a_user_name_at_the_limit_and_one_past_it() {
    let userpass = Driver::open(&METHOD);
    let longest = "a".repeat(USER_NAME_BYTES_MAX);
    userpass
        .write(&format!("users/{longest}"), password("q"))
        .await;
    assert!(
        userpass
            .login(&format!("login/{longest}"), password("q"))
            .await
            .is_ok()
    );
    let path = format!("login/{longest}a");
    let message = format!(
        "username is {} bytes long; at most {USER_NAME_BYTES_MAX} are allowed",
        USER_NAME_BYTES_MAX + 1
    );
    userpass.refuses(&path, password("q"), &message).await;
    assert_eq!(
        userpass.principal(&path, json!({})),
        None,
        "what can't log in is not remembered"
    );
}

#[tokio::test]
async fn a_renewal_gets_the_parameters_of_today() {
    let userpass = with_bob().await;
    let login = userpass
        .login("login/bob", password("right"))
        .await
        .unwrap();
    userpass
        .write("users/bob", json!({ "token_ttl": 60, "password": "other" }))
        .await;
    let renewed = userpass.renew(&login).await.unwrap();
    assert_eq!(renewed.ttl, Duration::from_secs(60));
    assert_eq!(renewed.policies.to_strings(), ["dev"]);
}

#[tokio::test]
async fn a_renewal_is_refused_when_the_user_is_gone_or_has_other_policies() {
    let userpass = with_bob().await;
    let login = userpass
        .login("login/bob", password("right"))
        .await
        .unwrap();
    userpass
        .write(
            "users/bob/policies",
            json!({ "token_policies": ["ops", "dev"] }),
        )
        .await;
    let error = userpass.renew(&login).await.unwrap_err();
    assert_eq!(error.messages(), ["policies have changed, not renewing"]);
    userpass
        .write("users/bob/policies", json!({ "token_policies": ["dev"] }))
        .await;
    assert!(userpass.renew(&login).await.is_ok());
    userpass.delete("users/bob").await;
    assert_eq!(
        userpass.renew(&login).await.unwrap_err().reason(),
        "user_gone"
    );
}

proptest! {
    /// CVE-2025-6004: N failures spread over spellings must lock the one account.
    #[test]
    fn all_spellings_that_can_log_in_are_one_principal(spelling in "[ \\t]{0,2}[bB][oO][bB][ .\\t-]{0,2}") {
        let userpass = Driver::open(&METHOD);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let login = runtime.block_on(async {
            let hash = bcrypt::hash_with_salt("right", 4, [7; 16]).unwrap().to_string();
            userpass.write("users/bob", json!({ "password_hash": hash })).await;
            let path = format!("login/{spelling}");
            match vouchsafe_logical::RequestPath::parse(&path) {
                Ok(_) => userpass.login(&path, password("right")).await.ok(),
                Err(_) => None,
            }
        });
        let principal = match vouchsafe_logical::RequestPath::parse(&format!("login/{spelling}")) {
            Ok(_) => userpass.principal(&format!("login/{spelling}"), Value::Object(Default::default())),
            Err(_) => None,
        };
        if let Some(login) = &login {
            prop_assert_eq!(principal.as_deref(), Some("bob"));
            prop_assert_eq!(&login.alias.as_ref().unwrap().name, "bob");
            prop_assert_eq!(&login.metadata["username"], "bob");
        } else {
            prop_assert_ne!(principal.as_deref(), Some("bob"));
        }
        prop_assert_eq!(login.is_some(), spelling.eq_ignore_ascii_case("bob"));
    }
}
