//! The lines of a log, one after the other, in constant memory however long they are.
//!
//! Of each line are kept its hash, its first bytes, its last bytes, and how its braces stand. That
//! is enough to tell an entry from the beginning of one and from anything else.

use std::io::{self, BufRead};

use aws_lc_rs::digest;

use super::chain::{Hash, Head, Link, MEMBER_BYTES_MAX, hash_of};
use super::file::{BEGINNING, begins_as_ours};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole entry of a chain.
    Entry { link: Link, hash: Hash },
    /// The beginning of an entry: its writing was cut short.
    Torn,
    /// Neither.
    Foreign,
}

impl Line {
    /// The entry as the next one refers to it.
    pub(super) const fn head(self) -> Option<Head> {
        match self {
            Self::Entry { link, hash } => Some(Head {
                number: link.number,
                hash,
            }),
            Self::Torn | Self::Foreign => None,
        }
    }
}

/// Reads the next line, with or without a line feed at its end.
///
/// # Errors
/// The source's.
pub(super) fn next_line(source: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut seen = Seen::new();
    let mut is_empty = true;
    loop {
        let chunk = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok((!is_empty).then(|| seen.line()));
        }
        is_empty = false;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        seen.take(&chunk[..end.unwrap_or(chunk.len())]);
        let taken = end.map_or(chunk.len(), |end| end + 1);
        source.consume(taken);
        if end.is_some() {
            return Ok(Some(seen.line()));
        }
    }
}

/// What is kept of a line.
struct Seen {
    digest: digest::Context,
    first: Vec<u8>,
    last: Vec<u8>,
    shape: Shape,
}

impl Seen {
    fn new() -> Self {
        Self {
            digest: digest::Context::new(&digest::SHA256),
            first: Vec::with_capacity(BEGINNING.len()),
            last: Vec::with_capacity(2 * MEMBER_BYTES_MAX),
            shape: Shape::default(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.shape.take(bytes);
        let missing = BEGINNING.len() - self.first.len();
        self.first.extend(bytes.iter().take(missing));
        let recent = &bytes[bytes.len().saturating_sub(MEMBER_BYTES_MAX)..];
        let kept = MEMBER_BYTES_MAX - recent.len();
        self.last.drain(..self.last.len().saturating_sub(kept));
        self.last.extend_from_slice(recent);
    }

    fn line(self) -> Line {
        if !begins_as_ours(&self.first) {
            return Line::Foreign;
        }
        match (self.shape.end(), Link::at_end_of(&self.last)) {
            (End::Closed, Some(link)) => Line::Entry {
                link,
                hash: hash_of(&self.digest.finish()),
            },
            (End::Open, None) => Line::Torn,
            // A line that has its end was not cut short, whatever else is wrong with it.
            (End::Open, Some(_)) | (End::Closed, None) | (End::Beyond, _) => Line::Foreign,
        }
    }
}

/// How the braces of an object stand. Its text is not checked beyond them.
#[derive(Default)]
struct Shape {
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    /// The object has ended.
    is_closed: bool,
    /// Something came after its end.
    is_beyond: bool,
}

/// Where an object ends on its line.
enum End {
    /// With the line.
    Closed,
    /// Not on it.
    Open,
    /// Before the line does.
    Beyond,
}

impl Shape {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.is_beyond |= self.is_closed;
            if self.is_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_closed |= self.depth == 0;
                }
                _ => {}
            }
        }
    }

    const fn end(&self) -> End {
        match (self.is_closed, self.is_beyond) {
            (_, true) => End::Beyond,
            (true, false) => End::Closed,
            (false, false) => End::Open,
        }
    }
}
