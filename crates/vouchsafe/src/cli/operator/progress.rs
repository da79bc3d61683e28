//! How far a transfer is, for a person who waits.

use crate::cli::console::Console;

/// How many bytes pass between two looks at the terminal.
const STEP_BYTES: u64 = 1 << 20;

/// Counts bytes, and shows them now and then.
pub(super) struct Progress {
    doing: &'static str,
    bytes: u64,
    shown: u64,
    of: Option<u64>,
}

impl Progress {
    /// Nothing so far, of so many bytes if that is known.
    pub(super) const fn new(doing: &'static str, of: Option<u64>) -> Self {
        Self {
            doing,
            bytes: 0,
            shown: 0,
            of,
        }
    }

    /// How many bytes there were.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds bytes.
    pub(super) fn add(&mut self, bytes: usize, console: &mut Console) {
        self.bytes += bytes as u64;
        if self.bytes - self.shown < STEP_BYTES {
            return;
        }
        self.shown = self.bytes;
        let amount = amount(self.bytes);
        let text = match self.of.filter(|of| *of > 0) {
            Some(of) => format!("{}: {amount}, {} %", self.doing, self.bytes * 100 / of),
            None => format!("{}: {amount}", self.doing),
        };
        console.progress(&text);
    }

    /// Takes the line away.
    pub(super) fn end(&self, console: &mut Console) {
        if self.shown > 0 {
            console.progress("");
        }
    }
}

/// An amount of bytes for people.
pub(super) fn amount(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} bytes");
    }
    let mut tenths = bytes.saturating_mul(10) >> 10;
    let mut unit = 0;
    while tenths >= 10 << 10 && unit + 1 < UNITS.len() {
        tenths >>= 10;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_are_told_in_the_largest_unit_that_has_one() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1_048_576, "1.0 MiB"),
            (5 * 1_073_741_824 / 2, "2.5 GiB"),
        ] {
            assert_eq!(amount(bytes), text);
        }
    }
}
