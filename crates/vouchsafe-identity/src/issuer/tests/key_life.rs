//! The rotation timeline, step by step.

use vouchsafe_jose::Algorithm;

use super::world::{World, spares};
use crate::issuer::{
    AlgorithmChanged, ChangeError, DELIVERY_MARGIN_SECONDS, Dropped, NamedKey, PAIRS_MAX, Spares,
    State, UnixSeconds,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

#[test]
fn tokens_verify_at_every_minute_of_two_days() {
    let mut world = World::new(HOUR, 2 * HOUR, 5);
    world.set_role(2 * HOUR);
    let start = world.now;
    world.work(2 * DAY + MINUTE, 20);
    let at: Vec<u64> = world
        .rotations
        .iter()
        .map(|(_, at)| at.since(start))
        .collect();
    assert_eq!(at.len(), 49, "{at:?}");
    for (index, at) in at.iter().enumerate().skip(1) {
        let expected = u64::try_from(index).unwrap() * HOUR;
        assert!(
            at.abs_diff(expected) <= 20,
            "rotation {index} after {at} seconds"
        );
    }
    // Two TTLs' worth of retired pairs, the active one, the next one.
    assert_eq!(world.count(State::Retiring), 2);
    assert_eq!(world.count(State::Active), 1);
    assert_eq!(world.count(State::Pending), 1);
}

#[test]
fn tokens_verify_at_the_shortest_period() {
    let mut world = World::new(MINUTE, 10 * MINUTE, 7);
    world.set_role(10 * MINUTE);
    world.work(3 * HOUR, 1);
    assert!(
        world.rotations.len() > 90,
        "{} rotations in 180 minutes",
        world.rotations.len()
    );
    assert!(world.key.pairs().len() <= 13, "{}", world.key.pairs().len());
}

#[test]
fn downtime_rotates_once_and_gives_a_whole_period_of_notice() {
    let mut world = World::new(HOUR, HOUR, 3);
    world.set_role(HOUR);
    world.work(10 * MINUTE, 10);
    let next = world.key.pairs()[1].key_id().to_owned();
    world.down(30 * DAY);
    // By its time alone, before anything was written.
    assert_eq!(world.active_id(), next);
    let back = world.now;
    world.work(59 * MINUTE, 10);
    assert_eq!(world.active_id(), next);
    assert_eq!(world.count(State::Retiring), 0);
    world.work(2 * MINUTE, 10);
    assert_ne!(world.active_id(), next);
    assert!(world.now.since(back) > HOUR);
}

#[test]
fn a_forced_rotation_is_at_once_and_says_until_when_caches_do_not_know() {
    let mut world = World::new(DAY, DAY, 3);
    world.set_role(HOUR);
    world.work(HOUR, 10);
    // The next pair was published long ago: nothing to warn of.
    let next = world.key.pairs()[1].key_id().to_owned();
    let rotated = world.rotate(None);
    assert_eq!(
        (rotated.key_id.as_str(), rotated.unknown_until),
        (next.as_str(), None)
    );
    assert_eq!(rotated.old_expires_at, world.now.plus(DAY));
    assert_eq!(world.active_id(), next);
    assert_eq!(
        world.key.pairs().last().unwrap().active_from,
        world.now.plus(DAY)
    );
    // The one after it was published just now, and caches hold the key set.
    let rotated = world.rotate(None);
    let until = rotated.unknown_until.unwrap();
    assert_eq!(until, world.promise.until.plus(DELIVERY_MARGIN_SECONDS));
    assert!(until > world.now);
    world.work(DAY, 60);
}

#[test]
fn a_key_can_be_dropped_at_once() {
    let mut world = World::new(DAY, DAY, 1);
    world.set_role(HOUR);
    world.work(HOUR, 10);
    let old = world.active_id();
    let rotated = world.rotate(Some(0));
    assert_eq!(rotated.old_expires_at, world.now);
    assert!(world.key.pairs().iter().all(|pair| pair.key_id() != old));
    assert!(
        world
            .key
            .published(world.now)
            .all(|pair| pair.key_id() != old)
    );
}

#[test]
fn a_shorter_period_may_not_outrun_the_caches() {
    let mut world = World::new(DAY, HOUR, 3);
    world.set_role(HOUR);
    let known_from = world.key.pairs()[1].known_from();
    let wait = known_from.since(world.now);
    assert!(
        wait > 0 && wait < MINUTE,
        "the empty key set was cached for seconds"
    );
    world.work(HOUR, 10);
    // A new pair is published while caches hold the key set for minutes.
    while world.promise.until.since(world.now) < 2 * MINUTE {
        world.work(10, 10);
    }
    world.rotate(None);
    let known_from = world.key.pairs().last().unwrap().known_from();
    let wait = known_from.since(world.now);
    assert!(wait > MINUTE);
    let refused = world.change(|key, now, _, _| key.set_periods(now, wait - 1, wait - 1));
    let Err(ChangeError::TooEarly {
        known_from: until,
        shortest_seconds,
        ..
    }) = &refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((*until, *shortest_seconds), (known_from, wait));
    let text = refused.unwrap_err().to_string();
    assert!(text.contains(&format!("until {known_from}")), "{text}");
    assert!(
        text.contains(&format!("use at least {wait} seconds")),
        "{text}"
    );
    world
        .change(|key, now, _, _| key.set_periods(now, wait, HOUR))
        .unwrap();
    assert_eq!(world.key.pairs().last().unwrap().active_from, known_from);
    world.work(DAY, 10);
}

#[test]
fn a_longer_period_does_not_delay_the_next_rotation() {
    let mut world = World::new(HOUR, HOUR, 1);
    world.set_role(HOUR);
    world.work(10 * MINUTE, 10);
    let before = world.key.pairs()[1].active_from;
    world
        .change(|key, now, _, _| key.set_periods(now, DAY, HOUR))
        .unwrap();
    assert_eq!(world.key.pairs()[1].active_from, before);
}

#[test]
fn tokens_of_a_longer_verification_ttl_outlive_its_shortening() {
    let mut world = World::new(DAY, DAY, 3);
    world.set_role(DAY);
    world.work(HOUR, 60);
    world.set_role(MINUTE);
    world
        .change(|key, now, _, _| key.set_periods(now, MINUTE * 30, MINUTE))
        .unwrap();
    world.work(2 * DAY, 60);
}

#[test]
fn a_pair_that_has_just_retired_keeps_the_verification_ttl_of_its_time() {
    let mut world = World::new(HOUR, 10 * HOUR, 3);
    world.set_role(10 * HOUR);
    world.work(HOUR - 10, 10);
    world.set_role(MINUTE);
    // Rotated by its time, and nobody has written yet when the settings change.
    world.down(20);
    world
        .change(|key, now, _, _| key.set_periods(now, HOUR, MINUTE))
        .unwrap();
    world.work(11 * HOUR, 60);
}

#[test]
fn another_algorithm_waits_for_the_caches() {
    let mut world = World::new(DAY, DAY, 3);
    world.set_role(HOUR);
    world.work(HOUR, 10);
    let change = |key: &mut NamedKey, now, publication, spares: &mut Spares| {
        key.set_algorithm(now, Algorithm::Es256, publication, spares)
    };
    let old = world.active_id();
    let from = world.change(change).unwrap().signs_from.unwrap();
    assert_eq!(world.active_id(), old);
    assert_eq!(world.count(State::Pending), 2);
    world.work(from.since(world.now), 1);
    assert_ne!(world.active_id(), old);
    let active = world.key.pairs()[world.key.active(world.now).unwrap()]
        .material
        .algorithm();
    assert_eq!(active, Algorithm::Es256);
    world.work(2 * DAY, 60);
    assert!(
        world
            .key
            .pairs()
            .iter()
            .all(|pair| pair.material.algorithm() == Algorithm::Es256)
    );
}

#[test]
fn another_algorithm_is_at_once_where_nobody_has_a_key_set() {
    let mut world = World::new(DAY, DAY, 0);
    world.set_role(HOUR);
    let old = world.active_id();
    let from = world.change(|key, now, publication, spares| {
        key.set_algorithm(now, Algorithm::Es256, publication, spares)
    });
    assert_eq!(from, Ok(AlgorithmChanged::default()));
    assert_ne!(world.active_id(), old);
    // The old pair stays for its tokens, as long as the verification TTL and no longer.
    assert_eq!(world.key.expires_at(0), Some(world.now.plus(DAY)));
}

#[test]
fn forced_rotations_without_end_keep_a_bounded_number_of_pairs() {
    let mut world = World::new(DAY, 10 * DAY, 0);
    world.set_role(HOUR);
    let mut dropped = Vec::new();
    for _ in 0..PAIRS_MAX {
        world.down(1);
        dropped.extend(world.rotate(None).dropped);
        assert!(world.key.pairs().len() <= PAIRS_MAX);
        assert_eq!(world.count(State::Pending), 1);
    }
    // The first `PAIRS_MAX - 2` rotations filled the room beside the active and the next pair.
    assert_eq!(dropped.len(), 2);
    assert_eq!(dropped[0].key_id, "key-1");
}

#[test]
fn another_algorithm_finds_room_and_says_whose() {
    let mut world = World::new(DAY, 10 * DAY, 0);
    world.set_role(HOUR);
    for _ in 0..PAIRS_MAX - 2 {
        world.down(1);
        assert!(world.rotate(None).dropped.is_empty());
    }
    assert_eq!(world.key.pairs().len(), PAIRS_MAX);
    let first = world.key.pairs()[0].key_id().to_owned();
    let expires_at = world.key.expires_at(0).unwrap();
    let changed = world.change(|key, now, publication, spares| {
        key.set_algorithm(now, Algorithm::Es256, publication, spares)
    });
    let dropped = vec![Dropped {
        key_id: first,
        expires_at,
    }];
    assert_eq!(
        changed,
        Ok(AlgorithmChanged {
            signs_from: None,
            dropped
        })
    );
    assert_eq!(world.key.pairs().len(), PAIRS_MAX);
}

#[test]
fn rotation_stands_still_where_there_is_no_room() {
    let mut world = World::new(MINUTE, MINUTE, 0);
    for _ in 0..PAIRS_MAX {
        world.key.pairs[0].needed_until = Some(UnixSeconds(u64::MAX));
        world.down(1);
        world.rotate(None);
        world.key.pairs.last_mut().unwrap().needed_until = Some(world.now.plus(DAY));
    }
    assert_eq!(world.key.pairs().len(), PAIRS_MAX);
    world.down(MINUTE);
    assert_eq!(world.count(State::Pending), 0);
    assert!(!world.key.is_due(world.now));
    let active = world.active_id();
    world.change(NamedKey::advance).unwrap();
    world.down(HOUR);
    assert_eq!(world.active_id(), active);
}

#[test]
fn a_key_without_roles_is_not_published() {
    let mut world = World::new(DAY, DAY, 1);
    assert_eq!(world.key.published(world.now).count(), 0);
    world.set_role(HOUR);
    assert_eq!(world.key.published(world.now).count(), 2);
    world.key.unpublish();
    assert_eq!(world.key.published(world.now).count(), 0);
}

#[test]
fn a_clock_that_steps_back_signs_with_the_first_pair() {
    let world = World::new(DAY, DAY, 0);
    assert_eq!(world.key.active(UnixSeconds(0)), Some(0));
}

#[test]
fn missing_spares_are_named() {
    let mut key = NamedKey::with_default_settings();
    key.algorithm = Algorithm::Es256;
    let missing = key.ensure_pairs(UnixSeconds(0), None, &mut Spares::default());
    assert_eq!(missing, Err(ChangeError::SpareMissing(Algorithm::Es256)));
}

#[test]
fn records_round_trip_and_hide_the_private_key() {
    let mut key = NamedKey::with_default_settings();
    key.algorithm = Algorithm::EdDsa;
    key.ensure_pairs(UnixSeconds(7), None, &mut spares(&mut 0))
        .unwrap();
    let stored = serde_json::to_string(&key).unwrap();
    let read: NamedKey = serde_json::from_str(&stored).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    let pair = &read.pairs()[0];
    let restored = pair.material.signing_key().unwrap();
    let private = serde_json::to_value(&key).unwrap()["pairs"][0]["material"]["private"].clone();
    assert!(!format!("{key:?}").contains(private.as_str().unwrap()));
    assert_eq!(restored.algorithm(), Algorithm::EdDsa);
    let broken = stored.replace(private.as_str().unwrap(), "MAo=");
    let broken: NamedKey = serde_json::from_str(&broken).unwrap();
    let error = broken.pairs()[0]
        .material
        .signing_key()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("signing key `key-1`: "), "{error}");
}
