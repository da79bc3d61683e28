use super::*;

struct Constant(u8);

impl Entropy for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn two_terms() -> Document {
    let mut document = Document::first(&Constant(1), at(100));
    document.count(1, 7);
    document.add_term(&Constant(2), at(200)).unwrap();
    document
}

#[test]
fn document_is_read_back() {
    let decoded = Document::decode(&two_terms().encode()).unwrap();
    let terms: Vec<_> = decoded
        .entries
        .iter()
        .map(|entry| {
            (
                entry.term,
                entry.installed_at,
                entry.encryptions,
                **entry.key,
            )
        })
        .collect();
    assert_eq!(terms, [(1, at(100), 7, [1; 32]), (2, at(200), 0, [2; 32])]);
    assert_eq!(decoded.active(), 2);
}

#[test]
fn document_of_another_length_is_refused() {
    let bytes = two_terms().encode();
    for length in 0..bytes.len() {
        assert!(
            Document::decode(&bytes[..length]).is_err(),
            "cut to {length} bytes"
        );
    }
    assert!(Document::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn document_with_a_bad_field_is_refused() {
    let bytes = two_terms().encode();
    let second_term = Document::HEADER_BYTES + Document::ENTRY_BYTES;
    // The format; the number of terms; term 0; a date; a term that comes twice.
    for (index, byte) in [
        (0, 2),
        (4, 0),
        (4, 3),
        (8, 0),
        (9, 0x7f),
        (second_term + 3, 1),
    ] {
        let mut altered = bytes.to_vec();
        assert_ne!(altered[index], byte);
        altered[index] = byte;
        assert!(
            Document::decode(&altered).is_err(),
            "byte {index} set to {byte}"
        );
    }
}

#[test]
fn terms_are_bounded() {
    let mut document = Document::first(&Constant(1), at(0));
    for _ in 1..TERMS_MAX {
        document.add_term(&Constant(1), at(0)).unwrap();
    }
    assert!(matches!(
        document.add_term(&Constant(1), at(0)),
        Err(StoreError::Limit(_))
    ));
    let decoded = Document::decode(&document.encode()).unwrap();
    assert_eq!(decoded.entries.len(), TERMS_MAX);
}

#[test]
fn largest_keyring_fits_into_a_record() {
    let bytes = Document::HEADER_BYTES + TERMS_MAX * Document::ENTRY_BYTES;
    assert!(bytes <= super::super::VALUE_BYTES_MAX);
}

#[test]
fn keyring_finds_each_term_and_encrypts_under_the_last() {
    let root = Arc::new(aead_key(&[0; 32]));
    let keyring = Keyring::load(root, Version(1), &two_terms(), None);
    assert_eq!(keyring.active().term, 2);
    assert_eq!(
        keyring.find(1).map(|term| (term.term, term.saved)),
        Some((1, 7))
    );
    assert!(keyring.find(ROOT_TERM).is_none());
    assert!(keyring.find(3).is_none());
}

#[test]
fn newer_keyring_shares_the_counts_of_the_older() {
    use std::sync::atomic::Ordering;

    let root = Arc::new(aead_key(&[0; 32]));
    let older = Keyring::load(Arc::clone(&root), Version(1), &two_terms(), None);
    let newer = Keyring::load(root, Version(2), &two_terms(), Some(&older));
    older.active().unsaved.fetch_add(5, Ordering::Relaxed);
    assert_eq!(newer.active().unsaved.load(Ordering::Relaxed), 5);
}
