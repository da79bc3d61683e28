//! Time and randomness as arguments.
//!
//! No crate of ours asks the operating system for the time or for random bytes by itself: both
//! come through these ports, so that tests hold the clock and repeat the dice.

use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock now, UTC. It may step backwards; nothing may rely on it being monotonic.
    fn now(&self) -> Timestamp;
}

/// Gives cryptographically secure random bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`. Implementations do not fail: a system without randomness can't serve.
    fn fill(&self, bytes: &mut [u8]);
}

/// Random text and ids, made from [`Entropy`].
pub trait EntropyExt: Entropy {
    /// A random (version 4) UUID in lower-case hyphenated form.
    fn uuid(&self) -> String {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .hyphenated()
            .to_string()
    }

    /// `length` random characters of `0-9A-Za-z`, each about 5.95 bits.
    fn base62(&self, length: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        // Bytes of 248 and more are thrown away: 248 = 4 * 62, so that no character is favoured.
        const UNBIASED: u8 = 248;
        let mut text = String::with_capacity(length);
        let mut bytes = [0u8; 64];
        while text.len() < length {
            self.fill(&mut bytes);
            for byte in bytes {
                if byte < UNBIASED && text.len() < length {
                    text.push(char::from(ALPHABET[usize::from(byte % 62)]));
                }
            }
        }
        text
    }

    /// `length` random lower-case hexadecimal digits.
    fn hex(&self, length: usize) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = vec![0u8; length.div_ceil(2)];
        self.fill(&mut bytes);
        let mut text = String::with_capacity(length + 1);
        for byte in bytes {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text.truncate(length);
        text
    }
}

impl<E: Entropy + ?Sized> EntropyExt for E {}

/// Formats a timestamp as Vault does: RFC 3339, UTC, nanoseconds, `Z`.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.9}")
}
