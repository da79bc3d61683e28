use super::*;
use proptest::prelude::*;

/// Repeats: the quality of the randomness is not what is tested.
struct Counter(std::sync::Mutex<u64>);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("not poisoned");
        for byte in bytes {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    }
}

fn dice(seed: u64) -> Counter {
    Counter(std::sync::Mutex::new(seed))
}

fn hex(text: &str) -> Share {
    let digit = |place: usize| u8::from_str_radix(&text[place..place + 2], 16).expect("hex");
    Share::new((0..text.len()).step_by(2).map(digit).collect())
}

/// Shares that OpenBao 2.7.2 made at initialisation: 5 with a threshold of 3, 3 with one of 2.
const FOREIGN_3_OF_5: [&str; 5] = [
    "c5ca12b57015b2c6f8289684e83b8f92b8c88b378e1fa9939cd00f8f1d719b1de7",
    "a191e25895d7976c1c8c64c803a438c39842cb6526f28bacc7369e15ef4c17ea1f",
    "c25bf72ef21b6538cc5c2b712214fe82e0dd7efd3051b79b451514486cb6a3d531",
    "b6d2f11d0c864ba81f11bc63c7862ef0cbe6c39e8b9f144cc70c3b1f01f8e8714e",
    "99b8a5a7fda681c8e76e15a5c1c24c89ab24516b67ef2f69e1f7bc52b8c4a2578f",
];
const FOREIGN_2_OF_3: [&str; 3] = [
    "318c4147a3d706151df941058c716ca418e4eb8c02192980be8c9520bd42c30e64",
    "d8adebd9cebf015059b499e3caf93506d8c714e2299025f1f67170b07cbc748ad9",
    "b0562dec6742d36f25a5567730016fee65bab18e7a2b1c3db352213a825a944b91",
];

/// All ways to take `count` of the shares.
fn choices(shares: &[Share], count: usize) -> Vec<Vec<Share>> {
    (0_u32..1 << shares.len())
        .filter(|mask| mask.count_ones() as usize == count)
        .map(|mask| {
            let taken = shares
                .iter()
                .enumerate()
                .filter(|(index, _)| mask & (1 << index) != 0);
            taken.map(|(_, share)| share.clone()).collect()
        })
        .collect()
}

#[test]
fn shares_made_by_openbao_are_put_together() {
    for (texts, threshold) in [(&FOREIGN_3_OF_5[..], 3), (&FOREIGN_2_OF_3[..], 2)] {
        let shares: Vec<Share> = texts.iter().map(|text| hex(text)).collect();
        let secrets: Vec<_> = choices(&shares, threshold)
            .iter()
            .map(|chosen| combine(chosen).expect("well-formed shares"))
            .collect();
        assert_eq!(secrets[0].len(), 32);
        // Different polynomials or another field would give a different value for each choice.
        assert!(secrets.iter().all(|secret| **secret == *secrets[0]));
        let all = combine(&shares).expect("well-formed shares");
        assert_eq!(*all, *secrets[0]);
        let too_few = choices(&shares, threshold - 1);
        for chosen in too_few.iter().filter(|chosen| chosen.len() >= 2) {
            assert_ne!(*combine(chosen).expect("well-formed shares"), *secrets[0]);
        }
    }
}

#[test]
fn shapes_at_and_past_their_limits() {
    let secret = [7_u8; 32];
    for (shares, threshold, good) in [
        (2, 2, true),
        (255, 255, true),
        (255, 2, true),
        (256, 2, false),
        (2, 1, false),
        (2, 3, false),
        (0, 0, false),
    ] {
        let made = split(&secret, shares, threshold, &dice(1));
        assert_eq!(made.is_ok(), good, "{shares} {threshold}");
    }
    assert_eq!(
        split(&[], 3, 2, &dice(1)).err(),
        Some(ShamirError::EmptySecret)
    );
}

#[test]
fn malformed_shares_are_refused() {
    let shares = split(&[1, 2, 3], 3, 2, &dice(1)).expect("a good shape");
    let one = &shares[..1];
    assert_eq!(combine(one).err(), Some(ShamirError::TooFew));
    assert_eq!(combine(&[]).err(), Some(ShamirError::TooFew));
    let twice = [shares[0].clone(), shares[0].clone()];
    assert_eq!(combine(&twice).err(), Some(ShamirError::Position));
    let mut short = shares[1].expose().to_vec();
    short.pop();
    assert_eq!(
        combine(&[shares[0].clone(), Share::new(short)]).err(),
        Some(ShamirError::Lengths)
    );
    let mut zero = shares[1].expose().to_vec();
    *zero.last_mut().expect("not empty") = 0;
    assert_eq!(
        combine(&[shares[0].clone(), Share::new(zero)]).err(),
        Some(ShamirError::Position)
    );
    assert_eq!(
        combine(&[Share::new(vec![1]), Share::new(vec![2])]).err(),
        Some(ShamirError::Lengths)
    );
    assert_eq!(format!("{:?}", shares[0]), "Share(..)");
    assert!(shares[0].ct_eq(&shares[0].clone()));
    assert!(!shares[0].ct_eq(&shares[1]));
}

proptest! {
    #[test]
    fn any_threshold_of_shares_gives_the_secret(
        secret in proptest::collection::vec(any::<u8>(), 1..48),
        (shares, threshold) in (2_usize..7).prop_flat_map(|n| (Just(n), 2..=n)),
        seed in any::<u64>(),
    ) {
        let made = split(&secret, shares, threshold, &dice(seed)).expect("a good shape");
        prop_assert_eq!(made.len(), shares);
        for chosen in choices(&made, threshold) {
            prop_assert_eq!(&*combine(&chosen).expect("good shares"), &secret);
        }
        // One share fewer than needed fits every secret: it can't give this one but by chance.
        if threshold > 2 && secret.len() > 8 {
            for chosen in choices(&made, threshold - 1) {
                prop_assert_ne!(&*combine(&chosen).expect("good shares"), &secret);
            }
        }
    }
}
