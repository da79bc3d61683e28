//! Identity tokens: `GET identity/oidc/token/:role` beside the raw signing rate.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use vouchsafe_jose::{Algorithm, SigningKey};

use crate::server::Server;
use crate::{CONNECTIONS, ROUND, ROUNDS, median};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
/// About what a token of the guide's template is to sign.
const PAYLOAD_BYTES: usize = 500;

pub(crate) fn run(server: &Server) -> Result<()> {
    let token = prepare(server)?;
    println!(
        "{:<10} {:>12} {:>14} {:>14} {:>16} {:>10}",
        "", "raw sign/s", "tokens/s", "CPU µs/token", "raw CPU µs/sign", "survives"
    );
    for algorithm in ALGORITHMS {
        measure(server, algorithm, &token)?;
    }
    Ok(())
}

/// Keys, roles, and a token that may ask for identity tokens.
pub(crate) fn prepare(server: &Server) -> Result<String> {
    server.write("sys/auth/userpass", json!({ "type": "userpass" }))?;
    let policy = "path \"identity/oidc/token/*\" { capabilities = [\"read\"] }";
    server.write("sys/policies/acl/bench", json!({ "policy": policy }))?;
    let user = json!({ "password": "bench", "token_policies": "bench" });
    server.write("auth/userpass/users/bench", user)?;
    let template = r#"{"service": {{.entity.metadata.service | toJSON}}, "entity_name": {{.entity.name | toJSON}}, "groups": {{.entity.groups | toJSON}}}"#;
    for algorithm in ALGORITHMS {
        let name = algorithm.as_str().to_lowercase();
        let key = json!({ "algorithm": algorithm.as_str(), "allowed_client_ids": "*" });
        server.write(&format!("identity/oidc/key/{name}"), key)?;
        let role = json!({ "key": name, "template": template, "ttl": "1h" });
        server.write(&format!("identity/oidc/role/{name}"), role)?;
    }
    let login = server.write("auth/userpass/login/bench", json!({ "password": "bench" }))?;
    let token = login["auth"]["client_token"]
        .as_str()
        .context("no token in the login")?;
    Ok(token.to_owned())
}

/// One line of the table.
fn measure(server: &Server, algorithm: Algorithm, token: &str) -> Result<()> {
    let key = SigningKey::generate(algorithm)?;
    let path = format!(
        "/v1/identity/oidc/token/{}",
        algorithm.as_str().to_lowercase()
    );
    let (mut raw, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(raw_rate(&key)?);
        let load = server.load(&path, token, CONNECTIONS, ROUND)?;
        rates.push(load.rate());
        costs.push(load.cost_micros());
    }
    let (raw, rate, cost) = (median(raw), median(rates), median(costs));
    // One core signs `raw` times a second; what the server's CPU time buys is 1e6 / cost.
    let survives = (1e6 / cost) / raw;
    println!(
        "{:<10} {raw:>12.0} {rate:>14.0} {cost:>14.1} {:>16.1} {survives:>10.2}",
        algorithm.as_str(),
        1e6 / raw
    );
    Ok(())
}

/// Signatures a second of this thread alone.
fn raw_rate(key: &SigningKey) -> Result<f64> {
    let payload = [b'x'; PAYLOAD_BYTES];
    let begun = Instant::now();
    let mut signed = 0_u32;
    while begun.elapsed() < ROUND / 2 {
        key.sign(&payload)?;
        signed += 1;
    }
    Ok(f64::from(signed) / begun.elapsed().as_secs_f64())
}
