//! Where a device's lines go: the port, standard output, and nowhere.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::chain::Head;

/// A place that takes bytes in order. Its methods may block; only a device's own thread calls
/// them.
pub(crate) trait Sink: Send + 'static {
    /// Opens the place anew: at the start, after a failure, and when an operator asks for it.
    fn reopen(&mut self) -> io::Result<Tail>;

    /// The last entry of the place that is open, if its entries are chained.
    fn chain_end(&self) -> io::Result<Option<Head>> {
        Ok(None)
    }

    /// Whether what is open has no name any more, so that lines in it would be lost, or does not
    /// end as it was left.
    fn is_stale(&self) -> bool {
        false
    }

    /// Takes some of the bytes and says how many, as `write(2)`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
}

/// How a place that was just opened ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// It is empty, or its last line is whole.
    Whole,
    /// Its last line is not: somebody died while writing it.
    Torn,
    /// It can't be looked at; it ends as it was left.
    AsLeft,
}

/// Standard output, unbuffered: what was taken is with the operating system.
#[derive(Default)]
pub(crate) struct Stdout(Option<File>);

impl Sink for Stdout {
    fn reopen(&mut self) -> io::Result<Tail> {
        self.0 = Some(File::from(io::stdout().as_fd().try_clone_to_owned()?));
        Ok(Tail::AsLeft)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(output) => output.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Takes everything and keeps nothing: for measurements, and to have entries built.
pub(crate) struct Discard;

impl Sink for Discard {
    fn reopen(&mut self) -> io::Result<Tail> {
        Ok(Tail::Whole)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
}
