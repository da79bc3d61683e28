//! The claims of a JWT that stay with its caller, as those of a login stay with the token.

use std::mem::size_of;

use serde_json::Value;
use vouchsafe_logical::{CLAIMS_BYTES_MAX, Data};

/// What the smallest map takes in memory, in bytes: it is made of nodes that have room for 11.
const MAP_BYTES: usize = 11 * MEMBER_BYTES + 64;
/// A member of a map without what its name and value point at.
const MEMBER_BYTES: usize = size_of::<String>() + size_of::<Value>();

/// The claims that are kept; none where they are too large.
pub(super) fn kept(claims: &Data) -> Option<Data> {
    let json = serde_json::to_vec(claims).ok()?;
    (json.len() <= CLAIMS_BYTES_MAX).then(|| claims.clone())
}

/// About how many bytes of memory claims take, rather too many than too few: a short JSON can be
/// hundreds of small maps.
pub(super) fn footprint(claims: &Data) -> usize {
    let members = claims
        .iter()
        .map(|(name, value)| name.len() + footprint_of(value));
    // Nodes of large maps are half full at worst.
    MAP_BYTES + 2 * claims.len() * MEMBER_BYTES + members.sum::<usize>()
}

/// What a value points at.
fn footprint_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(elements) => elements
            .iter()
            .map(|element| size_of::<Value>() + footprint_of(element))
            .sum(),
        Value::Object(members) if members.is_empty() => 0,
        Value::Object(members) => footprint(members),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Data {
        match value {
            Value::Object(members) => members,
            other => panic!("no object: {other}"),
        }
    }

    #[test]
    fn claims_are_kept_up_to_the_bound_and_not_one_byte_past_it() {
        let of = |pad: usize| object(json!({ "pad": "x".repeat(pad) }));
        let frame = serde_json::to_vec(&of(0)).unwrap().len();
        let largest = of(CLAIMS_BYTES_MAX - frame);
        assert_eq!(kept(&largest).as_ref(), Some(&largest));
        assert_eq!(kept(&of(CLAIMS_BYTES_MAX - frame + 1)), None);
    }

    #[test]
    fn what_claims_take_is_not_what_their_json_takes() {
        let flat = object(json!({ "a": "x".repeat(1_000) }));
        assert!(footprint(&flat) >= 1_000);
        let maps: Vec<Value> = (0..100).map(|_| json!({ "a": 1 })).collect();
        assert!(footprint(&object(json!({ "a": maps }))) >= 100 * MAP_BYTES);
        let numbers = vec![1; 1_000];
        assert!(footprint(&object(json!({ "a": numbers }))) >= 1_000 * size_of::<Value>());
    }
}
