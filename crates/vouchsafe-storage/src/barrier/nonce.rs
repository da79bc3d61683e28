//! Random 96-bit nonces, drawn from the entropy source in blocks.
//!
//! One call of a system's random generator costs twice as much as encrypting a small record, so
//! bytes are drawn for a few hundred nonces at once. Each byte is handed out once: a block is
//! consumed front to back under a lock, and a new one is drawn when it is used up. Nonces are
//! public, so a block that lies in memory before its use gives nothing away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vouchsafe_logical::Entropy;

/// The length of a nonce, in bytes.
pub(super) const NONCE_BYTES: usize = 12;

const BLOCK_NONCES: usize = 340;
const BLOCK_BYTES: usize = BLOCK_NONCES * NONCE_BYTES;

pub(super) struct NonceSource {
    entropy: Arc<dyn Entropy>,
    block: Mutex<Block>,
}

struct Block {
    bytes: Box<[u8; BLOCK_BYTES]>,
    /// How many nonces were handed out of the block. It grows before a nonce leaves the lock.
    used: usize,
}

impl NonceSource {
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        let block = Block {
            bytes: Box::new([0; BLOCK_BYTES]),
            used: BLOCK_NONCES,
        };
        Self {
            entropy,
            block: Mutex::new(block),
        }
    }

    /// A nonce that this source gives to nobody else.
    pub(super) fn take(&self) -> [u8; NONCE_BYTES] {
        self.lock().take(&*self.entropy)
    }

    fn lock(&self) -> MutexGuard<'_, Block> {
        // A poisoned lock means that the entropy source panicked before the block was declared
        // fresh, so the next caller draws again.
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Block {
    fn take(&mut self, entropy: &dyn Entropy) -> [u8; NONCE_BYTES] {
        if self.used == BLOCK_NONCES {
            entropy.fill(&mut *self.bytes);
            self.used = 0;
        }
        let start = self.used * NONCE_BYTES;
        self.used += 1;
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&self.bytes[start..start + NONCE_BYTES]);
        nonce
    }
}

#[cfg(test)]
mod tests;
