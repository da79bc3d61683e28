//! Parameters without effect are named: they are often misspelt.

use serde_json::{Value, json};

use crate::harness::{Ask, TestServer};

async fn warnings(ask: Ask, server: &TestServer) -> Value {
    let answer = ask.token(&server.root_token).send().await.expect(200);
    answer.json()["warnings"].clone()
}

#[tokio::test]
async fn unused_parameters_are_named() {
    let server = TestServer::start().await;
    let unknown = "Endpoint ignored these unrecognized parameters: [aa zz]";
    let body = json!({ "zz": 1, "aa": 2, "ttl": "1h" });
    let found = warnings(server.post("auth/token/create", body), &server).await;
    assert_eq!(found, json!([unknown]));

    let replaced = "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]";
    let body = json!({ "name": "other", "zz": 1, "aa": 2 });
    let ask = server.post("identity/entity/name/sample", body);
    assert_eq!(warnings(ask, &server).await, json!([unknown, replaced]));
    let ask = server.get("identity/entity/name/sample?zz=1&aa=2");
    assert_eq!(warnings(ask, &server).await, json!([unknown]));

    // What any operation of the path takes is known at each of them, as in Vault.
    let ask = server.get("identity/entity/name/sample?policies=a");
    assert_eq!(warnings(ask, &server).await, Value::Null);
}

#[tokio::test]
async fn where_anything_may_be_sent_nothing_is_unused() {
    let server = TestServer::start().await;
    let ask = server.post("sys/wrapping/wrap", json!({ "any": "thing" }));
    let ask = ask.header("x-vault-wrap-ttl", "60");
    let answer = ask.token(&server.root_token).send().await.expect(200);
    let token = answer.json()["wrap_info"]["token"].clone();
    let ask = server.post("sys/wrapping/unwrap", json!({ "token": token }));
    assert_eq!(warnings(ask, &server).await, Value::Null);

    let ask = server.post("cubbyhole/x", json!({ "any": "thing" }));
    ask.token(&server.root_token).send().await.expect(204);
}

/// A misspelt parameter of a role is a rule that does not hold, so that nothing else is to be said
/// is no reason not to say it.
#[tokio::test]
async fn an_answer_without_a_body_gets_one_for_a_misspelt_parameter() {
    let server = TestServer::start().await;
    let body = json!({ "allowed_policys": "a", "orphan": true });
    let ask = server.post("auth/token/roles/r", body);
    let expected = "Endpoint ignored these unrecognized parameters: [allowed_policys]";
    assert_eq!(warnings(ask, &server).await, json!([expected]));

    // Clients repeat what the path says; that alone is nothing to warn of.
    let ask = server.post("auth/token/roles/r", json!({ "role_name": "r" }));
    ask.token(&server.root_token).send().await.expect(204);
}
