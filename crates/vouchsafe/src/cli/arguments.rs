//! Vault's way of writing flags, turned into what the parser of this program reads.
//!
//! Vault's flags have one dash or two, `-name=value` or `-name value`; a boolean is `-name` or
//! `-name=false`. This pass reads the words by those rules, with the parser's own table of flags,
//! and returns them in one normal form: subcommands, `--name=value` flags, `--`, other words.
//!
//! It is more lenient than Vault in one respect: a *known* flag after the first other word is still
//! a flag, where Vault sends it to the server as data. An unknown one is data in both.

use clap::{Arg, ArgAction, Command};

use super::failure::Failure;

/// Normalises the words after the program's name.
///
/// # Errors
///
/// A flag without its value, a boolean that is none, or a flag before the subcommand.
pub(crate) fn normalize(root: &Command, words: &[String]) -> Result<Normal, Failure> {
    let mut command = root;
    let mut path = Vec::new();
    let mut rest = words.iter();
    while command.has_subcommands() {
        let Some(word) = rest.next() else {
            return Ok(Normal::Group {
                path,
                unknown: None,
            });
        };
        if let Some(name) = flag_name(word) {
            return match name {
                "h" | "help" => Ok(Normal::Help(path)),
                "v" | "version" if path.is_empty() => Ok(Normal::Words(vec!["version".to_owned()])),
                _ => Err(before_the_subcommand(word)),
            };
        }
        match command.find_subcommand(word) {
            Some(found) => {
                path.push(found.get_name().to_owned());
                command = found;
            }
            None if word == "help" => return Ok(Normal::Help(path)),
            None => {
                return Ok(Normal::Group {
                    path,
                    unknown: Some(word.clone()),
                });
            }
        }
    }
    leaf(command, path, rest.as_slice())
}

/// The words in normal form, or what the caller has to answer itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Normal {
    /// A group of commands without one of its commands.
    Group {
        /// The group's path of names.
        path: Vec<String>,
        /// The word that names no command of the group.
        unknown: Option<String>,
    },
    /// The help of a command or group is wanted.
    Help(Vec<String>),
    /// Words for the parser.
    Words(Vec<String>),
}

fn leaf(command: &Command, path: Vec<String>, words: &[String]) -> Result<Normal, Failure> {
    let mut flags = Vec::new();
    let mut others: Vec<String> = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            others.extend(rest.by_ref().cloned());
            break;
        }
        let Some(name) = flag_name(word) else {
            others.push(word.clone());
            continue;
        };
        if matches!(name, "h" | "help") {
            return Ok(Normal::Help(path));
        }
        let value = word.split_once('=').map(|(_, value)| value.to_owned());
        match find(command, name) {
            Some(flag) => flags.extend(spell(flag, name, value, &mut rest)?),
            None if others.is_empty() => flags.push(format!("--{name}")),
            None => others.push(word.clone()),
        }
    }
    let mut normal = path;
    normal.append(&mut flags);
    normal.push("--".to_owned());
    normal.append(&mut others);
    Ok(Normal::Words(normal))
}

/// The name of a flag, without dashes and value; `None` for a word that is no flag.
fn flag_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    (!name.is_empty()).then_some(name)
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .filter(|arg| !arg.is_positional())
        .find(|arg| {
            let long = arg.get_long() == Some(name)
                || arg
                    .get_all_aliases()
                    .is_some_and(|aliases| aliases.contains(&name));
            let short = arg
                .get_short()
                .is_some_and(|short| name.chars().eq([short]));
            long || short
        })
}

fn spell<'a>(
    flag: &Arg,
    name: &str,
    value: Option<String>,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<Option<String>, Failure> {
    let long = flag.get_long().unwrap_or(name);
    if matches!(flag.get_action(), ArgAction::SetTrue) {
        let wanted = match value {
            Some(value) => boolean(name, &value)?,
            None => true,
        };
        return Ok(wanted.then(|| format!("--{long}")));
    }
    let optional = flag
        .get_num_args()
        .is_some_and(|range| range.min_values() == 0);
    match value {
        Some(value) if optional => Ok(Some(format!("--{long}={}", boolean(name, &value)?))),
        None if optional => Ok(Some(format!("--{long}"))),
        Some(value) => Ok(Some(format!("--{long}={value}"))),
        None => match rest.next() {
            Some(value) => Ok(Some(format!("--{long}={value}"))),
            None => Err(Failure::usage(format!("flag needs an argument: -{name}"))),
        },
    }
}

// The spellings that Go's flags accept for booleans.
fn boolean(name: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Failure::usage(format!(
            "invalid boolean value \"{value}\" for -{name}: expected `true` or `false`"
        ))),
    }
}

/// The name that a mistyped one is nearest to, unless all are too far.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &&str| edits(typed, name);
    let best = names.min_by_key(distance)?;
    (edits(typed, best) <= EDITS_MAX).then_some(best)
}

/// How many edits a typing error is worth: past two, a suggestion is a guess.
const EDITS_MAX: usize = 2;

// The Damerau-Levenshtein distance (optimal string alignment): `raed` is one edit from `read`.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

fn before_the_subcommand(word: &str) -> Failure {
    Failure::Usage {
        message: format!("Invalid flag before the subcommand: {word}"),
        hint: Some("flags stand after the subcommand, such as `read -format=json PATH`".to_owned()),
    }
}

#[cfg(test)]
mod tests;
