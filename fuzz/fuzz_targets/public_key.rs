//! PEM and DER of public keys: what is accepted survives being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vouchsafe_jose::PublicKey;

fuzz_target!(|bytes: &[u8]| {
    let from_der = PublicKey::from_spki_der(bytes);
    let from_pem = std::str::from_utf8(bytes).ok().map(PublicKey::from_pem);
    for key in from_der.into_iter().chain(from_pem.into_iter().flatten()) {
        assert_eq!(
            PublicKey::from_spki_der(&key.to_spki_der().unwrap()).as_ref(),
            Ok(&key)
        );
        assert_eq!(
            PublicKey::from_pem(&key.to_pem().unwrap()).as_ref(),
            Ok(&key)
        );
    }
});
