//! The method by path and operation.

mod login;
mod part;
mod role;
mod secret_id;
mod sweep;

use serde_json::{Value, json};

use super::METHOD;
use crate::auth::driver::Driver;

/// A mount with the role `web`.
async fn with_web(role: Value) -> Driver {
    let approle = Driver::open(&METHOD);
    approle.write("role/web", role).await;
    approle
}

async fn role_id(approle: &Driver, role: &str) -> String {
    text(&approle.read(&format!("role/{role}/role-id")).await["role_id"])
}

/// A secret id and its accessor.
async fn secret_id(approle: &Driver, role: &str, body: Value) -> (String, String) {
    let data = approle.write(&format!("role/{role}/secret-id"), body).await;
    (text(&data["secret_id"]), text(&data["secret_id_accessor"]))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn proof(role_id: &str, secret_id: &str) -> Value {
    json!({ "role_id": role_id, "secret_id": secret_id })
}
