//! Layouts before and after, and texts that are no HCL.

use super::*;

#[track_caller]
fn check(source: &str, expected: &str) {
    let text = format(source).unwrap();
    assert_eq!(text, expected);
    // What is laid out stays as it is.
    assert_eq!(format(&text).unwrap(), expected);
}

#[test]
fn a_policy_gets_the_usual_layout() {
    check(
        "path \"a/*\" {\ncapabilities=[\"read\",\"list\"]\n# comment\n min_wrapping_ttl = \"1s\"\n \
         allowed_parameters = {\n  \"x\" = [\"a\" ,\"b\"]\n    \"yyyy\" = []\n}\n}\n// another\n\
         path \"b\" { policy = \"read\" }",
        r#"path "a/*" {
  capabilities = ["read", "list"]

  # comment
  min_wrapping_ttl = "1s"

  allowed_parameters = {
    "x"    = ["a", "b"]
    "yyyy" = []
  }
}

// another
path "b" {
  policy = "read"
}
"#,
    );
}

#[test]
fn settings_that_stand_together_are_aligned() {
    check(
        "a = 1\nbbb = 2 # two\n\ncc = 3",
        "a   = 1\nbbb = 2 # two\n\ncc = 3\n",
    );
}

#[test]
fn comments_lists_and_heredocs_keep_their_lines() {
    check(
        "# head\n\n/* of\n   all */\nx = [\n\"a\",\n\"b\"]\ny = <<EOT\n one\nEOT\n# end\n",
        "# head\n\n/* of\n   all */\nx = [\n  \"a\",\n  \"b\",\n]\n\ny = <<EOT\n one\nEOT\n\n# end\n",
    );
}

#[test]
fn braces_and_hashes_in_strings_are_text() {
    check(r#"path "a/{{x}}#\"" {}"#, "path \"a/{{x}}#\\\"\" {}\n");
}

#[test]
fn what_is_no_hcl_is_refused_with_its_line() {
    for (source, fault) in [
        ("path \"a\" {", "the file ends where a name is expected"),
        ("\n= 1", "line 2: expected a name"),
        ("a = ", "the file ends where a value is expected"),
        ("a \"b", "line 1: string has no end"),
        ("a = [1 2]", "line 1: expected `,` or `]`"),
        ("/* a", "line 1: comment has no end"),
        ("a = <<X\nb", "line 1: heredoc has no end"),
        ("a = $x", "line 1: unexpected character `$`"),
    ] {
        assert_eq!(format(source), Err(fault.to_owned()), "{source}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("a = {}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(format(&nested(DEPTH_MAX)).is_ok());
    assert!(format(&nested(DEPTH_MAX + 1)).is_err());
}
