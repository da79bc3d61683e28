//! What a word may become: a command, or a flag of the command before it.

use clap::{Arg, ArgAction, Command};

/// The candidates for the last of `words`, which follow the program's name.
pub(super) fn of(root: &Command, words: &[String]) -> Vec<String> {
    let Some((current, before)) = words.split_last() else {
        return Vec::new();
    };
    let mut command = root;
    for word in before {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            // A word that is no command, where one has to stand: nothing fits after it.
            None if command.has_subcommands() => return Vec::new(),
            None => break,
        }
    }
    let mut candidates = if current.starts_with('-') {
        flags(command, current)
    } else {
        commands(command)
    };
    candidates.retain(|candidate| candidate.starts_with(current.as_str()));
    candidates.sort_unstable();
    candidates.dedup();
    candidates
}

fn commands(command: &Command) -> Vec<String> {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown.map(|sub| sub.get_name().to_owned()).collect()
}

/// Flags as they are begun: with one dash as in Vault's help, or with two.
fn flags(command: &Command, current: &str) -> Vec<String> {
    let dashes = if current.starts_with("--") { "--" } else { "-" };
    let flags = command.get_arguments().filter(|arg| !arg.is_positional());
    flags
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| Some(format!("{dashes}{}{}", arg.get_long()?, value_mark(arg))))
        .collect()
}

/// `=` after a flag that takes a value.
fn value_mark(arg: &Arg) -> &'static str {
    let takes = !matches!(
        arg.get_action(),
        ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Help | ArgAction::Version
    );
    let optional = arg
        .get_num_args()
        .is_some_and(|range| range.min_values() == 0);
    if takes && !optional { "=" } else { "" }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[track_caller]
    fn check(words: &[&str], expected: &[&str]) {
        let root = super::super::super::CommandLine::command();
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(of(&root, &words), expected, "{words:?}");
    }

    #[test]
    fn commands_and_their_commands() {
        check(&["un"], &["unwrap"]);
        check(&["kv", "metadata", "pu"], &["put"]);
        check(&["operator", "unsea"], &["unseal"]);
        check(&["read", "secret/"], &[]);
        check(&["no-such-command", ""], &[]);
        check(&["completion", ""], &["bash", "fish", "zsh"]);
        check(&[], &[]);
    }

    #[test]
    fn flags_are_completed_in_the_way_they_are_begun() {
        check(&["read", "-form"], &["-format="]);
        check(&["read", "--form"], &["--format="]);
        check(&["write", "secret/a", "-forc"], &["-force"]);
        check(&["-x"], &[]);
    }
}
