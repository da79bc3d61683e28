//! How keys and versions look in answers. Members are in alphabetical order, as in Vault's.

use serde_json::{Value, json};
use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::{Data, Timestamp, rfc3339};

use super::custom_metadata::CustomMetadata;
use super::record::{KeyMetadata, VersionEntry};

/// A version's metadata.
pub(super) fn version(number: u64, entry: &VersionEntry, custom: &CustomMetadata) -> Data {
    data([
        ("created_time", rfc3339(entry.created_time).into()),
        ("custom_metadata", pairs_or_null(custom)),
        ("deletion_time", deletion_time(entry).into()),
        ("destroyed", entry.destroyed.into()),
        ("version", number.into()),
    ])
}

/// A key's metadata with what is known of its versions.
pub(super) fn key(key: &KeyMetadata) -> Data {
    let versions: Data = key
        .versions
        .iter()
        .map(|(number, entry)| {
            let shown = json!({
                "created_time": rfc3339(entry.created_time),
                "deletion_time": deletion_time(entry),
                "destroyed": entry.destroyed,
            });
            (number.to_string(), shown)
        })
        .collect();
    data([
        ("cas_required", key.cas_required.into()),
        ("created_time", rfc3339(key.created_time).into()),
        ("current_metadata_version", key.metadata_version.into()),
        ("current_version", key.current_version.into()),
        ("custom_metadata", pairs_or_null(&key.custom_metadata)),
        (
            "delete_version_after",
            format_duration(key.delete_version_after).into(),
        ),
        ("max_versions", key.max_versions.into()),
        ("metadata_cas_required", key.metadata_cas_required.into()),
        ("oldest_version", key.oldest_version.into()),
        ("updated_time", rfc3339(key.updated_time).into()),
        ("versions", Value::Object(versions)),
    ])
}

/// Members in their order.
pub(super) fn data<const N: usize>(members: [(&str, Value); N]) -> Data {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn deletion_time(entry: &VersionEntry) -> String {
    entry
        .deletion_time
        .map_or_else(String::new, |at: Timestamp| rfc3339(at))
}

fn pairs_or_null(custom: &CustomMetadata) -> Value {
    if custom.is_empty() {
        Value::Null
    } else {
        json!(custom)
    }
}
