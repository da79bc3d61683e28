//! The fingerprint of RSA keys that one vendor's chips generated wrongly (CVE-2017-15361, "ROCA").
//!
//! Their primes have the form `k·M + (65537^a mod M)`, where `M` is a product of the first small
//! primes, so the modulus is a power of 65537 modulo each of them and can be factored. A modulus
//! from a sound generator has it for all 38 primes by chance less than once in 2^27 keys.

/// The odd primes that divide `M` for every length of key from 512 bits on.
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
    97, //
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// The base of the powers.
const GENERATOR: u32 = 65_537;

/// Whether `modulus`, big-endian, is a power of 65537 modulo every one of the primes.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    SMALL_PRIMES
        .into_iter()
        .all(|prime| is_power(remainder(modulus, prime), prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |remainder, byte| {
        (remainder * 256 + u32::from(*byte)) % prime
    })
}

fn is_power(value: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == value {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}
