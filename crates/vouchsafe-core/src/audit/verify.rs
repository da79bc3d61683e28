//! Whether the chain of a log is whole, and if not, where it is broken and how.
//!
//! Found are lines that were changed, removed, inserted, repeated and reordered between two entries
//! that are there. Not found is what a chain can't show: entries cut off at its end, a change of
//! its very last entry, and a log that was chained anew from some line on. These show against an
//! entry that was noted elsewhere ([`Verifier::expecting`]).
//!
//! A torn line is no break if the entry after it follows the entry before it: writing was cut
//! short, and the server went on.
//!
//! Memory is constant: neither lines nor faults are kept beyond [`FAULTS_KEPT_MAX`].

use std::io::{self, BufRead};
use std::ops::RangeInclusive;

use super::chain::{Head, Link, from_hex};
use super::scan::{Line, next_line};

/// The most faults that are kept; more are counted. The same number of torn lines.
pub const FAULTS_KEPT_MAX: usize = 100;

/// A place in the files that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which file, counted from 0 in the order of checking.
    pub file: usize,
    /// Which of its lines, counted from 1.
    pub line: u64,
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The line is not the one that the next entry follows.
    Changed {
        /// Its number.
        number: u64,
    },
    /// The line's number does not fit to the entry that it follows.
    Renumbered {
        /// The number that is there.
        number: u64,
        /// The number that belongs there.
        expected: u64,
    },
    /// Entries are missing before the line.
    Removed {
        /// The numbers that are missing.
        numbers: RangeInclusive<u64>,
    },
    /// The entry belongs further up, where it is missing.
    Reordered {
        /// Its number.
        number: u64,
    },
    /// Its number was there already: it was copied, or made up.
    Inserted {
        /// Its number.
        number: u64,
    },
    /// The entry says that it is the first one of all, and is not.
    BegunAnew,
    /// The line is no entry of a chain.
    Foreign,
    /// The expected entry is not there.
    Absent {
        /// Its number.
        number: u64,
    },
}

/// What a check has found.
#[derive(Debug)]
pub struct Verdict {
    /// How many entries there are.
    pub entries: u64,
    /// The number of the first entry. Beyond 1, others came before it.
    pub first: Option<u64>,
    /// The last entry, to be noted elsewhere.
    pub last: Option<Head>,
    /// Lines that were cut short while they were written.
    pub torn: Vec<Place>,
    /// How many such lines there are.
    pub torn_total: u64,
    /// What is wrong, in order.
    pub faults: Vec<(Place, Fault)>,
    /// How much is wrong.
    pub faults_total: u64,
}

/// Parses a noted entry: its number, `:`, and its hash in 64 hexadecimal digits.
#[must_use]
pub fn parse_head(text: &str) -> Option<Head> {
    let (number, hash) = text.split_once(':')?;
    Some(Head {
        number: number.parse().ok().filter(|number| *number > 0)?,
        hash: from_hex(hash)?,
    })
}

/// An entry that was read.
#[derive(Clone, Copy)]
struct Known {
    head: Head,
    place: Place,
}

/// Checks the files of a log, one after the other.
pub struct Verifier {
    verdict: Verdict,
    files: usize,
    /// The entry before, wherever it belongs.
    before: Option<Known>,
    /// The entry with the highest number.
    highest: Option<Known>,
    gaps: Vec<RangeInclusive<u64>>,
    /// What is still to be found.
    expected: Option<Head>,
    at: Place,
}

impl Verifier {
    /// A check in which this entry must come along, if one is given.
    #[must_use]
    pub const fn expecting(expected: Option<Head>) -> Self {
        Self {
            verdict: Verdict {
                entries: 0,
                first: None,
                last: None,
                torn: Vec::new(),
                torn_total: 0,
                faults: Vec::new(),
                faults_total: 0,
            },
            files: 0,
            before: None,
            highest: None,
            gaps: Vec::new(),
            expected,
            at: Place { file: 0, line: 0 },
        }
    }

    /// Checks the next file, which goes on where the one before it ended.
    ///
    /// # Errors
    /// The source's.
    pub fn check(&mut self, source: &mut impl BufRead) -> io::Result<()> {
        self.at = Place {
            file: self.files,
            line: 0,
        };
        self.files += 1;
        while let Some(line) = next_line(source)? {
            self.at.line += 1;
            match line {
                Line::Entry { link, hash } => {
                    let number = link.number;
                    self.entry(link, Head { number, hash });
                }
                Line::Torn => {
                    self.verdict.torn_total += 1;
                    if self.verdict.torn.len() < FAULTS_KEPT_MAX {
                        self.verdict.torn.push(self.at);
                    }
                }
                Line::Foreign => self.fault(self.at, Fault::Foreign),
            }
        }
        Ok(())
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        if let Some(expected) = self.expected {
            let number = expected.number;
            self.fault(self.at, Fault::Absent { number });
        }
        self.verdict
    }

    fn entry(&mut self, link: Link, head: Head) {
        if let Some((place, fault)) = self.fault_of(link) {
            if let Fault::Removed { numbers } = &fault
                && self.gaps.len() < FAULTS_KEPT_MAX
            {
                self.gaps.push(numbers.clone());
            }
            if fault == Fault::BegunAnew {
                self.highest = None;
                self.gaps.clear();
            }
            self.fault(place, fault);
        }
        let known = Known {
            head,
            place: self.at,
        };
        self.before = Some(known);
        if self
            .highest
            .is_none_or(|highest| highest.head.number < head.number)
        {
            self.highest = Some(known);
        }
        if self.expected == Some(head) {
            self.expected = None;
        }
        self.verdict.entries += 1;
        self.verdict.first.get_or_insert(head.number);
        self.verdict.last = Some(head);
    }

    /// What is wrong with an entry after those that were read, and where.
    fn fault_of(&self, link: Link) -> Option<(Place, Fault)> {
        let number = link.number;
        let (Some(before), Some(highest)) = (self.before, self.highest) else {
            // Nothing is known of what came before, but only the first entry follows nothing.
            let follows_nothing = link.previous == Head::BEGINNING.hash;
            let expected = 1;
            return (follows_nothing && number != expected)
                .then_some((self.at, Fault::Renumbered { number, expected }));
        };
        // After an entry that is out of place the others go on where they were.
        for known in [before, highest] {
            if known.head.next() == link {
                return None;
            }
        }
        let expected = before.head.number + 1;
        if link.is_first() {
            return Some((self.at, Fault::BegunAnew));
        }
        if link.previous == before.head.hash {
            return Some((self.at, Fault::Renumbered { number, expected }));
        }
        for known in [before, highest] {
            if number == known.head.number + 1 {
                let number = known.head.number;
                return Some((known.place, Fault::Changed { number }));
            }
        }
        let fault = if number > highest.head.number {
            let numbers = highest.head.number + 1..=number - 1;
            Fault::Removed { numbers }
        } else if self.gaps.iter().any(|gap| gap.contains(&number)) {
            Fault::Reordered { number }
        } else {
            Fault::Inserted { number }
        };
        Some((self.at, fault))
    }

    fn fault(&mut self, place: Place, fault: Fault) {
        self.verdict.faults_total += 1;
        if self.verdict.faults.len() < FAULTS_KEPT_MAX {
            self.verdict.faults.push((place, fault));
        }
    }
}
