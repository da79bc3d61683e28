//! The shape of entries: Vault's, one JSON object on one line.
//!
//! Members that have nothing to say are left out. `time` and `type` come first and `time` has a
//! fixed width: `file.rs` knows our logs by it. Beyond Vault's shape, a refusal has a `reason`:
//! the stable code of the error, which tells apart what the client is told in the same words.

use std::collections::BTreeMap;

use serde::Serialize;
use vouchsafe_logical::Error;

use super::redact::RedactedObject;

/// What an entry usually takes, in bytes.
const LINE_BYTES_USUAL: usize = 2_048;

/// One entry.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    pub(super) time: String,
    pub(super) r#type: &'static str,
    pub(super) auth: AuthSection<'a>,
    pub(super) request: RequestSection<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<ResponseSection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
}

/// Who calls; in the entry of a login's answer, who has logged in.
#[derive(Default, Serialize)]
pub(super) struct AuthSection<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accessor: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) display_name: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) policies: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) token_policies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) identity_policies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy_results: Option<PolicyResults<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) num_uses: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) remaining_uses: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) entity_id: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) entity_created: bool,
    pub(super) token_type: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) token_ttl: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_issue_time: Option<String>,
}

/// What the policies said.
#[derive(Serialize)]
pub(super) struct PolicyResults<'a> {
    pub(super) allowed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) granting_policies: Vec<GrantingPolicy<'a>>,
}

/// A policy that grants the operation.
#[derive(Serialize)]
pub(super) struct GrantingPolicy<'a> {
    pub(super) name: &'a str,
    pub(super) namespace_id: &'static str,
    pub(super) r#type: &'static str,
}

/// The request, the same in both of its entries.
#[derive(Serialize)]
pub(super) struct RequestSection<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    pub(super) operation: &'static str,
    #[serde(flatten)]
    pub(super) mount: Option<MountSection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mount_running_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_token_accessor: Option<String>,
    pub(super) namespace: Namespace,
    pub(super) path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<RedactedObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote_port: Option<u16>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) wrap_ttl: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, Vec<String>>,
}

/// The namespace: there is one.
#[derive(Serialize)]
pub(super) struct Namespace {
    pub(super) id: &'static str,
}

/// The mount that was asked.
#[derive(Serialize)]
pub(super) struct MountSection<'a> {
    pub(super) mount_point: &'a str,
    pub(super) mount_type: &'a str,
    pub(super) mount_accessor: &'a str,
    pub(super) mount_class: &'static str,
}

/// The answer.
#[derive(Serialize)]
pub(super) struct ResponseSection<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth: Option<AuthSection<'a>>,
    #[serde(flatten)]
    pub(super) mount: Option<MountSection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mount_running_plugin_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<ResponseData<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wrap_info: Option<WrapInfoSection<'a>>,
}

/// Where the answer was put, when it was wrapped. What is inside is in no entry until somebody
/// unwraps it.
#[derive(Serialize)]
pub(super) struct WrapInfoSection<'a> {
    pub(super) ttl: u64,
    pub(super) token: String,
    pub(super) accessor: String,
    pub(super) creation_time: &'a str,
    pub(super) creation_path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wrapped_accessor: Option<String>,
}

/// What was answered: an object, or a document outside the envelope.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ResponseData<'a> {
    Object(RedactedObject<'a>),
    Document {
        http_content_type: &'static str,
        http_raw_body: String,
        http_status_code: u16,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Entry<'_> {
    /// The entry on its line, which ends with a line feed.
    ///
    /// # Errors
    /// It can't be encoded, which does not happen.
    pub(super) fn line(&self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::with_capacity(LINE_BYTES_USUAL);
        serde_json::to_writer(&mut line, self).map_err(|error| {
            Error::internal(format!("an audit entry can't be encoded: {error}"))
        })?;
        line.push(b'\n');
        Ok(line)
    }
}
