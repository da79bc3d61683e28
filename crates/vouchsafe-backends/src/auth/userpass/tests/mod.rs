//! The method by path and operation.

mod login;
mod user;

use serde_json::{Value, json};

use super::METHOD;
use crate::auth::driver::Driver;

/// A mount with the user `bob`, whose password is `right`.
async fn with_bob() -> Driver {
    let userpass = Driver::open(&METHOD);
    userpass
        .write(
            "users/bob",
            json!({ "password": "right", "token_policies": "dev" }),
        )
        .await;
    userpass
}

fn password(text: &str) -> Value {
    json!({ "password": text })
}
