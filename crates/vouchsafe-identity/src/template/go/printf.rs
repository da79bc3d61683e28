//! `printf`: the verbs `%v %s %q %d %t %x %X %f %c %%` with `-`, `+`, `0`, width and precision.
//!
//! Where Go prints a complaint such as `%!d(string=x)` into the text, this is an error. `%q` quotes
//! as JSON does, so that its result is a JSON string whatever it holds.

use super::function::{CallError, text_of, unprintable};
use super::value::Value;
use crate::template::RENDERED_BYTES_MAX;
use crate::template::output::push_json_string;

/// The widest field and the longest fraction.
const WIDTH_MAX: usize = 100;

/// What stands between `%` and the verb.
#[derive(Debug, Default)]
struct Spec {
    left: bool,
    plus: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

pub(super) fn printf<'v>(
    format: &Value<'v>,
    arguments: &[Value<'v>],
) -> Result<Value<'v>, CallError> {
    let Some(text) = format.as_text() else {
        return Err(CallError::Wrong(format!(
            "the first argument of `printf` is its format; found {}",
            format.kind()
        )));
    };
    let mut out = String::new();
    let mut rest = text;
    let mut next = arguments.iter();
    while let Some(percent) = rest.find('%') {
        out.push_str(&rest[..percent]);
        let (spec, verb, after) = parse_spec(&rest[percent + 1..])?;
        rest = after;
        if verb == '%' {
            out.push('%');
        } else {
            let argument = next.next().ok_or_else(|| {
                CallError::Wrong(format!("`printf` has no argument for `%{verb}`"))
            })?;
            let formatted = format_one(&spec, verb, argument)?;
            pad(&mut out, &spec, verb, &formatted);
        }
        if out.len() > RENDERED_BYTES_MAX {
            return Err(CallError::TooLong);
        }
    }
    out.push_str(rest);
    if next.next().is_some() {
        return Err(CallError::Wrong(
            "`printf` has more arguments than its format uses".to_owned(),
        ));
    }
    if out.len() > RENDERED_BYTES_MAX {
        return Err(CallError::TooLong);
    }
    let author_only = format.is_author_text() && arguments.iter().all(Value::is_author_text);
    Ok(if author_only {
        text_of(&[], out)
    } else {
        Value::Text(out.into())
    })
}

/// Flags, width and precision, the verb, and the text after it.
fn parse_spec(text: &str) -> Result<(Spec, char, &str), CallError> {
    let mut spec = Spec::default();
    let mut rest = text;
    loop {
        match rest.as_bytes().first() {
            Some(b'-') => spec.left = true,
            Some(b'+') => spec.plus = true,
            Some(b'0') => spec.zero = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    (spec.width, rest) = parse_width(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = parse_width(after)?;
        spec.precision = Some(precision);
        rest = after;
    }
    let verb = rest
        .chars()
        .next()
        .ok_or_else(|| CallError::Wrong("the format of `printf` ends after `%`".to_owned()))?;
    Ok((spec, verb, &rest[verb.len_utf8()..]))
}

fn parse_width(text: &str) -> Result<(usize, &str), CallError> {
    let (digits, rest) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    if digits.is_empty() {
        return Ok((0, rest));
    }
    match digits.parse() {
        Ok(width) if width <= WIDTH_MAX => Ok((width, rest)),
        _ => Err(CallError::Wrong(format!(
            "`printf` takes widths up to {WIDTH_MAX}; found {}",
            &digits[..digits.len().min(20)]
        ))),
    }
}

fn format_one(spec: &Spec, verb: char, argument: &Value<'_>) -> Result<String, CallError> {
    let truncated = |text: &str| match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    let mut text = String::new();
    match (verb, argument) {
        ('d' | 'v', Value::Int(value)) if spec.plus => return Ok(format!("{value:+}")),
        ('d', Value::Int(value)) => return Ok(value.to_string()),
        ('x', Value::Int(value)) => return Ok(signed_hex(*value).to_lowercase()),
        ('X', Value::Int(value)) => return Ok(signed_hex(*value)),
        ('c', Value::Int(value)) => {
            let code = u32::try_from(*value).ok().and_then(char::from_u32);
            return Ok(code.unwrap_or(char::REPLACEMENT_CHARACTER).to_string());
        }
        ('t', Value::Bool(value)) => return Ok(value.to_string()),
        ('f', Value::Float(value)) => {
            let precision = spec.precision.unwrap_or(6);
            let sign = if spec.plus && *value >= 0.0 { "+" } else { "" };
            return Ok(format!("{sign}{value:.precision$}"));
        }
        ('q', value) => {
            if let Some(content) = value.as_text() {
                push_json_string(&mut text, &truncated(content));
                return Ok(text);
            }
        }
        ('v', value) => {
            if value.push_text(&mut text)? {
                return Ok(text);
            }
            return Err(unprintable(value));
        }
        ('s', Value::Group(_) | Value::Groups(_) | Value::Policies(_)) => {
            argument.push_text(&mut text)?;
            return Ok(truncated(&text));
        }
        ('s', value) => {
            if let Some(content) = value.as_text() {
                return Ok(truncated(content));
            }
        }
        ('d' | 'x' | 'X' | 'c' | 't' | 'f', _) => {}
        _ => {
            return Err(CallError::Wrong(format!(
                "`printf` does not know `%{verb}`; it knows %v, %s, %q, %d, %t, %x, %X, %f, %c \
                 and %%"
            )));
        }
    }
    Err(CallError::Wrong(format!(
        "`%{verb}` of `printf` cannot print {}",
        argument.kind()
    )))
}

fn signed_hex(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{:X}", value.unsigned_abs())
}

fn pad(out: &mut String, spec: &Spec, verb: char, formatted: &str) {
    let missing = spec.width.saturating_sub(formatted.chars().count());
    let fill = |out: &mut String, c: char| out.extend(std::iter::repeat_n(c, missing));
    if spec.left {
        out.push_str(formatted);
        fill(out, ' ');
    } else if spec.zero && matches!(verb, 'd' | 'x' | 'X' | 'f') {
        let digits = formatted.trim_start_matches(['-', '+']);
        out.push_str(&formatted[..formatted.len() - digits.len()]);
        fill(out, '0');
        out.push_str(digits);
    } else {
        fill(out, ' ');
        out.push_str(formatted);
    }
}
