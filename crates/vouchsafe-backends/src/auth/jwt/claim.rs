//! Claims by name: a name, or a JSON pointer (RFC 6901) where it begins with a slash.

use serde_json::{Map, Value};

/// Finds a claim. A name that begins with `/` is a pointer into the claims.
pub(super) fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    match name.strip_prefix('/') {
        Some(path) => pointed_at(claims, path),
        None => claims.get(name),
    }
}

fn pointed_at<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    let (first, rest) = match path.find('/') {
        Some(end) => path.split_at(end),
        None => (path, ""),
    };
    // In this order, so that `~01` is `~1` (RFC 6901 §4).
    let first = first.replace("~1", "/").replace("~0", "~");
    claims.get(&first)?.pointer(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_leads_into_objects_and_lists_and_a_name_does_not() {
        let Value::Object(claims) = json!({
            "a": {"b": {"c": 1}, "x/y": 2, "t~": 3},
            "list": [10, {"k": 11}],
            "a/b": 4,
            "": 5,
        }) else {
            panic!("an object")
        };
        let find = |name| find(&claims, name).and_then(Value::as_u64);
        assert_eq!(find("/a/b/c"), Some(1));
        assert_eq!(find("/a/x~1y"), Some(2));
        assert_eq!(find("/a/t~0"), Some(3));
        assert_eq!(find("/list/0"), Some(10));
        assert_eq!(find("/list/1/k"), Some(11));
        assert_eq!(find("a/b"), Some(4));
        assert_eq!(find("/a~1b"), Some(4));
        assert_eq!(find("/"), Some(5));
        for absent in [
            "/a/b/d", "/list/2", "/list/-", "/list/00", "/b", "c", "/a/b/c/d",
        ] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }
}
