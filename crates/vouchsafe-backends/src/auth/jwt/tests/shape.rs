//! Claims of every shape: what is not exactly what a role asks for does not log in.

use serde_json::{Value, json};

use super::{Issuer, NOW, check, mount, role};

/// The shapes that `aud` can have, as the text of the member; empty for none.
const AUDIENCES: [(&str, &str); 12] = [
    ("absent", ""),
    ("empty string", r#""""#),
    ("the string", r#""vault""#),
    ("another string", r#""other""#),
    ("empty list", "[]"),
    ("list with it", r#"["other","vault"]"#),
    ("list without it", r#"["other"]"#),
    ("list with a number", r#"["vault",1]"#),
    ("list of lists", r#"[["vault"]]"#),
    ("object", r#"{"vault":"vault"}"#),
    ("null", "null"),
    ("number", "1"),
];

fn token(issuer: &Issuer, audience: &str) -> String {
    let audience = match audience {
        "" => String::new(),
        text => format!(r#","aud":{text}"#),
    };
    issuer.sign(&format!(
        r#"{{"iss":"https://issuer.example","sub":"a","iat":{NOW},"exp":{}{audience}}}"#,
        NOW + 600
    ))
}

#[tokio::test]
async fn an_audience_is_accepted_only_on_an_exact_match_whatever_its_shape() {
    let (mount, issuer) = mount().await;
    role(&mount, "bound", json!({"bound_audiences": ["vault", "x"]})).await;
    role(&mount, "unbound", json!({"bound_subject": "a"})).await;
    for (shape, audience) in AUDIENCES {
        let bound = match shape {
            "the string" | "list with it" => "ok",
            "absent" | "empty string" | "another string" | "empty list" | "list without it" => {
                "audience_mismatch"
            }
            _ => "token_malformed",
        };
        let unbound = match shape {
            "absent" | "empty list" => "ok",
            "empty string" | "the string" | "another string" | "list with it"
            | "list without it" => "audience_mismatch",
            _ => "token_malformed",
        };
        let token = token(&issuer, audience);
        check(&mount, "bound", &token, bound, &json!([shape, "bound"])).await;
        check(
            &mount,
            "unbound",
            &token,
            unbound,
            &json!([shape, "unbound"]),
        )
        .await;
    }
    for near in [
        "Vault",
        "vault ",
        " vault",
        "vault/",
        "vaul",
        "vault\u{0}",
        "*",
        "x,vault",
    ] {
        let token = issuer.token(&json!({"sub": "a", "aud": near}));
        check(&mount, "bound", &token, "audience_mismatch", &json!(near)).await;
    }
}

#[tokio::test]
async fn an_audience_of_the_mount_binds_every_role() {
    let (mount, issuer) = mount().await;
    let pem = issuer.pem();
    let body = json!({"jwt_validation_pubkeys": pem, "token_audiences": "vault-aud-value"});
    mount.write("config", body).await;
    // The mount's audience is a bound of its own, so such a role may have none.
    role(&mount, "free", json!({})).await;
    role(&mount, "narrow", json!({"bound_audiences": "x"})).await;
    for (aud, free, narrow) in [
        (json!("vault-aud-value"), "ok", "audience_mismatch"),
        (json!(["vault-aud-value", "x"]), "ok", "ok"),
        (json!("x"), "audience_mismatch", "audience_mismatch"),
        (json!(null), "audience_mismatch", "audience_mismatch"),
    ] {
        let token = issuer.token(&json!({"sub": "a", "aud": aud}));
        check(&mount, "free", &token, free, &aud).await;
        check(&mount, "narrow", &token, narrow, &aud).await;
    }
}

#[tokio::test]
async fn a_registered_claim_of_another_type_is_refused_and_never_taken_for_absent() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_audiences": "vault"})).await;
    let future = NOW + 600;
    let base = format!(r#""iss":"https://issuer.example","aud":"vault","iat":{NOW}"#);
    for claims in [
        format!(r#"{{{base},"sub":5,"exp":{future}}}"#),
        format!(r#"{{{base},"sub":["a"],"exp":{future}}}"#),
        format!(r#"{{{base},"sub":null,"exp":{future}}}"#),
        format!(r#"{{{base},"sub":"a","exp":"{future}"}}"#),
        format!(r#"{{{base},"sub":"a","exp":null}}"#),
        format!(r#"{{{base},"sub":"a","exp":true}}"#),
        format!(r#"{{{base},"sub":"a","exp":[]}}"#),
        format!(r#"{{{base},"sub":"a","exp":{{}}}}"#),
        format!(r#"{{{base},"sub":"a","exp":-1}}"#),
        format!(r#"{{{base},"sub":"a","exp":1e400}}"#),
        format!(r#"{{{base},"sub":"a","exp":{future},"exp":{future}}}"#),
        format!(r#"{{{base},"sub":"a","sub":"b","exp":{future}}}"#),
        format!(r#"{{{base},"sub":"a","nbf":"0","exp":{future}}}"#),
        format!(r#"{{{base},"sub":"a","jti":1,"exp":{future}}}"#),
        format!(r#"{{"iss":["https://issuer.example"],"aud":"vault","sub":"a","exp":{future}}}"#),
        "[]".to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        let token = issuer.sign(&claims);
        check(&mount, "r", &token, "token_malformed", &json!(claims)).await;
    }
}

#[tokio::test]
async fn a_claim_that_another_verifier_could_take_for_a_registered_one_is_refused() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    for name in [
        "Iss",
        "ISS",
        "Sub",
        "aUd",
        "EXP",
        "Nbf",
        "iAt",
        "JTI",
        "\u{17f}ub",
        "is\u{17f}",
    ] {
        let token = issuer.token(&json!({"sub": "a", name: "x"}));
        check(&mount, "r", &token, "claim_ambiguous", &json!(name)).await;
    }
    let token = issuer.token(&json!({"sub": "a", "Subject": "x", "issu": "y", "\u{130}ss": "z"}));
    check(&mount, "r", &token, "ok", &json!("others")).await;
}

#[tokio::test]
async fn the_user_claim_is_a_string_that_says_something() {
    let (mount, issuer) = mount().await;
    let bound = json!({"env": "prod"});
    role(
        &mount,
        "plain",
        json!({"user_claim": "who", "bound_claims": bound}),
    )
    .await;
    role(
        &mount,
        "slash",
        json!({"user_claim": "/who/id", "bound_claims": bound}),
    )
    .await;
    let pointer =
        json!({"user_claim": "/who/id", "user_claim_json_pointer": true, "bound_claims": bound});
    role(&mount, "pointer", pointer).await;
    for (who, plain, pointer) in [
        (json!("a"), "ok", "claim_missing"),
        (json!(""), "claim_missing", "claim_missing"),
        (json!(1), "claim_mismatch", "claim_missing"),
        (json!(["a"]), "claim_mismatch", "claim_missing"),
        (json!({"id": "a"}), "claim_mismatch", "ok"),
        (json!({"id": 1}), "claim_mismatch", "claim_mismatch"),
        (Value::Null, "claim_missing", "claim_missing"),
    ] {
        let token = issuer.token(&json!({"env": "prod", "who": who}));
        check(&mount, "plain", &token, plain, &who).await;
        check(&mount, "slash", &token, "claim_missing", &who).await;
        check(&mount, "pointer", &token, pointer, &who).await;
    }
    let token = issuer.token(&json!({"env": "prod", "/who/id": "literal"}));
    check(&mount, "slash", &token, "ok", &json!("a literal name")).await;
}
