use serde_json::{Value, json};
use vouchsafe_logical::Operation;
use vouchsafe_logical::backend::{Access, Form, MethodInfo, RouteInfo};
use vouchsafe_logical::field::{Field, Kind};

use super::{Document, Place};

const NAME: Field = Field {
    name: "name",
    kind: Kind::Text,
    required: true,
    help: "The name.",
};
const COUNT: Field = Field {
    name: "count",
    kind: Kind::Integer,
    required: true,
    help: " How many.",
};

const fn method(operation: Operation, fields: &'static [&'static [Field]]) -> MethodInfo {
    MethodInfo {
        operation,
        fields,
        form: Form::Envelope,
    }
}

const fn route(pattern: &'static str, access: Access) -> RouteInfo {
    RouteInfo {
        pattern,
        access,
        help: "A thing.",
        has_existence_check: false,
    }
}

fn described(place: &Place, pattern: &'static str, methods: &[MethodInfo]) -> Value {
    let mut document = Document::new("");
    document.add(place, &route(pattern, Access::Token), methods);
    Value::Object(document.finish())
}

fn paths(document: &Value) -> Vec<&str> {
    let paths = document["paths"].as_object().unwrap();
    paths.keys().map(String::as_str).collect()
}

#[test]
fn a_field_that_the_path_gives_is_no_member_of_the_body() {
    let write = method(Operation::Update, &[&[NAME, COUNT]]);
    let document = described(&Place::at("m/", "kind"), "thing/{name^}", &[write]);
    let schema = &document["components"]["schemas"]["KindThingNameUpdateRequest"];
    let expected = json!({
        "type": "object",
        "properties": {
            "count": { "type": "integer", "format": "int64", "description": "How many." },
        },
        "required": ["count"],
    });
    assert_eq!(schema, &expected);
    let item = &document["paths"]["/m/thing/{name}"];
    assert_eq!(item["parameters"][0]["name"], "name");
    assert_eq!(item["post"]["requestBody"]["required"], true);
}

#[test]
fn a_listing_is_a_read_of_the_folder() {
    let methods = [method(Operation::Read, &[]), method(Operation::List, &[])];
    let document = described(&Place::at("m/", "kind"), "{path?...}", &methods);
    assert_eq!(paths(&document), ["/m/", "/m/{path}", "/m/{path}/"]);
    assert!(document["paths"]["/m/{path}"]["get"]["parameters"].is_null());
    let list = &document["paths"]["/m/{path}/"]["get"];
    assert_eq!(list["parameters"][0]["schema"]["enum"], json!(["true"]));
}

#[test]
fn an_optional_capture_may_be_left_out_where_the_body_can_give_it() {
    let with = method(Operation::Update, &[&[NAME]]);
    let document = described(&Place::at("m/", "kind"), "a/{name?...}", &[with]);
    assert_eq!(paths(&document), ["/m/a", "/m/a/{name}"]);
    let without = method(Operation::Update, &[]);
    let document = described(&Place::at("m/", "kind"), "a/{name?...}", &[without]);
    assert_eq!(paths(&document), ["/m/a/{name}"]);
}

#[test]
fn a_generic_mount_path_is_a_parameter_with_the_path_as_its_default() {
    let place = || Place::at("auth/a/b-c/", "approle").generic();
    let document = described(&place(), "login", &[method(Operation::Update, &[])]);
    assert_eq!(paths(&document), ["/auth/{a_b_c_mount_path}/login"]);
    let parameter = &document["paths"]["/auth/{a_b_c_mount_path}/login"]["parameters"][0];
    assert_eq!(parameter["schema"]["default"], "a/b-c");

    let place = Place::at("sys/", "system").generic();
    let document = described(&place, "mounts", &[method(Operation::Read, &[])]);
    assert_eq!(paths(&document), ["/sys/mounts"]);
}

#[test]
fn who_may_call_is_said() {
    let mut document = Document::new("");
    let place = Place::at("m/", "kind");
    let read = [method(Operation::Read, &[])];
    document.add(&place, &route("open", Access::Public), &read);
    document.add(&place, &route("closed", Access::Token), &read);
    document.add(&place, &route("guarded", Access::Sudo), &read);
    let document = Value::Object(document.finish());
    let item = |name: &str| document["paths"][format!("/m/{name}")].clone();
    assert_eq!(item("open")["x-vault-unauthenticated"], true);
    assert_eq!(item("open")["get"]["security"], json!([]));
    assert!(item("closed")["x-vault-unauthenticated"].is_null());
    assert!(item("closed")["get"]["security"].is_null());
    assert_eq!(item("guarded")["x-vault-sudo"], true);
    assert!(item("closed")["x-vault-sudo"].is_null());
}

#[test]
fn a_path_that_two_routes_have_is_that_of_the_first() {
    let mut document = Document::new("");
    let place = Place::at("m/", "kind");
    let read = [method(Operation::Read, &[])];
    document.add(&place, &route("a", Access::Public), &read);
    document.add(&place, &route("a", Access::Token), &read);
    let document = Value::Object(document.finish());
    assert_eq!(document["paths"]["/m/a"]["x-vault-unauthenticated"], true);
}

#[test]
fn ids_and_schemas_stay_apart_where_names_meet() {
    let mut document = Document::new("made");
    let read = [method(Operation::Update, &[&[COUNT]])];
    let other = [method(Operation::Update, &[&[NAME]])];
    let access = Access::Token;
    document.add(&Place::at("a-b/", "kind"), &route("x", access), &read);
    document.add(&Place::at("a/b/", "kind"), &route("x", access), &other);
    let document = Value::Object(document.finish());
    let id = |path: &str| document["paths"][path]["post"]["operationId"].clone();
    assert_eq!(id("/a-b/x"), "a-b-update-x-made");
    assert_eq!(id("/a/b/x"), "a-b-update-x-made-2");
    let schemas = &document["components"]["schemas"];
    assert!(schemas["KindXUpdateRequest"]["properties"]["count"].is_object());
    assert!(schemas["KindXUpdateRequest2"]["properties"]["name"].is_object());
}

#[test]
fn a_mount_path_can_not_make_parameters() {
    let read = [method(Operation::Read, &[])];
    let document = described(&Place::at("{x}/é/", "kind"), "a", &read);
    assert_eq!(paths(&document), ["/%7Bx%7D/%C3%A9/a"]);
}
