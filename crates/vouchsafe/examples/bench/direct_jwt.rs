//! A JWT as the credential of each call, on a KV read, beside the same read with a stored token and
//! with a login of the JWT in line.
//!
//! The server of this part keeps its store in files, and the part fails if a byte of them changes
//! while JWTs are used: nothing is stored for them.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, JwsSigner, KeyId, SigningKey};

use crate::measure::{Connection, Process, request};
use crate::server::Server;
use crate::{CONNECTIONS, ROUND, ROUNDS, median};

const SECRET: &str = "secret/bench";
const POLICY: &str = "path \"secret/*\" { capabilities = [\"read\"] }";
/// Tokens that each connection uses once: signing them takes longer than using them.
const FIRST_USES: usize = 40;

pub(crate) fn run(_: &Server) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (server, root) = on_disk(folder.path())?;
    let write = |path: &str, body: Value| server.write_as(&root, path, body);
    let idp = Idp::new()?;
    write("sys/mounts/secret", json!({ "type": "kv" }))?;
    write(SECRET, json!({ "a": "b" }))?;
    write("sys/policies/acl/bench", json!({ "policy": POLICY }))?;
    write("sys/pvlt/ctl/iam/conf", json!({ "conf": idp.file()? }))?;
    write("sys/auth/jwt", json!({ "type": "jwt" }))?;
    let keys = json!({ "jwt_validation_pubkeys": [idp.pem] });
    write("auth/jwt/config", keys)?;
    let role =
        json!({ "user_claim": "sub", "bound_audiences": "bench", "token_policies": "bench" });
    write("auth/jwt/role/bench", role)?;
    let made = write("auth/token/create", json!({ "policies": ["bench"] }))?;
    let stored = made["auth"]["client_token"].as_str().context("no token")?;

    println!("{:<22} {:>12} {:>16}", "", "reads/s", "CPU µs/read");
    let repeated = idp.token(0)?;
    let path = format!("/v1/{SECRET}");
    let read = |credential| request("GET", &path, credential, "");
    for (name, read) in [
        ("stored token", read(stored)),
        ("JWT, used again", read(&repeated)),
        ("JWT, login in line", with_login(&read(""), &repeated)),
    ] {
        let before = files(folder.path())?;
        let (mut rates, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let load = server.load_with(&read, CONNECTIONS, ROUND)?;
            rates.push(load.rate());
            costs.push(load.cost_micros());
        }
        ensure!(
            files(folder.path())? == before,
            "{name}: the store was written"
        );
        println!("{name:<22} {:>12.0} {:>16.1}", median(rates), median(costs));
    }
    let before = files(folder.path())?;
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        rates.push(first_uses(server.address, &idp, round)?);
    }
    ensure!(
        files(folder.path())? == before,
        "JWT, first use: the store was written"
    );
    println!("{:<22} {:>12.0}", "JWT, first use", median(rates));
    println!("storage writes with JWTs: 0");
    Ok(())
}

/// The request with a login at `auth/jwt` in its headers.
fn with_login(request: &str, jwt: &str) -> String {
    let field = |name: &str, value: &str| {
        let field = json!({ "key": name, "value": value }).to_string();
        let field = URL_SAFE_NO_PAD.encode(field);
        format!("\r\nX-Vault-Inline-Auth-Parameter-{name}: {field}")
    };
    let headers = format!(
        "\r\nX-Vault-Inline-Auth-Path: auth/jwt/login{}{}\r\n\r\n",
        field("role", "bench"),
        field("jwt", jwt)
    );
    request.replacen("\r\n\r\n", &headers, 1)
}

/// Reads a second, each with a token that the server has not seen.
fn first_uses(address: SocketAddr, idp: &Idp, round: usize) -> Result<f64> {
    let mut batches = Vec::new();
    for connection in 0..CONNECTIONS {
        let first = 1 + (round * CONNECTIONS + connection) * FIRST_USES;
        let tokens = (first..first + FIRST_USES).map(|number| idp.token(number));
        batches.push(tokens.collect::<Result<Vec<_>>>()?);
    }
    let begun = Instant::now();
    let threads: Vec<_> = batches
        .into_iter()
        .map(|tokens| {
            std::thread::spawn(move || -> Result<()> {
                let mut connection = Connection::open(address)?;
                for token in tokens {
                    let request = request("GET", &format!("/v1/{SECRET}"), &token, "");
                    let (status, body) = connection.exchange(request.as_bytes())?;
                    ensure!(status == 200, "{status} {}", String::from_utf8_lossy(&body));
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        match thread.join() {
            Ok(done) => done?,
            Err(_) => bail!("a thread of the load generator died"),
        }
    }
    Ok((CONNECTIONS * FIRST_USES) as f64 / begun.elapsed().as_secs_f64())
}

/// A server over a store in files, unsealed, and its root token.
fn on_disk(folder: &Path) -> Result<(Server, String)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let data = folder.join("data");
    let config = folder.join("server.hcl");
    let text = format!(
        "disable_mlock = true\nstorage \"file\" {{ path = {data:?} }}\nlistener \"tcp\" {{ address = \"{address}\" tls_disable = true }}\n"
    );
    std::fs::write(&config, text)?;
    let config = format!("-config={}", config.display());
    let process = Process::start(&["server".to_owned(), config])?;
    let server = Server::over(process, address)?;
    let shares = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let made = server.write_as("", "sys/init", shares)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let root = text(&made["root_token"])?;
    let key = text(&made["keys_base64"][0])?;
    server.write_as("", "sys/unseal", json!({ "key": key }))?;
    Ok((server, root))
}

/// Every file of the store: how long it is, and when it was last written.
fn files(folder: &Path) -> Result<BTreeMap<String, (u64, SystemTime)>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("data"))? {
        let entry = entry?;
        let about = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.insert(name, (about.len(), about.modified()?));
    }
    ensure!(!found.is_empty(), "the store has no files");
    Ok(found)
}

/// An identity provider with an RSA key, as most have.
struct Idp {
    signer: JwsSigner,
    jwk: Jwk,
    pem: String,
    issued_at: u64,
    expires_at: u64,
}

impl Idp {
    fn new() -> Result<Self> {
        let key = SigningKey::generate(Algorithm::Rs256)?;
        let pem = key.public_key().to_pem()?;
        let kid = KeyId::new("bench")?;
        let jwk = Jwk::for_signing_key(&key, Some(kid.clone()));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(Self {
            signer: JwsSigner::new(key, kid, Some("JWT")),
            jwk,
            pem,
            issued_at: now.as_secs(),
            expires_at: (now + Duration::from_secs(3_600)).as_secs(),
        })
    }

    fn file(&self) -> Result<String> {
        let jwk = serde_json::to_string(&self.jwk)?;
        Ok(format!(
            "[users]\n[policies]\n[roles.bench]\nacl_policies = ['bench']\n[idps.bench]\ntype = 'direct-jwt'\n[idps.bench.conf]\niss = 'https://bench.example/'\naud = 'bench'\nkeys = '{jwk}'\n"
        ))
    }

    fn token(&self, number: usize) -> Result<String> {
        let claims = json!({
            "iss": "https://bench.example/", "aud": "bench", "sub": "bench", "roles": ["bench"],
            "iat": self.issued_at, "exp": self.expires_at, "jti": number.to_string(),
        });
        Ok(self.signer.sign_compact(claims.to_string().as_bytes())?)
    }
}
