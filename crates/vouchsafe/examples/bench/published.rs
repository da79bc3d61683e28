//! Published documents of private issuers: beside nothing, and beside ten thousand others.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::identity_token;
use crate::load::Load;
use crate::measure::{Connection, request};
use crate::server::Server;
use crate::{ROUND, ROUNDS, median};

/// Verifiers that ask at once.
const VERIFIERS: usize = 4;
/// The services of a large publisher.
const MANY: usize = 10_000;

pub(crate) fn run(server: &Server) -> Result<()> {
    identity_token::prepare(server)?;
    let mut connection = Connection::open(server.address)?;
    let own = request("GET", "/v1/identity/oidc/.well-known/keys", "", "");
    let (_, keys) = connection.exchange(own.as_bytes())?;
    let keys: Value = serde_json::from_slice(&keys)?;
    let mut published = 0;
    for services in [1, MANY] {
        while published < services {
            publish(&mut connection, published, &keys)?;
            published += 1;
        }
        let path = format!("/s{}/.well-known/jwks.json", services / 2);
        let rounds: Vec<Load> = (0..ROUNDS)
            .map(|_| server.load(&path, "", VERIFIERS, ROUND))
            .collect::<Result<_>>()?;
        let rate = median(rounds.iter().map(Load::rate).collect());
        println!("{:<34} {rate:>9.0}/s", format!("of {services} services"));
    }
    Ok(())
}

/// Publishes a service by its path, which needs no name.
fn publish(connection: &mut Connection, number: usize, keys: &Value) -> Result<()> {
    let issuer = format!("http://localhost/s{number}");
    let service = format!("/v1/publish/services/s{number}");
    let documents = json!({ "openidConfiguration": { "issuer": issuer }, "jwks": keys });
    for (path, body) in [
        (service.clone(), json!({ "issuer": issuer })),
        (format!("{service}/config"), documents),
    ] {
        let request = request("POST", &path, "root", &body.to_string());
        let (status, body) = connection.exchange(request.as_bytes())?;
        let body = String::from_utf8_lossy(&body);
        ensure!(status < 300, "{path}: {status} {body}");
    }
    Ok(())
}
