//! JWK Set: no document panics, and the usable keys survive being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vouchsafe_jose::JwkSet;
use vouchsafe_jose::limits::JWK_SET_KEYS_MAX;

fuzz_target!(|bytes: &[u8]| {
    let Ok(set) = JwkSet::parse(bytes) else {
        return;
    };
    assert!(set.keys().len() + set.skipped().len() <= JWK_SET_KEYS_MAX);
    let again = JwkSet::parse(&serde_json::to_vec(&set).unwrap()).unwrap();
    assert_eq!(again.keys(), set.keys());
    assert!(again.skipped().is_empty());
});
