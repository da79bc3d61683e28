//! An answer's envelope as Vault prints it: table, JSON, YAML, or one field.

use serde_json::{Map, Value, json};
use vouchsafe_api::{Auth, Envelope, WrapInfo};

use super::context::Context;
use super::duration;
use super::failure::{Exit, Failure, Stop};
use super::flags::Format;
use super::gotext;
use super::hint;
use super::listing;
use super::table::Table;
use super::yaml;

/// Prints an answer, or one field of it.
pub(crate) fn answer(
    context: &mut Context,
    envelope: &Envelope,
    format: Format,
    field: Option<&str>,
) -> Result<Exit, Stop> {
    if let Some(field) = field {
        return one_field(context, envelope, format, field);
    }
    match format {
        Format::Json | Format::Raw => context.console.line(&json(&envelope_value(envelope))),
        Format::Yaml => {
            let text = yaml::render(&envelope_value(envelope));
            context.console.line(text.trim_end());
        }
        Format::Table => {
            warnings(context, envelope);
            let table = table(envelope);
            if !table.is_empty() {
                context.console.line(&table.render());
            }
        }
    }
    Ok(Exit::Success)
}

/// JSON, indented, with the keys of `data` in order.
pub(crate) fn json(value: &Value) -> String {
    // A `Value` has string keys alone, so that its serialisation cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Prints an answer's warnings to standard error.
pub(crate) fn warnings(context: &mut Context, envelope: &Envelope) {
    let warnings = envelope.warnings.as_deref().unwrap_or_default();
    if warnings.is_empty() {
        return;
    }
    let product = context.program.product();
    context.console.error_line(&format!(
        "WARNING! The following warnings were returned from {product}:\n"
    ));
    for warning in warnings {
        let text = wrapped(&format!("* {warning}"), "  ");
        context.console.error_line(&format!("{text}\n"));
    }
    let listing = warnings.iter().find_map(|text| listing::of_warning(text));
    if let Some(listing) = listing {
        let hint = hint::lists(context.program.command(), listing);
        context.console.error_line(&format!("hint: {hint}\n"));
    }
}

/// The width that warnings are wrapped to.
const WIDTH: usize = 78;

fn wrapped(text: &str, margin: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{margin}{word}")),
        }
    }
    lines.join("\n")
}

fn one_field(
    context: &mut Context,
    envelope: &Envelope,
    format: Format,
    field: &str,
) -> Result<Exit, Stop> {
    let value = field_value(envelope, field).ok_or_else(|| Failure::FieldAbsent {
        field: field.to_owned(),
        present: envelope
            .data
            .iter()
            .flat_map(|data| data.keys().cloned())
            .collect(),
    })?;
    if format == Format::Table {
        warnings(context, envelope);
    }
    value_alone(context, &value, format);
    Ok(Exit::Success)
}

/// Prints one value for another program, without a line end.
pub(crate) fn value_alone(context: &mut Context, value: &Value, format: Format) {
    let text = match format {
        Format::Json => json(value),
        Format::Yaml => yaml::render(value).trim_end().to_owned(),
        Format::Raw | Format::Table => gotext::render(value),
    };
    context.console.value(&text);
}

fn field_value(envelope: &Envelope, field: &str) -> Option<Value> {
    let special = match (&envelope.auth, &envelope.wrap_info) {
        (Some(auth), _) => auth_field(auth, field),
        (None, Some(wrap)) => wrap_field(wrap, field),
        (None, None) if field == "refresh_interval" => Some(envelope.lease_duration.into()),
        (None, None) => None,
    };
    special.or_else(|| envelope.field(field).map(sorted))
}

fn auth_field(auth: &Auth, field: &str) -> Option<Value> {
    Some(match field {
        "token" => auth.client_token.expose().into(),
        "token_accessor" => auth.accessor.as_str().into(),
        "token_duration" => auth.lease_duration.into(),
        "token_renewable" => auth.renewable.into(),
        "token_policies" => json!(auth.token_policies),
        "identity_policies" => json!(auth.identity_policies),
        "policies" => json!(auth.policies),
        _ => return None,
    })
}

fn wrap_field(wrap: &WrapInfo, field: &str) -> Option<Value> {
    Some(match field {
        "wrapping_token" => wrap.token.expose().into(),
        "wrapping_accessor" => wrap.accessor.as_str().into(),
        "wrapping_token_ttl" => wrap.ttl.into(),
        "wrapping_token_creation_time" => wrap.creation_time.as_str().into(),
        "wrapping_token_creation_path" => wrap.creation_path.as_str().into(),
        "wrapped_accessor" => wrap.wrapped_accessor.as_str().into(),
        _ => return None,
    })
}

fn table(envelope: &Envelope) -> Table {
    let mut table = Table::of_pairs();
    if envelope.lease_duration > 0 {
        let length = seconds(envelope.lease_duration);
        if envelope.lease_id.is_empty() {
            // A length without a lease is how long a copy of the value is good for.
            table.pair("refresh_interval", length);
        } else {
            table.pair("lease_id", &envelope.lease_id);
            table.pair("lease_duration", length);
            table.pair("lease_renewable", envelope.renewable);
        }
    }
    if let Some(auth) = &envelope.auth {
        auth_rows(auth, &mut table);
    }
    if let Some(wrap) = &envelope.wrap_info {
        wrap_rows(wrap, &mut table);
    }
    let mut data: Vec<(&String, &Value)> = envelope.data.iter().flatten().collect();
    data.sort_by_key(|(name, _)| *name);
    for (name, value) in data {
        table.pair(name, cell(name, value));
    }
    table
}

fn auth_rows(auth: &Auth, table: &mut Table) {
    if let Some(id) = auth
        .mfa_requirement
        .as_ref()
        .and_then(|mfa| mfa.get("mfa_request_id"))
    {
        table.pair("mfa_request_id", gotext::render(id));
    }
    table.pair("token", auth.client_token.expose());
    table.pair("token_accessor", &auth.accessor);
    let endless = auth.lease_duration == 0;
    table.pair(
        "token_duration",
        if endless {
            "∞".to_owned()
        } else {
            seconds(auth.lease_duration)
        },
    );
    table.pair("token_renewable", auth.renewable);
    table.pair(
        "token_policies",
        gotext::quoted_list(auth.token_policies.as_deref()),
    );
    table.pair(
        "identity_policies",
        gotext::quoted_list(auth.identity_policies.as_deref()),
    );
    table.pair("policies", gotext::quoted_list(auth.policies.as_deref()));
    for (name, value) in auth.metadata.iter().flatten() {
        table.pair(&format!("token_meta_{name}"), value);
    }
}

fn wrap_rows(wrap: &WrapInfo, table: &mut Table) {
    table.pair("wrapping_token:", wrap.token.expose());
    table.pair("wrapping_accessor:", &wrap.accessor);
    table.pair("wrapping_token_ttl:", seconds(wrap.ttl));
    table.pair(
        "wrapping_token_creation_time:",
        go_time(&wrap.creation_time),
    );
    table.pair("wrapping_token_creation_path:", &wrap.creation_path);
    if !wrap.wrapped_accessor.is_empty() {
        table.pair("wrapped_accessor:", &wrap.wrapped_accessor);
    }
}

/// A value of a table: fields that count seconds are shown as durations.
pub(crate) fn cell(name: &str, value: &Value) -> String {
    let is_duration = ["period", "ttl", "duration"].iter().any(|unit| {
        name.strip_suffix(unit)
            .is_some_and(|stem| stem.is_empty() || stem.ends_with('_'))
    }) || matches!(name, "lease_max" | "ttl_max");
    match value.as_i64() {
        Some(seconds) if is_duration => duration::human(seconds),
        _ => gotext::render(value),
    }
}

fn seconds(count: u64) -> String {
    duration::human(i64::try_from(count).unwrap_or(i64::MAX))
}

// Go prints the UTC time `2026-01-02T03:04:05.6Z` as `2026-01-02 03:04:05.6 +0000 UTC`.
fn go_time(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|utc| utc.split_once('T')) {
        Some((date, time)) => format!("{date} {time} +0000 UTC"),
        None => text.to_owned(),
    }
}

/// The envelope as Vault's command line writes it: some members only when there is something.
pub(crate) fn envelope_value(envelope: &Envelope) -> Value {
    let mut value = Map::new();
    let mut put = |name: &str, member: Value| {
        value.insert(name.to_owned(), member);
    };
    put("request_id", envelope.request_id.as_str().into());
    put("lease_id", envelope.lease_id.as_str().into());
    put("lease_duration", envelope.lease_duration.into());
    put("renewable", envelope.renewable.into());
    put(
        "data",
        envelope
            .data
            .clone()
            .map_or(Value::Null, |data| sorted(&Value::Object(data))),
    );
    put("warnings", json!(envelope.warnings));
    if let Some(auth) = &envelope.auth {
        put("auth", auth_value(auth));
    }
    if let Some(wrap) = &envelope.wrap_info {
        put("wrap_info", wrap_value(wrap));
    }
    if !envelope.mount_type.is_empty() {
        put("mount_type", envelope.mount_type.as_str().into());
    }
    Value::Object(value)
}

fn auth_value(auth: &Auth) -> Value {
    json!({
        "client_token": auth.client_token.expose(),
        "accessor": auth.accessor,
        "policies": auth.policies,
        "token_policies": auth.token_policies,
        "identity_policies": auth.identity_policies,
        "metadata": auth.metadata,
        "orphan": auth.orphan,
        "entity_id": auth.entity_id,
        "lease_duration": auth.lease_duration,
        "renewable": auth.renewable,
        "mfa_requirement": auth.mfa_requirement,
    })
}

fn wrap_value(wrap: &WrapInfo) -> Value {
    json!({
        "token": wrap.token.expose(),
        "accessor": wrap.accessor,
        "ttl": wrap.ttl,
        "creation_time": wrap.creation_time,
        "creation_path": wrap.creation_path,
        "wrapped_accessor": wrap.wrapped_accessor,
    })
}

/// The value with the keys of every object in order.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            let pairs = pairs
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)));
            Value::Object(pairs.collect())
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_count_seconds_show_as_durations() {
        assert_eq!(cell("rotation_period", &json!(21_600)), "6h");
        assert_eq!(cell("ttl", &json!(3_599)), "59m59s");
        assert_eq!(cell("token_ttl", &json!("1h")), "1h");
        assert_eq!(cell("throttle", &json!(60)), "60");
        assert_eq!(cell("period", &json!(0)), "0s");
    }

    #[test]
    fn long_warnings_are_wrapped_between_words() {
        let text = format!("{} {}", "a".repeat(70), "b".repeat(5));
        assert_eq!(wrapped(&text, "  "), format!("  {text}"));
        let text = wrapped(&format!("{} {}", "a".repeat(70), "b".repeat(6)), "  ");
        assert_eq!(text, format!("  {}\n  bbbbbb", "a".repeat(70)));
    }

    #[test]
    fn times_print_as_in_go() {
        let text = "2026-11-23T05:53:01.022165889Z";
        assert_eq!(go_time(text), "2026-11-23 05:53:01.022165889 +0000 UTC");
        assert_eq!(
            go_time("2026-11-23T05:53:01+01:00"),
            "2026-11-23T05:53:01+01:00"
        );
    }
}
