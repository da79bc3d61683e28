//! Each fault of a Go template names line, column and what is wrong.

use super::super::Position;
use super::refuse;

#[track_caller]
fn syntax(source: &str, fault: &str, line: usize, column: usize) {
    refuse(
        source,
        &format!("error parsing template: {fault} (line {line}, column {column})"),
    );
}

/// The faults that parsing finds, without any subject.
#[test]
fn syntax_faults() {
    let functions =
        "and, eq, ge, gt, index, le, len, lt, ne, not, or, print, printf, println, toJSON";
    syntax(
        "{\n  \"a\": {{.entity.name | toJson}}\n}",
        &format!("function `toJson` not defined; there are {functions}"),
        2,
        25,
    );
    syntax(
        "{{foo}}",
        &format!("function `foo` not defined; there are {functions}"),
        1,
        3,
    );
    syntax(
        "é{{foo}}",
        &format!("function `foo` not defined; there are {functions}"),
        1,
        4,
    );
    syntax(
        "{{.entity.nmae}}",
        "the entity has no field `.nmae`; it has `.id`, `.name`, `.metadata`, `.aliases`, `.groups`, `.policies`",
        1,
        10,
    );
    syntax(
        "{{$.time.then}}",
        "the time has no field `.then`; it has `.now`",
        1,
        9,
    );
    syntax(
        "{{if false}}{{.foo}}{{end}}",
        "the template's data has no field `.foo`; it has `.entity`, `.time`, `.token`",
        1,
        15,
    );
    syntax("{{", "the action is not closed: expected `}}`", 1, 1);
    syntax(
        "{\"a\": {{.entity.name }",
        "unexpected '}' in an action",
        1,
        22,
    );
    syntax("{{\"abc}}", "the string is not closed", 1, 3);
    syntax("{{\"a\nb\"}}", "the string is not closed", 1, 3);
    syntax("{{`abc}}", "the raw string is not closed", 1, 3);
    syntax("{{\"\\y\"}}", "unknown escape in a string", 1, 4);
    syntax("{{\"\\ud800\"}}", "unknown escape in a string", 1, 4);
    syntax("{{\"\\xff\"}}", "the string is not UTF-8 text", 1, 3);
    syntax(
        "{{'ab'}}",
        "a character constant holds one character; use \"…\" for text",
        1,
        3,
    );
    syntax("{{12x}}", "`12x` is not a number", 1, 3);
    syntax("{{010}}", "`010` is not a number", 1, 3);
    syntax("{{1_000}}", "`1_000` is not a number", 1, 3);
    syntax("{{1e999}}", "`1e999` is not a number", 1, 3);
    syntax("{{-}}", "`-` is not a number", 1, 3);
    syntax("{{/* abc}}", "the comment is not closed", 1, 1);
    syntax(
        "{{/* abc */ x}}",
        "a comment must fill its action: expected `}}` or ` -}}` after `*/`",
        1,
        12,
    );
    syntax(
        "{{.entity.metadata.cost-center}}",
        "a name in `.a.b` holds letters, digits and `_` only; for other keys write `index .entity.metadata \"key\"`",
        1,
        24,
    );
    syntax(
        "{{if true}}",
        "`if` is not closed: expected `{{end}}`",
        1,
        1,
    );
    syntax(
        "{{with true}}{{else}}",
        "`with` is not closed: expected `{{end}}`",
        1,
        1,
    );
    syntax(
        "{{range 3}}",
        "`range` is not closed: expected `{{end}}`",
        1,
        1,
    );
    syntax(
        "{{end}}",
        "`end` without an `if`, `with` or `range` before it",
        1,
        1,
    );
    syntax(
        "{{else}}",
        "`else` without an `if`, `with` or `range` before it",
        1,
        1,
    );
    syntax(
        "{{if true}}{{else}}{{else}}{{end}}",
        "a second `else` in one `if`",
        1,
        20,
    );
    syntax(
        "{{if true}}{{else with true}}{{end}}",
        "expected `else` or `else if …` in `if`",
        1,
        12,
    );
    syntax(
        "{{range 3}}{{else if true}}{{end}}",
        "expected `else` alone in `range`",
        1,
        12,
    );
    syntax(
        "{{if true}}{{end true}}",
        "`end` takes nothing after it",
        1,
        18,
    );
    syntax("{{break}}", "`break` outside of a `range`", 1, 3);
    syntax("{{continue}}", "`continue` outside of a `range`", 1, 3);
    syntax("{{if}}{{end}}", "missing value", 1, 1);
    syntax("{{}}", "missing value", 1, 1);
    syntax("{{.entity.name |}}", "missing command after `|`", 1, 16);
    syntax("{{| toJSON}}", "missing value before `|`", 1, 3);
    syntax(
        "{{.entity.name | .entity.id}}",
        "what follows `|` must be a function",
        1,
        18,
    );
    syntax(
        "{{.entity.name .entity.id}}",
        "a value takes no argument; only a function does",
        1,
        16,
    );
    syntax(
        "{{toJSON}}",
        "wrong number of arguments for `toJSON`: wants 1, found 0",
        1,
        3,
    );
    syntax(
        "{{.entity.name | toJSON 1}}",
        "wrong number of arguments for `toJSON`: wants 1, found 2",
        1,
        18,
    );
    syntax(
        "{{eq 1}}",
        "wrong number of arguments for `eq`: wants at least 2, found 1",
        1,
        3,
    );
    syntax(
        &format!("{{{{print {}}}}}", "1 ".repeat(65)),
        "wrong number of arguments for `print`: wants at most 64, found 65",
        1,
        3,
    );
    syntax(
        "{{eq len 3}}",
        "as an argument, a function needs parentheses: `(len …)`",
        1,
        6,
    );
    syntax("{{nil}}", "nil is not a command", 1, 3);
    syntax(
        "{{(len .entity.name}}",
        "the parenthesis is not closed",
        1,
        3,
    );
    syntax("{{len .entity.name)}}", "unexpected `)`", 1, 19);
    syntax("{{eq 1, 2}}", "unexpected `,`", 1, 7);
    syntax("{{$x}}", "undefined variable `$x`", 1, 3);
    syntax("{{$x = 1}}", "undefined variable `$x`", 1, 3);
    syntax(
        "{{$ := 1}}",
        "`$` is the template's data and cannot be set",
        1,
        3,
    );
    syntax("{{$a, $b := 1}}", "only `range` sets two variables", 1, 13);
    syntax(
        "{{range $a, $b, $c := 1}}{{end}}",
        "`range` sets at most two variables",
        1,
        23,
    );
    syntax(
        "{{toJSON := 1}}",
        "only a variable such as `$x` can be set, at the start of an action",
        1,
        10,
    );
    syntax("{{#if}}", "unexpected '#' in an action", 1, 3);
    for keyword in ["define", "template", "block"] {
        syntax(
            &format!("{{{{{keyword} \"a\"}}}}"),
            &format!("`{keyword}` is not available: a claim template is one piece"),
            1,
            1,
        );
    }
}

/// The faults that only a subject brings out; all are found when the role is written.
#[test]
fn action_faults() {
    let empty = "an entity that has no metadata, aliases and groups";
    let full = "an entity that has metadata, two aliases and two groups";
    for (source, fault, column, sample) in [
        (
            "{\"a\": {{(index .entity.groups 0).name | toJSON}}}",
            "index 0 is out of range of a list of 0; test the list with `if` first",
            10,
            empty,
        ),
        (
            "{\"a\": [{{range .entity.groups}}{{.nmae}}{{end}}]}",
            "a group has no field `.nmae`; it has `.id`, `.name`, `.metadata`",
            34,
            full,
        ),
        (
            "{\"a\": [{{range .entity.aliases}}{{.x}}{{end}}]}",
            "an alias has no field `.x`; it has `.id`, `.name`, `.mount_accessor`, `.mount_type`, `.metadata`, `.custom_metadata`",
            35,
            full,
        ),
        (
            "{\"a\": {{.entity.name.x}}}",
            "text has no fields; found `.x`",
            21,
            empty,
        ),
        ("{\"a\": {{len 3}}}", "a number has no length", 9, empty),
        (
            "{\"a\": {{eq .entity.name 3}}}",
            "`eq` cannot compare text with a number",
            9,
            empty,
        ),
        (
            "{\"a\": {{lt true false}}}",
            "`lt` cannot compare a boolean with a boolean",
            9,
            empty,
        ),
        (
            "{\"a\": [{{range .entity.groups}}{{if eq . \"dev\"}}1{{end}}{{end}}]}",
            "`eq` cannot compare a group with text; compare the group's `.name`",
            37,
            full,
        ),
        (
            "{\"a\": {{index .entity.metadata 3}}}",
            "a metadata key is text; found a number",
            9,
            empty,
        ),
        (
            "{\"a\": {{index .entity.name 0}}}",
            "`index` cannot look up a number in text",
            9,
            empty,
        ),
        (
            "{\"a\": [{{range .entity.name}}{{end}}]}",
            "`range` cannot iterate over text",
            16,
            empty,
        ),
        (
            "{\"a\": \"{{.entity.metadata}}\"}",
            "metadata cannot be printed as text; pipe it to toJSON",
            8,
            empty,
        ),
        (
            "{\"a\": {{printf \"%d\" .entity.name}}}",
            "`%d` of `printf` cannot print text",
            9,
            empty,
        ),
        (
            "{\"a\": {{printf \"%y\" 1}}}",
            "`printf` does not know `%y`; it knows %v, %s, %q, %d, %t, %x, %X, %f, %c and %%",
            9,
            empty,
        ),
        (
            "{\"a\": {{printf \"%d\"}}}",
            "`printf` has no argument for `%d`",
            9,
            empty,
        ),
        (
            "{\"a\": {{printf \"1\" 2}}}",
            "`printf` has more arguments than its format uses",
            9,
            empty,
        ),
        (
            "{\"a\": {{printf \"1%\"}}}",
            "the format of `printf` ends after `%`",
            9,
            empty,
        ),
        (
            "{\"a\": {{printf \"%101d\" 2}}}",
            "`printf` takes widths up to 100; found 101",
            9,
            empty,
        ),
        (
            "{\"a\": {{printf 1 2}}}",
            "the first argument of `printf` is its format; found a number",
            9,
            empty,
        ),
    ] {
        refuse(
            source,
            &format!(
                "error parsing template: {fault} (line 1, column {column}; tried with {sample})"
            ),
        );
    }
}

/// Values where they do not fit into JSON.
#[test]
fn json_faults_of_actions() {
    let not_json =
        "the action prints text that is not a JSON value; pipe it to toJSON, or put it in quotes";
    let nothing = "the action prints nothing where JSON needs a value; pipe it to toJSON, or put it in quotes";
    let empty = "an entity that has no metadata, aliases and groups";
    let full = "an entity that has metadata, two aliases and two groups";
    for (source, fault, column, sample) in [
        ("{\"a\": {{.entity.name}}}", nothing, 7, empty),
        ("{\"a\": {{.entity.groups}}}", not_json, 7, empty),
        (
            "{\"a\": {{printf \"\\\"%s\\\"\" .entity.name}}}",
            not_json,
            7,
            full,
        ),
        (
            "{\"a\": {{if .entity.name}}{{.entity.name}}{{else}}1{{end}}}",
            not_json,
            26,
            full,
        ),
        (
            "{\"a\": \"{{.entity.name | toJSON}}\"}",
            "toJSON brings its own quotes; drop the quotes around the action, or toJSON",
            8,
            empty,
        ),
        (
            "{\"a\": \"\\{{.entity.name}}\"}",
            "an action cannot follow a backslash in a string",
            9,
            empty,
        ),
    ] {
        refuse(
            source,
            &format!(
                "error parsing template JSON: {fault} (line 1, column {column}; tried with {sample})"
            ),
        );
    }
}

#[test]
fn a_text_of_the_template_is_tried_as_a_value() {
    refuse(
        "{\"a\": 1\n{{if eq .entity.metadata.env \"production\"}} \"b\": 2 {{end}}}",
        "error parsing template JSON: invalid character '\"' after object key:value pair (line 2, column 45; tried with an entity whose name, metadata and group are \"production\")",
    );
}

#[test]
fn positions_count_characters() {
    let position = |source: &str, offset| {
        let Position { line, column } = Position::of(source, offset);
        (line, column)
    };
    assert_eq!(position("", 0), (1, 1));
    assert_eq!(position("ab\ncd", 4), (2, 2));
    assert_eq!(position("é\nñx", 5), (2, 2));
    assert_eq!(position("é", 1), (1, 1));
    assert_eq!(position("ab", 99), (1, 3));
}
