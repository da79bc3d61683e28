//! Which role a token has: the claim, the map, the roles that are allowed, what is bound.

use serde_json::{Map, Value, json};
use vouchsafe_iam::limits::SUBJECT_BYTES_MAX;
use vouchsafe_iam::{IamConfig, Lookup, Refusal};

use crate::fixtures::{BASE, parse, provider};

struct Idp(IamConfig);

impl Idp {
    fn new(head: &str, conf: &str) -> Self {
        Self(parse(&format!("{BASE}{}", provider("a", head, conf))))
    }

    fn decide(&self, claims: Value) -> Result<(String, String), Refusal> {
        let mut all = Map::from_iter([("sub".to_owned(), json!("s"))]);
        let Value::Object(claims) = claims else {
            panic!("claims are an object");
        };
        all.extend(claims);
        let Lookup::Found(provider) = self.0.provider(Some("https://idp/"), &["vault".to_owned()])
        else {
            panic!("no provider");
        };
        let decision = provider.decide(&self.0, &all)?;
        Ok((decision.subject, decision.role.name.clone()))
    }

    #[track_caller]
    fn has_role(&self, claims: Value, role: &str) {
        assert_eq!(self.decide(claims), Ok(("s".to_owned(), role.to_owned())));
    }

    #[track_caller]
    fn is_refused(&self, claims: Value, reason: &str) {
        let refusal = self.decide(claims.clone()).unwrap_err();
        assert_eq!(refusal.reason(), reason, "{claims}: {}", refusal.detail());
    }
}

#[test]
fn the_role_is_a_string_or_a_list_of_exactly_one() {
    let idp = Idp::new("", "");
    idp.has_role(json!({"roles": "App"}), "App");
    idp.has_role(json!({"roles": ["Ops"]}), "Ops");
    idp.is_refused(json!({}), "role_claim_missing");
    for several in [
        json!([]),
        json!(["App", "Ops"]),
        json!(["App", "App"]),
        json!([["App"]]),
        json!([1]),
        json!({"App": true}),
        json!(null),
        json!(true),
        json!(1),
    ] {
        idp.is_refused(json!({"roles": several}), "role_claim_not_one");
    }
}

#[test]
fn the_role_has_to_exist_letter_by_letter() {
    let idp = Idp::new("", "");
    for name in ["", "app", "App ", "Admin", "Nobody"] {
        idp.is_refused(json!({"roles": name}), "role_unknown");
    }
}

#[test]
fn the_claim_with_the_role_can_be_another() {
    let idp = Idp::new("", "roles_claim = 'my-roles'");
    idp.has_role(json!({"my-roles": ["App"], "roles": ["Ops"]}), "App");
    idp.is_refused(json!({"roles": ["App"]}), "role_claim_missing");
    // A pointer reaches into nested claims, as providers that nest theirs need.
    let idp = Idp::new("", "roles_claim = '/realm_access/roles'");
    idp.has_role(json!({"realm_access": {"roles": ["App"]}}), "App");
    idp.is_refused(json!({"realm_access": []}), "role_claim_missing");
    idp.is_refused(json!({"/realm_access/roles": "App"}), "role_claim_missing");
}

#[test]
fn a_namespaced_claim_is_taken_after_roles() {
    let idp = Idp::new("", "");
    idp.has_role(json!({"https://app.piiano.io/role": "App"}), "App");
    idp.has_role(
        json!({"https://app.piiano.io/role": "App", "roles": "Ops"}),
        "Ops",
    );
    let idp = Idp::new("", "roles_claim = 'r'");
    idp.is_refused(
        json!({"https://app.piiano.io/role": "App"}),
        "role_claim_missing",
    );
}

#[test]
fn namespaced_claims_can_be_nested_in_one_claim() {
    let idp = Idp::new("", "namespace_top_claim = 'vault'");
    idp.has_role(
        json!({"vault": {"https://app.piiano.io/role": "App"}}),
        "App",
    );
    idp.has_role(json!({"roles": "Ops"}), "Ops");
    // Beside that claim they count for nothing.
    idp.is_refused(
        json!({"https://app.piiano.io/role": "App"}),
        "role_claim_missing",
    );
    idp.is_refused(
        json!({"vault": "App", "roles": "Ops"}),
        "namespace_claim_invalid",
    );
    let nested = json!({"vault": {"https://app.piiano.io/prop/owner": "bob"}, "roles": "Ops"});
    idp.is_refused(nested, "restriction_not_enforceable");
}

/// A restriction that nobody enforces would be a role without it.
#[test]
fn restrictions_to_single_objects_are_refused() {
    let idp = Idp::new("", "");
    let claims = json!({"roles": "App", "https://app.piiano.io/prop/owner": "bob"});
    idp.is_refused(claims, "restriction_not_enforceable");
}

#[test]
fn a_map_says_which_role_a_value_means_and_what_it_has_not_is_refused() {
    let head = "[idps.a.roles_map]\n\"svc@project\" = \"App\"\n\"Ops\" = \"App\"";
    let idp = Idp::new(head, "roles_claim = 'email'");
    idp.has_role(json!({"email": "svc@project"}), "App");
    // The value is mapped even where it is the name of a role.
    idp.has_role(json!({"email": "Ops"}), "App");
    idp.is_refused(json!({"email": "other@project"}), "role_not_mapped");
    idp.is_refused(json!({"email": "App"}), "role_not_mapped");
    idp.is_refused(
        json!({"email": ["svc@project", "Ops"]}),
        "role_claim_not_one",
    );
    let empty = Idp::new("[idps.a.roles_map]", "");
    empty.is_refused(json!({"roles": "App"}), "role_not_mapped");
}

#[test]
fn only_allowed_roles_are_given_and_the_map_comes_first() {
    let idp = Idp::new("allowed_roles = ['App']", "");
    idp.has_role(json!({"roles": "App"}), "App");
    idp.is_refused(json!({"roles": "Ops"}), "role_not_allowed");
    let head = "allowed_roles = ['App']\n[idps.a.roles_map]\n\"App\" = \"Ops\"\n\"x\" = \"App\"";
    let idp = Idp::new(head, "");
    idp.has_role(json!({"roles": "x"}), "App");
    idp.is_refused(json!({"roles": "App"}), "role_not_allowed");
    let none = Idp::new("allowed_roles = []", "");
    none.is_refused(json!({"roles": "App"}), "role_not_allowed");
}

#[test]
fn bound_claims_have_to_be_there_with_a_value_that_is_bound() {
    let conf = "[idps.a.conf.bound_claims]\nenv = 'prod'\nteam = ['red', 'blue']\nlevel = 3\n\"/a/b\" = true";
    let idp = Idp::new("", conf);
    let good = json!({"roles": "App", "env": "prod", "team": "blue", "level": 3, "a": {"b": true}});
    idp.has_role(good.clone(), "App");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    idp.has_role(with("team", json!(["green", "red"])), "App");
    idp.has_role(with("env", json!(["test", "prod"])), "App");
    for (name, value) in [
        ("env", json!("PROD")),
        ("env", json!("production")),
        ("env", json!(null)),
        ("env", json!(true)),
        ("env", json!([])),
        ("env", json!({"prod": 1})),
        ("team", json!("green")),
        ("team", json!([["red"]])),
        ("level", json!("3")),
        ("level", json!(3.5)),
    ] {
        idp.is_refused(with(name, value), "bound_claim_mismatch");
    }
    idp.is_refused(with("a", json!({})), "bound_claim_missing");
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("env");
    idp.is_refused(without, "bound_claim_missing");
}

#[test]
fn extra_claims_stand_in_for_a_role_and_prove_nothing() {
    let conf = "extra_claims = '''{\"roles\": [\"App\"], \"env\": \"prod\"}'''";
    let idp = Idp::new("", conf);
    idp.has_role(json!({}), "App");
    // What the token says itself comes first, whatever its shape.
    idp.has_role(json!({"roles": "Ops"}), "Ops");
    idp.has_role(json!({"https://app.piiano.io/role": "Ops"}), "Ops");
    idp.is_refused(json!({"roles": []}), "role_claim_not_one");
    let bound = Idp::new(
        "",
        &format!("{conf}\n[idps.a.conf.bound_claims]\nenv = 'prod'"),
    );
    bound.is_refused(json!({}), "bound_claim_missing");
}

#[test]
fn the_subject_is_a_name_that_can_be_shown() {
    let idp = Idp::new("", "");
    let with = |sub: Value| json!({"roles": "App", "sub": sub});
    let longest = "x".repeat(SUBJECT_BYTES_MAX);
    assert!(idp.decide(with(json!(longest))).is_ok());
    assert!(idp.decide(with(json!("system:serviceaccount:a:b"))).is_ok());
    for bad in [
        json!(""),
        json!(format!("{longest}x")),
        json!("a\u{0}b"),
        json!("a\u{202e}b"),
        json!(["s"]),
        json!(1),
        json!(null),
    ] {
        idp.is_refused(with(bad), "subject_invalid");
    }
    let Lookup::Found(provider) = idp.0.provider(Some("https://idp/"), &["vault".to_owned()])
    else {
        panic!("no provider");
    };
    let nobody = Map::from_iter([("roles".to_owned(), json!("App"))]);
    assert_eq!(
        provider.decide(&idp.0, &nobody).unwrap_err(),
        Refusal::Subject
    );
}

#[test]
fn a_provider_is_found_by_the_exact_issuer_and_one_exact_audience() {
    let second = provider("b", "", "").replace("aud = \"vault\"", "aud = \"vault2\"");
    let third = provider("c", "disabled = true", "").replace("https://idp/", "https://off/");
    let config = parse(&format!("{BASE}{}{second}{third}", provider("a", "", "")));
    let found = |issuer: Option<&str>, audience: &[&str]| {
        let audience: Vec<String> = audience.iter().map(|&one| one.to_owned()).collect();
        match config.provider(issuer, &audience) {
            Lookup::Found(provider) => provider.name.clone(),
            Lookup::Disabled(provider) => format!("{} disabled", provider.name),
            Lookup::Ambiguous => "ambiguous".to_owned(),
            Lookup::Unknown => "unknown".to_owned(),
        }
    };
    assert_eq!(found(Some("https://idp/"), &["vault"]), "a");
    assert_eq!(found(Some("https://idp/"), &["vault2"]), "b");
    assert_eq!(found(Some("https://idp/"), &["other", "vault2"]), "b");
    assert_eq!(
        found(Some("https://idp/"), &["vault2", "vault"]),
        "ambiguous"
    );
    assert_eq!(found(Some("https://off/"), &["vault"]), "c disabled");
    for issuer in ["https://idp", "https://IDP/", "https://idp//", ""] {
        assert_eq!(found(Some(issuer), &["vault"]), "unknown", "{issuer}");
    }
    assert_eq!(found(None, &["vault"]), "unknown");
    for audience in [&[][..], &[""], &["Vault"], &["vault "]] {
        assert_eq!(
            found(Some("https://idp/"), audience),
            "unknown",
            "{audience:?}"
        );
    }
}
