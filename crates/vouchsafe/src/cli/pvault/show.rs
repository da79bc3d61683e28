//! What `pvault` prints: a table with a frame, and a refusal in one line.

use serde_json::Value;

/// One answer as a table of one row.
pub(super) fn table(answer: &Value, columns: &[&str]) -> String {
    let cells: Vec<String> = columns.iter().map(|name| text(&answer[*name])).collect();
    let widths: Vec<usize> = columns
        .iter()
        .zip(&cells)
        .map(|(name, cell)| name.chars().count().max(cell.chars().count()))
        .collect();
    let rule: String = widths
        .iter()
        .map(|width| format!("+{}", "-".repeat(width + 2)))
        .collect();
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells
            .zip(&widths)
            .map(|(cell, &width)| format!("| {cell:<width$} "));
        padded.collect::<String>() + "|"
    };
    let header = row(&mut columns.iter().copied());
    let cells = row(&mut cells.iter().map(String::as_str));
    format!("{rule}+\n{header}\n{rule}+\n{cells}\n{rule}+")
}

/// A refusal, in the words of Piiano's command line.
pub(super) fn refusal(status: u16, body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let Some(code) = answer["error_code"].as_str() else {
        return format!("Status code: {status}, and no answer of this API; is the address right?");
    };
    let mut context: Vec<String> = answer["context"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}:{}", text(value)))
        .collect();
    context.sort();
    let message = answer["message"].as_str().unwrap_or_default();
    let context = context.join(" ");
    format!(
        "Error code: {code}, Status code: {status}, Message: {message}, Context: map[{context}]"
    )
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_the_guides_frame() {
        let answer = json!({"vault_id": "38", "vault_version": "1.14", "db_schema_version": 2024});
        let columns = ["vault_id", "vault_version", "db_schema_version"];
        let expected = "+----------+---------------+-------------------+\n\
                        | vault_id | vault_version | db_schema_version |\n\
                        +----------+---------------+-------------------+\n\
                        | 38       | 1.14          | 2024              |\n\
                        +----------+---------------+-------------------+";
        assert_eq!(table(&answer, &columns), expected);
    }

    #[test]
    fn a_refusal_is_one_line() {
        let body =
            json!({"error_code": "PV1006", "message": "No.", "context": {"b": "2", "a": "1"}});
        assert_eq!(
            refusal(403, body.to_string().as_bytes()),
            "Error code: PV1006, Status code: 403, Message: No., Context: map[a:1 b:2]"
        );
        assert!(refusal(502, b"<html>").contains("is the address right?"));
    }
}
