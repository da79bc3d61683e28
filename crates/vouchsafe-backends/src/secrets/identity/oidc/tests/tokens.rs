//! Issuing and introspecting.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe_identity::issuer::ALGORITHMS;

use super::driver::{Node, data, verify};

fn part(token: &str, index: usize) -> String {
    let encoded = token.split('.').nth(index).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_has_the_members_of_vault_in_order_and_an_id() {
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "ES256", "allowed_client_ids": "*"}),
    )
    .await;
    let template = r#"{"name": {{identity.entity.name}}, "groups": {{identity.entity.groups.names}}, "a<b": "x&y>"}"#;
    node.put(
        "oidc/role/r",
        json!({"key": "k", "ttl": "30m", "template": template}),
    )
    .await;
    let answer = node.read("oidc/token/r").await.unwrap();
    let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(members, ["client_id", "token", "ttl"]);
    assert_eq!(answer["ttl"], 1_800);
    let token = answer["token"].as_str().unwrap();
    let keys = node.in_state("k", "active").await;
    assert_eq!(
        part(token, 0),
        format!(r#"{{"alg":"ES256","kid":"{}"}}"#, keys[0])
    );
    let verified = verify(token, &node.key_set().await);
    let jti = verified.claims().jwt_id().unwrap().to_owned();
    assert_eq!(jti.len(), 36);
    let client_id = answer["client_id"].as_str().unwrap();
    assert_eq!(client_id.len(), 26);
    assert_eq!(
        part(token, 1),
        format!(
            r#"{{"a\u003cb":"x\u0026y\u003e","aud":"{client_id}","exp":1767227400,"groups":["devs"],"iat":1767225600,"iss":"https://vault.test:8200/v1/identity/oidc","jti":"{jti}","name":"bob","namespace":"root","sub":"{}"}}"#,
            node.entity_id()
        )
    );
    let second = node.token("r").await.unwrap();
    let second = verify(&second, &node.key_set().await);
    assert_ne!(second.claims().jwt_id().unwrap(), jti);
}

#[tokio::test]
async fn all_algorithms_issue_and_verify() {
    let node = Node::open().await;
    for algorithm in ALGORITHMS {
        let name = algorithm.as_str();
        let key = json!({"algorithm": name, "allowed_client_ids": ["c"]});
        node.put(&format!("oidc/key/{name}"), key).await;
        let role = json!({"key": name, "client_id": "c"});
        node.put(&format!("oidc/role/{name}"), role).await;
        let token = node.token(name).await.unwrap();
        let verified = verify(&token, &node.key_set().await);
        assert_eq!(verified.header().algorithm(), algorithm);
        assert_eq!(verified.claims().audience().unwrap(), ["c"]);
        assert_eq!(
            node.introspect(json!({"token": token})).await,
            json!({"active": true})
        );
    }
}

#[tokio::test]
async fn the_default_key_is_made_when_a_role_first_uses_it() {
    let node = Node::open().await;
    assert_eq!(node.list("oidc/key").await, json!(["default"]));
    let described = node.read("oidc/key/default").await.unwrap();
    assert_eq!(
        described,
        json!({"algorithm": "RS256", "allowed_client_ids": ["*"], "rotation_period": 86_400,
               "verification_ttl": 86_400, "keys": []})
    );
    node.put("oidc/role/r", json!({"key": "default"})).await;
    assert_eq!(node.pairs("default").await.len(), 2);
    let token = node.token("r").await.unwrap();
    verify(&token, &node.key_set().await);
    let deletion = node
        .delete("oidc/key/default")
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(deletion, "deletion of key \"default\" not allowed");
}

#[tokio::test]
async fn introspection_says_what_is_wrong() {
    let mut node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
    )
    .await;
    node.put(
        "oidc/role/r",
        json!({"key": "k", "client_id": "c", "ttl": 60}),
    )
    .await;
    let token = node.token("r").await.unwrap();
    let inactive = |error: &str| json!({"active": false, "error": error});
    let go = "error validating claims: go-jose/go-jose/jwt: validation failed";
    assert_eq!(
        node.introspect(json!({"token": token})).await,
        json!({"active": true})
    );
    let body = json!({"token": token, "client_id": "c"});
    assert_eq!(node.introspect(body).await, json!({"active": true}));
    let body = json!({"token": token, "client_id": "other"});
    assert_eq!(
        node.introspect(body).await,
        inactive(&format!("{go}, invalid audience claim (aud)"))
    );
    let three = "error parsing token: go-jose/go-jose: compact JWS format must have three parts";
    assert_eq!(
        node.introspect(json!({"token": "nope"})).await,
        inactive(three)
    );
    assert_eq!(node.introspect(json!({})).await, inactive(three));
    let forged = format!(
        "{}A{}",
        &token[..token.len() - 5],
        &token[token.len() - 4..]
    );
    let forged = if forged == token {
        format!("{token}AAAA")
    } else {
        forged
    };
    let verdict = node.introspect(json!({"token": forged})).await;
    assert_eq!(verdict, inactive("unable to validate the token signature"));

    node.write("oidc/config", json!({"issuer": "https://other.test"}))
        .await
        .unwrap();
    let verdict = node.introspect(json!({"token": token})).await;
    assert_eq!(
        verdict,
        inactive(&format!("{go}, invalid issuer claim (iss)"))
    );
    node.put("oidc/config", json!({"issuer": ""})).await;

    // `exp` counts with a leeway of 60 seconds.
    node.advance(119);
    assert_eq!(
        node.introspect(json!({"token": token})).await,
        json!({"active": true})
    );
    node.advance(1);
    let verdict = node.introspect(json!({"token": token})).await;
    assert_eq!(verdict, inactive(&format!("{go}, token is expired (exp)")));

    let token = node.token("r").await.unwrap();
    let entity = format!("entity/id/{}", node.entity_id());
    node.write(&entity, json!({"disabled": true}))
        .await
        .unwrap();
    let verdict = node.introspect(json!({"token": token})).await;
    assert_eq!(verdict, inactive("entity is disabled"));
    node.delete(&entity).await.unwrap();
    let verdict = node.introspect(json!({"token": token})).await;
    assert_eq!(verdict, inactive("entity was not found"));
    node.set_caller(None);
}

#[tokio::test]
async fn a_token_is_refused_in_the_order_of_vault() {
    let mut node = Node::open().await;
    let refusal = async |node: &Node, role: &str| node.token(role).await.unwrap_err().to_string();
    assert_eq!(refusal(&node, "nope").await, r#"role "nope" not found"#);
    node.put("oidc/key/k", json!({"algorithm": "EdDSA"})).await;
    node.put("oidc/role/r", json!({"key": "k", "client_id": "c"}))
        .await;
    node.set_caller(None);
    assert_eq!(
        refusal(&node, "r").await,
        r#"the key "k" does not list the client ID of the role "r" as an allowed client ID"#
    );
    node.put("oidc/key/k", json!({"allowed_client_ids": ["b", "c"]}))
        .await;
    assert_eq!(
        refusal(&node, "r").await,
        "no entity associated with the request's token"
    );
    node.set_caller(Some("4fe12bd1-7e06-4d4d-92f3-cf2a4a3f6d3c"));
    assert_eq!(refusal(&node, "r").await, "permission denied");
}

#[tokio::test]
async fn a_template_that_fails_for_an_entity_is_an_error_and_not_a_token_without_claims() {
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
    )
    .await;
    // Two claims, whose names collide for an entity whose team is `core`.
    let template = r#"{"core": 1, {{.entity.metadata.team | toJSON}}: 2}"#;
    node.put("oidc/role/r", json!({"key": "k", "template": template}))
        .await;
    let error = node.token("r").await.unwrap_err();
    assert_eq!(error.kind(), vouchsafe_logical::ErrorKind::InvalidRequest);
    assert_eq!(error.reason(), "template_failed");
    assert!(
        error.to_string().contains("is not a JSON object"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_keeps_what_a_write_leaves_out() {
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "verification_ttl": "48h"}),
    )
    .await;
    let base64 = base64::engine::general_purpose::STANDARD.encode(r#"{"a": 1}"#);
    node.put("oidc/role/r", json!({"key": "k", "template": base64}))
        .await;
    let first = node.read("oidc/role/r").await.unwrap();
    assert_eq!(first["template"], r#"{"a": 1}"#);
    assert_eq!(first["ttl"], 86_400);
    node.put("oidc/role/r", json!({"ttl": "1h"})).await;
    let second = node.read("oidc/role/r").await.unwrap();
    assert_eq!(second["ttl"], 3_600);
    for member in ["client_id", "key", "template"] {
        assert_eq!(first[member], second[member]);
    }
    assert_eq!(node.list("oidc/role").await, json!(["r"]));
    node.delete("oidc/role/r").await.unwrap();
    node.delete("oidc/role/r").await.unwrap();
    assert!(node.read("oidc/role/r").await.is_err());
}

#[tokio::test]
async fn config_takes_an_issuer_and_warns() {
    let node = Node::open().await;
    let read = async |node: &Node| {
        let reply = node
            .send(
                vouchsafe_logical::Operation::Read,
                "oidc/config",
                Value::Null,
            )
            .await;
        let reply = reply.unwrap();
        (reply.warnings.clone(), data(reply))
    };
    assert_eq!(read(&node).await, (vec![], json!({"issuer": ""})));
    node.system.api_address.lock().unwrap().clear();
    let (warnings, _) = read(&node).await;
    assert!(warnings[0].starts_with("Both \"issuer\" and Vault's \"api_addr\" are empty."));
    let reply = node
        .write("oidc/config", json!({"issuer": "https://id.test"}))
        .await
        .unwrap();
    assert!(reply.warnings[0].starts_with(
        "If \"issuer\" is set explicitly, all tokens must be validated against that address"
    ));
    assert_eq!(
        read(&node).await,
        (vec![], json!({"issuer": "https://id.test"}))
    );
    node.put("oidc/config", json!({})).await;
    assert_eq!(read(&node).await.1, json!({"issuer": "https://id.test"}));
    node.put("oidc/config", json!({"issuer": ""})).await;
    for bad in ["https://id.test/", "ftp://id.test", "id.test", "https://"] {
        assert_eq!(
            node.refusal("oidc/config", json!({"issuer": bad})).await,
            "invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)"
        );
    }
}
