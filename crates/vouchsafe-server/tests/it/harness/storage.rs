//! What lies in a test's storage.

use std::collections::BTreeMap;

use vouchsafe_storage::Physical;
use vouchsafe_testing::Moment;

use super::TestCore;

impl TestCore {
    /// How many records were asked for or listed since the last call, or the start.
    pub(crate) fn take_reads(&self) -> usize {
        self.physical.take_reads()
    }

    /// How many records were decrypted since the last call, or the start.
    pub(crate) fn take_decrypted(&self) -> usize {
        self.physical.take_handed_out()
    }

    /// Lets something happen when the record at `key` was read next.
    pub(crate) fn after_next_read(
        &self,
        key: &str,
        happens: impl Future<Output = ()> + Send + 'static,
    ) {
        let moment = Moment::Read(key.to_owned());
        self.physical.interrupts().at(moment, happens);
    }

    /// Lets something happen when the next write has been decided on, and before it is written.
    pub(crate) fn before_next_commit(&self, happens: impl Future<Output = ()> + Send + 'static) {
        self.physical.interrupts().at(Moment::Commit, happens);
    }

    /// Lets every call of the storage fail from now on.
    pub(crate) fn take_storage_down(&self) {
        self.physical.take_down();
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

    /// All records of the storage, as they lie there: equal before and after what writes nothing.
    pub(crate) async fn records(&self) -> BTreeMap<String, Vec<u8>> {
        let mut records = BTreeMap::new();
        for key in self.keys().await {
            let record = self.physical.get(&key).await.expect("read");
            records.insert(key, record.expect("still there").value);
        }
        records
    }

    /// The bytes at a key, as the barrier has encrypted them.
    pub(crate) async fn stored(&self, key: &str) -> Vec<u8> {
        let record = self.physical.get(key).await.expect("read");
        record.expect("a record").value
    }
}
