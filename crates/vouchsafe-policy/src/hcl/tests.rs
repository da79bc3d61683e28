//! Tests of the reader and the printer.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// What a text is read as, in a notation without positions.
#[track_caller]
fn check(text: &str, expected: &str) {
    let read = parse(text).map_or_else(|error| error.to_string(), |object| shown(&object));
    assert_eq!(read, expected, "{text}");
}

/// A text that must be refused with this message.
#[track_caller]
fn refuse(text: &str, expected: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.to_string(), expected, "{text}");
}

fn shown(object: &Object) -> String {
    let mut text = String::new();
    for Item { key, labels, value } in &object.items {
        text.push_str(&key.text);
        for label in labels {
            write!(text, "/{}", label.text).unwrap();
        }
        write!(text, ":{};", shown_value(value)).unwrap();
    }
    text
}

fn shown_value(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Integer(number) => number.to_string(),
        ValueKind::Float(number) => format!("{number:?}"),
        ValueKind::Bool(value) => value.to_string(),
        ValueKind::Null => "null".to_owned(),
        ValueKind::List(values) => {
            format!(
                "[{}]",
                values.iter().map(shown_value).collect::<Vec<_>>().join(",")
            )
        }
        ValueKind::Object(object) => format!("{{{}}}", shown(object)),
    }
}

#[test]
fn items_in_every_notation() {
    check("", "");
    check("# only\n// comments\n/* here **/", "");
    check("a = 1", "a:1;");
    check("a=1 b = 2", "a:1;b:2;");
    check("a = 1, b = 2,\nc = 3", "a:1;b:2;c:3;");
    check("\"a b\" = true", "a b:true;");
    check("a {}", "a:{};");
    check("a { b = 1 } a { c = 2 }", "a:{b:1;};a:{c:2;};");
    check("a \"x\" { b = 1 }", "a/x:{b:1;};");
    check("\"a\" \"x\" y { }", "a/x/y:{};");
    check("a = { b = 1, c = 2 }", "a:{b:1;c:2;};");
    check("a-b.c_d = 1", "a-b.c_d:1;");
    check("é = 1", "é:1;");
    check("a { b = 1 // c }\n /* } */ }", "a:{b:1;};");
}

#[test]
fn lists() {
    check("a = []", "a:[];");
    check(
        "a = [1, \"b\", true, [2], {c = 3}]",
        "a:[1,\"b\",true,[2],{c:3;}];",
    );
    check("a = [1,]", "a:[1];");
    check("a = [\n  1 # one\n  , 2,\n]", "a:[1,2];");
    refuse(
        "a = [,]",
        "At 1:6: unexpected `,`; expected a string in quotes, a number, a boolean, a list or an object",
    );
    refuse(
        "a = [1 2]",
        "At 1:8: unexpected number; expected `,` or `]` after a value of a list",
    );
    refuse(
        "a = [1",
        "At 1:7: unexpected end of the text; expected `,` or `]` after a value of a list",
    );
}

#[test]
fn numbers() {
    check(
        "a = [0, -1, 0x1f, 017, 1.5, -2.0, 1e3, 2E-1, 3e+2]",
        "a:[0,-1,31,15,1.5,-2.0,1000.0,0.2,300.0];",
    );
    check(
        "a = [9223372036854775807, -9223372036854775808]",
        "a:[9223372036854775807,-9223372036854775808];",
    );
    for bad in [
        "9223372036854775808",
        "-9223372036854775809",
        "1e999",
        "5m",
        "1.",
        "1.2.3",
        "08",
        "0x",
        "-",
        "1_0",
        "1e",
    ] {
        let error = parse(&format!("a = {bad}")).expect_err(bad);
        assert_eq!(error.position(), Position { line: 1, column: 5 }, "{bad}");
        assert_eq!(*error.fault(), Fault::Number(bad.to_owned()), "{bad}");
    }
    refuse(
        "a = .5",
        "At 1:5: illegal character '.'; expected a key, a value or a bracket",
    );
    refuse(
        "a = 1+2",
        "At 1:6: illegal character '+'; expected a key, a value or a bracket",
    );
}

#[test]
fn strings_and_escapes() {
    check(
        r#"a = "b\"c\\d\n\t\u00e9\U0001F600\x41\101""#,
        r#"a:"b\"c\\d\n\té😀AA";"#,
    );
    check("a = \"x\ty\"", "a:\"x\\ty\";");
    let escapes = "one of \\a \\b \\f \\n \\r \\t \\v \\\\ \\\" \\ooo \\xhh \\uhhhh \\Uhhhhhhhh";
    refuse(
        r#"a = "\q""#,
        &format!("At 1:7: illegal escape in a string; expected {escapes}"),
    );
    refuse(
        "a = \"b\nc\"",
        "At 1:7: string not terminated; expected `\"` before the end of the line",
    );
    refuse(
        "a = \"b",
        "At 1:7: string not terminated; expected `\"` before the end of the line",
    );
    for bad in [
        r"\ud800",
        r"\x80",
        r"\400",
        r"\u12",
        r"\x0",
        r"\x00",
        r"\U00110000",
        r"\8",
    ] {
        let error = parse(&format!("a = \"{bad}\"")).expect_err(bad);
        assert_eq!(*error.fault(), Fault::Escape, "{bad}");
    }
    refuse(
        "a = 'b'",
        "At 1:5: illegal character '\\''; expected a key, a value or a bracket",
    );
    assert_eq!(
        *parse("a = \"\0\"").unwrap_err().fault(),
        Fault::Character('\0')
    );
}

#[test]
fn interpolations_are_kept_literally() {
    check(r#"a = "x${y}z""#, r#"a:"x${y}z";"#);
    check(
        r#"a = "x${f("y\"", {b})}z""#,
        r#"a:"x${f(\"y\\\"\", {b})}z";"#,
    );
    check(r#"a = "$x {y} $${z}""#, r#"a:"$x {y} $${z}";"#);
    check(r#"a = "\u0024{""#, r#"a:"${";"#);
    refuse(
        r#"a = "${" }"#,
        "At 1:11: string not terminated; expected `\"` before the end of the line",
    );
}

#[test]
fn heredocs() {
    check("a = <<EOF\nx\n  y\nEOF\n", "a:\"x\\n  y\\n\";");
    check("a = <<EOF\nEOF", "a:\"\";");
    check("a = <<EOF\nx\n  EOF\nb = 1", "a:\"x\\n\";b:1;");
    check("a = <<-EOF\n    x\n      y\n    EOF\n", "a:\"x\\n  y\\n\";");
    // One line is less indented than the mark: all stay as they are.
    check("a = <<-EOF\n    x\n  y\n    EOF\n", "a:\"    x\\n  y\\n\";");
    check("a = <<EOF\r\nx\r\nEOF\r\nb = 1", "a:\"x\\r\\n\";b:1;");
    check("a = <<EOF\nEOFX\n\"${\nEOF\n", "a:\"EOFX\\n\\\"${\\n\";");
    refuse(
        "a = <<EOF\nx\n",
        "At 3:1: heredoc not terminated; expected the end mark",
    );
    refuse(
        "a = <<EOF x\nEOF",
        "At 1:10: illegal character ' '; expected a mark and the end of the line after `<<`",
    );
    // No string can hold it, so none can be printed with it.
    assert_eq!(
        *parse("a = <<EOF\nx\0\nEOF\n").unwrap_err().fault(),
        Fault::Character('\0')
    );
    refuse(
        "a = <EOF",
        "At 1:5: illegal character '<'; expected `<<` of a heredoc",
    );
}

#[test]
fn marks_of_other_systems_are_tolerated() {
    check("\u{feff}a = 1", "a:1;");
    check("a {\r\n  b = 1\r\n}\r\n", "a:{b:1;};");
    check("\u{feff} {\"a\":1}", "a:1;");
}

#[test]
fn errors_name_the_place() {
    refuse(
        "a",
        "At 1:2: unexpected end of the text; expected `=`, `{` or a label in quotes after a key",
    );
    refuse(
        "a {\n  b = }",
        "At 2:7: unexpected `}`; expected a string in quotes, a number, a boolean, a list or an object",
    );
    refuse(
        "a = b",
        "At 1:5: unexpected word `b`; expected a string in quotes, a number, a boolean, a list or an object",
    );
    refuse(
        "a = 1 }",
        "At 1:7: unexpected `}`; expected a key, or the end of the object",
    );
    refuse(
        "a \"b\" = {}",
        "At 1:7: unexpected `=`; expected `=`, `{` or a label in quotes after a key",
    );
    refuse(
        "a {",
        "At 1:4: unexpected end of the text; expected a key, or the end of the object",
    );
    refuse("/* a", "At 1:5: comment not terminated; expected `*/`");
    refuse(
        "é é; ",
        "At 1:4: illegal character ';'; expected a key, a value or a bracket",
    );
}

#[test]
fn json() {
    check(" {} ", "");
    check(
        r#"{"a":{"b":[1,"x",null,true,false,-1.5e2,{}]}}"#,
        r#"a:{b:[1,"x",null,true,false,-150.0,{}];};"#,
    );
    check(
        r#"{"a":"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\${x}"}"#,
        "a:\"é😀/\\u{8}\\u{c}\\n\\r\\t\\\"\\\\${x}\";",
    );
    refuse(
        "{",
        "At 1:2: the text ends too early; expected a member name in quotes",
    );
    refuse(
        "{} x",
        "At 1:4: illegal character 'x'; expected nothing after the JSON object",
    );
    refuse(
        r#"{"a":1,}"#,
        "At 1:8: illegal character '}'; expected a member name in quotes",
    );
    refuse(
        r#"{"a":1 "b":2}"#,
        "At 1:8: illegal character '\"'; expected `,` or `}` after a member",
    );
    refuse(
        r#"{"a" 1}"#,
        "At 1:6: illegal character '1'; expected `:` after a member name",
    );
    refuse(
        r#"{"a":1,"a":2}"#,
        "At 1:8: member \"a\" appears twice; expected each member once",
    );
    refuse(
        "{\n \"a\":nul}",
        "At 2:6: unexpected word `nul`; expected a JSON value",
    );
    refuse(
        r#"{"a":[1,]}"#,
        "At 1:9: illegal character ']'; expected a JSON value",
    );
    for bad in [
        "01",
        "-",
        "1.",
        "1.e5",
        "9223372036854775808",
        "1e999",
        "1e",
        "0x1",
    ] {
        let error = parse(&format!("{{\"a\":{bad}}}")).expect_err(bad);
        assert_eq!(*error.fault(), Fault::Number(bad.to_owned()), "{bad}");
    }
    for bad in [
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"\\u0000\"",
        "\"\\q\"",
        "\"\\ud800\\u0041\"",
    ] {
        let error = parse(&format!("{{\"a\":{bad}}}")).expect_err(bad);
        assert_eq!(*error.fault(), Fault::Escape, "{bad}");
    }
    assert_eq!(
        *parse("{\"a\":\"\n\"}").unwrap_err().fault(),
        Fault::Character('\n')
    );
}

#[test]
fn nesting_at_the_limit_and_one_past_it() {
    let lists = |depth: usize| format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
    let blocks = |depth: usize| format!("{}{}", "a {".repeat(depth), "}".repeat(depth));
    // The outermost object of JSON is a level as well.
    let json = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for nested in [lists, blocks, json] {
        assert!(parse(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(
            *parse(&nested(DEPTH_MAX + 1)).unwrap_err().fault(),
            Fault::TooDeep
        );
    }
}

/// An attacker's text must end early, not in an exhausted stack.
#[test]
fn hostile_nesting_is_an_error() {
    for open in ["[", "a {", "a = [", "{\"a\":", "[{a=", "\"x\" \"y\" {"] {
        let mut text = open.repeat(100_000);
        for prefix in ["", "a = "] {
            text.insert_str(0, prefix);
            assert!(parse(&text).is_err(), "{open}");
        }
    }
    assert_eq!(
        *parse(&"a {".repeat(100_000)).unwrap_err().fault(),
        Fault::TooDeep
    );
}

#[test]
fn size_at_the_limit_and_one_past_it() {
    let comment = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    assert!(parse(&comment(TEXT_BYTES_MAX)).is_ok());
    let bytes = TEXT_BYTES_MAX + 1;
    assert_eq!(
        *parse(&comment(bytes)).unwrap_err().fault(),
        Fault::TooLarge { bytes }
    );
}

#[test]
fn tokens_at_the_limit_and_one_past_it() {
    // `a`, `=`, `[`, n values with n commas, `]` and the end.
    let hcl = |values: usize| format!("a=[{}]", "1,".repeat(values));
    let fitting = (TOKENS_MAX - 5) / 2;
    assert!(parse(&hcl(fitting)).is_ok());
    assert_eq!(
        *parse(&hcl(fitting + 1)).unwrap_err().fault(),
        Fault::TooManyTokens
    );
    // In JSON, members and values count: `a`, its list, n values.
    let json = |values: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(values - 1));
    assert!(parse(&json(TOKENS_MAX - 2)).is_ok());
    assert_eq!(
        *parse(&json(TOKENS_MAX - 1)).unwrap_err().fault(),
        Fault::TooManyTokens
    );
}

#[test]
fn keys_of_a_block_are_bounded() {
    let labels = |count: usize| format!("a{} {{}}", " b".repeat(count));
    assert!(parse(&labels(7)).is_ok());
    assert!(parse(&labels(8)).is_err());
}

/// A value that HCL can write, with positions of zero.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any_text().prop_map(ValueKind::String),
        any::<i64>().prop_map(ValueKind::Integer),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(ValueKind::Float),
        any::<bool>().prop_map(ValueKind::Bool),
    ];
    let nested = leaf.prop_recursive(4, 32, 6, |inner| {
        let value = inner.prop_map(|kind| Value {
            kind,
            position: Position::START,
        });
        let item = (
            any_key(),
            prop::collection::vec(any_key(), 0..3),
            value.clone(),
        );
        prop_oneof![
            prop::collection::vec(value, 0..5).prop_map(ValueKind::List),
            prop::collection::vec(item, 0..5).prop_map(|items| ValueKind::Object(object(items))),
        ]
    });
    nested.prop_map(|kind| Value {
        kind,
        position: Position::START,
    })
}

fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("${".to_owned()),
        Just("}".to_owned()),
        Just("$".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        "[^\\x00]{0,4}",
    ];
    prop::collection::vec(pieces, 0..4).prop_map(|pieces| pieces.concat())
}

fn any_key() -> impl Strategy<Value = Key> {
    any_text().prop_map(|text| Key {
        text,
        position: Position::START,
    })
}

fn object(items: Vec<(Key, Vec<Key>, Value)>) -> Object {
    let items = items.into_iter().map(|(key, labels, value)| {
        let is_object = matches!(value.kind, ValueKind::Object(_));
        Item {
            key,
            labels: if is_object { labels } else { Vec::new() },
            value,
        }
    });
    Object {
        items: items.collect(),
        position: Position::START,
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(value in any_value()) {
        let printed = object(vec![(
            Key { text: "root".to_owned(), position: Position::START },
            Vec::new(),
            value,
        )]);
        let read = parse(&printed.to_string()).unwrap();
        prop_assert_eq!(shown(&read), shown(&printed));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_sequence_of_tokens_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", "=", ",", ":", "\"a\"", "a", "1", "-1.5e3", "true", "null", "\n",
        "<<E\n", "<<-E\n", "E\n", "\"", "${", "#", "/*", "*/", "//", "\\", " ", "\r\n", "0x",
    ]), 0..24)) {
        let text = tokens.concat();
        if let Ok(object) = parse(&text) {
            // Whatever is read is printed and read again, unless JSON brought a null.
            let printed = object.to_string();
            if !printed.contains("null") && !printed.starts_with('{') {
                prop_assert_eq!(shown(&parse(&printed).unwrap()), shown(&object));
            }
        }
    }
}
