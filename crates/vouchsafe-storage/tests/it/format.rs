//! The stored bytes, as `docs/storage-format.md` draws them. The records were made by another
//! AES-GCM implementation after that page alone. If this test fails, stored data no longer opens.

use vouchsafe_logical::Timestamp;
use vouchsafe_storage::RootKey;
use vouchsafe_storage::barrier::KEYRING_KEY;

use crate::fake::{in_memory, node, put_raw, value};

/// Terms 1 (key of 32 bytes 0x11, installed at 1700000000, 5 encryptions) and 2 (0x22, 1800000000,
/// 0 encryptions), by root key 00 01 .. 1f, nonce 64 65 .. 6f.
const KEYRING: &str = "01000000006465666768696a6b6c6d6e6f491bde667be9569e3f625fe8da00390c42c2060a\
    8b6cf372a2c0bd59eab2b45985f851d15d038a15ece2692eec53dbde0a4a89f6315b5039ebf1acd6ed81a58a08e792\
    dcd64b3b058b6fed4311a813c4465a3d1685e7afe4fdd314e659316c73ac53b05c496f9a5c91d8fce780f973ec66cc\
    e292707c89aa7b4a592833";
/// `value 1` under term 1, at `a/b`.
const FIRST: &str =
    "01000000016465666768696a6b6c6d6e6f0249ea69c27f19114e4ca81b94508cbd7a6de41026a182";
/// `value 2` under term 2, at `a/b`.
const SECOND: &str =
    "01000000026465666768696a6b6c6d6e6feceb4ef21b6ba09b6f2f79d76b0a3dcb5639ac27057256";

#[tokio::test]
async fn store_of_format_1_opens() {
    let physical = in_memory();
    put_raw(&*physical, KEYRING_KEY, &hex::decode(KEYRING).unwrap()).await;
    let root_key: Vec<u8> = (0..32).collect();
    let barrier = node(&physical, 1);
    barrier
        .unseal(&RootKey::try_from(&root_key[..]).unwrap())
        .await
        .unwrap();
    for (record, expected) in [(FIRST, b"value 1"), (SECOND, b"value 2")] {
        put_raw(&*physical, "a/b", &hex::decode(record).unwrap()).await;
        assert_eq!(value(&barrier, "a/b").await.as_deref(), Some(&expected[..]));
    }
    let status = barrier.key_status().unwrap();
    assert_eq!((status.term, status.encryptions), (2, 0));
    assert_eq!(
        status.installed_at,
        Timestamp::from_second(1_800_000_000).unwrap()
    );
}
