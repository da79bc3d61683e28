//! Token parameters under the names that they had before they were called `token_…`.
//!
//! Old clients write `policies` where newer ones write `token_policies`, and look for what they
//! wrote when they read the role back. So a role remembers under which names it was written. The
//! value itself is kept once, under its present name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::Data;

/// The former names, without `token_`, that the last write of each parameter used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct FormerNames(BTreeSet<String>);

impl FormerNames {
    /// Takes the value that came under the former name, unless one came under the present name.
    pub(super) fn take<T>(&mut self, name: &str, present: &mut Option<T>, former: Option<T>) {
        if present.is_some() {
            self.0.remove(name);
        } else if former.is_some() {
            *present = former;
            self.0.insert(name.to_owned());
        }
    }

    /// Repeats the parameters of an answer under their former names, where they are set.
    pub(super) fn describe(&self, data: &mut Data) {
        for name in &self.0 {
            let value = data
                .get(&format!("token_{name}"))
                .filter(|value| is_set(value))
                .cloned();
            if let Some(value) = value {
                data.insert(name.clone(), value);
            }
        }
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_u64() != Some(0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}
