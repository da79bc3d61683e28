//! The server's process: started, watched through `/proc`, and ended with the value.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// The program that was built beside the one that runs.
fn program() -> Result<PathBuf> {
    let examples = std::env::current_exe()?;
    let profile = examples.parent().and_then(|folder| folder.parent());
    Ok(profile.context("find the build folder")?.join("vouchsafe"))
}

/// A running server.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts the program with these arguments, silently.
    pub(crate) fn start(arguments: &[String]) -> Result<Self> {
        let program = program()?;
        let child = Command::new(&program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}; is it built?", program.display()))?;
        Ok(Self { child })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time so far, user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<u64>().ok());
        let total = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        // The kernel counts in ticks of 10 ms.
        Ok(Duration::from_millis(total.context("read /proc")? * 10))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
