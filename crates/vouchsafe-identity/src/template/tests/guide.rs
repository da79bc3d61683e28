//! Every template of guide 000, as the guide writes it.

use super::{check, payment_api, sparse};

/// Step 3, "Create a Token Template".
pub(super) const WORKLOAD: &str = r#"{{- /* Standard JWT claims plus custom workload info */ -}}
{
    "environment": {{.entity.metadata.environment | toJSON}},
    "service": {{.entity.metadata.service | toJSON}},
    "team": {{.entity.metadata.team | toJSON}},
    "entity_name": {{.entity.name | toJSON}},
    "groups": {{.entity.groups | toJSON}}
}"#;

/// "Include Group Memberships".
pub(super) const WITH_GROUPS: &str = r#"
{
    "groups": {{.entity.groups | toJSON}},
    "group_names": [
        {{- range $i, $g := .entity.groups}}
        {{- if $i}},{{end}}
        {{$g.name | toJSON}}
        {{- end}}
    ]
}"#;

/// "Conditional Claims Based on Metadata".
pub(super) const CONDITIONAL: &str = r#"
{
    "env": {{.entity.metadata.environment | toJSON}},
    {{- if eq .entity.metadata.environment "production"}}
    "pci_compliant": true,
    "audit_level": "full"
    {{- else}}
    "pci_compliant": false,
    "audit_level": "basic"
    {{- end}}
}"#;

/// "Include Auth Method Information".
pub(super) const AUTH_INFO: &str = r#"
{
    "auth_method": {{.entity.aliases | toJSON}},
    "entity_id": {{.entity.id | toJSON}},
    "entity_name": {{.entity.name | toJSON}}
}"#;

#[test]
fn workload_template() {
    // The guide's "Decoded Token Structure".
    check(
        WORKLOAD,
        &payment_api(),
        r#"{"environment":"production","service":"payment-api","team":"platform","entity_name":"my-app-entity","groups":["developers","payment-team"]}"#,
    );
    check(
        WORKLOAD,
        &sparse(),
        r#"{"environment":"","service":"","team":"","entity_name":"entity_ff5e0892","groups":[]}"#,
    );
}

#[test]
fn group_template() {
    check(
        WITH_GROUPS,
        &payment_api(),
        r#"{"groups":["developers","payment-team"],"group_names":["developers","payment-team"]}"#,
    );
    check(WITH_GROUPS, &sparse(), r#"{"groups":[],"group_names":[]}"#);
}

#[test]
fn conditional_template() {
    check(
        CONDITIONAL,
        &payment_api(),
        r#"{"env":"production","pci_compliant":true,"audit_level":"full"}"#,
    );
    check(
        CONDITIONAL,
        &sparse(),
        r#"{"env":"","pci_compliant":false,"audit_level":"basic"}"#,
    );
}

#[test]
fn auth_method_template() {
    check(
        AUTH_INFO,
        &payment_api(),
        r#"{"auth_method":[{"id":"alias-id-1","name":"payments/api","mount_accessor":"auth_kubernetes_1","mount_type":"kubernetes","metadata":{"service_account_name":"api"}}],"entity_id":"entity-id-12345","entity_name":"my-app-entity"}"#,
    );
    check(
        AUTH_INFO,
        &sparse(),
        r#"{"auth_method":[],"entity_id":"entity-id-12345","entity_name":"entity_ff5e0892"}"#,
    );
}
