//! What an auth method returns: a proposal, not a token.
//!
//! The core applies the constraints in one place: policies, lifetimes, addresses, entity.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::duration::format_duration;
use crate::error::Error;
use crate::field::{CommaList, Data};
use crate::policy_name::PolicyNames;

/// The largest JSON of claims that is kept of a proof, in bytes. A batch token carries them in itself,
/// and travels in a header.
pub const CLAIMS_BYTES_MAX: usize = 4 * 1024;

/// A successful proof of identity.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// Who it was, in the words of the method. `None` makes a token without an entity.
    pub alias: Option<AliasProposal>,
    /// Groups of the same mount that the proof names (external groups follow it).
    pub group_aliases: Vec<String>,
    /// What is appended to the mount's name for the token's display name.
    pub display_name: String,
    /// Facts of the login, kept with the token.
    pub metadata: BTreeMap<String, String>,
    /// What the role allows the token.
    pub token: TokenParameters,
    /// Whether the token may be renewed.
    pub renewable: bool,
    /// Claims of the proof, kept with the token as they were: templates read them as
    /// `.token.claims`.
    pub claims: Data,
    /// What the method needs to see again when the token is renewed.
    pub internal: Value,
}

/// The name under which a mount knows somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasProposal {
    /// Unique within the mount; compared without case.
    pub name: String,
    /// Overwrites the alias's metadata when it differs.
    pub metadata: BTreeMap<String, String>,
}

/// By what a mount would know a caller again: what a login of theirs has proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvedLogin {
    /// The accessor of the mount.
    pub mount_accessor: String,
    /// The name of the alias, as the method gave it.
    pub name: String,
    /// The groups of the mount that the proof named; `None` where that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

/// Whether a token is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// What the mount is tuned to.
    #[default]
    Default,
    /// Stored, renewable, revocable.
    Service,
    /// Self-contained, nothing is written.
    Batch,
    /// `service` unless the request asks otherwise.
    DefaultService,
    /// `batch` unless the request asks otherwise.
    DefaultBatch,
}

impl TokenKind {
    /// Parses the API's word.
    ///
    /// # Errors
    /// Any other word.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "" | "default" => Self::Default,
            "service" => Self::Service,
            "batch" => Self::Batch,
            "default-service" => Self::DefaultService,
            "default-batch" => Self::DefaultBatch,
            other => {
                return Err(Error::invalid(format!(
                    "invalid 'token_type' value {other:?}; expected `default`, `service`, `batch`, `default-service` or `default-batch`"
                )));
            }
        })
    }

    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Service => "service",
            Self::Batch => "batch",
            Self::DefaultService => "default-service",
            Self::DefaultBatch => "default-batch",
        }
    }
}

/// The `token_*` parameters that every auth method's role has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenParameters {
    /// Addresses from which the token works; empty = everywhere.
    pub bound_cidrs: Vec<IpNet>,
    /// Hard end of life from creation; zero = none.
    pub explicit_max_ttl: Duration,
    /// Life with renewals; zero = the mount's.
    pub max_ttl: Duration,
    /// Leave out the `default` policy.
    pub no_default_policy: bool,
    /// Requests it is good for; zero = not limited.
    pub num_uses: u64,
    /// Life of a periodic token at each renewal; zero = not periodic.
    pub period: Duration,
    /// Policies of the token.
    pub policies: PolicyNames,
    /// Service or batch.
    pub kind: TokenKind,
    /// Life at creation and renewal; zero = the mount's.
    pub ttl: Duration,
}

crate::input! {
    /// The `token_*` fields of a role's body.
    #[derive(Debug, Default)]
    pub struct TokenFields {
        /// Blocks of IP addresses from which tokens work.
        token_bound_cidrs: Option<CommaList>,
        /// Hard end of a token's life, whatever its renewals.
        token_explicit_max_ttl: Option<Duration>,
        /// The longest life of a token with its renewals.
        token_max_ttl: Option<Duration>,
        /// Leave the `default` policy out.
        token_no_default_policy: Option<bool>,
        /// How many requests a token is good for; 0 is no limit.
        token_num_uses: Option<i64>,
        /// Makes tokens periodic: each renewal is for this long.
        token_period: Option<Duration>,
        /// Policies of the tokens.
        token_policies: Option<CommaList>,
        /// `service`, `batch`, or `default` for what the mount is tuned to.
        token_type: Option<String>,
        /// Life of a token at creation and renewal.
        token_ttl: Option<Duration>,
    }
}

/// Parses CIDR blocks; a bare address is a block of one.
///
/// # Errors
/// The first text that is neither.
pub fn parse_cidrs(field: &str, texts: &[String]) -> Result<Vec<IpNet>, Error> {
    texts
        .iter()
        .map(|text| {
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    Error::invalid(format!(
                        "field {field:?}: {text:?} is not a CIDR block, e.g. `10.0.0.0/8`"
                    ))
                })
        })
        .collect()
}

impl TokenParameters {
    /// Takes over the fields that are present.
    ///
    /// # Errors
    /// Values that are no parameters, policies that contain `root`, and lifetimes that contradict
    /// each other.
    pub fn update(&mut self, fields: TokenFields) -> Result<(), Error> {
        if let Some(cidrs) = fields.token_bound_cidrs {
            self.bound_cidrs = parse_cidrs("token_bound_cidrs", &cidrs.0)?;
        }
        if let Some(policies) = fields.token_policies {
            // No login can give it, so a role that promised it would refuse each of them.
            self.policies = PolicyNames::parse_without_root(&policies.0)?;
        }
        if let Some(kind) = fields.token_type {
            self.kind = TokenKind::parse(&kind)?;
        }
        if let Some(uses) = fields.token_num_uses {
            self.num_uses = u64::try_from(uses)
                .map_err(|_| Error::invalid("'token_num_uses' cannot be negative"))?;
        }
        self.explicit_max_ttl = fields
            .token_explicit_max_ttl
            .unwrap_or(self.explicit_max_ttl);
        self.max_ttl = fields.token_max_ttl.unwrap_or(self.max_ttl);
        self.no_default_policy = fields
            .token_no_default_policy
            .unwrap_or(self.no_default_policy);
        self.period = fields.token_period.unwrap_or(self.period);
        self.ttl = fields.token_ttl.unwrap_or(self.ttl);
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        if !self.max_ttl.is_zero() && self.ttl > self.max_ttl {
            return Err(Error::invalid(format!(
                "'token_ttl' ({}) cannot be greater than 'token_max_ttl' ({})",
                format_duration(self.ttl),
                format_duration(self.max_ttl)
            )));
        }
        if self.kind == TokenKind::Batch && !self.period.is_zero() {
            return Err(Error::invalid(
                "'token_type' cannot be 'batch' when 'token_period' is set",
            ));
        }
        if self.kind == TokenKind::Batch && self.num_uses != 0 {
            return Err(Error::invalid(
                "'token_type' cannot be 'batch' when 'token_num_uses' is set",
            ));
        }
        Ok(())
    }

    /// Adds the parameters to an answer, under Vault's names and in seconds.
    pub fn describe(&self, data: &mut Data) {
        let cidrs: Vec<String> = self.bound_cidrs.iter().map(show_cidr).collect();
        data.insert("token_bound_cidrs".to_owned(), cidrs.into());
        data.insert(
            "token_explicit_max_ttl".to_owned(),
            self.explicit_max_ttl.as_secs().into(),
        );
        data.insert("token_max_ttl".to_owned(), self.max_ttl.as_secs().into());
        data.insert(
            "token_no_default_policy".to_owned(),
            self.no_default_policy.into(),
        );
        data.insert("token_num_uses".to_owned(), self.num_uses.into());
        data.insert("token_period".to_owned(), self.period.as_secs().into());
        data.insert(
            "token_policies".to_owned(),
            self.policies.to_strings().into(),
        );
        data.insert("token_ttl".to_owned(), self.ttl.as_secs().into());
        data.insert("token_type".to_owned(), self.kind.as_str().into());
    }
}

/// A block as Vault shows it: a block of one address is the address.
#[must_use]
pub fn show_cidr(block: &IpNet) -> String {
    if block.prefix_len() == block.max_prefix_len() {
        block.addr().to_string()
    } else {
        block.to_string()
    }
}
