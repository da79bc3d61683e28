//! Whatever operators do, caching verifiers accept every token until it expires, except where the
//! operator was warned.

use proptest::prelude::*;
use vouchsafe_jose::Algorithm;

use super::world::World;
use crate::issuer::{ROTATION_PERIOD_SECONDS_MIN, VERIFICATION_PERIODS_MAX};

#[derive(Clone, Debug)]
enum Step {
    Work {
        seconds: u64,
    },
    Down {
        seconds: u64,
    },
    Periods {
        period_seconds: u64,
        ttl_percent: u64,
    },
    RoleTtl {
        ttl_percent: u64,
    },
    Algorithm(Algorithm),
    Rotate {
        keep_seconds: Option<u64>,
    },
}

fn periods() -> impl Strategy<Value = u64> {
    prop_oneof![
        ROTATION_PERIOD_SECONDS_MIN..300,
        300u64..7_200,
        7_200u64..200_000,
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let algorithm = prop_oneof![Just(Algorithm::EdDsa), Just(Algorithm::Es256)];
    prop_oneof![
        6 => (1u64..5_000).prop_map(|seconds| Step::Work { seconds }),
        1 => (1u64..200_000).prop_map(|seconds| Step::Down { seconds }),
        3 => (periods(), 0u64..=100).prop_map(|(period_seconds, ttl_percent)| {
            Step::Periods { period_seconds, ttl_percent }
        }),
        2 => (0u64..=100).prop_map(|ttl_percent| Step::RoleTtl { ttl_percent }),
        1 => algorithm.prop_map(Step::Algorithm),
        1 => prop::option::of(0u64..5_000).prop_map(|keep_seconds| Step::Rotate { keep_seconds }),
    ]
}

fn share(whole: u64, percent: u64) -> u64 {
    (whole * percent / 100).max(1)
}

fn run(world: &mut World, step: Step) {
    match step {
        Step::Work { seconds } => world.work(seconds, 13),
        Step::Down { seconds } => world.down(seconds),
        Step::Periods {
            period_seconds,
            ttl_percent,
        } => {
            let ttl_seconds = share(period_seconds * VERIFICATION_PERIODS_MAX, ttl_percent);
            // As the API does, for roles whose tokens would be too long for the key.
            let ttl_seconds = ttl_seconds.max(world.role_ttl_seconds.unwrap_or(0));
            if ttl_seconds <= period_seconds * VERIFICATION_PERIODS_MAX {
                // Refused, or in force: both must keep the promise.
                drop(
                    world
                        .change(|key, now, _, _| key.set_periods(now, period_seconds, ttl_seconds)),
                );
            }
        }
        Step::RoleTtl { ttl_percent } => {
            world.set_role(share(world.key.verification_ttl_seconds, ttl_percent));
        }
        Step::Algorithm(algorithm) => {
            world
                .change(|key, now, publication, spares| {
                    key.set_algorithm(now, algorithm, publication, spares)
                })
                .unwrap();
        }
        Step::Rotate { keep_seconds } => drop(world.rotate(keep_seconds)),
    }
    let pairs = world.key.pairs();
    assert!(
        pairs.is_sorted_by_key(|pair| pair.active_from),
        "{pairs:#?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_cache_lacks_a_key_and_no_token_outlives_its_key(
        period_seconds in periods(),
        ttl_percent in 0u64..=100,
        role_percent in 0u64..=100,
        steps in prop::collection::vec(steps(), 1..40),
    ) {
        let ttl_seconds = share(period_seconds * VERIFICATION_PERIODS_MAX, ttl_percent);
        let mut world = World::new(period_seconds, ttl_seconds, 4);
        world.set_role(share(ttl_seconds, role_percent));
        for step in steps {
            run(&mut world, step);
        }
        world.work(1_000, 7);
    }
}
