//! The numbers written down: Prometheus' text format (version 0.0.4), and Vault's JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vouchsafe_logical::metric::{MetricKind, Reading};
use vouchsafe_logical::{Timestamp, rfc3339};

/// The media type of Prometheus' text format.
pub(super) const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Prometheus' text format.
pub(super) fn prometheus(readings: &[Reading]) -> String {
    let mut text = String::new();
    for reading in readings {
        let (name, kind) = (reading.name, word(reading.kind));
        // A `String` takes whatever is written to it.
        let _ = writeln!(text, "# HELP {name} {}", escaped(reading.help, false));
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for (values, number) in &reading.series {
            text.push_str(name);
            if !values.is_empty() {
                let labels = reading.labels.iter().zip(values);
                let labels: Vec<String> = labels
                    .map(|(label, value)| format!("{label}=\"{}\"", escaped(value, true)))
                    .collect();
                let _ = write!(text, "{{{}}}", labels.join(","));
            }
            let _ = writeln!(text, " {number}");
        }
    }
    text
}

const fn word(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
    }
}

fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes {
        text.replace('"', "\\\"")
    } else {
        text
    }
}

/// Vault's JSON: a summary as its in-memory sink gives it. Counters are since the start, so `Count`,
/// `Sum` and the others are one number.
pub(super) fn json(readings: &[Reading], now: Timestamp) -> Value {
    let (mut gauges, mut counters) = (Vec::new(), Vec::new());
    for reading in readings {
        for (values, number) in &reading.series {
            let labels: Value = reading
                .labels
                .iter()
                .zip(values)
                .map(|(label, value)| ((*label).to_owned(), Value::from(value.as_str())))
                .collect();
            match reading.kind {
                MetricKind::Gauge => gauges.push(json!({
                    "Name": reading.name,
                    "Value": number,
                    "Labels": labels,
                })),
                MetricKind::Counter => counters.push(json!({
                    "Name": reading.name,
                    "Count": number,
                    "Sum": number,
                    "Labels": labels,
                })),
            }
        }
    }
    json!({
        "Timestamp": rfc3339(now),
        "Gauges": gauges,
        "Points": [],
        "Counters": counters,
        "Samples": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings() -> Vec<Reading> {
        vec![
            Reading {
                name: "a_total",
                help: "What\nis \\ counted.",
                kind: MetricKind::Counter,
                labels: &["mount", "reason"],
                series: vec![
                    (vec![String::new(), "sealed".to_owned()], 2),
                    (vec!["a\"b\\c\nd/".to_owned(), "x".to_owned()], 3),
                ],
            },
            Reading {
                name: "b",
                help: "How much.",
                kind: MetricKind::Gauge,
                labels: &[],
                series: vec![(vec![], 1)],
            },
        ]
    }

    /// A label can't end its line or its quotes.
    #[test]
    fn labels_are_escaped() {
        let expected = "# HELP a_total What\\nis \\\\ counted.\n\
                        # TYPE a_total counter\n\
                        a_total{mount=\"\",reason=\"sealed\"} 2\n\
                        a_total{mount=\"a\\\"b\\\\c\\nd/\",reason=\"x\"} 3\n\
                        # HELP b How much.\n\
                        # TYPE b gauge\n\
                        b 1\n";
        assert_eq!(prometheus(&readings()), expected);
    }

    #[test]
    fn json_has_the_members_of_vault() {
        let shown = json(&readings(), Timestamp::UNIX_EPOCH);
        let members: Vec<&String> = shown.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["Timestamp", "Gauges", "Points", "Counters", "Samples"]
        );
        assert_eq!(
            shown["Counters"][0]["Labels"],
            json!({"mount": "", "reason": "sealed"})
        );
        assert_eq!(shown["Counters"][0]["Count"], 2);
        assert_eq!(
            shown["Gauges"],
            json!([{"Name": "b", "Value": 1, "Labels": {}}])
        );
    }
}
