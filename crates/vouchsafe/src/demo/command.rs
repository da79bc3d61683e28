//! Commands of the tour: shown as a person would type them, and run as shown.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

/// How a command is run: where, and as whom.
#[derive(Clone)]
pub(crate) struct Shell {
    /// This program.
    pub(crate) program: OsString,
    /// The server.
    pub(crate) address: String,
    /// The token that commands carry.
    pub(crate) token: String,
    /// What a person would have to set before the command, if it is not the usual token.
    pub(crate) shown_token: Option<&'static str>,
}

impl Shell {
    /// Shows a command, runs it, shows its answer and returns it.
    ///
    /// # Errors
    /// The command failed.
    pub(crate) fn run(&self, out: &mut dyn Write, words: &[&str]) -> anyhow::Result<String> {
        self.run_with_input(out, words, None)
    }

    /// As [`Shell::run`], with a text on the command's standard input.
    ///
    /// # Errors
    /// The command failed.
    pub(crate) fn run_with_input(
        &self,
        out: &mut dyn Write,
        words: &[&str],
        input: Option<&str>,
    ) -> anyhow::Result<String> {
        show(out, self.shown_token, words, input)?;
        let answer = self.execute(words, input)?;
        indent(out, &answer)?;
        Ok(answer)
    }

    /// Shows and runs a command whose JSON answer is wanted, and returns that.
    ///
    /// # Errors
    /// The command failed, or answered something else.
    pub(crate) fn json(&self, out: &mut dyn Write, words: &[&str]) -> anyhow::Result<Value> {
        let answer = self.run(out, words)?;
        serde_json::from_str(&answer).context("the answer is not JSON")
    }

    fn execute(&self, words: &[&str], input: Option<&str>) -> anyhow::Result<String> {
        let mut child = Command::new(&self.program)
            .args(words)
            // What the user's own settings name (a namespace, a proxy) is not the tour's server.
            .env_clear()
            .env("VAULT_ADDR", &self.address)
            .env("VAULT_TOKEN", &self.token)
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start the command")?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin
                .write_all(input.as_bytes())
                .context("give the command its input")?;
        }
        let output = child.wait_with_output().context("wait for the command")?;
        if !output.status.success() {
            bail!(
                "the command `{}` ended with {}:\n{}",
                words.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn show(
    out: &mut dyn Write,
    token: Option<&str>,
    words: &[&str],
    input: Option<&str>,
) -> io::Result<()> {
    write!(out, "  $ ")?;
    if let Some(token) = token {
        write!(out, "VAULT_TOKEN={token} ")?;
    }
    write!(out, "vouchsafe")?;
    // A long command is shown as a person would break it.
    let long = words.iter().map(|word| word.len() + 1).sum::<usize>() > 78;
    for (index, word) in words.iter().enumerate() {
        let separator = if long && index > 1 {
            " \\\n      "
        } else {
            " "
        };
        write!(out, "{separator}{}", quoted(word))?;
    }
    match input {
        Some(input) => {
            writeln!(out, " <<'EOF'")?;
            for line in input.trim_end().lines() {
                writeln!(out, "{line}")?;
            }
            writeln!(out, "EOF")
        }
        None => writeln!(out),
    }
}

/// A word as a shell needs it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    match word.split_once('=') {
        Some((name, value)) if name.chars().all(plain) => {
            format!("{name}='{}'", value.replace('\'', r"'\''"))
        }
        _ => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// An answer, set off from the commands.
pub(crate) fn indent(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in text.trim_end().lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_as_a_shell_takes_them() {
        assert_eq!(quoted("identity/oidc/key/k"), "identity/oidc/key/k");
        assert_eq!(quoted("allowed_client_ids=*"), "allowed_client_ids='*'");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
