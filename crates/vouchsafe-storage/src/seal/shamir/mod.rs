//! Shamir's secret sharing: a secret in parts, any `threshold` of which give it back.
//!
//! The format is Vault's: each share is one byte for each byte of the secret (a polynomial's value
//! at x) and then x itself, so that shares made there and here can be put together. Fewer shares
//! than the threshold tell nothing. Nothing here tells a wrong share from a right one: whether the
//! secret is the right one is for the barrier to find out.

use std::fmt;

use vouchsafe_logical::Entropy;
use zeroize::{Zeroize, Zeroizing};

use super::field;

/// The most shares of one secret: x is a byte, and 0 is where the secret is.
pub const SHARES_MAX: usize = 255;

/// A share. Overwritten when dropped; its `Debug` says nothing.
#[derive(Clone)]
pub struct Share(Zeroizing<Vec<u8>>);

impl Share {
    /// Takes a share that somebody brought. Its length is checked when it is put together.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be handed to a keeper. Every call of this is a place to look at in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both are the same share, in time that depends on their lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        let mut different = u8::from(self.0.len() != other.0.len());
        for (a, b) in self.0.iter().zip(other.0.iter()) {
            different |= a ^ b;
        }
        different == 0
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share(..)")
    }
}

/// Why shares can't be made or put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShamirError {
    /// The secret has no bytes.
    EmptySecret,
    /// A threshold below 2, above the number of shares, or more than [`SHARES_MAX`] shares.
    Shape {
        /// How many shares were asked for.
        shares: usize,
        /// How many shall be enough.
        threshold: usize,
    },
    /// Fewer than two shares.
    TooFew,
    /// Shares of different lengths, or too short to be one.
    Lengths,
    /// Two shares for the same x, or one for x = 0.
    Position,
}

impl fmt::Display for ShamirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptySecret => f.write_str("an empty secret can't be shared"),
            Self::Shape { shares, threshold } => write!(
                f,
                "{shares} shares with a threshold of {threshold}; expected 2 to {SHARES_MAX} shares \
                 and a threshold from 2 to their number"
            ),
            Self::TooFew => f.write_str("fewer than two shares can't be put together"),
            Self::Lengths => f.write_str("the shares have different lengths"),
            Self::Position => f.write_str("duplicate share detected"),
        }
    }
}

impl std::error::Error for ShamirError {}

/// Splits a secret into `shares` parts of which any `threshold` give it back.
///
/// # Errors
/// [`ShamirError::EmptySecret`], [`ShamirError::Shape`].
pub fn split(
    secret: &[u8],
    shares: usize,
    threshold: usize,
    entropy: &dyn Entropy,
) -> Result<Vec<Share>, ShamirError> {
    if secret.is_empty() {
        return Err(ShamirError::EmptySecret);
    }
    if threshold < 2 || threshold > shares || shares > SHARES_MAX {
        return Err(ShamirError::Shape { shares, threshold });
    }
    let mut made: Vec<Share> = positions(shares, entropy)
        .into_iter()
        .map(|x| {
            let mut bytes = Vec::with_capacity(secret.len() + 1);
            bytes.resize(secret.len(), 0);
            bytes.push(x);
            Share::new(bytes)
        })
        .collect();
    // The coefficients of x, x^2, …; the secret's byte is the constant term.
    let mut coefficients = Zeroizing::new(vec![0_u8; threshold - 1]);
    for (place, byte) in secret.iter().enumerate() {
        entropy.fill(&mut coefficients);
        for share in &mut made {
            let Some((x, values)) = share.0.split_last_mut() else {
                continue;
            };
            if let Some(value) = values.get_mut(place) {
                *value = evaluate(*byte, &coefficients, *x);
            }
        }
    }
    Ok(made)
}

/// Puts shares together. Too few of them, or wrong ones, give some other secret.
///
/// # Errors
/// [`ShamirError::TooFew`], [`ShamirError::Lengths`], [`ShamirError::Position`].
pub fn combine(shares: &[Share]) -> Result<Zeroizing<Vec<u8>>, ShamirError> {
    let Some(first) = shares.first().filter(|_| shares.len() >= 2) else {
        return Err(ShamirError::TooFew);
    };
    let length = first.0.len();
    if length < 2 || shares.iter().any(|share| share.0.len() != length) {
        return Err(ShamirError::Lengths);
    }
    let positions: Vec<u8> = shares
        .iter()
        .filter_map(|share| share.0.last().copied())
        .collect();
    let weights = weights_at_zero(&positions)?;
    let mut secret = Zeroizing::new(vec![0_u8; length - 1]);
    for (share, weight) in shares.iter().zip(weights.iter()) {
        for (byte, value) in secret.iter_mut().zip(share.0.iter()) {
            *byte = field::add(*byte, field::multiply(*value, *weight));
        }
    }
    Ok(secret)
}

/// Different x, in an order that says nothing about who gets which share.
fn positions(count: usize, entropy: &dyn Entropy) -> Vec<u8> {
    let mut all: Vec<u8> = (1..=u8::MAX).collect();
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let mut dice = [0_u8; 1];
        entropy.fill(&mut dice);
        // Dice beyond the remaining positions are thrown again, so that none is favoured.
        let [roll] = dice;
        if usize::from(roll) < all.len() {
            chosen.push(all.swap_remove(usize::from(roll)));
        }
        dice.zeroize();
    }
    chosen
}

fn evaluate(constant: u8, coefficients: &[u8], x: u8) -> u8 {
    let higher = coefficients.iter().rev().fold(0, |sum, coefficient| {
        field::multiply(field::add(sum, *coefficient), x)
    });
    field::add(constant, higher)
}

/// Lagrange's weights for the value at 0.
fn weights_at_zero(positions: &[u8]) -> Result<Vec<u8>, ShamirError> {
    let mut weights = Vec::with_capacity(positions.len());
    for (index, x) in positions.iter().enumerate() {
        let mut weight = 1;
        for (other, x_other) in positions.iter().enumerate() {
            if other == index {
                continue;
            }
            let difference = field::add(*x, *x_other);
            if difference == 0 || *x_other == 0 || *x == 0 {
                return Err(ShamirError::Position);
            }
            weight = field::multiply(weight, field::multiply(*x_other, field::invert(difference)));
        }
        weights.push(weight);
    }
    Ok(weights)
}

#[cfg(test)]
mod tests;
