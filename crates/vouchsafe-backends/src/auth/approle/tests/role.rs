//! Roles and role ids.

use serde_json::{Value, json};
use vouchsafe_identity::subject::name::NAME_BYTES_MAX;
use vouchsafe_logical::{ErrorKind, Operation, Response};

use super::{METHOD, proof, role_id, secret_id, with_web};
use crate::auth::driver::Driver;
use crate::auth::role_name::ROLE_NAME_BYTES_MAX;

#[tokio::test]
async fn a_role_is_written_read_listed_and_deleted() {
    let approle = Driver::open(&METHOD);
    assert!(approle.list("role/").await.is_empty());
    assert_eq!(approle.exists("role/web").await, Some(false));
    let body = json!({
        "token_policies": ["Dev"], "token_ttl": "20m", "token_max_ttl": "30m",
        "secret_id_num_uses": 2, "secret_id_ttl": "1h",
    });
    approle.write("role/Web", body).await;
    assert_eq!(approle.exists("role/WEB").await, Some(true));
    assert_eq!(approle.list("role/").await, ["web"]);
    let expected = json!({
        "bind_secret_id": true,
        "local_secret_ids": false,
        "secret_id_bound_cidrs": [],
        "secret_id_num_uses": 2,
        "secret_id_ttl": 3600,
        "token_bound_cidrs": [],
        "token_explicit_max_ttl": 0,
        "token_max_ttl": 1800,
        "token_no_default_policy": false,
        "token_num_uses": 0,
        "token_period": 0,
        "token_policies": ["dev"],
        "token_ttl": 1200,
        "token_type": "default",
    });
    assert_eq!(Value::Object(approle.read("role/wEb").await), expected);
    approle.delete("role/WEB").await;
    approle.delete("role/web").await;
    assert!(approle.list("role/").await.is_empty());
    let gone = approle
        .send(Operation::Read, "role/web", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (gone.kind(), gone.messages().len()),
        (ErrorKind::NotFound, 0)
    );
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let approle = with_web(json!({ "token_policies": "a", "secret_id_num_uses": 5 })).await;
    let id = role_id(&approle, "web").await;
    approle.write("role/web", json!({ "token_ttl": 60 })).await;
    let role = approle.read("role/web").await;
    assert_eq!(
        (&role["token_policies"], &role["secret_id_num_uses"]),
        (&json!(["a"]), &json!(5))
    );
    assert_eq!(role_id(&approle, "web").await, id);
}

#[tokio::test]
async fn former_names_are_shown_to_those_who_wrote_them() {
    let approle = with_web(json!({
        "policies": "x,y", "period": "1h", "bound_cidr_list": ["10.0.0.0/8", "127.0.0.1/32"],
    }))
    .await;
    let role = approle.read("role/web").await;
    assert_eq!(
        (&role["policies"], &role["token_policies"]),
        (&json!(["x", "y"]), &json!(["x", "y"]))
    );
    assert_eq!(
        (&role["period"], &role["token_period"]),
        (&json!(3600), &json!(3600))
    );
    assert_eq!(
        role["secret_id_bound_cidrs"],
        json!(["10.0.0.0/8", "127.0.0.1/32"])
    );
    approle
        .write("role/web", json!({ "policies": "", "token_period": "0" }))
        .await;
    let role = approle.read("role/web").await;
    assert!(
        !role.contains_key("policies") && !role.contains_key("period"),
        "{role:?}"
    );
    assert_eq!(
        (&role["token_policies"], &role["token_period"]),
        (&json!([]), &json!(0))
    );
}

/// A role id is no secret: a role that asks for nothing else would be open to all.
#[tokio::test]
async fn a_role_keeps_at_least_one_constraint() {
    let approle = with_web(json!({})).await;
    let message = "at least one constraint should be enabled on the role";
    approle
        .refuses("role/open", json!({ "bind_secret_id": false }), message)
        .await;
    approle
        .refuses("role/web", json!({ "bind_secret_id": false }), message)
        .await;
    approle
        .refuses(
            "role/web/bind-secret-id",
            json!({ "bind_secret_id": false }),
            message,
        )
        .await;
    assert_eq!(approle.list("role/").await, ["web"]);
    for cidrs in ["secret_id_bound_cidrs", "token_bound_cidrs"] {
        let mut body = json!({ "bind_secret_id": false });
        body[cidrs] = json!("10.0.0.0/8");
        approle.write("role/bound", body).await;
        let path = format!("role/bound/{}", cidrs.replace('_', "-"));
        let error = approle
            .send(Operation::Delete, &path, json!({}))
            .await
            .unwrap_err();
        assert_eq!(error.messages(), [message], "{path}");
        approle.delete("role/bound").await;
    }
}

#[tokio::test]
async fn values_that_no_role_can_have_are_refused() {
    let approle = Driver::open(&METHOD);
    for (body, message) in [
        (
            json!({ "secret_id_num_uses": -1 }),
            "secret_id_num_uses cannot be negative",
        ),
        (
            json!({ "token_num_uses": -1 }),
            "'token_num_uses' cannot be negative",
        ),
        (
            json!({ "secret_id_bound_cidrs": "x" }),
            "field \"secret_id_bound_cidrs\": \"x\" is not a CIDR block, e.g. `10.0.0.0/8`",
        ),
        (
            json!({ "token_ttl": "2h", "token_max_ttl": "1h" }),
            "'token_ttl' (2h0m0s) cannot be greater than 'token_max_ttl' (1h0m0s)",
        ),
    ] {
        approle.refuses("role/bad", body, message).await;
    }
    for body in [
        json!({ "secret_id_ttl": "-1s" }),
        json!({ "secret_id_ttl": "zz" }),
        json!({ "bind_secret_id": "maybe" }),
        json!({ "token_type": "batch", "token_num_uses": 1 }),
        json!({ "token_type": "zzz" }),
        json!({ "token_bound_cidrs": "10.0.0.0/33" }),
        json!({ "role_id": "a\u{7}b" }),
    ] {
        let error = approle.refusal("role/bad", body.clone()).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
    }
    assert!(approle.list("role/").await.is_empty());
}

#[tokio::test]
async fn names_and_role_ids_at_the_limit_and_one_past_it() {
    let approle = Driver::open(&METHOD);
    let longest = "r".repeat(ROLE_NAME_BYTES_MAX);
    approle
        .write(
            &format!("role/{longest}"),
            json!({ "role_id": "i".repeat(NAME_BYTES_MAX) }),
        )
        .await;
    let (secret, _) = secret_id(&approle, &longest, json!({})).await;
    assert!(
        approle
            .login("login", proof(&"i".repeat(NAME_BYTES_MAX), &secret))
            .await
            .is_ok()
    );
    let error = approle
        .refusal(&format!("role/{longest}r"), json!({}))
        .await;
    assert!(
        error.messages()[0].starts_with("role name is 513 bytes long"),
        "{error}"
    );
    let error = approle
        .refusal(
            "role/a",
            json!({ "role_id": "i".repeat(NAME_BYTES_MAX + 1) }),
        )
        .await;
    assert!(
        error.messages()[0].starts_with("role_id is 513 bytes long"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_id_is_random_or_chosen_and_belongs_to_one_role() {
    let approle = with_web(json!({})).await;
    approle
        .write("role/other", json!({ "role_id": " chosen " }))
        .await;
    assert_eq!(role_id(&approle, "other").await, "chosen");
    let random = role_id(&approle, "web").await;
    assert_eq!(
        (random.len(), random.matches('-').count()),
        (36, 4),
        "{random}"
    );
    for (path, body) in [
        ("role/web", json!({ "role_id": "chosen" })),
        ("role/third", json!({ "role_id": "chosen" })),
        ("role/web/role-id", json!({ "role_id": "chosen" })),
        // One alias would be two roles.
        ("role/web/role-id", json!({ "role_id": "CHOSEN" })),
    ] {
        approle.refuses(path, body, "role_id already in use").await;
    }
    for body in [
        json!({}),
        json!({ "role_id": "" }),
        json!({ "role_id": " " }),
    ] {
        approle
            .refuses("role/web/role-id", body, "missing role_id")
            .await;
    }
    assert_eq!(
        approle
            .refusal("role/no/role-id", json!({ "role_id": "x" }))
            .await
            .kind(),
        ErrorKind::NotFound
    );
    // The same again is no conflict with itself, and another spelling replaces the first one.
    approle
        .write("role/other/role-id", json!({ "role_id": "chosen" }))
        .await;
    approle
        .write("role/other/role-id", json!({ "role_id": "Chosen" }))
        .await;
    assert_eq!(role_id(&approle, "other").await, "Chosen");
}

#[tokio::test]
async fn a_role_id_that_was_given_up_logs_nobody_in_and_is_free() {
    let approle = with_web(json!({ "role_id": "first" })).await;
    let (secret, _) = secret_id(&approle, "web", json!({})).await;
    approle
        .write("role/web/role-id", json!({ "role_id": "second" }))
        .await;
    approle
        .refuses(
            "login",
            proof("first", &secret),
            "invalid role or secret ID",
        )
        .await;
    assert!(
        approle
            .login("login", proof("second", &secret))
            .await
            .is_ok()
    );
    approle
        .write("role/other", json!({ "role_id": "first" }))
        .await;
    approle
        .refuses(
            "login",
            proof("first", &secret),
            "invalid role or secret ID",
        )
        .await;
    approle.delete("role/web").await;
    approle
        .write("role/third", json!({ "role_id": "second" }))
        .await;
}

#[tokio::test]
async fn local_secret_ids_are_chosen_once() {
    let approle = with_web(json!({ "local_secret_ids": true })).await;
    assert_eq!(
        approle.read("role/web/local-secret-ids").await["local_secret_ids"],
        true
    );
    approle
        .write("role/web", json!({ "local_secret_ids": true }))
        .await;
    let message = "local_secret_ids can only be modified during role creation";
    approle
        .refuses("role/web", json!({ "local_secret_ids": false }), message)
        .await;
}

#[tokio::test]
async fn a_max_ttl_over_the_mounts_is_accepted_with_a_warning() {
    let approle = Driver::open(&METHOD);
    for (hours, warnings) in [(768, 0), (769, 1)] {
        let body = json!({ "token_max_ttl": format!("{hours}h") });
        let reply = approle
            .send(Operation::Update, "role/web", body)
            .await
            .unwrap();
        assert!(matches!(reply.response, Response::Empty));
        assert_eq!(reply.warnings.len(), warnings, "{hours}");
    }
}

#[tokio::test]
async fn names_that_are_no_role_names_have_no_route() {
    let approle = Driver::open(&METHOD);
    for path in [
        "role/a.b-",
        "role/-",
        "role/a b",
        "role/a@b",
        "role/web/nothing",
    ] {
        assert_eq!(
            approle.refusal(path, json!({})).await.kind(),
            ErrorKind::UnsupportedPath,
            "{path}"
        );
    }
    let error = approle
        .send(Operation::Delete, "role/web/role-id", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedOperation);
}

/// Writers of different roles that want one role id: one of them gets it.
#[tokio::test]
async fn one_of_many_roles_gets_the_role_id() {
    let approle = Driver::open(&METHOD);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let approle = approle.clone();
        tasks.spawn(async move {
            let path = format!("role/r{number}");
            approle
                .send(Operation::Update, &path, json!({ "role_id": "wanted" }))
                .await
                .is_ok()
        });
    }
    let got = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|got| *got)
        .count();
    assert_eq!(got, 1);
    assert_eq!(approle.list("role/").await.len(), 1);
}

/// A login never gives `root`: a role that promised it could not be used.
#[tokio::test]
async fn root_is_refused_when_it_is_written() {
    let approle = with_web(json!({ "token_policies": "a" })).await;
    for path in ["role/web", "role/fresh", "role/web/policies"] {
        let error = approle
            .refusal(path, json!({ "token_policies": ["a", " ROOT"] }))
            .await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.messages(), ["policies cannot contain root"], "{path}");
    }
    let role = approle.read("role/web").await;
    assert_eq!(role["token_policies"], json!(["a"]));
    assert_eq!(approle.list("role/").await, ["web"]);
}
