//! The command line of `xtask`: operands, `--flag` and `--flag VALUE`, taken one by one.
//!
//! Each chore takes what it knows and then calls [`Arguments::finish`], so that a mistyped flag is
//! an error instead of a silently different run.

use anyhow::{Context, Result, bail};

/// What is left of the command line.
pub(crate) struct Arguments {
    rest: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(arguments: impl Iterator<Item = String>) -> Self {
        Self {
            rest: arguments.collect(),
        }
    }

    /// Takes the next argument that is not a flag.
    pub(crate) fn operand(&mut self) -> Option<String> {
        let at = self
            .rest
            .iter()
            .position(|argument| !argument.starts_with("--"))?;
        Some(self.rest.remove(at))
    }

    /// Takes `flag`, and tells whether it was given.
    pub(crate) fn flag(&mut self, flag: &str) -> bool {
        let at = self.rest.iter().position(|argument| argument == flag);
        at.map(|at| self.rest.remove(at)).is_some()
    }

    /// Takes `flag` and the argument after it.
    ///
    /// # Errors
    /// When `flag` is the last argument.
    pub(crate) fn value(&mut self, flag: &str) -> Result<Option<String>> {
        let Some(at) = self.rest.iter().position(|argument| argument == flag) else {
            return Ok(None);
        };
        self.rest.remove(at);
        if at == self.rest.len() {
            bail!("`{flag}` needs a value");
        }
        Ok(Some(self.rest.remove(at)))
    }

    /// Takes `flag` and the number after it; `otherwise` when the flag is absent.
    ///
    /// # Errors
    /// When the value is not a number.
    pub(crate) fn number(&mut self, flag: &str, otherwise: u64) -> Result<u64> {
        match self.value(flag)? {
            None => Ok(otherwise),
            Some(text) => text
                .parse()
                .with_context(|| format!("`{flag}` takes a number, not `{text}`")),
        }
    }

    /// Takes everything that is left, flags included.
    pub(crate) fn remaining(&mut self) -> Vec<String> {
        std::mem::take(&mut self.rest)
    }

    /// Ends the taking.
    ///
    /// # Errors
    /// When an argument was not taken by anybody.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.rest.first() {
            None => Ok(()),
            Some(argument) => bail!("unexpected argument `{argument}`; see `cargo xtask help`"),
        }
    }
}
