//! `completion bash|zsh|fish`, and Vault's `-autocomplete-install` and `-autocomplete-uninstall`.
//!
//! The shells' scripts hold no list of commands: they ask this program, which reads its own table
//! of commands and flags. So they can't fall behind it, and completing sends nothing anywhere.

mod candidate;
mod install;

use super::context::Context;
use super::failure::{Exit, Stop};
use super::program::Program;

pub(super) use install::{install, uninstall};

/// Print the script that makes a shell complete commands and flags
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe completion <bash|zsh|fish>",
    after_help = "Example:\n  source <(vouchsafe completion bash)\n  \
                  vouchsafe -autocomplete-install"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the script for bash
    #[command(after_help = "Example:\n  source <(vouchsafe completion bash)")]
    Bash,
    /// Print the script for zsh
    #[command(after_help = "Example:\n  source <(vouchsafe completion zsh)")]
    Zsh,
    /// Print the script for fish
    #[command(after_help = "Example:\n  vouchsafe completion fish | source")]
    Fish,
    /// Print what the last of some words may become
    #[command(
        hide = true,
        after_help = "Example:\n  vouchsafe completion words -- kv g"
    )]
    Words {
        #[arg(hide = true)]
        words: Vec<String>,
    },
}

pub(crate) fn run(args: Args, root: clap::Command, context: &mut Context) -> Result<Exit, Stop> {
    let text = match args.command {
        Command::Bash => script(BASH, context.program),
        Command::Zsh => script(ZSH, context.program),
        Command::Fish => script(FISH, context.program),
        Command::Words { words } => candidate::of(&root, &words).join("\n"),
    };
    if !text.is_empty() {
        context.console.line(text.trim_end());
    }
    Ok(Exit::Success)
}

fn script(template: &str, program: Program) -> String {
    template.replace("PROGRAM", program.command())
}

/// Readline takes `=` for a separator of words, so a flag is completed up to it and no further.
const BASH: &str = r#"_PROGRAM_complete() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(PROGRAM completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _PROGRAM_complete PROGRAM
"#;

const ZSH: &str = r#"#compdef PROGRAM
_PROGRAM_complete() {
    local -a candidates
    candidates=(${(f)"$(PROGRAM completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#candidates} )); then
        compadd -Q -S '' -- ${(M)candidates:#*=}
        compadd -- ${candidates:#*=}
    else
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _PROGRAM_complete PROGRAM
"#;

const FISH: &str = r"function __PROGRAM_complete
    set -l words (commandline -opc) (commandline -ct)
    PROGRAM completion words -- $words[2..-1] 2>/dev/null
end
complete -c PROGRAM -a '(__PROGRAM_complete)'
";
