//! JSON values as Vault's tables show them: the notation of Go's `%v`.

use serde_json::Value;

/// The text of a value: `map[a:1 b:[x y]]`, with keys sorted and `<nil>` for null.
pub(crate) fn render(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(render).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            let pairs: Vec<String> = pairs
                .into_iter()
                .map(|(key, value)| format!("{key}:{}", render(value)))
                .collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// A list of names with quotes: `["default" "ci"]`, as Go's `%q` writes it.
pub(crate) fn quoted_list(names: Option<&[String]>) -> String {
    let names: Vec<String> = names
        .unwrap_or_default()
        .iter()
        .map(|name| Value::from(name.as_str()).to_string())
        .collect();
    format!("[{}]", names.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_print_in_gos_notation() {
        let value = json!({"b": [1, "x"], "a": null, "c": {"d": true}});
        assert_eq!(render(&value), "map[a:<nil> b:[1 x] c:map[d:true]]");
        assert_eq!(
            quoted_list(Some(&["default".into(), "a b".into()])),
            r#"["default" "a b"]"#
        );
        assert_eq!(quoted_list(None), "[]");
    }
}
