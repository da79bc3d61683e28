//! Passwords and their bcrypt hashes.
//!
//! bcrypt takes about a twentieth of a second by design, so it only ever runs on
//! [`Pool::Slow`]. It has two traits that would let two texts be one password, and a text with
//! either is therefore no password here: it reads no more than 72 bytes, and it repeats the
//! password behind a NUL, so that `a` and `a NUL a` hash alike.

use std::sync::Arc;

use vouchsafe_logical::{Error, Pool, Secret, System, run_on};

/// The longest password, in bytes: what bcrypt reads.
pub(super) const PASSWORD_BYTES_MAX: usize = 72;
/// The cost of new hashes, as in Vault: 2^10 rounds.
pub(super) const COST: u32 = 10;
/// The highest cost of a hash that is handed in. Each step doubles the time; at 14 a login takes
/// about a second of one worker, and anybody may ask for logins.
pub(super) const COST_MAX: u32 = 14;
/// The lowest cost that bcrypt knows.
const COST_MIN: u32 = 4;

/// Stands in for the hash of a user who does not exist, so that the answer takes as long. It has
/// the cost of new hashes and is the hash of nothing: its digest part is all zeros.
const NOBODY: &str = "$2b$10$nobodynobodynobodynob................................";

/// A bcrypt hash in its usual text form, `$2b$10$…`.
#[derive(Clone)]
pub(super) struct PasswordHash(String);

impl PasswordHash {
    /// Checks a hash that an operator hands in.
    ///
    /// # Errors
    /// Text of another form, a variant with known faults (`2x`), or a cost out of bounds.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let malformed =
            || Error::invalid("password_hash is not a valid bcrypt hash; expected `$2b$10$…`");
        if !["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|variant| text.starts_with(variant))
        {
            return Err(malformed());
        }
        let parts: bcrypt::HashParts = text.parse().map_err(|_| malformed())?;
        let cost = parts.get_cost();
        if !(COST_MIN..=COST_MAX).contains(&cost) {
            return Err(Error::invalid(format!(
                "password_hash has cost {cost}; expected {COST_MIN} to {COST_MAX}"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes over a hash that was stored.
    pub(super) const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    pub(super) fn into_stored(self) -> String {
        self.0
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// The text can't be a password, or the workers are busy.
    pub(super) async fn of(
        system: &Arc<dyn System>,
        password: Secret<String>,
    ) -> Result<Self, Error> {
        check(password.expose())?;
        let mut salt = [0; 16];
        system.entropy().fill(&mut salt);
        let hashed = run_on(system.workers(), Pool::Slow, move || {
            bcrypt::hash_with_salt(password.expose(), COST, salt)
        });
        match hashed.await? {
            Ok(parts) => Ok(Self(parts.format_for_version(bcrypt::Version::TwoB))),
            Err(error) => Err(Error::internal(format!("bcrypt: {error}"))),
        }
    }
}

/// Whether `password` is the one of `hash`. Takes as long where there is no hash to compare with.
///
/// # Errors
/// The workers are busy, or the stored hash is damaged.
pub(super) async fn verify(
    system: &Arc<dyn System>,
    password: Secret<String>,
    hash: Option<PasswordHash>,
) -> Result<bool, Error> {
    let exists = hash.is_some();
    let text = hash.map_or_else(|| NOBODY.to_owned(), |hash| hash.0);
    let verified = run_on(system.workers(), Pool::Slow, move || {
        let matches = bcrypt::verify(password.expose(), &text)?;
        Ok::<bool, bcrypt::BcryptError>(matches && check(password.expose()).is_ok())
    });
    match verified.await? {
        Ok(matches) => Ok(matches && exists),
        Err(error) => Err(Error::internal(format!("bcrypt: {error}"))),
    }
}

fn check(password: &str) -> Result<(), Error> {
    if password.is_empty() {
        return Err(Error::invalid("missing password"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Error::invalid(format!(
            "password length exceeds {PASSWORD_BYTES_MAX} bytes, which is all that bcrypt reads"
        )));
    }
    if password.contains('\0') {
        return Err(Error::invalid(
            "password contains a NUL character, which bcrypt can't tell",
        ));
    }
    Ok(())
}
