//! The pass over the words, with a small table of flags of its own.

use clap::{Arg, ArgAction, Command};

use super::*;

fn command() -> Command {
    let field = Arg::new("field").long("field").action(ArgAction::Set);
    let force = Arg::new("force")
        .long("force")
        .short('f')
        .action(ArgAction::SetTrue);
    let namespace = Arg::new("namespace")
        .long("namespace")
        .alias("ns")
        .action(ArgAction::Set);
    let renewable = Arg::new("renewable")
        .long("renewable")
        .action(ArgAction::Set)
        .num_args(0..=1)
        .default_missing_value("true");
    let words = Arg::new("words").num_args(0..);
    let leaf = |name| {
        Command::new(name).args([
            field.clone(),
            force.clone(),
            namespace.clone(),
            renewable.clone(),
            words.clone(),
        ])
    };
    Command::new("vouchsafe")
        .subcommand(leaf("write"))
        .subcommand(Command::new("token").subcommand(leaf("create")))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[track_caller]
fn check(line: &str, expected: &str) {
    match normalize(&command(), &words(line)) {
        Ok(Normal::Words(normal)) => assert_eq!(normal.join(" "), expected),
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn refused(line: &str, expected: &str) {
    match normalize(&command(), &words(line)) {
        Err(failure) => assert_eq!(failure.to_string(), expected),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn flags_are_read_with_one_dash_or_two_and_with_either_kind_of_value() {
    check("write -field=token x", "write --field=token -- x");
    check("write --field token x", "write --field=token -- x");
    check("write -field= x", "write --field= -- x");
    check("write -ns=a x", "write --namespace=a -- x");
    check("token create -field=token", "token create --field=token --");
}

#[test]
fn a_value_may_look_like_a_flag() {
    check("write -field -force x", "write --field=-force -- x");
}

#[test]
fn booleans_take_a_value_only_after_an_equals_sign() {
    check("write -f x", "write --force -- x");
    check("write -force=false x", "write -- x");
    check("write -force true", "write --force -- true");
    check(
        "token create -renewable=false",
        "token create --renewable=false --",
    );
    check("token create -renewable", "token create --renewable --");
    refused(
        "write -force=maybe x",
        "invalid boolean value \"maybe\" for -force: expected `true` or `false`",
    );
}

#[test]
fn data_words_keep_their_dashes() {
    check("write x a=-b -", "write -- x a=-b -");
    check("write x -a=b", "write -- x -a=b");
    check("write x -- -force", "write -- x -force");
}

#[test]
fn a_known_flag_after_the_path_is_a_flag() {
    check("write x a=b -force", "write --force -- x a=b");
}

#[test]
fn an_unknown_flag_before_the_path_is_left_to_the_parser() {
    check("write -nope=1 x", "write --nope -- x");
}

#[test]
fn a_flag_without_its_value_is_refused() {
    refused("write -field", "flag needs an argument: -field");
}

#[test]
fn a_flag_before_the_subcommand_is_refused() {
    refused(
        "-field=x write y",
        "Invalid flag before the subcommand: -field=x",
    );
}

#[test]
fn groups_help_and_unknown_commands_are_the_callers_to_answer() {
    let of = |line| normalize(&command(), &words(line)).unwrap();
    let unknown = |name: &str| Some(name.to_owned());
    assert_eq!(
        of(""),
        Normal::Group {
            path: vec![],
            unknown: None
        }
    );
    assert_eq!(
        of("raed x"),
        Normal::Group {
            path: vec![],
            unknown: unknown("raed")
        }
    );
    assert_eq!(
        of("token nope"),
        Normal::Group {
            path: words("token"),
            unknown: unknown("nope")
        }
    );
    assert_eq!(of("-h"), Normal::Help(vec![]));
    assert_eq!(of("token -help"), Normal::Help(words("token")));
    assert_eq!(of("write x --help"), Normal::Help(words("write")));
    assert_eq!(of("-version"), Normal::Words(words("version")));
}

#[test]
fn the_nearest_name_is_suggested_only_when_near() {
    let names = || ["read", "write", "list", "delete"].into_iter();
    assert_eq!(nearest("raed", names()), Some("read"));
    assert_eq!(nearest("wrte", names()), Some("write"));
    assert_eq!(nearest("dleet", names()), Some("delete"));
    assert_eq!(nearest("operator", names()), None);
}
