//! How times stand in stored records: RFC 3339 text, as the API shows them.

use serde::{Deserialize, Deserializer, Serializer};
use vouchsafe_logical::{Timestamp, rfc3339};

pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| serde::de::Error::custom("not an RFC 3339 time"))
}
