//! The token helper: the file `~/.vault-token`, where a login leaves its token for later commands.
//!
//! The file is Vault's, so that both programs share one login. It is replaced as a whole, readable
//! by its owner alone from the first byte on.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use vouchsafe_api::Token;

use super::environment::Environment;
use super::failure::Failure;

/// The file's name in the home directory.
const FILE_NAME: &str = ".vault-token";

/// Where the token is kept; nowhere, when there is no home directory.
pub(crate) struct TokenHelper {
    path: Option<PathBuf>,
}

impl TokenHelper {
    /// The token helper of the user.
    pub(crate) fn of(environment: &Environment) -> Self {
        Self {
            path: environment.home().map(|home| home.join(FILE_NAME)),
        }
    }

    /// The token kept, if any.
    pub(crate) fn load(&self) -> Result<Option<Token>, Failure> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Token::new(text)).filter(|token| !token.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::local(format!(
                "token helper {}: {error}",
                path.display()
            ))),
        }
    }

    /// Keeps a token, in place of any other.
    pub(crate) fn store(&self, token: &Token) -> Result<(), Failure> {
        let Some(path) = &self.path else {
            let text = "the token cannot be stored: HOME is not set";
            return Err(Failure::local(text));
        };
        let fault = |error: io::Error| {
            Failure::local(format!(
                "the token cannot be stored in {}: {error}",
                path.display()
            ))
        };
        // The process id keeps two logins at the same time from writing one file.
        let name = format!("{FILE_NAME}.{}.tmp", std::process::id());
        let temporary = path.with_file_name(name);
        let written = write_private(&temporary, token.expose().as_bytes())
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(fault)
    }
}

fn write_private(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_stored_token_is_private_and_replaces_the_last() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::from([("HOME", home.path().to_str().unwrap())]);
        let helper = TokenHelper::of(&environment);
        assert_eq!(helper.load().unwrap(), None);
        helper.store(&Token::new("first-and-longer")).unwrap();
        helper.store(&Token::new("second")).unwrap();
        assert_eq!(helper.load().unwrap(), Some(Token::new("second")));
        let file = home.path().join(FILE_NAME);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn without_a_home_there_is_no_token_and_storing_fails() {
        let helper = TokenHelper::of(&Environment::default());
        assert_eq!(helper.load().unwrap(), None);
        let error = helper.store(&Token::new("x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the token cannot be stored: HOME is not set"
        );
    }
}
