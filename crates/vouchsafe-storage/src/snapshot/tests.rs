//! Snapshots that are whole, torn, altered and from the future.

use vouchsafe_logical::StoreError;

use super::*;

/// Keys and values.
type Records = Vec<(String, Vec<u8>)>;

fn header() -> Header {
    Header {
        revision: Revision(77),
        created_at: Timestamp::from_second(1_700_000_000).unwrap(),
    }
}

fn records() -> Records {
    vec![
        ("a".to_owned(), b"one".to_vec()),
        ("a/b".to_owned(), Vec::new()),
        ("z".to_owned(), (0..=255).collect()),
    ]
}

fn written(records: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut writer, mut bytes) = Writer::begin(&header());
    for (key, value) in records {
        writer.record(key, value, &mut bytes).unwrap();
    }
    bytes.extend(writer.end(|digest| Ok(digest[..4].to_vec())).unwrap());
    bytes
}

/// Reads a snapshot that comes in pieces of `piece` bytes.
fn read(bytes: &[u8], piece: usize) -> Result<(Whole, Records), SnapshotError> {
    let (mut reader, mut records) = (Reader::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        reader.feed(piece)?;
        records.extend(reader.take());
    }
    Ok((reader.finish()?, records))
}

#[test]
fn what_was_written_is_read_in_pieces_of_any_size() {
    let bytes = written(&records());
    for piece in [1, 2, 7, 100, bytes.len()] {
        let (whole, found) = read(&bytes, piece).unwrap();
        assert_eq!(found, records());
        assert_eq!(whole.header, header());
        assert_eq!(whole.records, 3);
        assert_eq!(whole.seal, whole.sealed_digest[..4]);
    }
}

#[test]
fn a_store_without_records_is_a_snapshot_too() {
    let (whole, found) = read(&written(&[]), 5).unwrap();
    assert_eq!((whole.records, found.len()), (0, 0));
}

#[test]
fn a_seal_of_the_longest_length_is_read_and_a_longer_one_not_written() {
    let sealed = |bytes: usize| {
        let (writer, mut snapshot) = Writer::begin(&header());
        let end = writer.end(|_| Ok(vec![7; bytes]))?;
        snapshot.extend(end);
        Ok::<_, StoreError>(snapshot)
    };
    let (whole, _) = read(&sealed(SEAL_BYTES_MAX).unwrap(), 100).unwrap();
    assert_eq!(whole.seal.len(), SEAL_BYTES_MAX);
    sealed(SEAL_BYTES_MAX + 1).unwrap_err();
}

#[test]
fn every_shorter_part_is_torn() {
    let bytes = written(&records());
    for length in 0..bytes.len() {
        let torn = read(&bytes[..length], 16).unwrap_err();
        assert_eq!(torn, SnapshotError::Truncated { at: length as u64 });
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = written(&records());
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << bit;
            read(&flipped, 64).expect_err("a flipped bit");
        }
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    let mut bytes = written(&records());
    bytes.push(0);
    let fault = "something follows its end";
    let at = bytes.len() as u64 - 1;
    assert_eq!(
        read(&bytes, 9).unwrap_err(),
        SnapshotError::Altered { at, fault }
    );
}

#[test]
fn a_newer_format_is_named() {
    let mut bytes = written(&records());
    bytes[8] = 2;
    let refused = read(&bytes, 64).unwrap_err();
    assert_eq!(refused, SnapshotError::NewerFormat { found: 2 });
    let told = refused.to_string();
    assert!(
        told.contains("format 2, this version knows format 1"),
        "{told}"
    );
    // A newer version may write anything after its number.
    assert_eq!(read(&bytes[..9], 9).unwrap_err(), refused);
}

#[test]
fn another_file_is_no_snapshot() {
    for other in [&b"PK\x03\x04"[..], b"vouchsnq........", b"{}"] {
        assert_eq!(read(other, 3).unwrap_err(), SnapshotError::NotASnapshot);
    }
}

#[test]
fn keys_must_ascend() {
    let twice = vec![("a".to_owned(), vec![1]), ("a".to_owned(), vec![2])];
    let refused = read(&written(&twice), 64).unwrap_err();
    assert_eq!(refused.reason(), "snapshot_altered");
}

#[test]
fn lengths_are_bounded_before_anything_is_kept_for_them() {
    let key = "k".repeat(crate::physical::limit::KEY_BYTES_MAX);
    let value = vec![1; crate::physical::limit::VALUE_BYTES_MAX];
    assert!(read(&written(&[(key.clone(), value.clone())]), 1 << 16).is_ok());
    let refused = read(&written(&[(key.clone() + "k", Vec::new())]), 1 << 16);
    assert_eq!(refused.unwrap_err().reason(), "snapshot_altered");
    let longer = [value, vec![1]].concat();
    let refused = read(&written(&[(key, longer)]), 1 << 16);
    assert_eq!(refused.unwrap_err().reason(), "snapshot_altered");
}
