//! Secret ids: made, listed, looked up, destroyed.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::{ErrorKind, Operation, Response};

use super::{proof, role_id, secret_id, text, with_web};
use crate::auth::approle::secret_id::{METADATA_BYTES_MAX, SECRET_ID_BYTES_MAX};
use crate::auth::driver::contains;

#[tokio::test]
async fn a_secret_id_is_made_looked_up_and_destroyed() {
    let approle = with_web(json!({ "secret_id_num_uses": 2, "secret_id_ttl": "1h" })).await;
    let made = approle
        .write(
            "role/web/secret-id",
            json!({ "metadata": "{\"a\":\"b\"}", "cidr_list": "10.0.0.0/8" }),
        )
        .await;
    assert_eq!(
        (&made["secret_id_num_uses"], &made["secret_id_ttl"]),
        (&json!(2), &json!(3600))
    );
    let (secret, accessor) = (text(&made["secret_id"]), text(&made["secret_id_accessor"]));
    assert_eq!((secret.len(), accessor.len(), made.len()), (36, 36, 4));
    let expected = json!({
        "cidr_list": ["10.0.0.0/8"],
        "creation_time": "2026-01-01T00:00:00.000000000Z",
        "expiration_time": "2026-01-01T01:00:00.000000000Z",
        "last_updated_time": "2026-01-01T00:00:00.000000000Z",
        "metadata": { "a": "b" },
        "secret_id_accessor": accessor,
        "secret_id_num_uses": 2,
        "secret_id_ttl": 3600,
        "token_bound_cidrs": [],
    });
    let by_secret = approle
        .write("role/WEB/secret-id/lookup", json!({ "secret_id": secret }))
        .await;
    assert_eq!(Value::Object(by_secret), expected);
    let body = json!({ "secret_id_accessor": accessor });
    let by_accessor = approle
        .write("role/web/secret-id-accessor/lookup", body)
        .await;
    assert_eq!(Value::Object(by_accessor), expected);
    assert_eq!(approle.list("role/web/secret-id/").await, [accessor]);
    approle
        .write("role/web/secret-id/destroy", json!({ "secret_id": secret }))
        .await;
    assert!(approle.list("role/web/secret-id/").await.is_empty());
    assert!(
        approle
            .write("role/web/secret-id/lookup", json!({ "secret_id": secret }))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_not_given_comes_from_the_role_or_is_unlimited() {
    let approle = with_web(json!({})).await;
    let (secret, _) = secret_id(&approle, "web", json!({})).await;
    let found = approle
        .write("role/web/secret-id/lookup", json!({ "secret_id": secret }))
        .await;
    assert_eq!(found["expiration_time"], "0001-01-01T00:00:00Z");
    assert_eq!(
        (&found["secret_id_ttl"], &found["secret_id_num_uses"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        (&found["metadata"], &found["cidr_list"]),
        (&json!({}), &json!([]))
    );
}

#[tokio::test]
async fn a_secret_id_is_within_its_role() {
    let approle = with_web(json!({
        "secret_id_num_uses": 2, "secret_id_ttl": "1h",
        "secret_id_bound_cidrs": "10.0.0.0/8", "token_bound_cidrs": ["192.168.0.0/16", "127.0.0.1"],
    }))
    .await;
    let path = "role/web/secret-id";
    let uses = "num_uses cannot be higher than the role's secret_id_num_uses";
    let ttl = "ttl cannot be longer than the role's secret_id_ttl";
    approle.refuses(path, json!({ "num_uses": 3 }), uses).await;
    approle.refuses(path, json!({ "num_uses": 0 }), uses).await;
    approle
        .refuses(
            path,
            json!({ "num_uses": -1 }),
            "num_uses cannot be negative",
        )
        .await;
    approle.refuses(path, json!({ "ttl": "3601s" }), ttl).await;
    approle.refuses(path, json!({ "ttl": 0 }), ttl).await;
    for (field, outside) in [
        ("cidr_list", json!("11.0.0.1")),
        ("cidr_list", json!("0.0.0.0/0")),
        ("cidr_list", json!(["10.1.0.0/16", "::/0"])),
        ("token_bound_cidrs", json!("192.0.0.0/8")),
        ("token_bound_cidrs", json!("127.0.0.0/31")),
    ] {
        let mut body = json!({});
        body[field] = outside;
        let error = approle.refusal(path, body.clone()).await;
        assert!(
            error.messages()[0].contains("is not within the CIDR blocks of the role"),
            "{body}"
        );
    }
    let most = json!({
        "num_uses": 2, "ttl": "1h", "cidr_list": "10.0.0.0/8", "token_bound_cidrs": "192.168.0.0/16",
    });
    let made = approle.write(path, most).await;
    assert_eq!(
        (&made["secret_id_num_uses"], &made["secret_id_ttl"]),
        (&json!(2), &json!(3600))
    );
    let made = approle
        .write(path, json!({ "num_uses": 1, "ttl": 1 }))
        .await;
    assert_eq!(
        (&made["secret_id_num_uses"], &made["secret_id_ttl"]),
        (&json!(1), &json!(1))
    );
    for field in ["cidr_list", "token_bound_cidrs"] {
        let mut body = json!({});
        body[field] = json!("x");
        let error = approle.refusal(path, body).await;
        assert!(
            error.messages()[0].contains("is not a CIDR block"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_life_is_cut_to_the_mounts_longest() {
    let approle = with_web(json!({ "secret_id_ttl": "9000h" })).await;
    let made = approle.write("role/web/secret-id", json!({})).await;
    assert_eq!(made["secret_id_ttl"], 768 * 3_600);
}

#[tokio::test]
async fn metadata_is_a_json_object_of_strings_or_pairs() {
    let approle = with_web(json!({})).await;
    for (sent, expected) in [
        (
            "{\"a\":\"b\",\"c\":\"d=e\"}",
            json!({ "a": "b", "c": "d=e" }),
        ),
        ("a=b", json!({ "a": "b" })),
        ("a=b, c = d", json!({ "a": "b", "c": "d" })),
        ("", json!({})),
        (" {} ", json!({})),
    ] {
        let (secret, _) = secret_id(&approle, "web", json!({ "metadata": sent })).await;
        let found = approle
            .write("role/web/secret-id/lookup", json!({ "secret_id": secret }))
            .await;
        assert_eq!(found["metadata"], expected, "{sent}");
    }
    for fault in [
        json!("canary"),
        json!("{\"a\":1}"),
        json!("[1]"),
        json!("=b"),
        json!("a=b,"),
        json!({ "a": "b" }),
    ] {
        let error = approle
            .refusal("role/web/secret-id", json!({ "metadata": fault }))
            .await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{fault}");
        assert!(!error.to_string().contains("canary"));
    }
    let most = format!("k={}", "v".repeat(METADATA_BYTES_MAX - 1));
    secret_id(&approle, "web", json!({ "metadata": most })).await;
    let error = approle
        .refusal(
            "role/web/secret-id",
            json!({ "metadata": format!("{most}v") }),
        )
        .await;
    assert_eq!(
        error.messages(),
        ["metadata has 16385 bytes; at most 16384 are allowed"]
    );
}

#[tokio::test]
async fn a_custom_secret_id_is_taken_as_it_is_trimmed_and_once() {
    let approle = with_web(json!({ "secret_id_ttl": "1h" })).await;
    approle.write("role/other", json!({})).await;
    let path = "role/web/custom-secret-id";
    let made = approle
        .write(path, json!({ "secret_id": " mine ", "num_uses": 1 }))
        .await;
    assert_eq!(
        (&made["secret_id"], &made["secret_id_num_uses"]),
        (&json!("mine"), &json!(1))
    );
    let again = "failed to store secret_id: SecretID is already registered";
    approle
        .refuses(path, json!({ "secret_id": "mine" }), again)
        .await;
    approle
        .write(
            "role/other/custom-secret-id",
            json!({ "secret_id": "mine" }),
        )
        .await;
    for body in [
        json!({}),
        json!({ "secret_id": "" }),
        json!({ "secret_id": " \t" }),
    ] {
        approle.refuses(path, body, "missing secret_id").await;
    }
    let longest = "s".repeat(SECRET_ID_BYTES_MAX);
    approle.write(path, json!({ "secret_id": longest })).await;
    let id = role_id(&approle, "web").await;
    assert!(approle.login("login", proof(&id, &longest)).await.is_ok());
    let error = approle
        .refusal(path, json!({ "secret_id": format!("{longest}s") }))
        .await;
    assert_eq!(
        error.messages(),
        ["secret_id is 4097 bytes long; at most 4096 are allowed"]
    );
    let error = approle
        .refusal("login", proof(&id, &format!("{longest}s")))
        .await;
    assert_eq!(error.messages(), ["invalid role or secret ID"]);
    // An expired one gives up its place, and the sweep that follows takes nothing of the new one.
    approle.system.clock.advance(Duration::from_secs(3_600));
    approle.write(path, json!({ "secret_id": "mine" })).await;
    approle.backend.tick().await.unwrap();
    assert!(approle.login("login", proof(&id, "mine")).await.is_ok());
    assert_eq!(approle.list("role/web/secret-id/").await.len(), 1);
}

#[tokio::test]
async fn requests_about_nothing() {
    let approle = with_web(json!({})).await;
    let unknown = ["role \"no\" does not exist"];
    for (path, body) in [
        ("role/no/secret-id", json!({})),
        ("role/no/custom-secret-id", json!({ "secret_id": "s" })),
        ("role/no/secret-id/lookup", json!({ "secret_id": "s" })),
        ("role/no/secret-id/destroy", json!({ "secret_id": "s" })),
        (
            "role/no/secret-id-accessor/lookup",
            json!({ "secret_id_accessor": "s" }),
        ),
        (
            "role/no/secret-id-accessor/destroy",
            json!({ "secret_id_accessor": "s" }),
        ),
    ] {
        let error = approle.refusal(path, body).await;
        assert_eq!(
            (error.kind(), error.messages()),
            (ErrorKind::NotFound, &unknown.map(str::to_owned)[..]),
            "{path}"
        );
    }
    let error = approle
        .send(Operation::List, "role/no/secret-id/", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(approle.list("role/web/secret-id/").await.is_empty());
    for action in ["lookup", "destroy"] {
        approle
            .refuses(
                &format!("role/web/secret-id/{action}"),
                json!({}),
                "missing secret_id",
            )
            .await;
        let path = format!("role/web/secret-id-accessor/{action}");
        approle
            .refuses(&path, json!({}), "missing secret_id_accessor")
            .await;
        let error = approle
            .refusal(&path, json!({ "secret_id_accessor": "no" }))
            .await;
        let message = "failed to find accessor entry for secret_id_accessor";
        assert_eq!(
            (error.kind(), error.messages()),
            (ErrorKind::NotFound, &[message.to_owned()][..])
        );
        assert_eq!(error.data(), Some(&json!({ "error": message })));
        let path = format!("role/web/secret-id/{action}");
        let reply = approle
            .send(Operation::Update, &path, json!({ "secret_id": "no" }))
            .await
            .unwrap();
        assert!(matches!(reply.response, Response::Empty), "{path}");
    }
}

#[tokio::test]
async fn a_role_without_secret_ids_gets_none() {
    let approle =
        with_web(json!({ "bind_secret_id": false, "token_bound_cidrs": "10.0.0.0/8" })).await;
    let message = "bind_secret_id is not set on the role";
    approle
        .refuses("role/web/secret-id", json!({}), message)
        .await;
    approle
        .refuses(
            "role/web/custom-secret-id",
            json!({ "secret_id": "s" }),
            message,
        )
        .await;
}

/// CVE-2023-24999: whoever may use the accessors of one role must not reach another role's.
#[tokio::test]
async fn an_accessor_is_unknown_at_other_roles() {
    let approle = with_web(json!({})).await;
    approle.write("role/other", json!({})).await;
    let (secret, accessor) = secret_id(&approle, "web", json!({})).await;
    let before = approle.stored().await;
    for action in ["lookup", "destroy"] {
        let path = format!("role/other/secret-id-accessor/{action}");
        let error = approle
            .refusal(&path, json!({ "secret_id_accessor": accessor }))
            .await;
        assert_eq!(
            (error.kind(), error.reason()),
            (ErrorKind::NotFound, "accessor_unknown")
        );
        approle
            .write(
                &format!("role/other/secret-id/{action}"),
                json!({ "secret_id": secret }),
            )
            .await;
    }
    assert_eq!(approle.stored().await, before);
    let body = json!({ "secret_id_accessor": accessor });
    approle
        .write("role/web/secret-id-accessor/destroy", body)
        .await;
    let id = role_id(&approle, "web").await;
    approle
        .refuses("login", proof(&id, &secret), "invalid role or secret ID")
        .await;
}

#[tokio::test]
async fn destruction_leaves_nothing_and_works_with_delete() {
    let approle = with_web(json!({ "secret_id_ttl": "1h" })).await;
    let before = approle.stored().await;
    let (secret, _) = secret_id(&approle, "web", json!({})).await;
    let (_, accessor) = secret_id(&approle, "web", json!({})).await;
    let body = json!({ "secret_id": secret });
    approle
        .send(Operation::Delete, "role/web/secret-id/destroy", body)
        .await
        .unwrap();
    let body = json!({ "secret_id_accessor": accessor });
    approle
        .send(
            Operation::Delete,
            "role/web/secret-id-accessor/destroy",
            body,
        )
        .await
        .unwrap();
    assert_eq!(approle.stored().await, before);
}

/// Storage keys are not encrypted: they must tell nothing about secrets.
#[tokio::test]
async fn secret_ids_are_nowhere_in_the_storage() {
    let approle = with_web(json!({ "role_id": "the-role-id", "secret_id_ttl": "1h" })).await;
    let (secret, accessor) = secret_id(&approle, "web", json!({})).await;
    approle
        .write(
            "role/web/custom-secret-id",
            json!({ "secret_id": "the-custom-secret" }),
        )
        .await;
    for (key, value) in approle.stored().await {
        for hidden in [secret.as_str(), "the-custom-secret"] {
            assert!(!key.contains(hidden) && !contains(&value, hidden), "{key}");
        }
        assert!(
            !key.contains(&accessor) && !key.contains("the-role-id"),
            "{key}"
        );
    }
}
