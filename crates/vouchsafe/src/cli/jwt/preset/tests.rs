//! The presets themselves, and what their rules refuse.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::file::{Preset, fill, names};
use super::plan::Plan;

/// A preset filled in with its own examples, and with changes.
fn plan(name: &str, changes: Value) -> Plan {
    let preset = Preset::find(name).unwrap();
    let mut words: Map<String, Value> = preset
        .parameters
        .iter()
        .filter(|parameter| !parameter.optional)
        .map(|parameter| (parameter.name.clone(), parameter.example.clone().into()))
        .collect();
    words.extend(changes.as_object().unwrap().clone());
    Plan::new(&preset, words).unwrap()
}

fn codes(name: &str, changes: Value) -> Vec<String> {
    let findings = plan(name, changes).findings;
    findings.into_iter().map(|finding| finding.code).collect()
}

#[track_caller]
fn refused(name: &str, changes: Value, code: &str) {
    let codes = codes(name, changes.clone());
    assert!(
        codes.iter().any(|found| found == code),
        "{name} {changes}: {codes:?}"
    );
}

#[track_caller]
fn accepted(name: &str, changes: Value) {
    let codes = codes(name, changes.clone());
    assert!(codes.is_empty(), "{name} {changes}: {codes:?}");
}

/// The words stand in the place of the preset's own bindings.
fn bound(claims: Value) -> Value {
    json!({"bound_claims": claims.to_string(), "bound_claims_type": "glob", "bound_subject": ""})
}

#[test]
fn every_file_is_whole_and_its_own_role_is_safe() {
    let all: Vec<&str> = names().collect();
    let expected = [
        "azure",
        "gcp",
        "github",
        "gitlab",
        "kubernetes",
        "terraform",
        "vault",
    ];
    assert_eq!(all, expected);
    for name in all {
        let preset = Preset::find(name).unwrap_or_else(|| panic!("presets/{name}.json"));
        let plan = plan(name, json!({}));
        assert_eq!(plan.findings, [], "{name}");
        assert!(
            plan.issuer.starts_with("https://"),
            "{name}: {}",
            plan.issuer
        );
        let text = json!({"config": plan.config, "role": plan.role}).to_string();
        for parameter in &preset.parameters {
            let brace = format!("{{{}}}", parameter.name);
            assert!(!text.contains(&brace), "{name}: {brace} was not filled in");
            let source = json!({"issuer": preset.issuer, "role": preset.role}).to_string();
            assert!(source.contains(&brace), "{name}: {brace} is not used");
        }
        for rule in &preset.rules {
            let kinds = [
                !rule.pin.is_empty(),
                rule.literal.is_some(),
                !rule.any_of.is_empty(),
                !rule.user_claim_not.is_empty(),
                !rule.issuer_not.is_empty(),
            ];
            let count = kinds.into_iter().filter(|kind| *kind).count();
            assert_eq!(count, 1, "{name}: {} is one rule", rule.code);
        }
        assert_eq!(plan.role["role_type"], "jwt", "{name}");
        assert!(plan.role.contains_key("token_max_ttl"), "{name}");
    }
}

#[test]
fn a_role_is_filled_in_and_settings_stand_in_the_place_of_the_presets() {
    let plan = plan(
        "github",
        json!({
            "environment": "production",
            "token_policies": "deploy",
            "token_ttl": "5m",
            "oidc_discovery_ca_pem": "PEM",
        }),
    );
    let expected = json!({
        "repository_owner_id": "9919", "repository_id": "456789",
        "ref": "refs/heads/main", "environment": "production",
    });
    assert_eq!(plan.role["bound_claims"], expected);
    assert_eq!(plan.role["token_policies"], "deploy");
    assert_eq!(plan.role["token_ttl"], "5m");
    let issuer = "https://token.actions.githubusercontent.com";
    let expected = json!({
        "oidc_discovery_url": issuer, "oidc_discovery_ca_pem": "PEM",
    });
    assert_eq!(Value::Object(plan.config), expected);
    // What nobody sets is left out.
    let without = self::plan("github", json!({}));
    assert!(without.role["bound_claims"].get("environment").is_none());
}

#[test]
fn keys_from_elsewhere_take_the_place_of_discovery() {
    let plan = plan(
        "kubernetes",
        json!({"jwks_url": "https://10.96.0.1/openid/v1/jwks"}),
    );
    assert!(!plan.config.contains_key("oidc_discovery_url"));
    assert_eq!(plan.issuer, "https://kubernetes.default.svc.cluster.local");
}

#[test]
fn bound_claims_are_written_as_pairs() {
    let claims =
        |value: Value| plan("gitlab", json!({"bound_claims": value})).role["bound_claims"].clone();
    assert_eq!(claims(json!("project_id=22")), json!({"project_id": "22"}));
    let several = json!(["project_id=22", "ref=a=b", "project_id=23", "project_id=24"]);
    assert_eq!(
        claims(several),
        json!({"project_id": ["22", "23", "24"], "ref": "a=b"})
    );
    assert_eq!(
        claims(json!("{\"project_id\": [\"1\"]}")),
        json!({"project_id": ["1"]})
    );
}

#[test]
fn what_is_not_known_is_asked_for_with_an_example() {
    let preset = Preset::find("github").unwrap();
    let words = |value: Value| value.as_object().unwrap().clone();
    let fault = Plan::new(&preset, words(json!({"owner_id": "1"})))
        .unwrap_err()
        .to_string();
    assert!(
        fault.contains("audience=https://vault.example.com"),
        "{fault}"
    );
    assert!(
        fault.contains("repository_id=456789") && !fault.contains("owner_id=9919"),
        "{fault}"
    );
    let fault = Plan::new(&preset, words(json!({"audience": ["a", "b"]}))).unwrap_err();
    assert_eq!(fault.to_string(), "`audience` must have one value");
    let all = json!({"audience": "a", "owner_id": "1", "repository_id": "2", "bound_subjekt": "x"});
    let fault = Plan::new(&preset, words(all)).unwrap_err();
    assert!(
        fault
            .to_string()
            .starts_with("`bound_subjekt` is neither a parameter"),
        "{fault}"
    );
}

#[test]
fn on_every_platform_a_role_must_have_an_audience_and_bind_somebody() {
    for name in names() {
        refused(name, json!({"bound_audiences": ""}), "audience_missing");
        refused(name, json!({"bound_audiences": []}), "audience_missing");
        refused(
            name,
            json!({"bound_claims": "", "bound_subject": ""}),
            "nothing_bound",
        );
        refused(name, bound(json!({"sub": "*"})), "wildcard_alone");
        refused(name, bound(json!({"sub": ["a", "**"]})), "wildcard_alone");
        refused(name, bound(json!({"other": "*"})), "wildcard_alone");
        let string =
            json!({"bound_claims": "sub=a*", "bound_claims_type": "string", "bound_subject": ""});
        refused(name, string, "wildcard_without_glob");
        refused(
            name,
            json!({"bound_subject": "a*", "bound_claims_type": "glob"}),
            "wildcard_without_glob",
        );
    }
}

#[test]
fn github_needs_what_can_not_be_taken_by_somebody_else() {
    for claims in [
        json!({"repository": "acme/app", "ref": "refs/heads/main"}),
        json!({"repository_owner": "acme", "ref": "refs/heads/main"}),
        json!({"sub": "repo:acme/app:ref:refs/heads/main"}),
        json!({"sub": ["repo:acme@1/app@2:ref:refs/heads/main", "repo:acme/app:environment:p"]}),
        json!({"actor": "octocat", "ref": "refs/heads/main"}),
        json!({"repository_id": "45*", "ref": "refs/heads/main"}),
    ] {
        refused("github", bound(claims), "owner_not_pinned");
    }
    accepted(
        "github",
        bound(json!({"sub": "repo:acme@1/app@2:ref:refs/heads/main"})),
    );
    accepted(
        "github",
        bound(json!({"sub": "repo:acme@1/app@2:ref:refs/tags/v*"})),
    );
    accepted(
        "github",
        bound(json!({"repository_owner_id": "1", "ref": "refs/heads/main"})),
    );
    accepted(
        "github",
        bound(json!({"repository_id": ["1", "2"], "environment": "production"})),
    );
    accepted(
        "github",
        json!({"bound_claims": "", "bound_subject": "repo:acme@1/app@2:environment:production"}),
    );
}

#[test]
fn github_wildcards_come_after_owner_and_name() {
    for sub in [
        "repo:acme@1/*",
        "repo:*@*/*@*:ref:refs/heads/main",
        "repo:acme@1/app@2*",
        "*:ref:refs/heads/main",
    ] {
        refused("github", bound(json!({"sub": sub})), "wildcard_too_early");
    }
    let owned =
        |claim: &str, value: &str| json!({"repository_owner_id": "1", "ref": "main", claim: value});
    refused(
        "github",
        bound(owned("repository", "acme/*")),
        "wildcard_not_allowed",
    );
    refused(
        "github",
        bound(owned("job_workflow_ref", "*/deploy.yml@refs/heads/main")),
        "wildcard_not_allowed",
    );
}

#[test]
fn github_needs_a_branch_or_an_environment() {
    refused(
        "github",
        bound(json!({"repository_id": "1"})),
        "ref_not_bound",
    );
    refused(
        "github",
        json!({"user_claim": "actor"}),
        "user_claim_names_a_person",
    );
}

#[test]
fn gitlab_needs_numbers_and_whole_paths() {
    let main =
        |claim: &str, value: &str| json!({claim: value, "ref": "main", "ref_protected": "true"});
    refused(
        "gitlab",
        bound(main("project_path", "acme/app")),
        "project_not_pinned",
    );
    refused(
        "gitlab",
        bound(main("namespace_path", "acme")),
        "project_not_pinned",
    );
    refused(
        "gitlab",
        bound(json!({"sub": "project_path:acme/app:ref_type:branch:ref:main"})),
        "project_not_pinned",
    );
    for (claim, value) in [
        ("project_path", "acme/*"),
        ("project_path", "*/app"),
        ("namespace_path", "acme*"),
        ("project_id", "2*"),
    ] {
        refused("gitlab", bound(main(claim, value)), "wildcard_not_allowed");
    }
    refused(
        "gitlab",
        bound(json!({"sub": "project_path:acme/*:ref_type:branch:ref:main"})),
        "wildcard_too_early",
    );
    refused(
        "gitlab",
        bound(json!({"project_id": "22"})),
        "ref_not_bound",
    );
    refused(
        "gitlab",
        json!({"user_claim": "user_email"}),
        "user_claim_names_a_person",
    );
    accepted(
        "gitlab",
        bound(json!({"project_id": "22", "ref": "release-*", "ref_protected": "true"})),
    );
    accepted("gitlab", bound(main("namespace_id", "7")));
    accepted("gitlab", json!({"instance": "https://gitlab.example.com"}));
}

#[test]
fn kubernetes_needs_the_namespace() {
    for sub in [
        "system:serviceaccount:*",
        "system:serviceaccount:team-*",
        "system:serviceaccount:*:app",
    ] {
        refused(
            "kubernetes",
            bound(json!({"sub": sub})),
            "wildcard_too_early",
        );
        refused(
            "kubernetes",
            bound(json!({"sub": sub})),
            "namespace_not_pinned",
        );
    }
    refused(
        "kubernetes",
        bound(json!({"/kubernetes.io/serviceaccount/name": "app"})),
        "namespace_not_pinned",
    );
    refused(
        "kubernetes",
        bound(json!({"/kubernetes.io/namespace": "team-*"})),
        "wildcard_not_allowed",
    );
    refused(
        "kubernetes",
        json!({"user_claim": "iss"}),
        "user_claim_is_shared",
    );
    accepted(
        "kubernetes",
        bound(json!({"sub": "system:serviceaccount:prod:*"})),
    );
    accepted(
        "kubernetes",
        bound(json!({"/kubernetes.io/namespace": ["prod", "staging"]})),
    );
}

#[test]
fn another_vault_needs_the_entity() {
    refused("vault", bound(json!({"team": "core"})), "entity_not_pinned");
    refused(
        "vault",
        bound(json!({"sub": "7a2f*"})),
        "wildcard_not_allowed",
    );
    refused(
        "vault",
        json!({"user_claim": "namespace"}),
        "user_claim_is_shared",
    );
    accepted("vault", bound(json!({"sub": ["a", "b"]})));
}

#[test]
fn google_needs_the_number_of_the_account() {
    refused(
        "gcp",
        bound(json!({"email": "app@p.iam.gserviceaccount.com"})),
        "account_not_pinned",
    );
    refused(
        "gcp",
        bound(json!({"sub": "1", "email": "*@p.iam.gserviceaccount.com"})),
        "wildcard_not_allowed",
    );
    refused(
        "gcp",
        json!({"user_claim": "email"}),
        "user_claim_can_be_reassigned",
    );
}

#[test]
fn azure_needs_one_tenant_and_one_principal() {
    for tenant in ["common", "organizations", "consumers"] {
        refused(
            "azure",
            json!({"tenant_id": tenant}),
            "issuer_of_many_tenants",
        );
    }
    refused(
        "azure",
        bound(json!({"tid": "t", "appid": "a"})),
        "principal_not_pinned",
    );
    refused(
        "azure",
        bound(json!({"oid": "0b5e*"})),
        "wildcard_not_allowed",
    );
    refused(
        "azure",
        json!({"user_claim": "upn"}),
        "user_claim_can_be_reassigned",
    );
}

#[test]
fn terraform_needs_ids() {
    refused(
        "terraform",
        bound(json!({"terraform_workspace_name": "prod"})),
        "workspace_not_pinned",
    );
    refused(
        "terraform",
        bound(json!({"sub": "organization:acme:project:p:workspace:w:run_phase:*"})),
        "workspace_not_pinned",
    );
    refused(
        "terraform",
        bound(json!({"sub": "organization:acme*:run_phase:apply"})),
        "wildcard_too_early",
    );
    refused(
        "terraform",
        bound(json!({"terraform_workspace_id": "ws-*"})),
        "wildcard_not_allowed",
    );
    refused(
        "terraform",
        json!({"user_claim": "terraform_run_id"}),
        "user_claim_is_shared",
    );
}

#[test]
fn a_text_with_a_parameter_that_is_left_out_is_left_out() {
    let values = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    assert_eq!(fill("x{a}y{a}", &values).as_deref(), Some("x1y1"));
    assert_eq!(fill("plain", &values).as_deref(), Some("plain"));
    assert_eq!(fill("x{b}", &values), None);
}
