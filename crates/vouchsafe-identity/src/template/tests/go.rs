//! What the Go syntax can do. Results follow Go's `text/template`, run over the same data.

use super::{check, payment_api, refuse, sparse};

/// Checks what `action` gives as the claim `a`, for the workload of the guide.
#[track_caller]
fn gives(action: &str, expected: &str) {
    check(
        &format!("{{\"a\": {action}}}"),
        &payment_api(),
        &format!("{{\"a\":{expected}}}"),
    );
}

#[test]
fn data() {
    gives("{{.entity.id | toJSON}}", r#""entity-id-12345""#);
    gives("{{$.entity.id | toJSON}}", r#""entity-id-12345""#);
    gives(
        "{{.entity.metadata | toJSON}}",
        r#"{"environment":"production","service":"payment-api","team":"platform"}"#,
    );
    gives("{{.entity.policies | toJSON}}", r#"["default","payments"]"#);
    gives("{{.time.now}}", "1772366400");
    gives("{{.time | toJSON}}", r#"{"now":1772366400}"#);
    gives("{{toJSON .entity.name}}", r#""my-app-entity""#);
    gives("{{(.entity).name | toJSON}}", r#""my-app-entity""#);
    gives("{{ .entity.name|toJSON }}", r#""my-app-entity""#);
    gives("{{\n.entity.name\n| toJSON\n}}", r#""my-app-entity""#);
    gives("{{.entity.metadata.missing | toJSON}}", r#""""#);
    gives(
        "{{. | toJSON}}",
        r#"{"entity":{"id":"entity-id-12345","name":"my-app-entity","metadata":{"environment":"production","service":"payment-api","team":"platform"},"aliases":[{"id":"alias-id-1","name":"payments/api","mount_accessor":"auth_kubernetes_1","mount_type":"kubernetes","metadata":{"service_account_name":"api"}}],"groups":["developers","payment-team"],"policies":["default","payments"]},"time":{"now":1772366400}}"#,
    );
}

#[test]
fn range() {
    gives(
        "[{{range $i, $g := .entity.groups}}{{if $i}},{{end}}{{$g.id | toJSON}}{{end}}]",
        r#"["group-id-1","group-id-2"]"#,
    );
    gives(
        "[{{range $i, $g := .entity.groups}}{{if $i}},{{end}}{{$g | toJSON}}{{end}}]",
        r#"["developers","payment-team"]"#,
    );
    gives(
        "[{{range $i, $g := .entity.groups}}{{if $i}},{{end}}{{$g.metadata.tier | toJSON}}{{end}}]",
        r#"["1",""]"#,
    );
    gives(
        "[{{range $i, $_ := .entity.aliases}}{{if $i}},{{end}}{{.mount_type | toJSON}}{{end}}]",
        r#"["kubernetes"]"#,
    );
    gives(
        "[{{$sep := \"\"}}{{range $a := .entity.aliases}}{{$sep}}{{$a.custom_metadata | toJSON}}{{$sep = \",\"}}{{end}}]",
        r#"[{"cost.center":"42"}]"#,
    );
    gives(
        "{ {{- range $k, $v := .entity.metadata}}{{$k | toJSON}}: {{$v | toJSON}}, {{end}}\"z\": 1}",
        r#"{"environment":"production","service":"payment-api","team":"platform","z":1}"#,
    );
    gives(
        "[{{range $i := 3}}{{if $i}},{{end}}{{$i}}{{end}}]",
        "[0,1,2]",
    );
    gives("[{{range 0}}1{{else}}\"none\"{{end}}]", r#"["none"]"#);
    gives(
        "[{{$sep := \"\"}}{{range .entity.policies}}{{$sep}}{{toJSON .}}{{$sep = \", \"}}{{end}}]",
        r#"["default","payments"]"#,
    );
    gives(
        "[{{range $i, $p := .entity.policies}}{{if $i}}{{break}}{{end}}{{toJSON $p}}{{end}}]",
        r#"["default"]"#,
    );
    gives(
        "[{{range $i, $p := .entity.policies}}{{if not $i}}{{continue}}{{end}}{{toJSON $p}}{{end}}]",
        r#"["payments"]"#,
    );
    gives(
        "\"{{range .entity.groups}}{{with .metadata.tier}}{{.}};{{end}}{{end}}\"",
        r#""1;""#,
    );
    check(
        r#"{"a": [{{range .entity.groups}}{{else}}"none"{{end}}]}"#,
        &sparse(),
        r#"{"a":["none"]}"#,
    );
}

#[test]
fn conditions() {
    gives("{{if .entity.groups}}1{{else}}2{{end}}", "1");
    gives(
        "{{if eq .entity.name \"x\"}}1{{else if .entity.metadata.team}}2{{else}}3{{end}}",
        "2",
    );
    gives(
        "{{if .entity.metadata.nope}}1{{else if not .entity.groups}}2{{else}}3{{end}}",
        "3",
    );
    gives(
        "{{with .entity.metadata.nope}}1{{else with .entity.name}}{{toJSON .}}{{else}}3{{end}}",
        r#""my-app-entity""#,
    );
    gives(
        "{{with $x := .entity.name}}{{toJSON $x}}{{else}}0{{end}}",
        r#""my-app-entity""#,
    );
    gives(
        "{{if $x := .entity.metadata.nope}}1{{else}}{{toJSON $x}}{{end}}",
        r#""""#,
    );
    gives(
        "{{with .entity}}{{with .metadata}}{{.team | toJSON}}{{else}}0{{end}}{{end}}",
        r#""platform""#,
    );
    gives(
        "{{with .entity.name}}{{toJSON $.entity.metadata.team}}{{else}}0{{end}}",
        r#""platform""#,
    );
    for (condition, expected) in [
        ("eq 1 1", true),
        ("eq 3 1 2 3", true),
        ("eq .entity.name \"a\" \"my-app-entity\"", true),
        ("eq .entity.metadata.nope \"production\"", false),
        ("ne .entity.name \"a\"", true),
        ("lt 1 2", true),
        ("le 2 2", true),
        ("gt 1 2", false),
        ("ge 2 2", true),
        ("lt \"a\" \"b\"", true),
        ("gt (len .entity.groups) 1", true),
        ("and true false", false),
        ("and .entity.name .entity.groups", true),
        ("or false .entity.metadata.nope", false),
        ("or .entity.metadata.nope .entity.name", true),
        ("not .entity.name", false),
        ("not nil", true),
        ("eq true false", false),
        ("lt 1.5 2.5", true),
        ("and (ge .time.now 1) (not (eq .entity.id \"\"))", true),
        // The second argument is not evaluated, or it would be out of range.
        ("or true (index .entity.groups 99)", true),
        ("and false (index .entity.groups 99)", false),
        (".entity.name | eq \"my-app-entity\"", true),
        ("eq .entity.name \"x\" | not", true),
        ("eq 'a' 97", true),
        ("eq 0x1F 31", true),
        ("eq `raw\\n` \"raw\\\\n\"", true),
        ("eq \"\\u00e9\\x41\" \"éA\"", true),
        ("eq -1 (len \"\")", false),
    ] {
        gives(
            &format!("{{{{if {condition}}}}}true{{{{else}}}}false{{{{end}}}}"),
            &expected.to_string(),
        );
    }
}

#[test]
fn a_value_that_a_condition_pins_may_be_printed_bare() {
    let source = r#"{"a": {{if or (eq .entity.metadata.pci "true") (eq .entity.metadata.pci "false")}}{{.entity.metadata.pci}}{{else}}null{{end}}}"#;
    let mut entity = payment_api();
    check(source, &entity, r#"{"a":null}"#);
    entity.metadata.insert("pci".to_owned(), "true".to_owned());
    check(source, &entity, r#"{"a":true}"#);
}

#[test]
fn functions() {
    gives("{{len .entity.groups}}", "2");
    gives("{{len .entity.metadata}}", "3");
    gives("{{len .entity.name}}", "13");
    gives("{{.entity.policies | len}}", "2");
    gives(
        "{{index .entity.metadata \"team\" | toJSON}}",
        r#""platform""#,
    );
    gives(
        "{{index .entity.metadata \"no-such-key\" | toJSON}}",
        r#""""#,
    );
    gives(
        "{{if .entity.groups}}{{(index .entity.groups 1).name | toJSON}}{{else}}0{{end}}",
        r#""payment-team""#,
    );
    gives(
        "{{if .entity.groups}}{{index .entity.groups 0 | toJSON}}{{else}}0{{end}}",
        r#""developers""#,
    );
    gives(
        "{{or .entity.metadata.nope \"none\" | toJSON}}",
        r#""none""#,
    );
    gives(
        "{{and .entity.name .entity.metadata.team | toJSON}}",
        r#""platform""#,
    );
    gives(
        "{{print .entity.name \"!\" | toJSON}}",
        r#""my-app-entity!""#,
    );
    gives("{{print 1 2 \"x\" 3 4 | toJSON}}", r#""1 2x3 4""#);
    gives("{{println 1 \"x\" | toJSON}}", r#""1 x\n""#);
    gives("{{toJSON 1.5}}", "1.5");
    gives("{{toJSON nil}}", "null");
    gives("{{toJSON true}}", "true");
    gives("{{not .entity.name}}", "false");
}

#[test]
fn printf() {
    gives(
        "{{printf \"%s/%s\" .entity.metadata.team .entity.name | toJSON}}",
        r#""platform/my-app-entity""#,
    );
    gives(
        "{{.entity.name | printf \"urn:%s\" | toJSON}}",
        r#""urn:my-app-entity""#,
    );
    gives("{{printf \"%q\" .entity.name}}", r#""my-app-entity""#);
    gives("{{printf \"%d\" (len .entity.groups)}}", "2");
    gives(
        "{{printf \"%v %v %v\" 1 true .entity.policies | toJSON}}",
        r#""1 true [default payments]""#,
    );
    gives(
        "{{printf \"%5d|%-5d|%05d|%+d\" 42 42 42 42 | toJSON}}",
        r#""   42|42   |00042|+42""#,
    );
    gives(
        "{{printf \"%6s|%-6s|%.2s\" \"abc\" \"abc\" \"abc\" | toJSON}}",
        r#""   abc|abc   |ab""#,
    );
    gives(
        "{{printf \"%x %X %c %t %.2f 100%%\" 255 255 97 true 1.5 | toJSON}}",
        r#""ff FF a true 1.50 100%""#,
    );
    gives("{{printf \"%06d\" -42 | toJSON}}", r#""-00042""#);
}

#[test]
fn text_is_escaped_inside_quotes() {
    let mut entity = payment_api();
    entity.name = "a\"b\\c\n".to_owned();
    check(
        r#"{"a": "x {{.entity.name}} y"}"#,
        &entity,
        r#"{"a":"x a\"b\\c\n y"}"#,
    );
    check(
        r#"{"a": "{{len .entity.groups}} of {{.entity.policies}}"}"#,
        &entity,
        r#"{"a":"2 of [default payments]"}"#,
    );
    check(
        r#"{"a": "{{"\""}}{{range .entity.groups}}<{{.}}>{{end}}"}"#,
        &entity,
        r#"{"a":"\"<developers><payment-team>"}"#,
    );
    check(
        r#"{"a\\": "\"{{.entity.name}}"}"#,
        &entity,
        r#"{"a\\":"\"a\"b\\c\n"}"#,
    );
}

#[test]
fn trim_markers_and_comments() {
    gives("{{/* note */}}1", "1");
    gives("\"x  {{- /* note */ -}}  y\"", r#""xy""#);
    gives("\"x  {{- \"-\" -}}\n  y\"", r#""x-y""#);
    gives("\"x  {{- 3}} y\"", r#""x3 y""#);
    gives("\"x {{-3}} y\"", r#""x -3 y""#);
    gives("{{\"}}\" | toJSON}}", r#""}}""#);
    gives("{\"b\": {\"c\": {}}}", r#"{"b":{"c":{}}}"#);
    gives("{{if true -}} 1 {{- end}}", "1");
}

#[test]
fn variables_are_block_scoped() {
    gives("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1");
    gives("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2");
    gives("{{$x := 1}}{{$x := 2}}{{$x}}", "2");
    gives(
        "{{$e := .entity}}{{$e.metadata.team | toJSON}}",
        r#""platform""#,
    );
    gives(
        "{{$i := 7}}{{range $i, $_ := .entity.groups}}{{end}}{{$i}}",
        "7",
    );
    refuse(
        r#"{"a": {{if true}}{{$x := 1}}{{end}}{{$x}}}"#,
        "error parsing template: undefined variable `$x` (line 1, column 38)",
    );
}

#[test]
fn claims_of_the_login() {
    let serde_json::Value::Object(claims) = serde_json::json!({
        "project": "group/\"app\"", "n": 3, "ok": true, "groups": ["a", "b"],
        "kubernetes.io": {"namespace": "prod"}, "nothing": null,
    }) else {
        panic!("an object")
    };
    let entity = super::Entity {
        token_claims: Some(claims),
        ..payment_api()
    };
    for (action, expected) in [
        ("{{.token.claims.project | toJSON}}", r#""group/\"app\"""#),
        ("{{.token.claims.n | toJSON}}", "3"),
        ("{{.token.claims.ok | toJSON}}", "true"),
        ("{{.token.claims.groups | toJSON}}", r#"["a","b"]"#),
        ("{{len .token.claims.groups | toJSON}}", "2"),
        (
            r#"{{(index .token.claims "kubernetes.io").namespace | toJSON}}"#,
            r#""prod""#,
        ),
        ("{{.token.claims.nothing | toJSON}}", "null"),
        ("{{.token.claims.absent.member | toJSON}}", "null"),
        (
            "[{{range $i, $g := .token.claims.groups}}{{if $i}},{{end}}{{$g | toJSON}}{{end}}]",
            r#"["a","b"]"#,
        ),
        (
            r#"{{if .token.claims.ok}}"yes"{{else}}"no"{{end}}"#,
            r#""yes""#,
        ),
    ] {
        let source = format!("{{\"a\": {action}}}");
        check(&source, &entity, &format!("{{\"a\":{expected}}}"));
    }
    // A token of a login without claims, or of no login.
    check(
        r#"{"a": {{.token.claims.project | toJSON}}}"#,
        &sparse(),
        r#"{"a":null}"#,
    );
    let known = "the token has no field `.claim`; it has `.claims`";
    let error = super::ClaimTemplate::parse(r#"{"a": {{.token.claim | toJSON}}}"#).unwrap_err();
    assert!(error.to_string().contains(known), "{error}");
}
