//! The settings of a key that `put` and `patch` share.

use serde_json::{Map, Value, json};

use crate::cli::duration::{self, Seconds};
use crate::cli::flags::name_and_value;

/// Settings of a key.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct SettingFlags {
    /// How many versions to keep; 0: as the mount says
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    max_versions: Option<i64>,
    /// Whether each write must say which version it replaces
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    cas_required: Option<bool>,
    /// How long versions live; 0: as the mount says
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    delete_version_after: Option<Seconds>,
    /// Pair for people and their tools, as KEY=VALUE; may repeat
    #[arg(long, value_name = "KEY=VALUE", value_parser = name_and_value)]
    custom_metadata: Vec<(String, String)>,
}

impl SettingFlags {
    /// The body of a write: what is not asked for stays. Names to remove are sent as null.
    pub(super) fn body(&self, removed: &[String]) -> Value {
        let mut body = Map::new();
        // A number below 0 stands for none, as in Vault.
        if let Some(count) = self.max_versions.filter(|count| *count >= 0) {
            body.insert("max_versions".to_owned(), json!(count));
        }
        if let Some(required) = self.cas_required {
            body.insert("cas_required".to_owned(), json!(required));
        }
        if let Some(life) = self.delete_version_after {
            body.insert("delete_version_after".to_owned(), json!(life.go()));
        }
        let mut custom = Map::new();
        for (name, value) in &self.custom_metadata {
            custom.insert(name.clone(), json!(value));
        }
        for name in removed {
            custom.insert(name.clone(), Value::Null);
        }
        if !custom.is_empty() {
            body.insert("custom_metadata".to_owned(), Value::Object(custom));
        }
        Value::Object(body)
    }
}
