//! Logins with the JWT of another issuer: `POST auth/jwt/login` beside the raw verification rate.

use std::time::{Instant, SystemTime};

use anyhow::{Context, Result};
use serde_json::json;
use vouchsafe_jose::{Algorithm, AlgorithmSet, Jwk, JwkSet, JwsSigner, KeyId, SigningKey, jwt};

use crate::measure::request;
use crate::server::Server;
use crate::{CONNECTIONS, ROUND, ROUNDS, median};

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];
const KINDS: [&str; 2] = ["service", "batch"];

pub(crate) fn run(server: &Server) -> Result<()> {
    println!(
        "{:<16} {:>14} {:>12} {:>14} {:>18} {:>10}",
        "", "raw verify/s", "logins/s", "CPU µs/login", "raw CPU µs/verify", "survives"
    );
    for algorithm in ALGORITHMS {
        let platform = Platform::prepare(server, algorithm)?;
        for kind in KINDS {
            platform.measure(server, kind)?;
        }
    }
    Ok(())
}

/// An issuer of one algorithm, and a mount that accepts its token.
struct Platform {
    algorithm: Algorithm,
    keys: JwkSet,
    token: String,
}

impl Platform {
    fn prepare(server: &Server, algorithm: Algorithm) -> Result<Self> {
        let key = SigningKey::generate(algorithm)?;
        let pem = key.public_key().to_pem()?;
        let id = KeyId::new("bench")?;
        let keys = JwkSet::from_iter([Jwk::for_signing_key(&key, Some(id.clone()))]);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .context("the clock is before 1970")?
            .as_secs();
        let claims = json!({
            "iss": "https://platform.example", "sub": "project_path:group/app:ref_type:branch:ref:main",
            "aud": "bench", "iat": now, "nbf": now, "exp": now + 3_600, "project_path": "group/app",
            "ref": "main", "environment": "production", "pipeline_id": "1212", "runner_id": 1,
        });
        let token = JwsSigner::new(key, id, None).sign_compact(claims.to_string().as_bytes())?;
        let mount = mount_of(algorithm);
        server.write(&format!("sys/auth/{mount}"), json!({ "type": "jwt" }))?;
        let config = json!({ "jwt_validation_pubkeys": [pem] });
        server.write(&format!("auth/{mount}/config"), config)?;
        for kind in KINDS {
            let role = json!({
                "user_claim": "sub", "bound_audiences": "bench", "token_type": kind,
                "bound_claims": { "project_path": "group/app" }, "token_ttl": "5m",
            });
            server.write(&format!("auth/{mount}/role/{kind}"), role)?;
        }
        Ok(Self {
            algorithm,
            keys,
            token,
        })
    }

    /// One line of the table.
    fn measure(&self, server: &Server, kind: &str) -> Result<()> {
        let path = format!("/v1/auth/{}/login", mount_of(self.algorithm));
        let body = json!({ "role": kind, "jwt": self.token }).to_string();
        let login = request("POST", &path, "", &body);
        let (mut raw, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            raw.push(self.raw_rate()?);
            let load = server.load_with(&login, CONNECTIONS, ROUND)?;
            rates.push(load.rate());
            costs.push(load.cost_micros());
        }
        let (raw, rate, cost) = (median(raw), median(rates), median(costs));
        // One core verifies `raw` times a second; what the server's CPU time buys is 1e6 / cost.
        let survives = (1e6 / cost) / raw;
        println!(
            "{:<16} {raw:>14.0} {rate:>12.0} {cost:>14.1} {:>18.1} {survives:>10.2}",
            format!("{} {kind}", self.algorithm),
            1e6 / raw
        );
        Ok(())
    }

    /// Verifications a second of this thread alone, of the same token.
    fn raw_rate(&self) -> Result<f64> {
        let begun = Instant::now();
        let mut verified = 0_u32;
        while begun.elapsed() < ROUND / 2 {
            jwt::verify(&self.token, &self.keys, AlgorithmSet::ALL)?;
            verified += 1;
        }
        Ok(f64::from(verified) / begun.elapsed().as_secs_f64())
    }
}

/// Where the mount for an algorithm is.
fn mount_of(algorithm: Algorithm) -> String {
    format!("jwt-{}", algorithm.as_str().to_lowercase())
}
