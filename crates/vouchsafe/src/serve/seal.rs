//! The automatic seal that the configuration names: its keys are read here, once.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vouchsafe_core::{Ports, TransitSeal, TransitSettings};
use vouchsafe_fetch::CA_BYTES_MAX;
use vouchsafe_logical::Secret;
use vouchsafe_storage::seal::static_key::STATIC_KEY_BYTES;
use vouchsafe_storage::seal::{AutoSeal, StaticKey, StaticSeal};
use zeroize::Zeroizing;

use crate::config::{NamedKey, SealStanza, SecretSource, TransitStanza};

/// The longest file that a key or a token is read from, in bytes.
const SECRET_BYTES_MAX: u64 = 4_096;
/// Where the token is that no one names: Vault's own variable.
const TOKEN_VARIABLE: &str = "VAULT_TOKEN";

/// Checks that everything that a seal names is there.
pub(super) fn check(seal: &SealStanza) -> anyhow::Result<()> {
    match seal {
        SealStanza::Shamir => Ok(()),
        SealStanza::Static { current, previous } => {
            static_key(current)?;
            previous.as_ref().map(static_key).transpose().map(drop)
        }
        SealStanza::Transit(transit) => settings(transit).map(drop),
    }
}

/// The seal; `None` for the shares of people.
pub(super) fn open(seal: &SealStanza, ports: &Ports) -> anyhow::Result<Option<Arc<dyn AutoSeal>>> {
    Ok(match seal {
        SealStanza::Shamir => None,
        SealStanza::Static { current, previous } => Some(Arc::new(StaticSeal::new(
            static_key(current)?,
            previous.as_ref().map(static_key).transpose()?,
            Arc::clone(&ports.entropy),
        ))),
        SealStanza::Transit(transit) => Some(Arc::new(TransitSeal::new(
            settings(transit)?,
            Arc::clone(&ports.fetcher),
        ))),
    })
}

fn static_key(named: &NamedKey) -> anyhow::Result<StaticKey> {
    let of = || format!("the key `{}` of seal `static`", named.id);
    let bytes = read(&named.source).with_context(of)?;
    Ok(StaticKey {
        id: named.id.clone(),
        key: key_bytes(&bytes).with_context(of)?,
    })
}

/// A key of 32 bytes: as they are, in hexadecimal, or in base64.
fn key_bytes(bytes: &[u8]) -> anyhow::Result<Zeroizing<[u8; STATIC_KEY_BYTES]>> {
    if let Ok(key) = bytes.try_into() {
        return Ok(Zeroizing::new(key));
    }
    let text = bytes.trim_ascii();
    let decoded = Zeroizing::new(match hexadecimal(text) {
        Some(decoded) => decoded,
        None => STANDARD.decode(text).unwrap_or_default(),
    });
    match decoded.as_slice().try_into() {
        Ok(key) => Ok(Zeroizing::new(key)),
        Err(_) => bail!(
            "expected {STATIC_KEY_BYTES} bytes, or the same in hexadecimal or base64; \
             found {} bytes of something else",
            bytes.len()
        ),
    }
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() != 2 * STATIC_KEY_BYTES {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.chunks_exact(2);
    pairs
        .map(|pair| {
            let value = digit(pair[0])? * 16 + digit(pair[1])?;
            u8::try_from(value).ok()
        })
        .collect()
}

fn settings(transit: &TransitStanza) -> anyhow::Result<TransitSettings> {
    let token = match &transit.token {
        Some(SecretSource::Literal(token)) => token.clone(),
        Some(source) => token(source).context("the token of seal `transit`")?,
        None => token(&SecretSource::Environment(TOKEN_VARIABLE.to_owned()))
            .context("seal `transit` has no `token`")?,
    };
    let ca_pem = match &transit.ca_file {
        None => None,
        Some(path) => {
            let bytes = bounded(path, CA_BYTES_MAX as u64).with_context(|| {
                format!(
                    "the certificate authority of seal `transit`, `{}`",
                    path.display()
                )
            })?;
            Some(
                String::from_utf8(bytes.to_vec())
                    .context("a certificate authority in PEM is text")?,
            )
        }
    };
    Ok(TransitSettings {
        address: transit.address.clone(),
        token,
        namespace: transit.namespace.clone(),
        mount_path: transit.mount_path.clone(),
        key_name: transit.key_name.clone(),
        ca_pem,
        renews_token: transit.renews_token,
    })
}

fn token(source: &SecretSource) -> anyhow::Result<Secret<String>> {
    let bytes = read(source)?;
    let text = str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    if text.is_empty() {
        bail!("expected a token, found none");
    }
    Ok(Secret::new(text.to_owned()))
}

fn read(source: &SecretSource) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    match source {
        SecretSource::File(path) => {
            bounded(path, SECRET_BYTES_MAX).with_context(|| format!("`{}`", path.display()))
        }
        SecretSource::Environment(name) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "the binary reads the environment; a key's variable is named by the configuration"
            )]
            let value = std::env::var_os(name);
            let value = value.with_context(|| format!("`{name}` is not set in the environment"))?;
            Ok(Zeroizing::new(value.into_encoded_bytes()))
        }
        SecretSource::Literal(text) => Ok(Zeroizing::new(text.expose().as_bytes().to_vec())),
    }
}

/// What is in a file, unless it is too large to be what it shall be.
fn bounded(path: &Path, bytes_max: u64) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = fs::File::open(path)?
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)?;
    if read as u64 > bytes_max {
        bail!("the file has more than {bytes_max} bytes");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_any_of_three_forms() {
        let key = [0xab; STATIC_KEY_BYTES];
        let forms = [
            key.to_vec(),
            format!("{}\n", "aB".repeat(STATIC_KEY_BYTES)).into_bytes(),
            format!("{}\n", STANDARD.encode(key)).into_bytes(),
        ];
        for form in forms {
            assert_eq!(*key_bytes(&form).unwrap(), key);
        }
        for form in [&key[1..], b"", b"secret", &[0xab; STATIC_KEY_BYTES + 1]] {
            let told = key_bytes(form).unwrap_err().to_string();
            assert!(told.starts_with("expected 32 bytes"), "{told}");
            assert!(!told.contains("secret"));
        }
    }
}
