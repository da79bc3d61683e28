//! What a device can be told, parsed once.
//!
//! There is no `prefix`: text of a caller's choice at the beginning of each line made scripts out
//! of logs (CVE-2025-6000). An option that is not known is refused, since a misspelt one would
//! quietly show or hide something else than meant.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use vouchsafe_logical::Error;
use vouchsafe_logical::field::FromField;

use super::file::{FILE_MODE, LogFile};
use super::sink::{Discard, Sink, Stdout};

/// Rights that a log may have: its owner's, reading and writing for the group, reading for others.
const MODE_BITS: u32 = 0o664;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A file at an absolute path, with the rights that it shall have.
    File { path: PathBuf, mode: Option<u32> },
    /// Standard output of the server.
    Stdout,
    /// Nowhere.
    Discard,
}

impl Destination {
    /// The place, not opened yet.
    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        match self {
            Self::File { path, mode } => Box::new(LogFile::new(path.clone(), *mode)),
            Self::Stdout => Box::new(Stdout::default()),
            Self::Discard => Box::new(Discard),
        }
    }
}

/// A device's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where lines go.
    pub(crate) destination: Destination,
    /// Nothing is hashed.
    pub(crate) log_raw: bool,
    /// Accessors are hashed too.
    pub(crate) hmac_accessor: bool,
    /// Listings are shown as how many keys they had.
    pub(crate) elide_list_responses: bool,
    /// No entry is written when the device is enabled.
    pub(crate) skip_test: bool,
}

impl Options {
    /// Parses the type and the options as a client sends them and as they are stored.
    ///
    /// # Errors
    /// What is not known, missing, or of the wrong form.
    pub(crate) fn parse(kind: &str, sent: &BTreeMap<String, String>) -> Result<Self, Error> {
        let known: &[&str] = match kind {
            "file" => &["file_path", "mode"],
            "stdout" => &[],
            _ => {
                let text = format!("unknown backend type: {kind:?}");
                return Err(Error::invalid_because("audit_type_unknown", text));
            }
        };
        check_names(kind, known, sent)?;
        let text = |name: &str| {
            sent.get(name)
                .map(String::as_str)
                .filter(|text| !text.is_empty())
        };
        if let Some(format) = text("format").filter(|format| *format != "json") {
            return Err(invalid(format!("format is {format:?}; expected `json`")));
        }
        let destination = match kind {
            "file" => destination(text("file_path"), text("mode"))?,
            _ => Destination::Stdout,
        };
        let flag = |name: &str, usual| match text(name) {
            None => Ok(usual),
            Some(text) => bool::from_field(name, Some(&text.into()))
                .map_err(|_| invalid(format!("{name} is {text:?}; expected `true` or `false`"))),
        };
        Ok(Self {
            destination,
            log_raw: flag("log_raw", false)?,
            hmac_accessor: flag("hmac_accessor", true)?,
            elide_list_responses: flag("elide_list_responses", false)?,
            skip_test: flag("skip_test", false)?,
        })
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::invalid_because("audit_option_invalid", text)
}

fn check_names(kind: &str, known: &[&str], sent: &BTreeMap<String, String>) -> Result<(), Error> {
    const EVERYWHERE: &[&str] = &[
        "elide_list_responses",
        "format",
        "hmac_accessor",
        "log_raw",
        "skip_test",
    ];
    for name in sent.keys() {
        if name == "prefix" {
            return Err(invalid(
                "option `prefix` is not supported: entries begin as they are",
            ));
        }
        if !known.iter().chain(EVERYWHERE).any(|known| known == name) {
            let known = [known, EVERYWHERE].concat().join("`, `");
            return Err(invalid(format!(
                "unknown option {name:?} of an audit device of the type `{kind}`; \
                 expected one of `{known}`"
            )));
        }
    }
    Ok(())
}

fn destination(path: Option<&str>, mode: Option<&str>) -> Result<Destination, Error> {
    let mode = mode.map_or(Ok(Some(FILE_MODE)), parse_mode)?;
    match path {
        None => Err(invalid("file_path is required")),
        Some("stdout") => Ok(Destination::Stdout),
        Some("discard") => Ok(Destination::Discard),
        Some(path) => Ok(Destination::File {
            path: parse_path(path)?,
            mode,
        }),
    }
}

fn parse_path(text: &str) -> Result<PathBuf, Error> {
    let path = Path::new(text);
    let steps_up = path.components().any(|step| step == Component::ParentDir);
    if !path.is_absolute() || steps_up || text.contains(char::is_control) {
        return Err(invalid(format!(
            "file_path is {text:?}; expected an absolute path without `..`, `stdout` or `discard`"
        )));
    }
    Ok(path.to_owned())
}

/// Octal rights. `0000` leaves those of a file that exists, as in Vault.
fn parse_mode(text: &str) -> Result<Option<u32>, Error> {
    match u32::from_str_radix(text, 8) {
        Ok(0) => Ok(None),
        Ok(mode) if mode & FILE_MODE == FILE_MODE && mode & !MODE_BITS == 0 => Ok(Some(mode)),
        Ok(_) | Err(_) => Err(invalid(format!(
            "mode is {text:?}; expected octal rights from `0600` to `0664` without execution, \
             or `0000` to leave those of the file"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[track_caller]
    fn refused(kind: &str, pairs: &[(&str, &str)], expected: &str) {
        let error = Options::parse(kind, &options(pairs)).expect_err("these options are refused");
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn the_usual_options_hide_everything() {
        let parsed = Options::parse("file", &options(&[("file_path", "/a/b.log")]));
        let expected = Options {
            destination: Destination::File {
                path: "/a/b.log".into(),
                mode: Some(0o600),
            },
            log_raw: false,
            hmac_accessor: true,
            elide_list_responses: false,
            skip_test: false,
        };
        assert_eq!(parsed.expect("plain options"), expected);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        refused("zz", &[], "unknown backend type: \"zz\"");
        refused("socket", &[], "unknown backend type: \"socket\"");
        refused("file", &[], "file_path is required");
        refused("file", &[("file_path", "")], "file_path is required");
        refused(
            "file",
            &[("file_path", "/a"), ("prefix", "#!/bin/sh")],
            "`prefix`",
        );
        refused("stdout", &[("prefix", "x")], "`prefix`");
        refused(
            "stdout",
            &[("file_path", "/a")],
            "unknown option \"file_path\"",
        );
        refused(
            "file",
            &[("file_path", "/a"), ("log_row", "1")],
            "unknown option \"log_row\"",
        );
        refused(
            "file",
            &[("file_path", "/a"), ("log_raw", "yes")],
            "log_raw is \"yes\"",
        );
        refused(
            "file",
            &[("file_path", "/a"), ("format", "jsonx")],
            "format is \"jsonx\"",
        );
    }

    #[test]
    fn a_path_is_absolute_and_plain() {
        for path in [
            "audit.log",
            "./audit.log",
            "../a",
            "/var/../etc/passwd",
            "/a\nb",
            "~/a",
        ] {
            refused("file", &[("file_path", path)], "expected an absolute path");
        }
    }

    #[test]
    fn a_log_can_not_be_run_nor_written_by_everybody() {
        for mode in [
            "0700",
            "0755",
            "4600",
            "0666",
            "0602",
            "0400",
            "600x",
            "-600",
            "99999999999",
        ] {
            refused(
                "file",
                &[("file_path", "/a"), ("mode", mode)],
                "expected octal rights",
            );
        }
        for (mode, expected) in [
            ("0600", Some(0o600)),
            ("640", Some(0o640)),
            ("0664", Some(0o664)),
            ("0000", None),
        ] {
            let pairs = options(&[("file_path", "/a"), ("mode", mode)]);
            let parsed = Options::parse("file", &pairs).expect("rights that a log may have");
            let path = "/a".into();
            assert_eq!(
                parsed.destination,
                Destination::File {
                    path,
                    mode: expected
                }
            );
        }
    }
}
