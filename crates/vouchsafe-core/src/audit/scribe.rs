//! From the facts of a request to an entry, as one device shows them.
//!
//! Nothing is copied that can be borrowed: devices hash with different keys, so that each has an
//! entry of its own made, and what they share are the facts.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use vouchsafe_logical::{
    Auth, Data, Error, Operation, Raw, Reply, Response, Timestamp, WrapInfo, rfc3339,
};

use super::device::Device;
use super::entry::{
    AuthSection, Entry, GrantingPolicy, MountSection, Namespace, PolicyResults, RequestSection,
    ResponseData, ResponseSection, WrapInfoSection,
};
use super::header::Headers;
use super::record::{CallerFacts, MountFacts, Record};
use super::redact::{RedactedObject, Redactor};
use crate::mount::StoredClass;

/// The only namespace.
const NAMESPACE: &str = "root";
/// The version that built-in backends have.
const RUNNING_VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"), "+builtin.vouchsafe");
/// Builds the entries of one device.
pub(crate) struct Scribe<'a> {
    redactor: &'a Redactor,
    headers: &'a Headers,
    elide_lists: bool,
}

impl<'a> Scribe<'a> {
    /// The scribe of a device.
    pub(crate) const fn new(device: &'a Device, headers: &'a Headers) -> Self {
        let elide_lists = device.options().elide_list_responses;
        Self {
            redactor: device.redactor(),
            headers,
            elide_lists,
        }
    }

    /// The line of a request.
    ///
    /// # Errors
    /// It can't be encoded, which does not happen.
    pub(crate) fn request(&self, record: &Record<'_>) -> Result<Vec<u8>, Error> {
        Entry {
            time: rfc3339(record.at),
            r#type: "request",
            auth: self.auth_of_request(record),
            request: self.request_section(record),
            response: None,
            error: record.refusal.as_ref().and_then(public_text),
            reason: record.refusal.as_ref().map(Error::reason),
        }
        .line()
    }

    /// The line of an answer, which goes out at `at`.
    ///
    /// # Errors
    /// It can't be encoded, which does not happen.
    pub(crate) fn response(
        &self,
        record: &Record<'_>,
        result: &Result<Reply, Error>,
        at: Timestamp,
    ) -> Result<Vec<u8>, Error> {
        let issued = match result {
            Ok(Reply {
                response: Response::Auth(auth),
                ..
            }) => Some(&**auth),
            Ok(_) | Err(_) => None,
        };
        let auth = match issued {
            Some(auth) if record.is_login => AuthSection {
                policy_results: Some(policy_results(record)),
                ..self.auth_of_issued(auth, at)
            },
            Some(_) | None => self.auth_of_request(record),
        };
        Entry {
            time: rfc3339(at),
            r#type: "response",
            auth,
            request: self.request_section(record),
            response: self.response_section(record, result, issued, at),
            error: result.as_ref().err().and_then(public_text),
            reason: result.as_ref().err().map(Error::reason),
        }
        .line()
    }

    fn auth_of_request(&self, record: &'a Record<'_>) -> AuthSection<'a> {
        let policy_results = Some(policy_results(record));
        let Some(caller) = &record.caller else {
            return AuthSection {
                policy_results,
                metadata: record
                    .refusal
                    .as_ref()
                    .map(Error::metadata)
                    .filter(|metadata| !metadata.is_empty()),
                token_type: "default",
                ..AuthSection::default()
            };
        };
        let token = caller.token;
        AuthSection {
            client_token: self.credential(record),
            accessor: self.accessor(&caller.token.accessor),
            display_name: &token.display_name,
            policies: &caller.summary.policies,
            token_policies: token.policies.to_strings(),
            identity_policies: caller.identity_policies.to_strings(),
            policy_results,
            metadata: token.meta.as_ref().filter(|meta| !meta.is_empty()),
            num_uses: 0,
            // The request that is recorded has taken one.
            remaining_uses: token.num_uses.saturating_sub(1),
            entity_id: caller.entity_id.unwrap_or_default(),
            entity_created: caller.entity_created,
            token_type: token.token_type.as_str(),
            token_ttl: token.creation_ttl.as_secs(),
            token_issue_time: Some(seconds(token.created_at)),
        }
    }

    fn auth_of_issued(&self, auth: &'a Auth, at: Timestamp) -> AuthSection<'a> {
        let token = &auth.client_token;
        AuthSection {
            // A login in line with another request makes none.
            client_token: (!token.is_empty()).then(|| self.redactor.secret(token)),
            accessor: self.accessor(&auth.accessor),
            display_name: &auth.display_name,
            policies: &auth.policies,
            token_policies: auth.token_policies.clone(),
            identity_policies: auth.identity_policies.clone(),
            policy_results: None,
            metadata: auth
                .metadata
                .as_ref()
                .filter(|metadata| !metadata.is_empty()),
            num_uses: auth.num_uses,
            remaining_uses: 0,
            entity_id: &auth.entity_id,
            entity_created: auth.entity_created,
            token_type: auth.token_type,
            token_ttl: auth.ttl.as_secs(),
            token_issue_time: Some(seconds(at)),
        }
    }

    fn request_section(&self, record: &'a Record<'_>) -> RequestSection<'a> {
        let request = record.request;
        let peer = request.remote;
        let clear = record
            .mount
            .map(|mount| &mount.entry.config.audit_non_hmac_request_keys);
        RequestSection {
            id: &request.id,
            client_id: record.caller.as_ref().map(client_id),
            operation: record.operation.as_str(),
            mount: record.mount.map(mount_section),
            mount_running_version: record.mount.map(|_| RUNNING_VERSION),
            client_token: self.credential(record),
            client_token_accessor: record.caller.and_then(|c| self.accessor(&c.token.accessor)),
            namespace: Namespace { id: NAMESPACE },
            path: request.path.as_str(),
            data: self.object(&request.data, clear.map_or(&[], Vec::as_slice), false),
            remote_address: peer.map(|peer| peer.ip().to_canonical().to_string()),
            remote_port: peer.map(|peer| peer.port()),
            wrap_ttl: request.wrap_ttl.map_or(0, |ttl| ttl.as_secs()),
            headers: self.headers.shown(request, self.redactor),
        }
    }

    fn response_section(
        &self,
        record: &'a Record<'_>,
        result: &'a Result<Reply, Error>,
        issued: Option<&'a Auth>,
        at: Timestamp,
    ) -> Option<ResponseSection<'a>> {
        let clear = record
            .mount
            .map(|mount| &mount.entry.config.audit_non_hmac_response_keys);
        let clear = clear.map_or(&[][..], Vec::as_slice);
        let is_list = record.operation == Operation::List;
        let data = match result.as_ref().map(|reply| &reply.response) {
            Ok(Response::Data(data)) => self
                .object(data, clear, is_list && self.elide_lists)
                .map(ResponseData::Object),
            Ok(Response::Raw(raw)) => Some(self.document(raw, clear)),
            Ok(
                Response::Empty
                | Response::Accepted
                | Response::Auth(_)
                | Response::Login(_)
                | Response::Stream(_),
            ) => None,
            Err(error) => match error.data() {
                Some(Value::Object(data)) => {
                    self.object(data, clear, false).map(ResponseData::Object)
                }
                Some(_) | None => None,
            },
        };
        let section = ResponseSection {
            auth: issued.map(|auth| self.auth_of_issued(auth, at)),
            mount: record.mount.map(mount_section),
            mount_running_plugin_version: record.mount.map(|_| RUNNING_VERSION),
            data,
            warnings: result.as_ref().map_or(&[], |reply| &reply.warnings),
            wrap_info: result
                .as_ref()
                .ok()
                .and_then(|reply| reply.wrap_info.as_ref())
                .map(|info| self.wrap_info(info)),
        };
        let says_something = section.auth.is_some()
            || section.mount.is_some()
            || section.data.is_some()
            || !section.warnings.is_empty()
            || section.wrap_info.is_some();
        says_something.then_some(section)
    }
}

impl<'a> Scribe<'a> {
    /// The token that the request carried, whether it was good or not.
    fn credential(&self, record: &Record<'_>) -> Option<String> {
        let token = record.request.token.as_ref()?;
        Some(self.redactor.secret(token.expose()))
    }

    fn wrap_info(&self, info: &'a WrapInfo) -> WrapInfoSection<'a> {
        WrapInfoSection {
            ttl: info.ttl,
            token: self.redactor.secret(&info.token),
            accessor: self.redactor.accessor(&info.accessor),
            creation_time: &info.creation_time,
            creation_path: &info.creation_path,
            wrapped_accessor: self.accessor(&info.wrapped_accessor),
        }
    }

    /// Batch tokens have no accessor.
    fn accessor(&self, accessor: &str) -> Option<String> {
        (!accessor.is_empty()).then(|| self.redactor.accessor(accessor))
    }

    fn object(
        &self,
        members: &'a Data,
        clear: &'a [String],
        elide_lists: bool,
    ) -> Option<RedactedObject<'a>> {
        let redactor = self.redactor;
        (!members.is_empty()).then_some(RedactedObject {
            members,
            redactor,
            clear,
            elide_lists,
        })
    }

    fn document(&self, raw: &Raw, clear: &[String]) -> ResponseData<'a> {
        let body = if clear.iter().any(|name| name == "http_raw_body") {
            String::from_utf8_lossy(&raw.body).into_owned()
        } else {
            self.redactor.document(&raw.body)
        };
        ResponseData::Document {
            http_content_type: raw.content_type,
            http_raw_body: body,
            http_status_code: raw.status,
        }
    }
}

fn policy_results<'a>(record: &'a Record<'_>) -> PolicyResults<'a> {
    let granted_by = record.granted_by.as_deref();
    let granting = granted_by.unwrap_or_default().iter();
    PolicyResults {
        allowed: granted_by.is_some(),
        granting_policies: granting
            .map(|name| GrantingPolicy {
                name,
                namespace_id: NAMESPACE,
                r#type: "acl",
            })
            .collect(),
    }
}

fn mount_section(mount: MountFacts<'_>) -> MountSection<'_> {
    MountSection {
        mount_point: &mount.summary.path,
        mount_type: &mount.summary.kind,
        mount_accessor: &mount.summary.accessor,
        mount_class: match mount.entry.class {
            StoredClass::Auth => "auth",
            StoredClass::Secret => "secret",
        },
    }
}

/// Who is counted as one client: the entity, or as in Vault a digest of the token's policies.
fn client_id(caller: &CallerFacts<'_>) -> String {
    if let Some(entity_id) = caller.entity_id {
        return entity_id.to_owned();
    }
    let policies = caller.token.policies.to_strings().join("\x7f");
    let text = format!("{policies}\0{NAMESPACE}");
    STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// What the client was told.
fn public_text(error: &Error) -> Option<String> {
    (!error.messages().is_empty()).then(|| error.messages().join("; "))
}

fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}
