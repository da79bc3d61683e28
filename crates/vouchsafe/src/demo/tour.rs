//! The steps of the tour.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::command::{Shell, indent, quoted};
use super::outsider::Issuer;

/// The server of the tour.
pub(crate) struct Site {
    /// This program.
    pub(crate) program: PathBuf,
    /// The server's address.
    pub(crate) address: String,
    /// The token that may do everything.
    pub(crate) root_token: String,
}

impl Site {
    /// Shows what a person must set in a shell for the commands to work there.
    pub(crate) fn show(&self, out: &mut dyn Write, margin: &str) -> io::Result<()> {
        let program = quoted(&self.program.to_string_lossy());
        writeln!(out, "{margin}alias vouchsafe={program}")?;
        writeln!(out, "{margin}export VAULT_ADDR={}", self.address)?;
        writeln!(out, "{margin}export VAULT_TOKEN={}", self.root_token)
    }
}

const TEMPLATE: &str = r#"{{- /* Claims that every relying party of ours understands */ -}}
{
  "environment": {{.entity.metadata.environment | toJSON}},
  "service": {{.entity.metadata.service | toJSON}},
  "entity_name": {{.entity.name | toJSON}},
  "groups": {{.entity.groups | toJSON}}
}"#;

const POLICY: &str = r#"# A workload may ask for its identity token, and nothing else.
path "identity/oidc/token/workload-role" {
  capabilities = ["read"]
}
"#;

/// Runs all steps. The first that does not hold ends the tour.
///
/// # Errors
/// What did not hold.
pub(crate) fn run(site: &Site, out: &mut dyn Write) -> anyhow::Result<()> {
    let shell = Shell {
        program: site.program.clone().into_os_string(),
        address: site.address.clone(),
        token: site.root_token.clone(),
        shown_token: None,
    };
    writeln!(
        out,
        "A workload gets a short-lived, signed identity token, and somebody who has never heard\n\
         of this server verifies it. Every command below runs as shown, against a real server.\n"
    )?;
    site.show(out, "  $ ")?;
    writeln!(out)?;
    issuer(&shell, out)?;
    let workload = workload(&shell, out)?;
    let entity = entity(&shell, out, &workload)?;
    let token = token(&shell, out, &workload)?;
    verify(site, out, &token, &entity)
}

fn heading(out: &mut dyn Write, number: u32, title: &str, text: &str) -> std::io::Result<()> {
    writeln!(out, "── {number}. {title}\n   {text}\n")
}

/// Step 1: a signing key and a role with its claims.
fn issuer(shell: &Shell, out: &mut dyn Write) -> anyhow::Result<()> {
    heading(
        out,
        1,
        "The issuer",
        "A key signs; a role says by which key, for how long, and with which claims about the entity\n   \
         (who that is comes in step 3).",
    )?;
    shell.run(
        out,
        &[
            "write",
            "identity/oidc/key/workload-key",
            "algorithm=RS256",
            "allowed_client_ids=*",
            "rotation_period=24h",
            "verification_ttl=48h",
        ],
    )?;
    let template = format!("template={TEMPLATE}");
    shell.run(
        out,
        &[
            "write",
            "identity/oidc/role/workload-role",
            "key=workload-key",
            "ttl=1h",
            &template,
        ],
    )?;
    Ok(())
}

/// How the workload proves who it is.
struct Workload {
    role_id: String,
    secret_id: String,
    mount_accessor: String,
}

/// Step 2: a policy, and a way to log in.
fn workload(shell: &Shell, out: &mut dyn Write) -> anyhow::Result<Workload> {
    heading(
        out,
        2,
        "The workload",
        "Its policy lets it do one thing. With AppRole it proves itself by a role id, its name, and a\n   \
         secret id, its password. The accessor says which auth method will vouch for that name.",
    )?;
    shell.run_with_input(
        out,
        &["policy", "write", "workload-identity", "-"],
        Some(POLICY),
    )?;
    shell.run(out, &["auth", "enable", "approle"])?;
    shell.run(
        out,
        &[
            "write",
            "auth/approle/role/my-app",
            "token_policies=workload-identity",
            "token_ttl=1h",
            "secret_id_num_uses=1",
        ],
    )?;
    let read = &["read", "-field=role_id", "auth/approle/role/my-app/role-id"];
    let role_id = shell.run(out, read)?.trim().to_owned();
    let write = &[
        "write",
        "-f",
        "-field=secret_id",
        "auth/approle/role/my-app/secret-id",
    ];
    let secret_id = shell.run(out, write)?.trim().to_owned();
    let read = &["read", "-field=accessor", "sys/auth/approle"];
    let mount_accessor = shell.run(out, read)?.trim().to_owned();
    Ok(Workload {
        role_id,
        secret_id,
        mount_accessor,
    })
}

/// Step 3: who the workload is: an entity with metadata, known to AppRole, member of a group.
fn entity(shell: &Shell, out: &mut dyn Write, workload: &Workload) -> anyhow::Result<String> {
    heading(
        out,
        3,
        "Who it is",
        "An entity carries what tokens will say. An alias ties the role id to it: whoever logs in by\n   \
         that is this entity. A group adds its name.",
    )?;
    let made = shell.json(
        out,
        &[
            "write",
            "-format=json",
            "identity/entity",
            "name=my-app-entity",
            "metadata=environment=production",
            "metadata=service=payment-api",
        ],
    )?;
    let id = text(&made, "/data/id")?;
    let alias = [
        "write".to_owned(),
        "identity/entity-alias".to_owned(),
        format!("name={}", workload.role_id),
        format!("canonical_id={id}"),
        format!("mount_accessor={}", workload.mount_accessor),
    ];
    shell.run(out, &alias.each_ref().map(String::as_str))?;
    let members = format!("member_entity_ids={id}");
    shell.run(
        out,
        &["write", "identity/group", "name=payment-team", &members],
    )?;
    Ok(id)
}

/// An identity token with whom it is for.
struct IdentityToken {
    token: String,
    client_id: String,
}

/// Step 4: the workload logs in and asks for its token.
fn token(shell: &Shell, out: &mut dyn Write, workload: &Workload) -> anyhow::Result<IdentityToken> {
    heading(
        out,
        4,
        "The token",
        "The workload logs in, which gives it a token for this server alone, and asks with that for\n   \
         its identity token, which it may show to others. The `client_id` is whom that is for.",
    )?;
    let role_id = format!("role_id={}", workload.role_id);
    let secret_id = format!("secret_id={}", workload.secret_id);
    let login = &[
        "write",
        "-field=token",
        "auth/approle/login",
        &role_id,
        &secret_id,
    ];
    let token = shell.run(out, login)?.trim().to_owned();
    let as_workload = Shell {
        token,
        shown_token: Some("hvs.…"),
        ..shell.clone()
    };
    let read = &["read", "-format=json", "identity/oidc/token/workload-role"];
    let answer = as_workload.json(out, read)?;
    Ok(IdentityToken {
        token: text(&answer, "/data/token")?,
        client_id: text(&answer, "/data/client_id")?,
    })
}

/// Step 5: somebody else verifies it.
fn verify(
    site: &Site,
    out: &mut dyn Write,
    issued: &IdentityToken,
    entity_id: &str,
) -> anyhow::Result<()> {
    heading(
        out,
        5,
        "The outsider",
        "It knows the issuer's URL and its own audience. No token, no account, no library of ours.",
    )?;
    let url = format!("{}/v1/identity/oidc", site.address);
    let issuer = Issuer::discover(&url).context("discover the issuer")?;
    writeln!(out, "  $ curl -s {url}/.well-known/openid-configuration")?;
    indent(out, &serde_json::to_string_pretty(&issuer.metadata)?)?;
    writeln!(out, "  $ curl -s {url}/.well-known/keys")?;
    let keys: Value = serde_json::from_str(&issuer.keys_text)?;
    indent(out, &serde_json::to_string_pretty(&keys)?)?;
    writeln!(
        out,
        "  The token's header names one of these keys (`kid`). Another is the next one, published before\n  \
         it signs, so that no verifier meets a key that it has not seen.\n"
    )?;

    let claims = issuer
        .verify(&issued.token, &issued.client_id)
        .context("verify the token")?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure!(
        claim("sub") == entity_id,
        "`sub` is {:?}, not the workload's entity",
        claim("sub")
    );
    ensure!(
        claim("environment") == "production",
        "the claim `environment` is missing"
    );
    ensure!(
        claim("service") == "payment-api",
        "the claim `service` is missing"
    );
    ensure!(
        claims.get("groups") == Some(&serde_json::json!(["payment-team"])),
        "wrong `groups`"
    );
    writeln!(
        out,
        "  The signature is right, the issuer and the audience are the expected ones:"
    )?;
    indent(out, &serde_json::to_string_pretty(&claims)?)?;

    let refused = issuer
        .verify(&spoiled(&issued.token), &issued.client_id)
        .err()
        .context("a token with a changed byte was accepted")?;
    writeln!(out, "  With one byte changed:       refused: {refused}")?;
    let refused = issuer
        .verify(&issued.token, "somebody-else")
        .err()
        .context("a token for another audience was accepted")?;
    writeln!(out, "  For somebody else's audience: refused: {refused}\n")?;
    Ok(())
}

/// The token with a byte of its payload changed.
fn spoiled(token: &str) -> String {
    let place = token.find('.').map_or(0, |dot| dot + 10);
    let mut bytes = token.as_bytes().to_vec();
    if let Some(byte) = bytes.get_mut(place) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("the answer has no `{pointer}`"))?
        .to_owned())
}
