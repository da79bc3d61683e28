//! What a template may result in: an object, no reserved claim, no repeated key.

use super::super::{CLAIM_DEPTH_MAX, RESERVED_CLAIMS, RenderError};
use super::{check, payment_api, refuse, sparse, try_render};

const NOTHING: &str = "tried with an entity that has no metadata, aliases and groups";

#[test]
fn reserved_claims_are_refused_at_the_top_only() {
    for key in RESERVED_CLAIMS {
        refuse(
            &format!("{{\"{key}\": 1}}"),
            &format!(
                "top level key \"{key}\" not allowed. Restricted keys: iat, aud, exp, iss, sub, namespace, nonce, auth_time, at_hash, c_hash, jti"
            ),
        );
        check(
            &format!("{{\"a\": {{\"{key}\": 1}}}}"),
            &sparse(),
            &format!("{{\"a\":{{\"{key}\":1}}}}"),
        );
    }
}

#[test]
fn a_reserved_claim_in_a_branch_is_found_when_the_role_is_written() {
    refuse(
        r#"{"a": 1{{if eq .entity.metadata.environment "production"}}, "sub": "admin"{{end}}}"#,
        "top level key \"sub\" not allowed. Restricted keys: iat, aud, exp, iss, sub, namespace, nonce, auth_time, at_hash, c_hash, jti",
    );
    refuse(
        r#"{"a": 1{{if .entity.groups}}, "sub": "admin"{{end}}}"#,
        "top level key \"sub\" not allowed. Restricted keys: iat, aud, exp, iss, sub, namespace, nonce, auth_time, at_hash, c_hash, jti",
    );
}

#[test]
fn a_reserved_claim_that_a_value_names_fails_when_a_token_is_issued() {
    let mut entity = payment_api();
    let source = r#"{"x {{.entity.name}}": 1, {{.entity.name | toJSON}}: 2}"#;
    check(
        source,
        &entity,
        r#"{"x my-app-entity":1,"my-app-entity":2}"#,
    );
    entity.name = "sub".to_owned();
    assert_eq!(
        try_render(source, &entity),
        Err(RenderError::ReservedKey { key: "sub" })
    );
}

#[test]
fn a_repeated_key_is_refused() {
    for source in [
        r#"{"a": 1, "a": 2}"#,
        r#"{"b": {"a": 1, "a": 2}}"#,
        r#"{"b": [{"a": 1, "\u0061": 2}]}"#,
    ] {
        let error = super::super::ClaimTemplate::parse(source)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(
                "error parsing template JSON: the same key occurs twice in an object (line 1,"
            ),
            "{error}"
        );
    }
    let mut entity = payment_api();
    let source = r#"{"role": {"{{.entity.name}}": 1, "admin": false}}"#;
    check(
        source,
        &entity,
        r#"{"role":{"my-app-entity":1,"admin":false}}"#,
    );
    entity.name = "admin".to_owned();
    let error = try_render(source, &entity).unwrap_err().to_string();
    assert!(
        error.contains("the same key occurs twice in an object (line 1, column 4"),
        "{error}"
    );
}

#[test]
fn only_an_object_will_do() {
    for source in [
        "[1]",
        "\"a\"",
        "1",
        "null",
        " true",
        "{{toJSON .entity.groups}}",
    ] {
        let error = super::super::ClaimTemplate::parse(source)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(
                "error parsing template JSON: the result is not a JSON object (line 1,"
            ),
            "{error}"
        );
    }
    for source in [
        "",
        "  ",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\": 1",
        "{\"a\": [1",
        "{\"a",
        "{{if .entity.name}}{}{{end}}",
    ] {
        let error = super::super::ClaimTemplate::parse(source)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("error parsing template JSON: unexpected end of JSON input (line 1,"),
            "{source}: {error}"
        );
    }
}

#[test]
fn json_faults_use_the_words_of_go_and_the_place_in_the_template() {
    for (source, fault) in [
        (
            "{not json",
            "invalid character 'n' looking for beginning of object key string (line 1, column 2",
        ),
        (
            "{\"a\" 1}",
            "invalid character '1' after object key (line 1, column 6",
        ),
        (
            "{\"a\": 1 \"b\"}",
            "invalid character '\"' after object key:value pair (line 1, column 9",
        ),
        (
            "{\"a\": [1 2]}",
            "invalid character '2' after array element (line 1, column 10",
        ),
        (
            "{\"a\": x}",
            "invalid character 'x' looking for beginning of value (line 1, column 7",
        ),
        (
            "{\"a\": 1}}",
            "invalid character '}' after top-level value (line 1, column 9",
        ),
        // What was printed before a fault does not shift its place.
        (
            "{\"a\": {{.entity.groups | toJSON}},\n  \"b\": 1\n  \"c\": 2}",
            "invalid character '\"' after object key:value pair (line 3, column 3",
        ),
        (
            "{\"a\": {{identity.entity.groups.names}},\n  \"b\" 1}",
            "invalid character '1' after object key (line 2, column 7",
        ),
        (
            "{\"a\": {{.entity.name | toJSON}} {{.entity.id | toJSON}}}",
            "invalid character '\"' after object key:value pair (line 1, column 33",
        ),
    ] {
        refuse(
            source,
            &format!("error parsing template JSON: {fault}; {NOTHING})"),
        );
    }
}

#[test]
fn claims_nest_up_to_a_limit() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\": {}1{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    let at_limit = nested(CLAIM_DEPTH_MAX);
    check(&at_limit, &sparse(), &at_limit.replace(' ', ""));
    let error = super::super::ClaimTemplate::parse(&nested(CLAIM_DEPTH_MAX + 1)).unwrap_err();
    assert!(
        error.to_string().contains("nested more than 32 deep"),
        "{error}"
    );
}

#[test]
fn a_failure_at_issue_says_so_and_shows_no_value() {
    // No sample has three groups, so that writing the role does not bring the fault out.
    let source =
        r#"{"a": {{if gt (len .entity.groups) 2}}{{.entity.metadata.team}}{{else}}1{{end}}}"#;
    let mut entity = payment_api();
    check(source, &entity, r#"{"a":1}"#);
    let third = entity.groups[0].clone();
    entity.groups.push(third);
    assert_eq!(
        try_render(source, &entity).unwrap_err().to_string(),
        "the template's result for this entity is not a JSON object: the action prints text that is not a JSON value; pipe it to toJSON, or put it in quotes (line 1, column 39)"
    );
}
