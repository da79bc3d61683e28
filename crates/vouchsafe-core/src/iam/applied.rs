//! The applied file: as stored, and as compiled with the keys of its providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_iam::{Faults, IamConfig, ProviderKeys};
use vouchsafe_jose::hmac::SymmetricKey;
use vouchsafe_logical::{Clock, Error, Fetch, StoreError};
use vouchsafe_trust::{Endpoint, FetchRules, IssuerKeys, KeySource};

/// The file as stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) text: String,
    pub(super) generation: u64,
}

/// A file that holds now.
pub(crate) struct Applied {
    /// Counts the files that were applied.
    pub(crate) generation: u64,
    pub(crate) config: IamConfig,
    /// By the name of the provider.
    verifiers: BTreeMap<String, Verifier>,
}

/// Whose signature counts for a provider. The two never meet.
pub(super) enum Verifier {
    /// Public keys, inline or behind an address.
    Public(Box<IssuerKeys>),
    /// Shared secrets.
    Symmetric(Vec<SymmetricKey>),
}

impl Verifier {
    fn of(keys: &ProviderKeys) -> Self {
        match keys {
            ProviderKeys::Public(keys) => {
                let source = KeySource::Fixed(keys.clone());
                Self::Public(Box::new(IssuerKeys::new(source, FetchRules::default())))
            }
            ProviderKeys::Symmetric(keys) => Self::Symmetric(keys.clone()),
            ProviderKeys::Remote(uri) => {
                let endpoint = Endpoint {
                    url: uri.clone(),
                    ca_pem: None,
                };
                // By default `http` is for this very machine only, as the file's check has it.
                let source = KeySource::Jwks(vec![endpoint]);
                Self::Public(Box::new(IssuerKeys::new(source, FetchRules::default())))
            }
        }
    }

    /// Whether the keys are those of a generation. They count as used.
    pub(super) fn still_has(&self, generation: u64) -> bool {
        if let Self::Public(keys) = self {
            keys.note_use();
        }
        self.generation() == generation
    }

    /// Another number whenever the keys are others. Secrets change with the file only.
    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Public(keys) => keys.generation(),
            Self::Symmetric(_) => 0,
        }
    }
}

impl Applied {
    /// From the stored record.
    ///
    /// # Errors
    /// A record that is damaged, or from a version that took more than this one.
    pub(super) fn parse(key: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        let record: Record = super::decode(key, bytes)?;
        let config = IamConfig::parse(&record.text).map_err(|_| StoreError::Corrupt {
            key: key.to_owned(),
            fault: "the IAM file is not one that this version takes",
        })?;
        let verifiers = config
            .providers()
            .map(|provider| (provider.name.clone(), Verifier::of(&provider.keys)))
            .collect();
        Ok(Self {
            generation: record.generation,
            config,
            verifiers,
        })
    }

    /// Who verifies the tokens of a provider of this file.
    pub(super) fn verifier(&self, provider: &str) -> Option<&Verifier> {
        self.verifiers.get(provider)
    }

    /// Fetches keys that are in use and will soon be old. A provider that can't be reached does not
    /// stop the others.
    pub(super) async fn refresh(self: &Arc<Self>, fetch: &dyn Fetch, clock: &dyn Clock) {
        for (name, verifier) in &self.verifiers {
            if let Verifier::Public(keys) = verifier
                && let Err(refusal) = keys.refresh_if_due(fetch, clock).await
            {
                tracing::warn!(idp = %name, reason = refusal.reason(), detail = %refusal, "keys of an identity provider can't be fetched");
            }
        }
    }
}

/// Every fault of a file, as an answer: the messages for people, and by key for programs.
pub(super) fn refusal(faults: &Faults) -> Error {
    let by_key = faults.found().iter().enumerate().map(|(place, fault)| {
        let key = if fault.key.is_empty() {
            format!("#{place}")
        } else {
            format!("#{place} {}", fault.key)
        };
        (
            key,
            Value::from(format!("line {}: {}", fault.line, fault.message)),
        )
    });
    Error::invalid_because(
        "iam_file_invalid",
        format!("the IAM file is faulty:\n{faults}"),
    )
    .with_data(Value::Object(by_key.collect()))
}
