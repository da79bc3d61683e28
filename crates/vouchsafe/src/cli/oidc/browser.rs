//! Opens the person's browser.

use std::io;
use std::process::{Command, Stdio};

use reqwest::Url;

/// The program that opens what it is given with what the person has chosen for it.
#[cfg(target_os = "macos")]
const OPENER: (&str, &[&str]) = ("open", &[]);
#[cfg(windows)]
const OPENER: (&str, &[&str]) = ("rundll32", &["url.dll,FileProtocolHandler"]);
#[cfg(not(any(target_os = "macos", windows)))]
const OPENER: (&str, &[&str]) = ("xdg-open", &[]);

/// Opens a web address. No shell sees it, and it begins with `http`, so it is no option.
pub(super) fn open(url: &Url) -> io::Result<()> {
    let (program, arguments) = OPENER;
    let opened = Command::new(program)
        .args(arguments)
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{program}: {error}"));
    opened.map(drop).map_err(named)
}
