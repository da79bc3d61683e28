//! The words `key=value` of a command, as the JSON object that is sent (vault-core.md §18).
//!
//! Every value is a string; a key that repeats becomes a list. `key=@file` takes a file's text,
//! `key=-` standard input, `key=\@text` a text that starts with `@`. `@file` and `-` alone take a
//! whole JSON object.

use std::fs::File;

use serde_json::{Map, Value};

use super::console::{Console, io_fault, read_text};
use super::failure::Failure;

/// Reads the words of a command.
pub(crate) fn parse(
    words: &[String],
    console: &mut Console,
) -> Result<Map<String, Value>, Failure> {
    let mut reader = Reader {
        console,
        input_taken: false,
    };
    let mut data = Map::new();
    for word in words {
        let fault = |fault: String| Failure::Data {
            message: format!("invalid key/value pair \"{word}\": {fault}"),
            looks_like_comment: word.trim().is_empty() || word.starts_with('#'),
        };
        reader.take(word, &mut data).map_err(fault)?;
    }
    Ok(data)
}

/// The data as query parameters: of a `GET` or `DELETE`.
pub(crate) fn into_query(data: Map<String, Value>) -> Vec<(String, String)> {
    let mut query = Vec::new();
    for (name, value) in data {
        match value {
            Value::Array(items) => {
                query.extend(items.iter().map(|item| (name.clone(), text(item))))
            }
            value => query.push((name, text(&value))),
        }
    }
    query
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

struct Reader<'a> {
    console: &'a mut Console,
    input_taken: bool,
}

impl Reader<'_> {
    fn take(&mut self, word: &str, data: &mut Map<String, Value>) -> Result<(), String> {
        if let Some(path) = word.strip_prefix('@') {
            data.extend(object(&file(path)?)?);
            return Ok(());
        }
        if word == "-" {
            data.extend(object(&self.input()?)?);
            return Ok(());
        }
        let (key, value) = word.split_once('=').ok_or("format must be key=value")?;
        let value = match value {
            "-" => self.input()?,
            value => match value.strip_prefix('@') {
                Some(path) => file(path).map_err(|fault| format!("error reading file: {fault}"))?,
                None => value
                    .strip_prefix('\\')
                    .filter(|rest| rest.starts_with('@'))
                    .unwrap_or(value)
                    .to_owned(),
            },
        };
        insert(data, key, Value::from(value));
        Ok(())
    }

    fn input(&mut self) -> Result<String, String> {
        if std::mem::replace(&mut self.input_taken, true) {
            return Err("standard input is read already".to_owned());
        }
        self.console
            .read_input()
            .map_err(|error| format!("standard input: {error}"))
    }
}

fn insert(data: &mut Map<String, Value>, key: &str, value: Value) {
    match data.get_mut(key) {
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => {
            data.insert(key.to_owned(), value);
        }
    }
}

fn file(path: &str) -> Result<String, String> {
    let read = File::open(path).and_then(|mut file| read_text(&mut file));
    read.map_err(|error| format!("open {path}: {}", io_fault(&error)))
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Err("empty input; expected a JSON object".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("expected a JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn read(words: &[&str], input: &str) -> Result<Value, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse(&words, &mut Console::with_input(input))
            .map(Value::Object)
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn values_are_strings_and_repeated_keys_lists() {
        let data = read(&["a=1", "b=x=y", "c=", "m=k=v", "m=l=w", "m=z"], "").unwrap();
        assert_eq!(
            data,
            json!({"a": "1", "b": "x=y", "c": "", "m": ["k=v", "l=w", "z"]})
        );
    }

    #[test]
    fn values_come_from_files_and_standard_input() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"from a file\n").unwrap();
        let word = format!("a=@{}", file.path().display());
        let data = read(&[&word, "b=-", r"c=\@x", r"d=\y"], "from input\n").unwrap();
        let expected = json!({"a": "from a file\n", "b": "from input\n", "c": "@x", "d": r"\y"});
        assert_eq!(data, expected);
    }

    #[test]
    fn a_whole_object_comes_from_a_file_or_standard_input() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(br#"{"n": 1, "list": [true]}"#).unwrap();
        let word = format!("@{}", file.path().display());
        let data = read(&[&word, "-", "k=v"], r#"{"o": null}"#).unwrap();
        assert_eq!(data, json!({"n": 1, "list": [true], "o": null, "k": "v"}));
    }

    #[test]
    fn what_is_no_pair_is_refused_by_name() {
        let fault = read(&["a=b", "c"], "").unwrap_err();
        let expected =
            "Failed to parse K=V data: invalid key/value pair \"c\": format must be key=value";
        assert_eq!(fault, expected);
        assert!(
            read(&["-", "a=-"], "{}")
                .unwrap_err()
                .contains("read already")
        );
        assert!(read(&["-"], "").unwrap_err().contains("empty input"));
        assert!(
            read(&["a=@/nonexistent"], "")
                .unwrap_err()
                .contains("error reading file")
        );
    }

    #[test]
    fn lists_become_repeated_parameters() {
        let Value::Object(data) = json!({"a": ["1", "2"], "b": "3"}) else {
            unreachable!()
        };
        let query = into_query(data);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(query, [pair("a", "1"), pair("a", "2"), pair("b", "3")]);
    }
}
