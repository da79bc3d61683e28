//! What a check of a log finds, and what it can't.

use vouchsafe_logical::Entropy;

use super::chain::{entry, is_whole, log, verify_texts};
use super::*;
use crate::audit::verify::{FAULTS_KEPT_MAX, Fault, Verdict, parse_head};

fn verify(text: impl AsRef<[u8]>) -> Verdict {
    verify_texts(&[text.as_ref()], None)
}

/// The lines of a log, edited, checked: line and fault.
#[track_caller]
fn faults(entries: u64, edit: impl FnOnce(&mut Vec<String>)) -> Vec<(u64, Fault)> {
    let mut lines: Vec<String> = log(entries).lines().map(str::to_owned).collect();
    edit(&mut lines);
    let verdict = verify(lines.join("\n") + "\n");
    verdict
        .faults
        .into_iter()
        .map(|(place, fault)| (place.line, fault))
        .collect()
}

#[test]
fn a_whole_line_made_to_look_torn_is_missed() {
    let found = faults(4, |lines| {
        let half = lines[1].len() / 2;
        lines[1].truncate(half);
    });
    assert_eq!(found, [(3, Fault::Removed { numbers: 2..=2 })]);
}

#[test]
fn faults_are_told_apart() {
    let changed = |number| Fault::Changed { number };
    assert_eq!(
        faults(6, |lines| lines[2] =
            lines[2].replace("\"id\":\"2\"", "\"id\":\"9\"")),
        [(3, changed(3))]
    );
    assert_eq!(
        faults(6, |lines| drop(lines.drain(2..4))),
        [(3, Fault::Removed { numbers: 3..=4 })]
    );
    assert_eq!(
        faults(6, |lines| lines.swap(2, 3)),
        [
            (3, Fault::Removed { numbers: 3..=3 }),
            (4, Fault::Reordered { number: 3 })
        ]
    );
    assert_eq!(
        faults(6, |lines| lines.insert(3, lines[2].clone())),
        [(4, Fault::Inserted { number: 3 })]
    );
    assert_eq!(
        faults(6, |lines| lines
            .insert(3, entry(7, 4).trim_end().to_owned())),
        [(4, Fault::Foreign)]
    );
    let renumber = |lines: &mut Vec<String>| {
        lines[2] = lines[2].replace("\"number\":3", "\"number\":7");
    };
    assert_eq!(
        faults(4, renumber)[0],
        (
            3,
            Fault::Renumbered {
                number: 7,
                expected: 3
            }
        )
    );
    // Made up, with the right number and hash: the entry that was there does not fit any more.
    let forged = |lines: &mut Vec<String>| {
        let forged = lines[2].replace("\"id\":\"2\"", "\"id\":\"9\"");
        lines.insert(2, forged);
    };
    assert_eq!(faults(6, forged), [(4, Fault::Inserted { number: 3 })]);
}

#[test]
fn what_a_chain_can_not_show_shows_against_a_noted_entry() {
    let text = log(5);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let noted = verify(&text).last.expect("entries");
    is_whole(&verify_texts(&[text.as_bytes()], Some(noted)), 5);
    let cut = lines[..4].concat();
    is_whole(&verify(&cut), 4);
    let absent = |text: &str| {
        let found = verify_texts(&[text.as_bytes()], Some(noted)).faults;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].1, Fault::Absent { number: 5 });
    };
    absent(&cut);
    let changed = text.replace("\"id\":\"4\"", "\"id\":\"9\"");
    is_whole(&verify(&changed), 5);
    absent(&changed);
}

#[test]
fn noted_entries_are_read_back() {
    let zeros = "0".repeat(64);
    let head = parse_head(&format!("7:{zeros}")).expect("an entry");
    assert_eq!((head.number, head.hash), (7, [0; 32]));
    for text in [
        "",
        "7",
        "7:",
        "0:00",
        &format!("0:{zeros}"),
        &format!("x:{zeros}"),
        &zeros,
    ] {
        assert_eq!(parse_head(text), None, "{text:?}");
    }
}

#[test]
fn faults_are_kept_up_to_a_limit_and_counted_beyond() {
    for (count, kept) in [
        (FAULTS_KEPT_MAX, FAULTS_KEPT_MAX),
        (FAULTS_KEPT_MAX + 1, FAULTS_KEPT_MAX),
    ] {
        let verdict = verify("no entry\n".repeat(count));
        assert_eq!(
            (verdict.faults.len(), verdict.faults_total),
            (kept, count as u64)
        );
        let verdict = verify("{\"time\n".repeat(count));
        assert_eq!(
            (verdict.torn.len(), verdict.torn_total),
            (kept, count as u64)
        );
        assert_eq!(verdict.faults_total, 0);
    }
}

#[test]
fn an_empty_log_is_whole() {
    let verdict = verify("");
    is_whole(&verdict, 0);
    assert_eq!((verdict.first, verdict.last), (None, None));
}

/// Random numbers that are the same in each run.
struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % bound as u64).expect("below a bound")
    }
}

#[test]
fn every_edit_before_the_last_entry_is_found() {
    const ENTRIES: usize = 12;
    let text = log(ENTRIES as u64);
    is_whole(&verify(&text), ENTRIES as u64);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (first, last) = (lines[0].len(), lines[ENTRIES - 1].len());
    let dice = Dice(SeededEntropy::default());
    for round in 0..3_000 {
        let mut edited: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        // The first line can be in an earlier file, the last one is followed by none.
        let at = 1 + dice.below(ENTRIES - 2);
        let kind = round % 6;
        match kind {
            0 => drop(edited.remove(at)),
            1 => edited.swap(at, 1 + dice.below(ENTRIES - 2)),
            2 => edited.insert(dice.below(ENTRIES), edited[at].clone()),
            3 => {
                let line = edited.remove(at);
                edited.insert(1 + dice.below(ENTRIES - 2), line);
            }
            _ => {
                let mut bytes = edited.concat();
                let place = first + dice.below(text.len() - first - last);
                let byte = u8::try_from(dice.below(256)).expect("a byte");
                match kind {
                    4 => bytes[place] = byte,
                    _ => drop(bytes.remove(place)),
                }
                edited = vec![bytes];
            }
        }
        let edited = edited.concat();
        let is_same = edited == text.as_bytes();
        let verdict = verify(&edited);
        assert_eq!(
            verdict.faults_total == 0,
            is_same,
            "edit {kind} at {at} in round {round}: {verdict:?}\n{}",
            String::from_utf8_lossy(&edited)
        );
    }
}
