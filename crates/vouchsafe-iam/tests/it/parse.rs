//! Every refusal of a file: the key that is named, the line, and what is said.

use crate::fixtures::{BASE, faults, parse, provider};

/// The line of the first place where `needle` stands.
fn line_of(text: &str, needle: &str) -> usize {
    let place = text
        .find(needle)
        .unwrap_or_else(|| panic!("{needle} is not in the file"));
    1 + text[..place].matches('\n').count()
}

/// Checks that a file has exactly one fault: at this key, on the line of `needle`, saying `says`.
#[track_caller]
fn check(text: &str, key: &str, needle: &str, says: &str) {
    let faults = faults(text);
    let [fault] = faults.found() else {
        panic!("expected one fault, got:\n{faults}");
    };
    assert_eq!(fault.key, key, "{fault}");
    assert_eq!(fault.line, line_of(text, needle), "{fault}");
    assert!(fault.message.contains(says), "{fault}");
}

fn base_with(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from}");
    BASE.replacen(from, to, 1)
}

#[test]
fn a_sound_file_says_what_it_says() {
    let config = parse(BASE);
    let user = config.user("Webapp").unwrap();
    assert_eq!((user.role.as_str(), user.disabled), ("App", false));
    let app = config.role("App").unwrap();
    assert_eq!(app.acl_policies.to_strings(), ["app-read"]);
    assert!(!app.create_entity && !app.capabilities.reads_iam());
    let ops = config.role("Ops").unwrap();
    assert!(ops.create_entity && ops.capabilities.reads_iam() && ops.capabilities.writes_iam());
    assert!(ops.acl_policies.is_empty());
    assert!(!config.policy("PolReadAll").unwrap().denies);
    assert_eq!(config.providers().count(), 0);
    // An empty table of providers is common.
    assert_eq!(parse(&format!("[idps]\n{BASE}")).providers().count(), 0);
}

#[test]
fn the_three_tables_have_to_be_there_and_all_three_are_named() {
    let faults = faults("");
    let messages: Vec<&str> = faults.found().iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the table `users` is missing",
            "the table `roles` is missing",
            "the table `policies` is missing"
        ]
    );
    parse("[users]\n[roles]\n[policies]\n");
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_lines() {
    let faults = faults("[users]\na = \n[roles]\n[policies]\nb = = 2\n");
    let lines: Vec<usize> = faults.found().iter().map(|fault| fault.line).collect();
    assert!(lines.contains(&2) && lines.contains(&5), "{faults}");
    check(
        "[users]\n[roles]\n[policies]\n[users.a]\nrole = 1\nrole = 2\n",
        "",
        "role = 2",
        "duplicate",
    );
}

#[test]
fn unknown_keys_are_refused_with_their_path() {
    check(
        &format!("{BASE}[other]\n"),
        "other",
        "[other]",
        "unknown key",
    );
    let text = base_with("role = \"App\"", "role = \"App\"\nrol = 1");
    check(&text, "users.Webapp.rol", "rol = 1", "unknown key");
    let text = base_with("[roles.App]", "[roles.App]\nacl_policy = [\"a\"]");
    check(&text, "roles.App.acl_policy", "acl_policy =", "unknown key");
    let text = base_with("policy_type", "tenant = 1\npolicy_type");
    check(
        &text,
        "policies.PolReadAll.tenant",
        "tenant = 1",
        "unknown key",
    );
    let text = format!("{BASE}{}", provider("a", "audience = 'x'", ""));
    check(&text, "idps.a.audience", "audience = 'x'", "unknown key");
    let text = format!("{BASE}{}", provider("a", "", "issuer = 'x'"));
    check(&text, "idps.a.conf.issuer", "issuer = 'x'", "unknown key");
    // `roles_map` stands beside `conf`, not in it.
    let text = format!(
        "{BASE}{}",
        provider("a", "", "[idps.a.conf.roles_map]\na = 'App'")
    );
    check(
        &text,
        "idps.a.conf.roles_map",
        "[idps.a.conf.roles_map]",
        "unknown key",
    );
}

#[test]
fn values_of_another_type_are_refused_and_not_shown() {
    let text = base_with("role = \"App\"", "role = 4711");
    check(
        &text,
        "users.Webapp.role",
        "role = 4711",
        "expected a string",
    );
    assert!(!faults(&text).to_string().contains("4711"));
    let text = base_with(
        "capabilities = [\"CapDataReader\"]",
        "capabilities = \"CapDataReader\"",
    );
    check(
        &text,
        "roles.App.capabilities",
        "capabilities =",
        "a list of strings",
    );
    let text = base_with("create_entity = true", "create_entity = 'yes'");
    check(
        &text,
        "roles.Ops.create_entity",
        "create_entity",
        "`true` or `false`",
    );
    let text = base_with("[\"app-read\"]", "[\"app-read\", 3]");
    check(
        &text,
        "roles.App.acl_policies[1]",
        "acl_policies",
        "expected a string",
    );
    check(
        "users = 1\n[roles]\n[policies]\n",
        "users",
        "users = 1",
        "expected a table",
    );
}

#[test]
fn names_that_refer_to_nothing_are_refused() {
    let text = base_with("role = \"App\"", "role = \"Nobody\"");
    check(
        &text,
        "users.Webapp.role",
        "Nobody",
        "there is no role \"Nobody\"",
    );
    let text = base_with(
        "policies = [\"PolReadAll\"]",
        "policies = [\"PolReadAll\", \"PolX\"]",
    );
    check(
        &text,
        "roles.App.policies[1]",
        "PolX",
        "there is no policy \"PolX\"",
    );
    let text = base_with("trusted_roles = [\"App\"]", "trusted_roles = [\"Nobody\"]");
    check(
        &text,
        "roles.Ops.trusted_roles[0]",
        "Nobody",
        "there is no role",
    );
    let text = format!(
        "{BASE}{}",
        provider("a", "allowed_roles = [\"App\", \"Nobody\"]", "")
    );
    check(
        &text,
        "idps.a.allowed_roles[1]",
        "Nobody",
        "there is no role",
    );
    let text = format!(
        "{BASE}{}",
        provider("a", "[idps.a.roles_map]\n\"x@y\" = \"Nobody\"", "")
    );
    check(
        &text,
        "idps.a.roles_map.\"x@y\"",
        "Nobody",
        "there is no role",
    );
}

#[test]
fn what_is_built_in_can_be_neither_defined_nor_given() {
    check(
        &format!("{BASE}[users.Admin]\nrole = \"App\"\n"),
        "users.Admin",
        "[users.Admin]",
        "built in",
    );
    check(
        &format!("{BASE}[roles.Admin]\n"),
        "roles.Admin",
        "[roles.Admin]",
        "built in",
    );
    let text = base_with("role = \"App\"", "role = \"Admin\"");
    check(
        &text,
        "users.Webapp.role",
        "role = \"Admin\"",
        "can't be given",
    );
    let text = format!("{BASE}{}", provider("a", "allowed_roles = [\"Admin\"]", ""));
    check(
        &text,
        "idps.a.allowed_roles[0]",
        "allowed_roles",
        "can't be given",
    );
    let text = base_with("CapDataReader", "CapSystem");
    check(
        &text,
        "roles.App.capabilities[0]",
        "CapSystem",
        "`Admin` alone",
    );
    for root in ["root", " ROOT "] {
        let text = base_with("app-read", root);
        check(
            &text,
            "roles.App.acl_policies[0]",
            "acl_policies",
            "`root` can't be given",
        );
    }
}

#[test]
fn capabilities_policies_and_users_are_checked() {
    let text = base_with("CapDataReader", "DataReader");
    check(
        &text,
        "roles.App.capabilities[0]",
        "DataReader",
        "is no capability",
    );
    let text = base_with("policy_type = \"allow\"", "policy_type = \"permit\"");
    check(
        &text,
        "policies.PolReadAll.policy_type",
        "permit",
        "expected `allow` or `deny`",
    );
    let text = base_with("operations = [\"read\"]", "operations = [\"peek\"]");
    check(
        &text,
        "policies.PolReadAll.operations[0]",
        "peek",
        "known: *, read",
    );
    let text = base_with("reasons = [\"*\"]", "reasons = [\"Fun\"]");
    check(
        &text,
        "policies.PolReadAll.reasons[0]",
        "Fun",
        "AppFunctionality",
    );
    let text = base_with("resources = [\"*\"]", "resources = []");
    check(
        &text,
        "policies.PolReadAll.resources",
        "[policies.PolReadAll]",
        "one value at least",
    );
    let text = base_with("resources = [\"*\"]\n", "");
    check(
        &text,
        "policies.PolReadAll",
        "[policies.PolReadAll]",
        "`resources` is missing",
    );
    let text = base_with("role = \"App\"", "disabled = true");
    check(&text, "users.Webapp", "[users.Webapp]", "`role` is missing");
}

#[test]
fn a_provider_says_what_it_is_whose_tokens_it_takes_and_for_whom() {
    let good = format!("{BASE}{}", provider("a", "", ""));
    parse(&good);
    let without = |line: &str| {
        let line = good
            .lines()
            .find(|l| l.starts_with(line))
            .unwrap()
            .to_owned();
        good.replace(&format!("{line}\n"), "")
    };
    check(&without("type"), "idps.a", "[idps.a]", "`type` is missing");
    check(
        &without("iss"),
        "idps.a.conf",
        "[idps.a.conf]",
        "`iss` is missing",
    );
    check(
        &without("aud"),
        "idps.a.conf",
        "[idps.a.conf]",
        "`aud` is missing",
    );
    check(
        &without("keys"),
        "idps.a.conf",
        "[idps.a.conf]",
        "one of `keys` and `jwks_uri`",
    );
    let other = good.replace("direct-jwt", "oidc");
    check(&other, "idps.a.type", "oidc", "expected `direct-jwt`");
    let empty = good.replace("aud = \"vault\"", "aud = \"\"");
    check(&empty, "idps.a.conf.aud", "aud = \"\"", "must not be empty");
    let list = good.replace("aud = \"vault\"", "aud = [\"vault\"]");
    check(&list, "idps.a.conf.aud", "aud = [", "expected a string");
    let both = good.replace("aud =", "jwks_uri = 'https://idp/jwks'\naud =");
    check(
        &both,
        "idps.a.conf",
        "[idps.a.conf]",
        "`keys` and `jwks_uri` are both given",
    );
    let no_conf = format!("{BASE}[idps.a]\ntype = \"direct-jwt\"\n");
    check(&no_conf, "idps.a", "[idps.a]", "`conf` is missing");
}

#[test]
fn two_enabled_providers_for_the_same_tokens_are_refused() {
    let two = format!("{BASE}{}{}", provider("a", "", ""), provider("b", "", ""));
    check(
        &two,
        "idps.b",
        "[idps.b]",
        "`a` has iss \"https://idp/\" and aud \"vault\" too",
    );
    // One of them disabled, or another audience, or an issuer that differs by a byte.
    parse(&format!(
        "{BASE}{}{}",
        provider("a", "", ""),
        provider("b", "disabled = true", "")
    ));
    let other = provider("b", "", "").replace("aud = \"vault\"", "aud = \"vault2\"");
    parse(&format!("{BASE}{}{other}", provider("a", "", "")));
    let other = provider("b", "", "").replace("https://idp/", "https://idp");
    parse(&format!("{BASE}{}{other}", provider("a", "", "")));
}

#[test]
fn addresses_of_key_sets_have_to_be_safe() {
    let with = |uri: &str| {
        let text = format!("{BASE}{}", provider("a", "", ""));
        let keys = text
            .lines()
            .find(|line| line.starts_with("keys"))
            .unwrap()
            .to_owned();
        text.replace(&keys, &format!("jwks_uri = '{uri}'"))
    };
    for good in [
        "https://idp.example/jwks",
        "https://idp.example:8443/jwks?v=1",
        "http://127.0.0.1:8080/jwks",
        "http://localhost/jwks",
        "http://[::1]:1/jwks",
    ] {
        parse(&with(good));
    }
    let long = |bytes: usize| format!("{:x<bytes$}", "https://idp.example/");
    parse(&with(&long(2_048)));
    check(
        &with(&long(2_049)),
        "idps.a.conf.jwks_uri",
        "jwks_uri",
        "is longer than 2048 bytes",
    );
    for bad in [
        "http://idp.example/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "http://localhost.evil.example/jwks",
        "https://user@idp.example/jwks",
        "https:///jwks",
        "https://idp.example/#f",
        "https://idp .example/",
        "file:///etc/passwd",
        "idp.example",
        "",
    ] {
        check(
            &with(bad),
            "idps.a.conf.jwks_uri",
            "jwks_uri",
            "expected an `https` address",
        );
    }
}

#[test]
fn claims_that_are_added_or_bound_are_checked() {
    let with = |line: &str| format!("{BASE}{}", provider("a", "", line));
    let key = "idps.a.conf.extra_claims";
    check(
        &with("extra_claims = '[]'"),
        key,
        "extra_claims",
        "is not a JSON object",
    );
    check(
        &with("extra_claims = '{'"),
        key,
        "extra_claims",
        "is not a JSON object",
    );
    for registered in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        let text = with(&format!("extra_claims = '{{\"{registered}\":1}}'"));
        check(&text, key, "extra_claims", "the token's own");
    }
    let bound = "idps.a.conf.bound_claims.env";
    check(
        &with("bound_claims = { env = [] }"),
        bound,
        "bound_claims",
        "fits no token",
    );
    check(
        &with("bound_claims = { env = 1.5 }"),
        bound,
        "bound_claims",
        "expected a string, a number",
    );
    check(
        &with("bound_claims = { env = { a = 1 } }"),
        bound,
        "bound_claims",
        "expected a string",
    );
    check(
        &with("roles_claim = ''"),
        "idps.a.conf.roles_claim",
        "roles_claim",
        "must not be empty",
    );
}

#[test]
fn every_fault_of_a_file_is_reported_at_once_in_the_order_of_its_lines() {
    let text = base_with("role = \"App\"", "role = \"Nobody\"")
        .replacen("CapDataReader", "Data", 1)
        .replacen("\"allow\"", "\"maybe\"", 1)
        + "[idps.a]\ntype = \"x\"\n[idps.a.conf]\naud = 1\n";
    let faults = faults(&text);
    let keys: Vec<&str> = faults
        .found()
        .iter()
        .map(|fault| fault.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "users.Webapp.role",
            "roles.App.capabilities[0]",
            "policies.PolReadAll.policy_type",
            "idps.a.type",
            "idps.a.conf",
            "idps.a.conf",
            "idps.a.conf.aud",
        ],
        "{faults}"
    );
    assert!(
        faults
            .to_string()
            .starts_with("line 3: users.Webapp.role: there is no role \"Nobody\"\n")
    );
}
