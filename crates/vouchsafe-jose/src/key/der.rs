//! Just enough DER (X.690) to take numbers out of structures that aws-lc-rs does not open: the
//! private numbers of an RSA key, and the public key of a certificate.
//!
//! Reads definite, minimal lengths and tags of one byte; anything else is an absent value. It
//! checks shape only: what it yields is parsed and checked by aws-lc-rs or by [`super::Material`].

/// Tag of `INTEGER`.
pub(super) const INTEGER: u8 = 0x02;
/// Tag of `OCTET STRING`.
pub(super) const OCTET_STRING: u8 = 0x04;
/// Tag of `SEQUENCE`.
pub(super) const SEQUENCE: u8 = 0x30;
/// Tag of the explicit `[0]` that holds the version of a certificate.
pub(super) const CONTEXT_0: u8 = 0xa0;

/// Reads values from the front of a DER text.
#[derive(Clone, Copy)]
pub(super) struct Reader<'d> {
    rest: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) const fn new(der: &'d [u8]) -> Self {
        Self { rest: der }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// The content of the next value, if it has this tag; nothing is consumed otherwise.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (found, content, rest) = split_value(self.rest)?;
        if found != tag {
            return None;
        }
        self.rest = rest;
        Some(content)
    }

    /// The next value whole, with its tag and length.
    pub(super) fn read_whole(&mut self) -> Option<&'d [u8]> {
        let (_, _, rest) = split_value(self.rest)?;
        let (value, _) = self.rest.split_at_checked(self.rest.len() - rest.len())?;
        self.rest = rest;
        Some(value)
    }

    /// The next value, a non-negative `INTEGER`, without its sign byte.
    pub(super) fn read_unsigned(&mut self) -> Option<&'d [u8]> {
        let content = self.read(INTEGER)?;
        match content {
            [] => None,
            [0, rest @ ..] => Some(rest),
            [first, ..] if *first >= 0x80 => None,
            _ => Some(content),
        }
    }
}

/// Tag, content and what follows.
fn split_value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, after_tag) = der.split_first()?;
    let (length, after_length) = split_length(after_tag)?;
    let (content, rest) = after_length.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn split_length(der: &[u8]) -> Option<(usize, &[u8])> {
    const LONG_FORM: u8 = 0x80;
    let (first, rest) = der.split_first()?;
    if *first < LONG_FORM {
        return Some((usize::from(*first), rest));
    }
    let count = usize::from(*first ^ LONG_FORM);
    if !(1..=3).contains(&count) {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(count)?;
    let length = digits
        .iter()
        .fold(0, |length, byte| length * 256 + usize::from(*byte));
    let minimal = length >= usize::from(LONG_FORM) && digits.first() != Some(&0);
    minimal.then_some((length, rest))
}

/// The SubjectPublicKeyInfo of an X.509 certificate (RFC 5280 §4.1); nothing else of the
/// certificate is looked at, its signature and dates neither.
pub(super) fn certificate_public_key(certificate: &[u8]) -> Option<&[u8]> {
    let mut outer = Reader::new(certificate);
    let mut certificate = Reader::new(outer.read(SEQUENCE)?);
    let mut tbs = Reader::new(certificate.read(SEQUENCE)?);
    if !outer.is_empty() {
        return None;
    }
    tbs.read(CONTEXT_0);
    tbs.read(INTEGER)?;
    for _signature_issuer_validity_subject in 0..4 {
        tbs.read(SEQUENCE)?;
    }
    tbs.read_whole()
}

/// The numbers of a two-prime RSA private key in PKCS#8 (RFC 5208 §5, RFC 8017 A.1.2), in their
/// order: n, e, d, p, q, dp, dq, qi.
pub(super) fn rsa_private_numbers(pkcs8: &[u8]) -> Option<[&[u8]; 8]> {
    let mut outer = Reader::new(pkcs8);
    let mut info = Reader::new(outer.read(SEQUENCE)?);
    info.read(INTEGER)?;
    info.read(SEQUENCE)?;
    let mut octets = Reader::new(info.read(OCTET_STRING)?);
    let mut key = Reader::new(octets.read(SEQUENCE)?);
    key.read(INTEGER)?;
    let mut numbers: [&[u8]; 8] = [&[]; 8];
    for number in &mut numbers {
        *number = key.read_unsigned()?;
    }
    key.is_empty().then_some(numbers)
}
