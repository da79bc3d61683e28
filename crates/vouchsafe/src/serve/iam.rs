//! What the server is told of IAM when it starts: the file of the configuration, and the key of the
//! built-in `Admin` from the environment.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Context, bail};
use vouchsafe_core::{Core, IamFile};
use vouchsafe_logical::Secret;

use crate::cli::read_text;
use crate::config::IamPath;

/// The variable with the key of `Admin`: Piiano Vault's.
const ADMIN_API_KEY: &str = "PVAULT_SERVICE_ADMIN_API_KEY";
/// The shortest key of `Admin`, in characters. Piiano Vault asks the same of a key that is set over
/// its API; its well-known default (`pvaultauth`) is shorter, and is refused like every other guess.
const ADMIN_API_KEY_CHARACTERS_MIN: usize = 15;

/// Reads the IAM file and checks all of it.
pub(super) fn file(path: &IamPath) -> anyhow::Result<IamFile> {
    let name = path.file.display();
    let text = File::open(&path.file)
        .and_then(|mut file| read_text(&mut file))
        .with_context(|| format!("read the IAM file {name}"))?;
    match IamFile::parse(text, path.apply) {
        Ok(file) => Ok(file),
        Err(error) => bail!("{name}: {error}"),
    }
}

/// Tells a core that has not been unsealed yet.
pub(crate) fn tell(core: &Core, file: Option<IamFile>) -> anyhow::Result<()> {
    core.iam().file.store(file.map(Arc::new));
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the binary, and the key belongs in no file"
    )]
    let key = std::env::var_os(ADMIN_API_KEY).filter(|key| !key.is_empty());
    let Some(key) = key else {
        return Ok(());
    };
    let Ok(key) = key.into_string() else {
        bail!("{ADMIN_API_KEY} is not UTF-8");
    };
    check(&key)?;
    core.iam()
        .admin_api_key
        .store(Some(Arc::new(Secret::new(key))));
    Ok(())
}

/// Whether a key is fit to be the one that may do everything.
fn check(key: &str) -> anyhow::Result<()> {
    let has = |kind: fn(&char) -> bool| key.chars().any(|c| kind(&c));
    let fits = key.chars().count() >= ADMIN_API_KEY_CHARACTERS_MIN
        && has(char::is_ascii_digit)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
        && key.chars().all(|c| c.is_ascii_graphic());
    if !fits {
        bail!(
            "{ADMIN_API_KEY} is too weak; expected at least {ADMIN_API_KEY_CHARACTERS_MIN} printable characters without blanks, with a digit, a lower-case and an upper-case letter"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        assert!(check("Abcdefghijklmn1").is_ok());
        for weak in [
            "",
            "pvaultauth",
            "Abcdefghijklm1",
            "abcdefghijklmn1",
            "ABCDEFGHIJKLMN1",
            "Abcdefghijklmno",
            "Abcdefghijklm 1",
        ] {
            assert!(check(weak).is_err(), "{weak}");
        }
    }
}
