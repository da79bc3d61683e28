//! Whole lines to a place that can fail in the middle of one.
//!
//! Invariant: a line that [`Writer::append`] reports as written stands whole on a line of its own,
//! whatever failed before it. Where entries are chained, each is linked to the last line that was
//! written whole.

use std::io;

use super::chain::{self, Head};
use super::sink::{Sink, Tail};

/// The buffer that is kept between batches; a larger one is given back.
const BUFFER_KEPT_BYTES: usize = 1 << 20;

/// Appends lines to a sink.
pub(crate) struct Writer {
    sink: Box<dyn Sink>,
    is_open: bool,
    /// The last byte that was written does not end a line.
    is_torn: bool,
    buffer: Vec<u8>,
    /// The last entry that was written, where entries are chained.
    chain: Option<Head>,
}

/// What became of a batch: its first lines were written, the others were not.
#[derive(Debug)]
pub(crate) struct Appended {
    /// How many lines were written whole.
    pub(crate) whole: usize,
    /// Why not all of them were.
    pub(crate) failure: Option<io::Error>,
}

impl Writer {
    /// A writer that opens its sink at the first use.
    pub(crate) fn new(sink: Box<dyn Sink>) -> Self {
        Self {
            sink,
            is_open: false,
            is_torn: false,
            buffer: Vec::new(),
            chain: None,
        }
    }

    /// Opens the sink anew.
    ///
    /// # Errors
    /// The sink's. The next use tries again.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        self.is_open = false;
        match self.sink.reopen()? {
            Tail::Whole => self.is_torn = false,
            Tail::Torn => self.is_torn = true,
            Tail::AsLeft => {}
        }
        // A file that does not reach as far as what was written is a new one, or has lost something,
        // which shall show. One that reaches further was written to by somebody else meanwhile.
        let end = self.sink.chain_end()?;
        self.chain = end.map(|end| match self.chain {
            Some(known) if known.number >= end.number => known,
            Some(_) | None => end,
        });
        self.is_open = true;
        Ok(())
    }

    /// Appends lines, each of which ends with a line feed, in as few writes as the sink allows.
    pub(crate) fn append<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]>) -> Appended {
        if (!self.is_open || self.sink.is_stale())
            && let Err(failure) = self.reopen()
        {
            return Appended {
                whole: 0,
                failure: Some(failure),
            };
        }
        self.buffer.clear();
        if self.is_torn {
            // The rest of a line that failed stays, as a line of its own: what follows can be read.
            self.buffer.push(b'\n');
        }
        // Where each line ends, and the chain after it.
        let mut ends = Vec::new();
        let mut head = self.chain;
        for line in lines {
            match &mut head {
                Some(head) => *head = chain::append(&mut self.buffer, line, *head),
                None => self.buffer.extend_from_slice(line),
            }
            ends.push((self.buffer.len(), head));
        }
        let (written, failure) = self.write_buffer();
        if let Some(last) = written.checked_sub(1) {
            self.is_torn = self.buffer[last] != b'\n';
        }
        let whole = ends.partition_point(|(end, _)| *end <= written);
        if let Some((_, head)) = ends[..whole].last() {
            self.chain = *head;
        }
        self.is_open = failure.is_none();
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
        Appended { whole, failure }
    }

    fn write_buffer(&mut self) -> (usize, Option<io::Error>) {
        let mut written = 0;
        while written < self.buffer.len() {
            match self.sink.write(&self.buffer[written..]) {
                Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
                Ok(taken) => written += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (written, Some(error)),
            }
        }
        (written, None)
    }
}
