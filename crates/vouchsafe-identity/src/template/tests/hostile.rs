//! Templates made to hurt the server end in an error, and soon.

use super::super::{
    ClaimTemplate, NESTING_MAX, RENDERED_BYTES_MAX, STEPS_MAX, TEMPLATE_BYTES_MAX, TemplateError,
};
use super::{Entity, Group, NOW, check, parse, sparse};

#[track_caller]
fn refused_with(source: &str, fault: &str) {
    let error = ClaimTemplate::parse(source).unwrap_err().to_string();
    assert!(error.contains(fault), "{error}");
}

#[test]
fn the_length_is_bounded() {
    let padded = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
    check(&padded(TEMPLATE_BYTES_MAX), &sparse(), "{}");
    assert_eq!(
        ClaimTemplate::parse(&padded(TEMPLATE_BYTES_MAX + 1)).unwrap_err(),
        TemplateError::TooLong {
            bytes: TEMPLATE_BYTES_MAX + 1
        }
    );
    refused_with(&"{{if true}}".repeat(50_000), "at most 8192 are allowed");
    refused_with(
        &format!("{{{{{}", "(".repeat(50_000)),
        "at most 8192 are allowed",
    );
}

#[test]
fn arguments_and_widths_are_bounded() {
    let given = |count: usize| format!("{{\"a\": {{{{eq{}}}}}}}", " 1".repeat(count));
    check(&given(64), &sparse(), "{\"a\":true}");
    assert!(ClaimTemplate::parse(&given(65)).is_err());
    let padded = |width: usize| format!("{{\"a\": {{{{printf \"%{width}d\" 1 | toJSON}}}}}}");
    let expected = format!("{{\"a\":\"{:>100}\"}}", 1);
    check(&padded(100), &sparse(), &expected);
    refused_with(&padded(101), "`printf` takes widths up to 100");
}

#[test]
fn nesting_is_bounded() {
    let ifs = |depth: usize| {
        format!(
            "{}{{}}{}",
            "{{if true}}".repeat(depth),
            "{{end}}".repeat(depth)
        )
    };
    check(&ifs(NESTING_MAX), &sparse(), "{}");
    refused_with(
        &ifs(NESTING_MAX + 1),
        "nested more than 32 deep (line 1, column 353)",
    );
    let parentheses = |depth: usize| {
        format!(
            "{{\"a\": {{{{{}1{}}}}}}}",
            "(".repeat(depth),
            ")".repeat(depth)
        )
    };
    check(&parentheses(NESTING_MAX), &sparse(), "{\"a\":1}");
    refused_with(&parentheses(NESTING_MAX + 1), "nested more than 32 deep");
    refused_with(
        &format!("{{{{{}}}}}", "(".repeat(8_000)),
        "nested more than 32 deep",
    );
    refused_with(&"{{if 1}}".repeat(1_000), "nested more than 32 deep");
    refused_with(
        &format!("{{\"a\": {}", "[".repeat(8_000)),
        "nested more than 32 deep",
    );
    // A chain of alternatives is not nesting.
    let chain = format!(
        "{{{{if 0}}}}1{}{{{{else}}}}{{}}{{{{end}}}}",
        "{{else if 0}}1".repeat(200)
    );
    check(&chain, &sparse(), "{}");
}

#[test]
fn work_is_bounded() {
    let loops = |count: u32| format!("{{{{range {count}}}}}{{{{end}}}}{{}}");
    // One step for each turn, four for the nodes and the operand around it.
    check(&loops(STEPS_MAX - 3), &sparse(), "{}");
    refused_with(
        &loops(STEPS_MAX),
        "the template takes more than 20000 steps for one subject",
    );
    refused_with(&loops(1_000_000_000), "more than 20000 steps");
    refused_with(
        &format!("{}{}", "{{range 1000000}}".repeat(32), "{{end}}".repeat(32)),
        "more than 20000 steps",
    );
    let doubling = "{{$x := \"xxxxxxxxxxxxxxxx\"}}{{range 100}}{{$x = print $x $x}}{{end}}{}";
    refused_with(doubling, "the result is over 16384 bytes");
    let copying = "{{$x := printf \"%100s%100s%100s%100s\" 1 2 3 4}}{{range 19000}}{{$y := print $x $x $x}}{{end}}{}";
    refused_with(&copying.replace("%100s", "%100v"), "more than 20000 steps");
}

#[test]
fn output_is_bounded() {
    let bomb = |count: usize| format!("{{\"a\": \"{{{{range {count}}}}}x{{{{end}}}}\"}}");
    refused_with(&bomb(1_000_000_000), "error parsing template: ");
    refused_with(
        "{\"a\": \"{{range 1000}}xxxxxxxxxxxxxxxxxxxxxxxx{{end}}\"}",
        "the result is over 16384 bytes",
    );
    let template = parse("{\"a\":{{.entity.groups | toJSON}}}");
    let mut entity = Entity::default();
    let name_bytes = RENDERED_BYTES_MAX - "{\"a\":[\"\"]}".len();
    entity.groups.push(Group {
        name: "x".repeat(name_bytes),
        ..Group::default()
    });
    assert!(template.render(&entity.subject(), NOW).is_ok());
    entity.groups[0].name.push('x');
    let error = template
        .render(&entity.subject(), NOW)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the template fails for this entity: the result is over 16384 bytes (line 1, column 33)"
    );
    entity.groups = vec![
        Group {
            name: "x".repeat(100),
            ..Group::default()
        };
        100_000
    ];
    assert!(template.render(&entity.subject(), NOW).is_err());
}

#[test]
fn recursion_cannot_be_written() {
    refused_with(
        "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}",
        "`define` is not available",
    );
    refused_with("{{block \"a\" .}}{{end}}", "`block` is not available");
}

#[test]
fn many_arguments_and_variables_are_cheap() {
    let variables: String = (0..500).map(|n| format!("{{{{$v{n}:={n}}}}}")).collect();
    check(
        &format!("{variables}{{\"a\": {{{{$v499}}}}}}"),
        &sparse(),
        "{\"a\":499}",
    );
    let pipes = "|not".repeat(1_000);
    check(
        &format!("{{\"a\": {{{{true{pipes}}}}}}}"),
        &sparse(),
        "{\"a\":true}",
    );
}
