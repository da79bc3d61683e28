//! Label selectors (Kubernetes: `metav1.LabelSelector`) over the labels of a namespace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::Error;

/// The longest selector, in bytes.
pub(super) const SELECTOR_BYTES_MAX: usize = 16 * 1024;

/// Which namespaces are meant: those that fulfil every requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Selector {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    match_labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Reads a selector in JSON.
    ///
    /// # Errors
    /// It is none, or selects every namespace: an empty selector does in Kubernetes, and who means
    /// that should say `*`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |fault: String| {
            Err(Error::invalid_because(
                "selector_invalid",
                format!("failed to parse bound_service_account_namespace_selector: {fault}"),
            ))
        };
        if text.len() > SELECTOR_BYTES_MAX {
            return refuse(format!(
                "{} bytes; at most {SELECTOR_BYTES_MAX} are allowed",
                text.len()
            ));
        }
        let selector: Self = match serde_json::from_str(text) {
            Ok(selector) => selector,
            Err(fault) => {
                return refuse(format!(
                    "{fault}; expected JSON such as `{{\"matchLabels\": {{\"team\": \"core\"}}}}`"
                ));
            }
        };
        if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
            return refuse(
                "it selects every namespace; if that is meant, set \
                 bound_service_account_namespaces to `*`"
                    .to_owned(),
            );
        }
        for requirement in &selector.match_expressions {
            let (operator, values) = (requirement.operator, requirement.values.len());
            match (operator, values) {
                (Operator::In | Operator::NotIn, 0) => {
                    return refuse(format!(
                        "{operator:?} on `{}` needs values",
                        requirement.key
                    ));
                }
                (Operator::Exists | Operator::DoesNotExist, 1..) => {
                    return refuse(format!(
                        "{operator:?} on `{}` takes no values",
                        requirement.key
                    ));
                }
                _ => {}
            }
        }
        Ok(selector)
    }

    /// Whether a namespace with these labels is meant.
    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.match_labels.iter().all(equal)
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.holds(labels.get(&requirement.key)))
    }
}

impl Requirement {
    fn holds(&self, label: Option<&String>) -> bool {
        match self.operator {
            Operator::In => label.is_some_and(|value| self.values.contains(value)),
            // A label that is absent has none of the values (Kubernetes: labels and selectors).
            Operator::NotIn => label.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
        }
    }
}
