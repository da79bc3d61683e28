//! What is stored of a key besides its secrets, and the rules of versions. No I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Error, Timestamp};

use super::custom_metadata::CustomMetadata;
use super::limit::VERSIONS_DEFAULT;

/// What a mount prescribes to all of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    /// Versions that a key keeps; 0 = [`VERSIONS_DEFAULT`].
    pub(super) max_versions: u64,
    /// Whether each write must carry `cas`.
    pub(super) cas_required: bool,
    /// Whether each write of metadata must carry `metadata_cas`.
    pub(super) metadata_cas_required: bool,
    /// How long versions live.
    pub(super) delete_version_after: VersionLife,
}

/// How long the versions of a mount's keys live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VersionLife {
    /// As the key says.
    #[default]
    Unset,
    /// For ever, whatever the key says.
    Unlimited,
    /// At most this long; the key may say less.
    AtMost(Duration),
}

/// One key: its settings and its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyMetadata {
    /// When the key came to be.
    pub(super) created_time: Timestamp,
    /// When a version was added or a setting changed.
    pub(super) updated_time: Timestamp,
    /// The number of the latest version; 0 before the first.
    pub(super) current_version: u64,
    /// The lowest number that is still kept; 0 until a version has been dropped.
    #[serde(default)]
    pub(super) oldest_version: u64,
    /// How often the settings were written.
    #[serde(default)]
    pub(super) metadata_version: u64,
    /// Versions to keep; 0 = as the mount says.
    #[serde(default)]
    pub(super) max_versions: u64,
    /// Whether each write must carry `cas`.
    #[serde(default)]
    pub(super) cas_required: bool,
    /// Whether each write of metadata must carry `metadata_cas`.
    #[serde(default)]
    pub(super) metadata_cas_required: bool,
    /// How long versions live; zero = as the mount says.
    #[serde(default)]
    pub(super) delete_version_after: Duration,
    /// Pairs for people and their tools.
    #[serde(default)]
    pub(super) custom_metadata: CustomMetadata,
    /// The versions that are kept.
    #[serde(default)]
    pub(super) versions: BTreeMap<u64, VersionEntry>,
}

/// What is known of one version besides its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VersionEntry {
    /// When it was written.
    pub(super) created_time: Timestamp,
    /// From when on it is deleted; may lie ahead.
    pub(super) deletion_time: Option<Timestamp>,
    /// Whether its secret is gone for good.
    pub(super) destroyed: bool,
}

impl VersionEntry {
    /// Whether the secret may be shown.
    pub(super) fn is_readable(&self, now: Timestamp) -> bool {
        !self.destroyed && self.deletion_time.is_none_or(|deletion| now < deletion)
    }
}

/// What adding a version came to.
pub(super) struct Added {
    /// Its number.
    pub(super) number: u64,
    /// The versions that are kept no longer.
    pub(super) dropped: Vec<u64>,
}

impl KeyMetadata {
    /// A key without versions.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            created_time: now,
            updated_time: now,
            current_version: 0,
            oldest_version: 0,
            metadata_version: 0,
            max_versions: 0,
            cas_required: false,
            metadata_cas_required: false,
            delete_version_after: Duration::ZERO,
            custom_metadata: CustomMetadata::new(),
            versions: BTreeMap::new(),
        }
    }

    /// The latest version, if it is kept.
    pub(super) fn current(&self) -> Option<&VersionEntry> {
        self.versions.get(&self.current_version)
    }

    /// Adds a version, and drops those that are too many.
    pub(super) fn add_version(&mut self, config: &Config, now: Timestamp) -> Result<Added, Error> {
        let number = self
            .current_version
            .checked_add(1)
            .ok_or_else(|| Error::internal("the version numbers of a key are used up"))?;
        self.current_version = number;
        self.updated_time = now;
        let entry = VersionEntry {
            created_time: now,
            deletion_time: self.deletion_time(config, now),
            destroyed: false,
        };
        self.versions.insert(number, entry);
        let first_kept = number.saturating_sub(self.versions_to_keep(config)) + 1;
        let kept = self.versions.split_off(&first_kept);
        let dropped: Vec<u64> = std::mem::replace(&mut self.versions, kept)
            .into_keys()
            .collect();
        if !dropped.is_empty() {
            self.oldest_version = first_kept;
        }
        Ok(Added { number, dropped })
    }

    fn versions_to_keep(&self, config: &Config) -> u64 {
        match (self.max_versions, config.max_versions) {
            (0, 0) => VERSIONS_DEFAULT,
            (0, of_mount) => of_mount,
            (of_key, _) => of_key,
        }
    }

    /// When a version that is written now is deleted by itself. The mount's life bounds the key's.
    fn deletion_time(&self, config: &Config, now: Timestamp) -> Option<Timestamp> {
        let of_key = Some(self.delete_version_after).filter(|life| !life.is_zero());
        let life = match config.delete_version_after {
            VersionLife::Unlimited => return None,
            VersionLife::Unset => of_key?,
            VersionLife::AtMost(of_mount) => of_key.map_or(of_mount, |life| life.min(of_mount)),
        };
        // A life beyond the end of time does not end.
        now.checked_add(life).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_shorter_life_holds_and_the_mount_may_forbid_any() {
        let now = Timestamp::UNIX_EPOCH;
        let check = |of_mount, of_key, expected: Option<Duration>| {
            let config = Config {
                delete_version_after: of_mount,
                ..Config::default()
            };
            let mut key = KeyMetadata::new(now);
            key.delete_version_after = of_key;
            let expected = expected.map(|life| now.checked_add(life).unwrap());
            assert_eq!(key.deletion_time(&config, now), expected);
        };
        check(VersionLife::Unset, Duration::ZERO, None);
        check(VersionLife::Unset, HOUR, Some(HOUR));
        check(VersionLife::AtMost(HOUR), Duration::ZERO, Some(HOUR));
        check(VersionLife::AtMost(HOUR), 2 * HOUR, Some(HOUR));
        check(VersionLife::AtMost(2 * HOUR), HOUR, Some(HOUR));
        check(VersionLife::Unlimited, HOUR, None);
        check(VersionLife::Unset, Duration::MAX, None);
    }

    #[test]
    fn the_key_says_how_many_versions_are_kept_then_the_mount() {
        let check = |of_mount, of_key, expected: &[u64]| {
            let config = Config {
                max_versions: of_mount,
                ..Config::default()
            };
            let mut key = KeyMetadata::new(Timestamp::UNIX_EPOCH);
            key.max_versions = of_key;
            for _ in 0..12 {
                key.add_version(&config, Timestamp::UNIX_EPOCH).unwrap();
            }
            let kept: Vec<u64> = key.versions.keys().copied().collect();
            assert_eq!(kept, expected);
            assert_eq!(key.oldest_version, expected[0]);
        };
        check(0, 0, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        check(2, 0, &[11, 12]);
        check(2, 3, &[10, 11, 12]);
        check(3, 1, &[12]);
    }

    #[test]
    fn a_deletion_time_counts_from_its_own_instant() {
        let at = Timestamp::UNIX_EPOCH;
        let mut entry = VersionEntry {
            created_time: at,
            deletion_time: Some(at.checked_add(HOUR).unwrap()),
            destroyed: false,
        };
        assert!(entry.is_readable(at));
        assert!(!entry.is_readable(at.checked_add(HOUR).unwrap()));
        entry.deletion_time = None;
        entry.destroyed = true;
        assert!(!entry.is_readable(at));
    }
}
