use proptest::prelude::*;

use super::super::keyring::aead_key;
use super::*;

const NONCE: [u8; NONCE_BYTES] = [9; NONCE_BYTES];

fn key() -> LessSafeKey {
    aead_key(&[3; 32])
}

#[track_caller]
fn assert_refused(path: &str, record: Vec<u8>) {
    match open(&key(), path, record) {
        Err(StoreError::Corrupt { key, .. }) => assert_eq!(key, path),
        other => panic!("expected a refusal of `{path}`, got {other:?}"),
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let record = seal(&key(), 5, NONCE, "a/b", b"some value").unwrap();
    for index in 0..record.len() {
        for bit in 0..8 {
            let mut altered = record.clone();
            altered[index] ^= 1 << bit;
            assert_refused("a/b", altered);
        }
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let record = seal(&key(), 5, NONCE, "a/b", b"some value").unwrap();
    for length in 0..record.len() {
        assert_refused("a/b", record[..length].to_vec());
    }
    for extra in [0, 1, 0xff] {
        assert_refused("a/b", [&record[..], &[extra]].concat());
    }
}

#[test]
fn empty_value_has_a_record() {
    let record = seal(&key(), 1, NONCE, "a", b"").unwrap();
    assert_eq!(record.len(), OVERHEAD_BYTES);
    assert_eq!(open(&key(), "a", record), Ok(Vec::new()));
}

#[test]
fn unknown_format_is_named() {
    let mut record = seal(&key(), 1, NONCE, "a", b"value").unwrap();
    record[0] = 2;
    let fault = "record is of an unknown format version; expected 1";
    assert_eq!(term("a", &record), Err(corrupt("a", fault)));
}

fn path() -> impl Strategy<Value = String> {
    "[a-c/é]{1,12}"
}

proptest! {
    #[test]
    fn value_returns_from_its_own_place_only(
        value in prop::collection::vec(any::<u8>(), 0..200),
        nonce: [u8; NONCE_BYTES],
        record_term: u32,
        here in path(),
        elsewhere in path(),
    ) {
        let record = seal(&key(), record_term, nonce, &here, &value).unwrap();
        prop_assert_eq!(record.len(), value.len() + OVERHEAD_BYTES);
        prop_assert_eq!(term(&here, &record), Ok(record_term));
        if here != elsewhere {
            assert_refused(&elsewhere, record.clone());
        }
        prop_assert_eq!(open(&key(), &here, record), Ok(value));
    }

    #[test]
    fn altered_record_is_refused(
        value in prop::collection::vec(any::<u8>(), 0..200),
        index: prop::sample::Index,
        change in 1..=u8::MAX,
    ) {
        let mut record = seal(&key(), 1, NONCE, "a/b", &value).unwrap();
        let index = index.index(record.len());
        record[index] ^= change;
        assert_refused("a/b", record);
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_refused("a/b", bytes);
    }
}
