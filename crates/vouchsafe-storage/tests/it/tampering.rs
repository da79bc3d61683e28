//! What an administrator of the physical store can try, and is refused. The record codec has its
//! own property tests; these go through the whole barrier.

use proptest::prelude::*;
use vouchsafe_logical::{Store, StoreError};
use vouchsafe_storage::barrier::{KEYRING_KEY, UnsealError};
use vouchsafe_storage::{Barrier, Physical};

use crate::fake::{put, put_raw, raw, root_key, unsealed, value};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(test)
}

async fn assert_corrupt(barrier: &Barrier, key: &str) {
    match barrier.get(key).await {
        Err(StoreError::Corrupt { key: named, .. }) => assert_eq!(named, key),
        other => panic!("expected `{key}` to be refused, got {other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Tampering {
    Alter(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Extend(Vec<u8>),
    MoveFrom(String),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1..=u8::MAX)
            .prop_map(|(index, change)| Tampering::Alter(index, change)),
        any::<prop::sample::Index>().prop_map(Tampering::Cut),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(Tampering::Extend),
        "[b-d]{1,3}(/[a-d]{1,3}){0,2}".prop_map(Tampering::MoveFrom),
    ]
}

async fn tamper(barrier: &Barrier, physical: &dyn Physical, tampering: Tampering) {
    let mut record = raw(physical, "a/b").await;
    match tampering {
        Tampering::Alter(index, change) => {
            let index = index.index(record.len());
            record[index] ^= change;
        }
        Tampering::Cut(length) => record.truncate(length.index(record.len())),
        Tampering::Extend(bytes) => record.extend(bytes),
        Tampering::MoveFrom(key) => {
            put(barrier, &key, &value(barrier, "a/b").await.unwrap()).await;
            record = raw(physical, &key).await;
        }
    }
    put_raw(physical, "a/b", &record).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn tampered_record_is_refused(
        written in prop::collection::vec(any::<u8>(), 0..64),
        tampering in tampering(),
    ) {
        run(async {
            let (barrier, physical) = unsealed().await;
            put(&barrier, "a/b", &written).await;
            tamper(&barrier, &*physical, tampering).await;
            assert_corrupt(&barrier, "a/b").await;
        });
    }
}

#[tokio::test]
async fn swapped_records_are_refused() {
    let (barrier, physical) = unsealed().await;
    put(&barrier, "policy/reader", b"read").await;
    put(&barrier, "policy/writer", b"write").await;
    let (reader, writer) = (
        raw(&*physical, "policy/reader").await,
        raw(&*physical, "policy/writer").await,
    );
    put_raw(&*physical, "policy/reader", &writer).await;
    put_raw(&*physical, "policy/writer", &reader).await;
    assert_corrupt(&barrier, "policy/reader").await;
    assert_corrupt(&barrier, "policy/writer").await;
}

#[tokio::test]
async fn record_of_another_cluster_is_refused() {
    let (barrier, physical) = unsealed().await;
    let other = crate::fake::in_memory();
    let stranger = crate::fake::node(&other, 2);
    stranger.initialize(&root_key(1)).await.unwrap();
    stranger.unseal(&root_key(1)).await.unwrap();
    put(&stranger, "a", b"1").await;
    put_raw(&*physical, "a", &raw(&*other, "a").await).await;
    assert_corrupt(&barrier, "a").await;
}

#[tokio::test]
async fn keyring_elsewhere_is_no_record_and_record_is_no_keyring() {
    let (barrier, physical) = unsealed().await;
    put(&barrier, "a", b"1").await;
    let (keyring, record) = (
        raw(&*physical, KEYRING_KEY).await,
        raw(&*physical, "a").await,
    );
    put_raw(&*physical, "a", &keyring).await;
    assert_corrupt(&barrier, "a").await;
    put_raw(&*physical, KEYRING_KEY, &record).await;
    let answer = barrier.unseal(&root_key(1)).await.map(drop);
    assert_eq!(answer, Err(UnsealError::RootKeyRefused));
}

#[tokio::test]
async fn every_altered_byte_of_the_keyring_is_refused() {
    let (barrier, physical) = unsealed().await;
    barrier.seal();
    let keyring = raw(&*physical, KEYRING_KEY).await;
    for index in 0..keyring.len() {
        let mut altered = keyring.clone();
        altered[index] ^= 0x40;
        put_raw(&*physical, KEYRING_KEY, &altered).await;
        let answer = barrier.unseal(&root_key(1)).await.map(drop);
        assert_eq!(answer, Err(UnsealError::RootKeyRefused), "byte {index}");
        assert!(barrier.is_sealed());
    }
    put_raw(&*physical, KEYRING_KEY, &keyring).await;
    barrier.unseal(&root_key(1)).await.unwrap();
}
