//! Logins and renewals.

use std::time::Duration;

use serde_json::json;
use vouchsafe_logical::{ErrorKind, Operation};

use super::{METHOD, proof, role_id, secret_id, with_web};
use crate::auth::driver::Driver;

const REFUSED: &str = "invalid role or secret ID";

#[tokio::test]
async fn the_right_secret_id_proposes_the_roles_token() {
    let approle = with_web(json!({
        "token_policies": "dev", "token_ttl": "20m", "token_max_ttl": "30m", "token_num_uses": 9,
    }))
    .await;
    let id = role_id(&approle, "web").await;
    let (secret, _) = secret_id(
        &approle,
        "web",
        json!({ "metadata": "{\"a\":\"b\",\"role_name\":\"x\"}" }),
    )
    .await;
    let login = approle
        .login("login", proof(&format!(" {id}\n"), &format!("\t{secret} ")))
        .await
        .unwrap();
    let metadata = [("a", "b"), ("role_name", "web")];
    let metadata = metadata
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    assert_eq!(login.metadata, metadata);
    let alias = login.alias.unwrap();
    assert_eq!((alias.name, alias.metadata), (id, metadata));
    assert_eq!(login.display_name, "");
    assert_eq!(login.token.policies.to_strings(), ["dev"]);
    assert_eq!(login.token.ttl, Duration::from_secs(1_200));
    assert_eq!(login.token.max_ttl, Duration::from_secs(1_800));
    assert_eq!(login.token.num_uses, 9);
    assert!(login.renewable);
}

#[tokio::test]
async fn every_wrong_proof_is_one_answer_and_writes_nothing() {
    let approle = with_web(json!({ "secret_id_ttl": "1h", "secret_id_num_uses": 3 })).await;
    approle.write("role/other", json!({})).await;
    let id = role_id(&approle, "web").await;
    let (secret, accessor) = secret_id(&approle, "web", json!({})).await;
    let (foreign, _) = secret_id(&approle, "other", json!({})).await;
    let (destroyed, _) = secret_id(&approle, "web", json!({})).await;
    approle
        .write(
            "role/web/secret-id/destroy",
            json!({ "secret_id": destroyed }),
        )
        .await;
    let (expired, _) = secret_id(&approle, "web", json!({ "ttl": 1 })).await;
    approle.system.clock.advance(Duration::from_secs(1));
    let before = approle.stored().await;
    for (role_id, secret_id) in [
        (id.as_str(), "wrong"),
        (&id, &foreign),
        (&id, &destroyed),
        (&id, &expired),
        (&id, &accessor),
        (&id, &secret.to_uppercase()),
        (&id, &id),
        ("unknown", &secret),
        ("web", &secret),
        (&id.to_uppercase(), &secret),
        (&"x".repeat(513), &secret),
    ] {
        let error = approle.refusal("login", proof(role_id, secret_id)).await;
        let seen = (
            error.kind(),
            error.reason(),
            error.messages().to_vec(),
            error.data().is_some(),
        );
        let expected = (
            ErrorKind::InvalidRequest,
            "invalid_credentials",
            vec![REFUSED.to_owned()],
            false,
        );
        assert_eq!(seen, expected, "{role_id} {secret_id}");
        assert!(error.is_failed_principal());
    }
    assert_eq!(
        approle.stored().await,
        before,
        "a failed login wrote something"
    );
    assert!(approle.login("login", proof(&id, &secret)).await.is_ok());
}

#[tokio::test]
async fn a_login_on_a_mount_without_roles_is_refused_alike() {
    let approle = Driver::open(&METHOD);
    approle.refuses("login", proof("a", "b"), REFUSED).await;
    assert!(approle.stored().await.is_empty());
}

/// A missing part is the same mistake whether the role exists or not.
#[tokio::test]
async fn a_missing_part_is_named() {
    let approle = with_web(json!({})).await;
    let id = role_id(&approle, "web").await;
    for body in [
        json!({}),
        json!({ "secret_id": "x" }),
        json!({ "role_id": " ", "secret_id": "x" }),
    ] {
        approle
            .refuses("login", body.clone(), "missing role_id")
            .await;
        assert_eq!(approle.principal("login", body), None);
    }
    for id in [id.as_str(), "unknown"] {
        for body in [
            json!({ "role_id": id }),
            json!({ "role_id": id, "secret_id": "" }),
        ] {
            approle
                .refuses("login", body.clone(), "missing secret_id")
                .await;
            assert!(!approle.refusal("login", body).await.is_failed_principal());
        }
    }
}

#[tokio::test]
async fn failures_count_against_the_role_id_as_it_is_looked_up() {
    let approle = with_web(json!({})).await;
    for spelling in ["some-id", " some-id", "some-id\t", "\n some-id "] {
        let principal = approle.principal("login", proof(spelling, "x"));
        assert_eq!(principal.as_deref(), Some("some-id"), "{spelling:?}");
    }
    assert_eq!(
        approle.principal("login", proof(&"x".repeat(513), "x")),
        None
    );
    assert_eq!(
        approle.principal("login", json!({ "role_id": ["x"] })),
        None
    );
    assert_eq!(approle.principal("role/web", json!({})), None);
}

#[tokio::test]
async fn a_secret_id_is_good_for_its_uses_and_then_gone() {
    let approle = with_web(json!({ "secret_id_num_uses": 2, "secret_id_ttl": "1h" })).await;
    let id = role_id(&approle, "web").await;
    let before = approle.stored().await;
    let (secret, _) = secret_id(&approle, "web", json!({})).await;
    approle.system.clock.advance(Duration::from_secs(5));
    approle.login("login", proof(&id, &secret)).await.unwrap();
    let found = approle
        .write("role/web/secret-id/lookup", json!({ "secret_id": secret }))
        .await;
    assert_eq!(found["secret_id_num_uses"], 1);
    assert_eq!(found["last_updated_time"], "2026-01-01T00:00:05.000000000Z");
    approle.login("login", proof(&id, &secret)).await.unwrap();
    approle.refuses("login", proof(&id, &secret), REFUSED).await;
    assert_eq!(
        approle.stored().await,
        before,
        "a used-up secret id left something"
    );
}

/// CVE-2025-6014: of those who redeem a one-use secret at the same time, one succeeds.
#[tokio::test]
async fn one_of_many_redeems_a_secret_id_of_one_use() {
    assert_eq!(redeem_at_once(1, 32).await, 1);
}

#[tokio::test]
async fn five_uses_are_five_logins_whoever_comes_at_the_same_time() {
    assert_eq!(redeem_at_once(5, 32).await, 5);
}

#[tokio::test]
async fn a_secret_id_without_limit_lets_all_in() {
    assert_eq!(redeem_at_once(0, 32).await, 32);
}

async fn redeem_at_once(uses: u64, tasks: usize) -> usize {
    let approle = with_web(json!({})).await;
    let id = role_id(&approle, "web").await;
    let (secret, _) = secret_id(&approle, "web", json!({ "num_uses": uses })).await;
    let mut redeemers = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (approle, body) = (approle.clone(), proof(&id, &secret));
        redeemers.spawn(async move { approle.login("login", body).await });
    }
    let outcomes = redeemers.join_all().await;
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.messages(), [REFUSED]);
    }
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

#[tokio::test]
async fn a_secret_id_expires_to_the_nanosecond() {
    let approle = with_web(json!({ "secret_id_ttl": "1h" })).await;
    let id = role_id(&approle, "web").await;
    let (secret, _) = secret_id(&approle, "web", json!({})).await;
    approle
        .system
        .clock
        .advance(Duration::from_secs(3_600) - Duration::from_nanos(1));
    approle.login("login", proof(&id, &secret)).await.unwrap();
    approle.system.clock.advance(Duration::from_nanos(1));
    approle.refuses("login", proof(&id, &secret), REFUSED).await;
    assert!(
        approle
            .write("role/web/secret-id/lookup", json!({ "secret_id": secret }))
            .await
            .is_empty()
    );
    assert!(approle.list("role/web/secret-id/").await.is_empty());
}

#[tokio::test]
async fn addresses_bind_the_secret_id_and_the_role() {
    let approle = with_web(json!({ "secret_id_bound_cidrs": "10.0.0.0/8,2001:db8::/32" })).await;
    let id = role_id(&approle, "web").await;
    let (narrow, _) = secret_id(
        &approle,
        "web",
        json!({ "cidr_list": "10.1.0.0/16", "num_uses": 1 }),
    )
    .await;
    let (wide, _) = secret_id(&approle, "web", json!({})).await;
    let before = approle.stored().await;
    for (address, secret, message) in [
        (
            "10.2.0.1",
            &narrow,
            "source address \"10.2.0.1\" unauthorized through CIDR restrictions on the secret ID",
        ),
        (
            "2001:db8::1",
            &narrow,
            "source address \"2001:db8::1\" unauthorized through CIDR restrictions on the secret ID",
        ),
        (
            "127.0.0.1",
            &wide,
            "source address \"127.0.0.1\" unauthorized by CIDR restrictions on the role",
        ),
    ] {
        let elsewhere = approle.at(address);
        elsewhere
            .refuses("login", proof(&id, secret), message)
            .await;
        assert!(
            !elsewhere
                .refusal("login", proof(&id, secret))
                .await
                .is_failed_principal()
        );
        elsewhere
            .refuses("login", proof(&id, "wrong"), REFUSED)
            .await;
    }
    assert_eq!(
        approle.stored().await,
        before,
        "a refused login used the secret id up"
    );
    for address in ["10.200.0.1", "2001:db8::1", "::ffff:10.3.0.1"] {
        assert!(
            approle
                .at(address)
                .login("login", proof(&id, &wide))
                .await
                .is_ok(),
            "{address}"
        );
    }
    assert!(
        approle
            .at("10.1.2.3")
            .login("login", proof(&id, &narrow))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_role_without_secret_ids_is_bound_by_addresses() {
    let approle =
        with_web(json!({ "bind_secret_id": false, "secret_id_bound_cidrs": "127.0.0.0/8" })).await;
    let id = role_id(&approle, "web").await;
    let login = approle
        .login("login", json!({ "role_id": id }))
        .await
        .unwrap();
    assert_eq!(login.metadata["role_name"], "web");
    let message = "source address \"10.0.0.1\" unauthorized by CIDR restrictions on the role";
    approle
        .at("10.0.0.1")
        .refuses("login", json!({ "role_id": id }), message)
        .await;
}

#[tokio::test]
async fn a_tokens_addresses_are_those_that_role_and_secret_id_share() {
    let approle = with_web(json!({})).await;
    let id = role_id(&approle, "web").await;
    let cidrs = json!({ "token_bound_cidrs": ["10.1.0.0/16", "192.168.0.1"] });
    let (secret, _) = secret_id(&approle, "web", cidrs).await;
    let body = proof(&id, &secret);
    for (role, expected) in [
        (json!([]), vec!["10.1.0.0/16", "192.168.0.1/32"]),
        (json!(["10.0.0.0/8"]), vec!["10.1.0.0/16"]),
        (
            json!(["10.1.2.0/24", "192.168.0.0/16"]),
            vec!["10.1.2.0/24", "192.168.0.1/32"],
        ),
        (json!(["10.1.0.0/16"]), vec!["10.1.0.0/16"]),
    ] {
        approle
            .write("role/web", json!({ "token_bound_cidrs": role }))
            .await;
        let login = approle.login("login", body.clone()).await.unwrap();
        let found: Vec<String> = login
            .token
            .bound_cidrs
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{role}");
        assert_eq!(approle.renew(&login).await.unwrap(), login.token, "{role}");
    }
    // Nothing in common must not become "everywhere".
    let login = approle.login("login", body.clone()).await.unwrap();
    approle
        .write("role/web", json!({ "token_bound_cidrs": "172.16.0.0/12" }))
        .await;
    assert_eq!(
        approle.refusal("login", body).await.reason(),
        "login_address_not_allowed"
    );
    assert_eq!(
        approle.renew(&login).await.unwrap_err().reason(),
        "login_address_not_allowed"
    );
}

#[tokio::test]
async fn a_deleted_role_takes_its_secret_ids_along_even_when_it_is_made_again() {
    let approle = with_web(json!({ "role_id": "fixed" })).await;
    let (secret, accessor) = secret_id(&approle, "web", json!({})).await;
    let login = approle
        .login("login", proof("fixed", &secret))
        .await
        .unwrap();
    approle.delete("role/web").await;
    approle
        .refuses("login", proof("fixed", &secret), REFUSED)
        .await;
    assert_eq!(
        approle.renew(&login).await.unwrap_err().reason(),
        "role_gone"
    );
    approle
        .write("role/web", json!({ "role_id": "fixed" }))
        .await;
    approle
        .refuses("login", proof("fixed", &secret), REFUSED)
        .await;
    assert!(approle.list("role/web/secret-id/").await.is_empty());
    let body = json!({ "secret_id_accessor": accessor });
    assert_eq!(
        approle
            .refusal("role/web/secret-id-accessor/lookup", body)
            .await
            .kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        approle.renew(&login).await.unwrap_err().reason(),
        "role_gone"
    );
}

#[tokio::test]
async fn a_renewal_gets_the_parameters_of_today() {
    let approle = with_web(json!({ "token_ttl": "20m" })).await;
    let id = role_id(&approle, "web").await;
    let (secret, _) = secret_id(&approle, "web", json!({ "num_uses": 1 })).await;
    let login = approle.login("login", proof(&id, &secret)).await.unwrap();
    approle
        .write(
            "role/web",
            json!({ "token_ttl": "1m", "token_max_ttl": "2m" }),
        )
        .await;
    let renewed = approle.renew(&login).await.unwrap();
    assert_eq!(
        (renewed.ttl, renewed.max_ttl),
        (Duration::from_secs(60), Duration::from_secs(120))
    );
}

/// Another node may have made the key of the hashes: it is read again after an invalidation.
#[tokio::test]
async fn two_nodes_over_one_store_share_the_mount() {
    let approle = Driver::open(&METHOD);
    let other = approle.second_node(&METHOD);
    other.refuses("login", proof("a", "b"), REFUSED).await;
    approle
        .write("role/web", json!({ "role_id": "fixed" }))
        .await;
    let (secret, _) = secret_id(&other, "web", json!({ "num_uses": 1 })).await;
    assert!(other.login("login", proof("fixed", &secret)).await.is_ok());
    other.backend.invalidate("");
    approle
        .refuses("login", proof("fixed", &secret), REFUSED)
        .await;
}

#[tokio::test]
async fn a_login_is_the_only_operation_of_its_path() {
    let approle = with_web(json!({})).await;
    let error = approle
        .send(Operation::Read, "login", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedOperation);
}

/// CVE-2025-4166: a secret in a field of the wrong type must not come back in the error.
#[tokio::test]
async fn refusals_do_not_repeat_secrets() {
    let approle = with_web(json!({})).await;
    let id = role_id(&approle, "web").await;
    let long = "canary".repeat(1_000);
    for value in [
        json!({ "canary": 1 }),
        json!(["canary"]),
        json!("canary"),
        json!(long),
    ] {
        for path in [
            "login",
            "role/web/custom-secret-id",
            "role/no/secret-id/lookup",
            "role/no/secret-id/destroy",
        ] {
            let Err(error) = approle
                .send(
                    Operation::Update,
                    path,
                    json!({ "role_id": id, "secret_id": value }),
                )
                .await
            else {
                assert_eq!(path, "role/web/custom-secret-id");
                continue;
            };
            let detail = error
                .detail()
                .map(|detail| detail.for_operator().to_owned());
            assert!(
                !format!("{error:?} {error} {detail:?}").contains("canary"),
                "{path} {value}"
            );
        }
    }
}
