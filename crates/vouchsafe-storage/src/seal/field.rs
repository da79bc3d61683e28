//! Arithmetic in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1 (0x11b), that of AES.
//!
//! Every operation takes the same steps for all values: no table is indexed by a secret and no
//! branch depends on one, so that neither time nor the cache tells anything.

/// The polynomial without its highest term.
const REDUCTION: u8 = 0x1b;

/// Addition, which is also subtraction.
pub(super) const fn add(a: u8, b: u8) -> u8 {
    a ^ b
}

/// Multiplication.
pub(super) const fn multiply(a: u8, b: u8) -> u8 {
    let (mut product, mut factor, mut rest) = (0, a, b);
    let mut bit = 0;
    while bit < 8 {
        // All ones or all zeros, from one bit.
        product ^= factor & (rest & 1).wrapping_neg();
        let carry = (factor >> 7).wrapping_neg();
        factor = (factor << 1) ^ (REDUCTION & carry);
        rest >>= 1;
        bit += 1;
    }
    product
}

/// The multiplicative inverse; 0 for 0. It is the 254th power, by squaring and multiplying.
pub(super) const fn invert(a: u8) -> u8 {
    // 254 = 0b1111_1110.
    let (mut power, mut result) = (multiply(a, a), 1);
    let mut step = 0;
    while step < 7 {
        result = multiply(result, power);
        power = multiply(power, power);
        step += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_aes() {
        // FIPS 197, section 4.2.
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        assert_eq!(add(0x57, 0x83), 0xd4);
    }

    #[test]
    fn every_value_but_zero_has_an_inverse() {
        assert_eq!(invert(0), 0);
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }

    #[test]
    fn multiplication_distributes_over_addition() {
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                assert_eq!(multiply(a, b), multiply(b, a));
                let c = a.wrapping_mul(31) ^ b;
                assert_eq!(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c)));
            }
        }
    }
}
