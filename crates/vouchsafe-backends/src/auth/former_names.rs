//! Token parameters under the names that they had before they were called `token_…`.
//!
//! Old clients write `policies` where newer ones write `token_policies`, and look for what they
//! wrote when they read the role back. So a role remembers under which names it was written. The
//! value itself is kept once, under its present name.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::{CommaList, Data, TokenFields, input};

input! {
    /// The parameters under their former names, as roles take them beside [`TokenFields`].
    pub(super) struct FormerTokenFields {
        /// The former name of `token_policies`.
        policies: Option<CommaList>,
        /// The former name of `token_ttl`.
        ttl: Option<Duration>,
        /// The former name of `token_max_ttl`.
        max_ttl: Option<Duration>,
        /// The former name of `token_period`.
        period: Option<Duration>,
        /// The former name of `token_num_uses`.
        num_uses: Option<i64>,
        /// The former name of `token_bound_cidrs`.
        bound_cidrs: Option<CommaList>,
    }
}

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

    /// Takes each value that came under a former name, unless one came under the present name.
    pub(super) fn take_all(&mut self, present: &mut TokenFields, former: FormerTokenFields) {
        self.take("policies", &mut present.token_policies, former.policies);
        self.take("ttl", &mut present.token_ttl, former.ttl);
        self.take("max_ttl", &mut present.token_max_ttl, former.max_ttl);
        self.take("period", &mut present.token_period, former.period);
        self.take("num_uses", &mut present.token_num_uses, former.num_uses);
        let bound_cidrs = &mut present.token_bound_cidrs;
        self.take("bound_cidrs", bound_cidrs, former.bound_cidrs);
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
