use std::collections::HashSet;
use std::sync::Mutex;

use super::*;

/// Counts up, so that every draw differs and is known.
#[derive(Default)]
struct Counting(Mutex<(u64, usize)>);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        for chunk in bytes.chunks_mut(NONCE_BYTES) {
            state.0 += 1;
            let number = u128::from(state.0).to_be_bytes();
            chunk.copy_from_slice(&number[16 - chunk.len()..]);
        }
    }
}

#[test]
fn nonces_are_the_drawn_bytes_in_order_and_each_once() {
    let entropy = Arc::new(Counting::default());
    let source = NonceSource::new(Arc::clone(&entropy) as Arc<dyn Entropy>);
    for expected in 1..=3 * BLOCK_NONCES as u128 + 1 {
        assert_eq!(source.take(), expected.to_be_bytes()[4..]);
    }
    assert_eq!(entropy.0.lock().unwrap().1, 4, "one draw per block");
}

#[test]
fn threads_share_no_nonce() {
    let source = NonceSource::new(Arc::new(Counting::default()));
    let taken = std::thread::scope(|scope| {
        let take = || (0..5_000).map(|_| source.take()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len());
}
