//! What lies in a test's storage.

use vouchsafe_storage::Physical;

use super::TestCore;

impl TestCore {
    /// How many records were asked for or listed since the last call, or the start.
    pub(crate) fn take_reads(&self) -> usize {
        self.physical.take_reads()
    }

    /// All keys of the storage, in order.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().map(String::as_str);
            let page = self.physical.list("", after, usize::MAX).await;
            let page = page.expect("listed");
            if page.is_empty() {
                return keys;
            }
            keys.extend(page);
        }
    }
}
