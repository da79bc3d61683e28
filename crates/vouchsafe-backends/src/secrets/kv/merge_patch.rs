//! JSON merge patch (RFC 7396).

use serde_json::Value;
use vouchsafe_logical::Data;

/// Applies a patch: `null` removes a member, objects are merged, anything else replaces.
pub(super) fn apply(target: &mut Data, patch: Data) {
    for (name, change) in patch {
        match change {
            // `shift_remove` keeps the order of what remains.
            Value::Null => drop(target.shift_remove(&name)),
            Value::Object(patch) => {
                let member = target.entry(name).or_insert(Value::Null);
                if !member.is_object() {
                    *member = Value::Object(Data::new());
                }
                if let Value::Object(member) = member {
                    apply(member, patch);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                drop(target.insert(name, change));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(target: Value, patch: Value, expected: Value) {
        let (Value::Object(mut target), Value::Object(patch)) = (target, patch) else {
            panic!("the engine patches objects with objects");
        };
        apply(&mut target, patch);
        assert_eq!(Value::Object(target), expected);
    }

    /// The rows of RFC 7396, appendix A, whose target and patch are objects.
    #[test]
    fn rfc_7396_appendix_a() {
        check(json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"}));
        check(json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"}));
        check(json!({"a":"b"}), json!({"a":null}), json!({}));
        check(
            json!({"a":"b","b":"c"}),
            json!({"a":null}),
            json!({"b":"c"}),
        );
        check(json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"}));
        check(json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]}));
        check(
            json!({"a":{"b":"c"}}),
            json!({"a":{"b":"d","c":null}}),
            json!({"a":{"b":"d"}}),
        );
        check(json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]}));
        check(json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1}));
        check(
            json!({}),
            json!({"a":{"bb":{"ccc":null}}}),
            json!({"a":{"bb":{}}}),
        );
    }

    #[test]
    fn a_removal_keeps_the_order_of_the_rest() {
        let Value::Object(mut target) = json!({"z":1,"m":2,"a":3,"b":4}) else {
            unreachable!("it is an object");
        };
        apply(
            &mut target,
            Data::from_iter([("z".to_owned(), Value::Null)]),
        );
        assert_eq!(target.keys().collect::<Vec<_>>(), ["m", "a", "b"]);
    }
}
