//! Initialize, seal, unseal; reading and writing through the barrier.

use vouchsafe_logical::view::KEY_BYTES_MAX;
use vouchsafe_logical::{Batch, CommitError, Newer, Store, StoreError, Version};
use vouchsafe_storage::RootKey;
use vouchsafe_storage::barrier::{
    InitializeError, KEYRING_KEY, OVERHEAD_BYTES, ROOT_KEY_BYTES, UnsealError, VALUE_BYTES_MAX,
};

use crate::fake::{
    SeededEntropy, batch, expecting, in_memory, node, put, put_raw, raw, root_key, unsealed, value,
};

#[tokio::test]
async fn written_value_is_read_back() {
    let (barrier, _) = unsealed().await;
    for written in [&b""[..], b"1", &[0; 100_000]] {
        put(&barrier, "logical/a", written).await;
        assert_eq!(value(&barrier, "logical/a").await.as_deref(), Some(written));
    }
    assert_eq!(value(&barrier, "logical/b").await, None);
}

#[tokio::test]
async fn stored_bytes_hold_no_plaintext() {
    let (barrier, physical) = unsealed().await;
    let secret = b"correct horse battery staple";
    put(&barrier, "a", secret).await;
    let stored = raw(&*physical, "a").await;
    assert_eq!(stored.len(), secret.len() + OVERHEAD_BYTES);
    for part in secret.windows(4) {
        assert!(!stored.windows(4).any(|window| window == part));
    }
    put(&barrier, "a", secret).await;
    assert_ne!(
        raw(&*physical, "a").await,
        stored,
        "equal values have different records"
    );
}

#[tokio::test]
async fn delete_and_list_pass_through() {
    let (barrier, _) = unsealed().await;
    for key in ["a/1", "a/2", "b/1"] {
        put(&barrier, key, b"1").await;
    }
    let mut delete = Batch::default();
    delete.writes.insert("a/1".to_owned(), None);
    barrier.commit(delete).await.unwrap();
    assert_eq!(barrier.list("a/", None, 10).await.unwrap(), ["a/2"]);
    assert_eq!(
        barrier.list("", Some("a/2"), 10).await.unwrap(),
        ["b/1", KEYRING_KEY]
    );
    assert_eq!(value(&barrier, "a/1").await, None);
}

#[tokio::test]
async fn conflict_passes_through_and_writes_nothing() {
    let (barrier, _) = unsealed().await;
    put(&barrier, "a", b"1").await;
    let version = barrier.get("a").await.unwrap().unwrap().version;
    let write = expecting(batch("b", b"1"), "a", Some(version));
    barrier.commit(write.clone()).await.unwrap();
    put(&barrier, "a", b"2").await;
    assert_eq!(barrier.commit(write).await, Err(CommitError::Conflict));
    assert_eq!(
        barrier.commit(expecting(batch("c", b"1"), "b", None)).await,
        Err(CommitError::Conflict)
    );
    assert_eq!(value(&barrier, "c").await, None);
}

/// The cheap question of caches: an unchanged record is not even decrypted.
#[tokio::test]
async fn newer_decrypts_only_another_version() {
    let (barrier, physical) = unsealed().await;
    put(&barrier, "a", b"1").await;
    let record = barrier.get("a").await.unwrap().unwrap();
    assert_eq!(
        barrier.get_newer("a", record.version).await,
        Ok(Newer::Same)
    );
    assert_eq!(
        barrier.get_newer("a", Version(0)).await,
        Ok(Newer::Record(record))
    );
    assert_eq!(barrier.get_newer("b", Version(0)).await, Ok(Newer::Absent));

    put_raw(&*physical, "a", b"not a record").await;
    let damaged = physical.get("a").await.unwrap().unwrap().version;
    assert_eq!(barrier.get_newer("a", damaged).await, Ok(Newer::Same));
    assert!(matches!(
        barrier.get_newer("a", Version(0)).await,
        Err(StoreError::Corrupt { key, .. }) if key == "a"
    ));
}

#[tokio::test]
async fn sealed_barrier_refuses_everything() {
    let (barrier, _) = unsealed().await;
    put(&barrier, "a", b"1").await;
    assert!(barrier.unsealed().is_ok());
    barrier.seal();
    assert!(barrier.is_sealed());
    assert_eq!(barrier.unsealed().map(drop), Err(StoreError::Sealed));
    assert_eq!(barrier.get("a").await, Err(StoreError::Sealed));
    assert_eq!(barrier.get("absent").await, Err(StoreError::Sealed));
    assert_eq!(
        barrier.get_newer("a", Version(0)).await,
        Err(StoreError::Sealed)
    );
    assert_eq!(barrier.list("", None, 1).await, Err(StoreError::Sealed));
    let sealed = Err(CommitError::Failed(StoreError::Sealed));
    assert_eq!(barrier.commit(batch("a", b"2")).await, sealed);
    assert_eq!(barrier.commit(Batch::default()).await, sealed);
    assert_eq!(barrier.rotate().await, Err(StoreError::Sealed));
    assert_eq!(barrier.refresh_keyring().await, Err(StoreError::Sealed));
    assert_eq!(barrier.key_status(), Err(StoreError::Sealed));
    assert_eq!(barrier.needs_rotation(), Err(StoreError::Sealed));
    assert!(
        barrier.subscribe(None).await.is_ok(),
        "the feed names keys, which are no secret"
    );

    barrier.unseal(&root_key(1)).await.unwrap();
    assert_eq!(value(&barrier, "a").await.as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn initialize_creates_a_keyring_once_and_leaves_the_barrier_sealed() {
    let physical = in_memory();
    let barrier = node(&physical, 1);
    assert_eq!(barrier.is_initialized().await, Ok(false));
    assert_eq!(
        barrier.unseal(&root_key(1)).await.map(drop),
        Err(UnsealError::NotInitialized)
    );
    barrier.initialize(&root_key(1)).await.unwrap();
    assert_eq!(barrier.is_initialized().await, Ok(true));
    assert!(barrier.is_sealed());
    let keyring = raw(&*physical, KEYRING_KEY).await;
    assert_eq!(
        barrier.initialize(&root_key(2)).await,
        Err(InitializeError::AlreadyInitialized)
    );
    assert_eq!(raw(&*physical, KEYRING_KEY).await, keyring);
}

#[tokio::test]
async fn wrong_root_key_is_refused() {
    let (barrier, _) = unsealed().await;
    let refused = Err(UnsealError::RootKeyRefused);
    assert_eq!(barrier.unseal(&root_key(2)).await.map(drop), refused);
    assert!(
        !barrier.is_sealed(),
        "a wrong key does not seal an unsealed barrier"
    );
    barrier.seal();
    assert_eq!(barrier.unseal(&root_key(2)).await.map(drop), refused);
    assert!(barrier.is_sealed());
}

#[test]
fn root_key_has_32_bytes() {
    for length in [0, ROOT_KEY_BYTES - 1, ROOT_KEY_BYTES + 1] {
        let error = RootKey::try_from(&vec![1; length][..]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("root key has {length} bytes; expected 32")
        );
    }
    let key = RootKey::try_from(&[7; ROOT_KEY_BYTES][..]).unwrap();
    assert_eq!(key.expose(), &[7; ROOT_KEY_BYTES]);
    let entropy = SeededEntropy::new(1);
    assert_ne!(
        RootKey::generate(&entropy).expose(),
        RootKey::generate(&entropy).expose()
    );
}

#[tokio::test]
async fn debug_shows_no_key() {
    let (barrier, _) = unsealed().await;
    assert_eq!(format!("{:?}", root_key(0xab)), "RootKey(..)");
    assert_eq!(format!("{barrier:?}"), "Barrier { sealed: false, .. }");
    assert_eq!(format!("{:?}", barrier.unsealed().unwrap()), "Unsealed");
}

/// A mount whose key prefix is wrong must not be able to destroy all data.
#[tokio::test]
async fn keyring_is_out_of_reach() {
    let (barrier, physical) = unsealed().await;
    let keyring = raw(&*physical, KEYRING_KEY).await;
    assert!(matches!(
        barrier.get(KEYRING_KEY).await,
        Err(StoreError::Limit(_))
    ));
    let newer = barrier.get_newer(KEYRING_KEY, Version(0)).await;
    assert!(matches!(newer, Err(StoreError::Limit(_))));
    for write in [Some(b"1".to_vec()), None] {
        let mut batch = batch("a", b"1");
        batch.writes.insert(KEYRING_KEY.to_owned(), write);
        let answer = barrier.commit(batch).await;
        assert!(
            matches!(answer, Err(CommitError::Failed(StoreError::Limit(_)))),
            "{answer:?}"
        );
    }
    assert_eq!(raw(&*physical, KEYRING_KEY).await, keyring);
    assert_eq!(value(&barrier, "a").await, None);
}

#[tokio::test]
async fn limits_hold_through_the_barrier() {
    let (barrier, _) = unsealed().await;
    let longest_key = "k".repeat(KEY_BYTES_MAX);
    let largest = vec![7; VALUE_BYTES_MAX];
    put(&barrier, &longest_key, &largest).await;
    assert_eq!(
        value(&barrier, &longest_key).await.as_deref(),
        Some(&largest[..])
    );

    let too_large = vec![7; VALUE_BYTES_MAX + 1];
    let too_long_key = "k".repeat(KEY_BYTES_MAX + 1);
    for refused in [
        batch("a", &too_large),
        batch(&too_long_key, b"1"),
        batch("", b"1"),
    ] {
        let answer = barrier.commit(refused).await;
        assert!(
            matches!(answer, Err(CommitError::Failed(StoreError::Limit(_)))),
            "{answer:?}"
        );
    }
}
