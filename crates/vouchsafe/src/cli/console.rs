//! The program's standard streams, as values that tests can replace.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use super::failure::Failure;

/// The largest input that is read from standard input or a data file, in bytes: the largest body
/// that a server takes (vault-core.md §1).
pub(crate) const INPUT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Standard input, output and error.
///
/// A failed write to standard output or error is not reported: there is nobody left to tell.
pub(crate) struct Console {
    input: Box<dyn BufRead>,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    input_is_terminal: bool,
    out_is_terminal: bool,
    err_is_terminal: bool,
}

impl Console {
    /// The streams of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            input: Box::new(io::BufReader::new(io::stdin())),
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input_is_terminal: io::stdin().is_terminal(),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Streams without a terminal, with the given input; what is written is lost.
    #[cfg(test)]
    pub(crate) fn with_input(input: &str) -> Self {
        Self {
            input: Box::new(io::Cursor::new(input.to_owned())),
            out: Box::new(io::sink()),
            err: Box::new(io::sink()),
            input_is_terminal: false,
            out_is_terminal: false,
            err_is_terminal: false,
        }
    }

    /// Writes a line to standard output.
    pub(crate) fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    /// Writes a value for another program: with a line end only if a person is reading.
    pub(crate) fn value(&mut self, text: &str) {
        let _ = match self.out_is_terminal {
            true => writeln!(self.out, "{text}"),
            false => write!(self.out, "{text}"),
        };
        let _ = self.out.flush();
    }

    /// Writes a line to standard error.
    pub(crate) fn error_line(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Shows how far something is, over what was shown before; to a person only.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.err_is_terminal {
            // The control sequence clears the rest of the line.
            let _ = write!(self.err, "\r{text}\x1b[K");
            let _ = self.err.flush();
        }
    }

    /// Everything on standard input, up to [`INPUT_BYTES_MAX`].
    pub(crate) fn read_input(&mut self) -> io::Result<String> {
        read_text(&mut self.input)
    }

    /// Asks a person for a secret without showing it.
    pub(crate) fn ask_secret(&mut self, question: &str) -> Result<String, Failure> {
        if !self.input_is_terminal {
            return Err(Failure::NotATerminal {
                question: question.to_owned(),
            });
        }
        let _ = write!(self.err, "{question} (will be hidden): ");
        let _ = self.err.flush();
        let secret = rpassword::read_password()
            .map_err(|error| Failure::server_side(format!("Error reading the secret: {error}")))?;
        Ok(secret.trim().to_owned())
    }
}

/// What an I/O error says, without the system's number for it.
pub(crate) fn io_fault(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// Reads text up to [`INPUT_BYTES_MAX`].
pub(crate) fn read_text(source: &mut dyn Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text)?;
    let too_much = u64::try_from(text.len()).map_or(true, |length| length > INPUT_BYTES_MAX);
    if too_much {
        let fault = format!("more than {INPUT_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, fault));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_read_up_to_its_limit() {
        let at = io::repeat(b'x').take(INPUT_BYTES_MAX);
        assert!(read_text(&mut { at }).is_ok());
        let past = io::repeat(b'x').take(INPUT_BYTES_MAX + 1);
        assert_eq!(
            read_text(&mut { past }).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }
}
