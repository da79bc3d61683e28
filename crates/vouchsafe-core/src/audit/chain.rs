//! The chain of entries in a file: each carries the hash of the one before it.
//!
//! The last member of an entry in a file is
//! `"chain":{"number":7,"previous":"<64 hexadecimal digits>"}`: entries are counted from 1, and
//! `previous` is the SHA-256 of the whole line before, without its line feed. The first entry of
//! all has zeros there. A file that follows another one goes on with its number and its hash.
//!
//! The hashes have no key, so that anybody can check them. In turn, whoever may write to a file can
//! also chain all of it anew from some line on: that shows only against a number and a hash that
//! were noted elsewhere.

use aws_lc_rs::digest;

/// A SHA-256.
pub(crate) type Hash = [u8; digest::SHA256_OUTPUT_LEN];

/// The largest number of an entry: what every reader of JSON takes exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;
/// What stands before the number, the hash, and after both, in a member of an object.
const MEMBER: [&str; 3] = [",\"chain\":{\"number\":", ",\"previous\":\"", "\"}}"];
/// The most bytes that the end of a line takes from `,"chain"` on.
pub(super) const MEMBER_BYTES_MAX: usize =
    MEMBER[0].len() + 16 + MEMBER[1].len() + 2 * size_of::<Hash>() + MEMBER[2].len();

/// An entry of a chain, as the next one refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The entry's number, counted from 1; 0 where there is none.
    pub number: u64,
    /// The SHA-256 of its line; zeros where there is none.
    pub hash: [u8; 32],
}

/// What an entry says of its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) number: u64,
    pub(super) previous: Hash,
}

impl Head {
    /// Before the first entry.
    pub(super) const BEGINNING: Self = Self {
        number: 0,
        hash: [0; 32],
    };

    /// The link of the entry that comes next.
    pub(super) const fn next(self) -> Link {
        Link {
            number: self.number + 1,
            previous: self.hash,
        }
    }
}

impl Link {
    /// Whether nothing is said to come before it.
    pub(super) fn is_first(self) -> bool {
        self == Head::BEGINNING.next()
    }

    /// The link at the end of a line without line feed, of which the last [`MEMBER_BYTES_MAX`]
    /// bytes are enough.
    pub(super) fn at_end_of(line: &[u8]) -> Option<Self> {
        let tail = &line[line.len().saturating_sub(MEMBER_BYTES_MAX)..];
        // What is cut in two is older than the member, which is ASCII.
        let at = tail
            .windows(MEMBER[0].len())
            .rposition(|window| window == MEMBER[0].as_bytes())?;
        let member = str::from_utf8(&tail[at..]).ok()?;
        let values = member.strip_prefix(MEMBER[0])?.strip_suffix(MEMBER[2])?;
        let (number, previous) = values.split_once(MEMBER[1])?;
        let link = Self {
            number: number
                .parse()
                .ok()
                .filter(|it| (1..=NUMBER_MAX).contains(it))?,
            previous: from_hex(previous)?,
        };
        // Only one way to write it: `+1`, `01` and capitals are not ours.
        (link.to_string() == member).then_some(link)
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [before, between, after] = MEMBER;
        let previous = hex::encode(self.previous);
        write!(
            formatter,
            "{before}{}{between}{previous}{after}",
            self.number
        )
    }
}

/// A hash in hexadecimal.
pub(super) fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

/// Chains an entry to `head`: appends its line to `buffer` and returns the new head. What is no
/// object on a line is appended as it is, outside the chain.
pub(super) fn append(buffer: &mut Vec<u8>, line: &[u8], head: Head) -> Head {
    let Some(object) = line.strip_suffix(b"}\n") else {
        buffer.extend_from_slice(line);
        return head;
    };
    let link = head.next();
    let start = buffer.len();
    buffer.extend_from_slice(object);
    buffer.extend_from_slice(link.to_string().as_bytes());
    let head = Head {
        number: link.number,
        hash: sha256(&buffer[start..]),
    };
    buffer.push(b'\n');
    head
}

fn sha256(bytes: &[u8]) -> Hash {
    hash_of(&digest::digest(&digest::SHA256, bytes))
}

/// A SHA-256 as an array.
pub(super) fn hash_of(digest: &digest::Digest) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest.as_ref());
    hash
}
