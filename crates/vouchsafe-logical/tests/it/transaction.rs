//! Transactions: what they see, what they expect, what they write.

use vouchsafe_logical::view::TRANSACTION_ATTEMPTS_MAX;
use vouchsafe_logical::{Attempt, Attempts, CommitError, Error, StoreError, View};

use crate::{put, view};

async fn text(view: &View, key: &str) -> Option<String> {
    let found = view.get(key).await.expect("a read")?;
    Some(String::from_utf8(found.value).expect("a text"))
}

#[tokio::test]
async fn a_transaction_sees_its_own_writes() {
    let view = view();
    put(&view, "a", "old").await;
    let mut transaction = view.begin();
    transaction.put(&view, "a", b"new".to_vec());
    assert_eq!(
        transaction.get(&view, "a").await.expect("a read"),
        Some(b"new".to_vec())
    );
    transaction.delete(&view, "a");
    assert_eq!(transaction.get(&view, "a").await.expect("a read"), None);
    assert_eq!(text(&view, "a").await.as_deref(), Some("old"));
    transaction.commit().await.expect("nothing was read");
    assert_eq!(text(&view, "a").await, None);
}

#[tokio::test]
async fn what_was_read_must_be_unchanged() {
    let view = view();
    put(&view, "seen", "1").await;
    for key in ["seen", "absent"] {
        let mut transaction = view.begin();
        transaction.get(&view, key).await.expect("a read");
        transaction.put(&view, "written", b"x".to_vec());
        put(&view, key, "2").await;
        assert_eq!(transaction.commit().await, Err(CommitError::Conflict));
        assert_eq!(text(&view, "written").await, None, "all or nothing");
    }
}

#[tokio::test]
async fn reads_are_verified_without_a_write() {
    let view = view();
    put(&view, "seen", "1").await;
    let read_and_written = async || {
        let mut transaction = view.begin();
        for key in ["seen", "absent"] {
            transaction.get(&view, key).await.expect("a read");
        }
        transaction.put(&view, "written", b"x".to_vec());
        transaction
    };
    let transaction = read_and_written().await;
    put(&view, "unseen", "1").await;
    assert_eq!(transaction.verify().await, Ok(()));
    assert_eq!(text(&view, "written").await, None);
    for key in ["seen", "absent"] {
        let transaction = read_and_written().await;
        put(&view, key, "2").await;
        assert_eq!(transaction.verify().await, Err(CommitError::Conflict));
    }
}

#[tokio::test]
async fn what_was_written_again_is_changed_even_if_it_looks_the_same() {
    let view = view();
    put(&view, "a", "1").await;
    let mut transaction = view.begin();
    transaction.get(&view, "a").await.expect("a read");
    transaction.put(&view, "b", Vec::new());
    let mut other = view.begin();
    other.delete(&view, "a");
    other.commit().await.expect("nothing was read");
    put(&view, "a", "1").await;
    assert_eq!(transaction.commit().await, Err(CommitError::Conflict));
}

#[tokio::test]
async fn a_write_without_a_read_is_unconditional() {
    let view = view();
    let mut transaction = view.begin();
    transaction.put(&view, "a", b"mine".to_vec());
    put(&view, "a", "theirs").await;
    transaction.commit().await.expect("no precondition");
    assert_eq!(text(&view, "a").await.as_deref(), Some("mine"));
}

#[tokio::test]
async fn an_expected_absence_holds_before_and_after_a_read() {
    let view = view();
    put(&view, "a", "1").await;
    for read_too in [false, true] {
        let mut transaction = view.begin();
        transaction.expect_absent(&view, "a");
        if read_too {
            transaction.get(&view, "a").await.expect("a read");
        }
        transaction.put(&view, "b", Vec::new());
        assert_eq!(transaction.commit().await, Err(CommitError::Conflict));
    }
    let mut transaction = view.begin();
    transaction.expect_absent(&view, "none");
    transaction.put(&view, "b", Vec::new());
    transaction.commit().await.expect("it is absent");
}

#[tokio::test]
async fn a_transaction_that_only_read_never_conflicts() {
    let view = view();
    let mut transaction = view.begin();
    transaction.get(&view, "a").await.expect("a read");
    put(&view, "a", "1").await;
    assert!(transaction.is_read_only());
    transaction.commit().await.expect("it writes nothing");
}

#[tokio::test]
async fn views_of_one_store_commit_together() {
    let view = view();
    let (left, right) = (view.sub("left/"), view.sub("right/"));
    let mut transaction = left.begin();
    transaction.put(&left, "a", b"1".to_vec());
    transaction.put(&right, "a", b"2".to_vec());
    transaction.commit().await.expect("nothing was read");
    assert_eq!(text(&left, "a").await.as_deref(), Some("1"));
    assert_eq!(text(&right, "a").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn records_say_what_is_wrong_with_them_and_where() {
    let view = view();
    let mut transaction = view.begin();
    transaction
        .put_record(&view, "good", &7_u32)
        .expect("a number");
    transaction.put(&view, "newer", vec![2, b'7']);
    transaction.put(&view, "shape", b"\x01\"text\"".to_vec());
    transaction.put(&view, "empty", Vec::new());
    transaction.commit().await.expect("nothing was read");
    assert_eq!(view.read::<u32>("good").await, Ok(Some(7)));
    assert_eq!(view.read::<u32>("absent").await, Ok(None));
    for (key, fault) in [
        (
            "newer",
            "the record was written by a newer version of the server",
        ),
        ("shape", "the record has an unexpected shape"),
        ("empty", "the record is empty"),
    ] {
        let key_of_fault = format!("part/{key}");
        assert_eq!(
            view.read::<u32>(key).await,
            Err(StoreError::Corrupt {
                key: key_of_fault,
                fault
            })
        );
    }
}

/// Changes `key` while others get in between this many times. How it ended, and after how many
/// attempts.
async fn change(crossed: usize) -> (Result<(), Error>, usize) {
    let view = view();
    let mut attempts = Attempts::default();
    let mut made = 0;
    loop {
        let mut transaction = view.begin();
        transaction.get(&view, "key").await.expect("a read");
        transaction.put(&view, "key", b"ours".to_vec());
        made += 1;
        if made <= crossed {
            put(&view, "key", "theirs").await;
        }
        match attempts.commit(transaction).await {
            Ok(Attempt::Again) => {}
            ended => return (ended.map(|_| ()), made),
        }
    }
}

#[tokio::test]
async fn a_change_is_tried_until_nobody_gets_in_between_and_not_for_ever() {
    for crossed in [0, 1, TRANSACTION_ATTEMPTS_MAX - 1] {
        let (ended, made) = change(crossed).await;
        ended.expect("a commit");
        assert_eq!(made, crossed + 1);
    }
    let (ended, made) = change(TRANSACTION_ATTEMPTS_MAX).await;
    assert!(ended.expect_err("a conflict").is_conflict());
    assert_eq!(made, TRANSACTION_ATTEMPTS_MAX);
}

#[test]
fn what_is_no_conflict_is_not_tried_again() {
    let mut attempts = Attempts::default();
    assert!(attempts.again(CommitError::Conflict.into()).is_ok());
    let refused = attempts.again(Error::not_found());
    assert_eq!(refused.expect_err("final").reason(), "not_found");
}
