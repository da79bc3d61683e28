//! The system's lifetimes: `default_lease_ttl` and `max_lease_ttl` of the configuration.

use std::time::Duration;

use serde_json::json;
use vouchsafe_core::{LeaseTtl, Settings};

use crate::harness::TestServer;

const HOUR: u64 = 3_600;

async fn server() -> TestServer {
    let lease_ttl = LeaseTtl {
        default: Duration::from_secs(HOUR),
        max: Duration::from_secs(4 * HOUR),
    };
    TestServer::builder()
        .with_settings(Settings {
            lease_ttl,
            ..Settings::default()
        })
        .with_auth("userpass")
        .with("auth/userpass/users/bob", json!({ "password": "correct" }))
        .start()
        .await
}

#[tokio::test]
async fn a_token_lives_as_long_as_the_configuration_says() {
    let server = server().await;
    let create = |body| {
        server
            .post("auth/token/create", body)
            .token(&server.root_token)
            .send()
    };
    let body = json!({ "policies": ["default"] });
    let made = create(body).await.expect(200).json();
    assert_eq!(made["auth"]["lease_duration"], HOUR);
    assert_eq!(made["warnings"], json!(null));

    let body = json!({ "policies": ["default"], "ttl": "5h" });
    let made = create(body).await.expect(200).json();
    assert_eq!(made["auth"]["lease_duration"], 4 * HOUR);
    let warning =
        "TTL of \"5h\" exceeded the effective max_ttl of \"4h\"; TTL value is capped accordingly";
    assert_eq!(made["warnings"], json!([warning]));

    let token = made["auth"]["client_token"].as_str().unwrap();
    server.clock.advance(Duration::from_secs(3 * HOUR));
    let body = json!({ "increment": "5h" });
    let renewed = server
        .post("auth/token/renew-self", body)
        .token(token)
        .send()
        .await;
    assert_eq!(renewed.expect(200).json()["auth"]["lease_duration"], HOUR);
}

#[tokio::test]
async fn a_login_lives_as_long_and_a_mount_may_say_otherwise() {
    let server = server().await;
    let login = || async {
        let body = json!({ "password": "correct" });
        let answer = server.post("auth/userpass/login/bob", body).send().await;
        answer.expect(200).json()["auth"]["lease_duration"].clone()
    };
    assert_eq!(login().await, HOUR);
    let tune = server.read("sys/auth/userpass/tune").await;
    assert_eq!(
        (&tune["default_lease_ttl"], &tune["max_lease_ttl"]),
        (&json!(HOUR), &json!(4 * HOUR))
    );
    // Longer than the system's: a mount's own tuning goes before, as in Vault.
    let tuning = json!({ "default_lease_ttl": "6h", "max_lease_ttl": "8h" });
    server.write("sys/auth/userpass/tune", tuning).await;
    assert_eq!(login().await, 6 * HOUR);
}
