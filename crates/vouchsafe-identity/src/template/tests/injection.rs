//! Whatever a subject's values are, they arrive whole and change nothing beside them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::guide::{AUTH_INFO, CONDITIONAL, WITH_GROUPS, WORKLOAD};
use super::{Alias, Entity, Group, NOW, metadata, parse, payment_api};

/// Text that tries to leave a JSON string or a template.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\\\"".to_owned()),
        Just("\", \"sub\": \"admin".to_owned()),
        Just("\"}".to_owned()),
        Just("}}".to_owned()),
        Just("{{".to_owned()),
        Just("{{.entity.id}}".to_owned()),
        Just("{{identity.entity.id}}".to_owned()),
        Just("\\u0022".to_owned()),
        Just("\\ud800".to_owned()),
        Just("%s%q%!".to_owned()),
        Just("</script>".to_owned()),
        Just("null".to_owned()),
        Just("1e9".to_owned()),
        Just("\u{2028}\u{2029}".to_owned()),
        "[\\x00-\\x1f]",
        any::<char>().prop_map(String::from),
        "[a-z]{0,4}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    fn hostile_entity()(
        name in hostile_text(),
        environment in hostile_text(),
        service in hostile_text(),
        team in hostile_text(),
        alias in hostile_text(),
        groups in prop::collection::vec(hostile_text(), 0..3),
        policies in prop::collection::vec(hostile_text(), 0..3),
    ) -> Entity {
        let values = metadata(&[("environment", &environment), ("service", &service), ("team", &team)]);
        Entity {
            name,
            metadata: values.clone(),
            aliases: vec![Alias {
                name: alias,
                mount_accessor: "auth_jwt_1".to_owned(),
                mount_type: "jwt".to_owned(),
                metadata: values.clone(),
                custom_metadata: values.clone(),
            }],
            groups: groups
                .into_iter()
                .map(|name| Group { id: name.clone(), name, metadata: values.clone() })
                .collect(),
            policies,
            token_claims: None,
        }
    }
}

#[track_caller]
fn yields(source: &str, entity: &Entity, expected: Value) {
    let claims = parse(source).render(&entity.subject(), NOW);
    assert_eq!(claims.map(Value::Object), Ok(expected), "{source}");
}

/// All ways to print a value safely: piped, between quotes, by `printf`, in a nested object, as a
/// list, by Vault directives.
const EVERY_WAY: &str = r#"{
    "piped": {{.entity.name | toJSON}},
    "quoted": "<{{.entity.name}}>",
    "formatted": {{printf "%s/%s" .entity.name .entity.metadata.team | toJSON}},
    "self_quoted": {{printf "%q" .entity.name}},
    "nested": {"list": [{{range $i, $p := .entity.policies}}{{if $i}}, {{end}}"{{$p}}"{{end}}]},
    "metadata": {{.entity.metadata | toJSON}},
    "variable": {{$t := .entity.metadata.team}}{{$t | toJSON}},
    "either": {{or .entity.metadata.team "none" | toJSON}},
    "count": {{len .entity.groups}}
}"#;

const DIRECTIVES: &str = r#"{
    "name": {{identity.entity.name}},
    "team": {{identity.entity.metadata.team}},
    "metadata": {{identity.entity.metadata}},
    "groups": {{identity.entity.groups.names}},
    "alias": {{identity.entity.aliases.auth_jwt_1.name}},
    "last": true
}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn values_arrive_whole_in_the_templates_of_the_guide(entity in hostile_entity()) {
        let groups: Vec<&str> = entity.groups.iter().map(|group| group.name.as_str()).collect();
        let production = entity.metadata["environment"] == "production";
        yields(WORKLOAD, &entity, json!({
            "environment": entity.metadata["environment"],
            "service": entity.metadata["service"],
            "team": entity.metadata["team"],
            "entity_name": entity.name,
            "groups": groups,
        }));
        yields(WITH_GROUPS, &entity, json!({"groups": groups, "group_names": groups}));
        yields(CONDITIONAL, &entity, json!({
            "env": entity.metadata["environment"],
            "pci_compliant": production,
            "audit_level": if production { "full" } else { "basic" },
        }));
        yields(AUTH_INFO, &entity, json!({
            "auth_method": [{
                "id": "alias-id-1",
                "name": entity.aliases[0].name,
                "mount_accessor": "auth_jwt_1",
                "mount_type": "jwt",
                "metadata": entity.metadata,
            }],
            "entity_id": "entity-id-12345",
            "entity_name": entity.name,
        }));
    }

    #[test]
    fn values_arrive_whole_in_every_way_to_print_them(entity in hostile_entity()) {
        let team = &entity.metadata["team"];
        yields(EVERY_WAY, &entity, json!({
            "piped": entity.name,
            "quoted": format!("<{}>", entity.name),
            "formatted": format!("{}/{team}", entity.name),
            "self_quoted": entity.name,
            "nested": {"list": entity.policies},
            "metadata": entity.metadata,
            "variable": team,
            "either": if team.is_empty() { "none" } else { team.as_str() },
            "count": entity.groups.len(),
        }));
    }

    #[test]
    fn values_arrive_whole_in_directives(entity in hostile_entity()) {
        let groups: Vec<&str> = entity.groups.iter().map(|group| group.name.as_str()).collect();
        yields(DIRECTIVES, &entity, json!({
            "name": entity.name,
            "team": entity.metadata["team"],
            "metadata": entity.metadata,
            "groups": if groups.is_empty() { Value::Null } else { json!(groups) },
            "alias": entity.aliases[0].name,
            "last": true,
        }));
    }

    /// A value that is printed bare is one JSON value, or there are no claims at all.
    #[test]
    fn a_bare_value_stays_one_value(name in hostile_text()) {
        // Accepted when written, since no sample has three groups.
        let source = r#"{"a": {{if gt (len .entity.groups) 2}}{{.entity.name}}{{else}}0{{end}}, "b": 1}"#;
        let mut entity = payment_api();
        let third = entity.groups[0].clone();
        entity.groups.push(third);
        entity.name = name;
        if let Ok(claims) = parse(source).render(&entity.subject(), NOW) {
            let keys: Vec<&String> = claims.keys().collect();
            prop_assert_eq!(keys, ["a", "b"]);
            prop_assert!(!claims["a"].is_object() && !claims["a"].is_array());
            prop_assert_eq!(&claims["b"], &json!(1));
        }
    }

    /// Any text at all: no panic, and what parses renders for the samples it was tried with.
    #[test]
    fn arbitrary_templates_do_not_panic(source in "(\\{|\\}|\\{\\{|\\}\\}|\"|:|,|-| |if|end|range|else|with|\\$x|:=|\\.entity|\\.name|\\.groups|toJSON|printf|\\||\\(|\\)|/\\*|\\*/|[a-z0-9é\\\\%]){0,24}") {
        if let Ok(template) = super::super::ClaimTemplate::parse(&source) {
            prop_assert!(template.render(&super::super::TemplateSubject::default(), NOW).is_ok());
        }
    }
}
