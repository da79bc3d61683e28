//! A backend's answer as it is stored while it is wrapped.
//!
//! The stored shape is a type of its own, so that a change of the envelope does not change what an
//! older server wrote.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Auth, Data, Error, Reply, Response};

use crate::token::TokenType;

/// An answer with what is beside it in the envelope.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredAnswer {
    body: Body,
    warnings: Vec<String>,
    not_found: bool,
    lease_duration: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Empty,
    Accepted,
    Data(Data),
    Auth(Box<StoredAuth>),
}

#[derive(Serialize, Deserialize)]
struct StoredAuth {
    client_token: String,
    accessor: String,
    policies: Vec<String>,
    token_policies: Vec<String>,
    identity_policies: Vec<String>,
    metadata: Option<BTreeMap<String, String>>,
    lease_duration: u64,
    renewable: bool,
    entity_id: String,
    token_type: TokenType,
    orphan: bool,
    num_uses: u64,
    display_name: String,
    ttl: Duration,
}

impl StoredAnswer {
    /// Takes an answer over.
    ///
    /// # Errors
    /// A document outside the envelope.
    pub(super) fn of(reply: Reply) -> Result<Self, Error> {
        Ok(Self {
            body: match reply.response {
                Response::Empty => Body::Empty,
                Response::Accepted => Body::Accepted,
                Response::Data(data) => Body::Data(data),
                Response::Auth(auth) => Body::Auth(Box::new(StoredAuth::of(*auth))),
                Response::Raw(_) | Response::Stream(_) => {
                    return Err(Error::invalid_because(
                        "document_not_wrappable",
                        "the answer is a document without an envelope, which can't be wrapped",
                    ));
                }
                Response::Login(_) => {
                    return Err(Error::internal("a proof of identity was to be wrapped"));
                }
            },
            warnings: reply.warnings,
            not_found: reply.not_found,
            lease_duration: reply.lease_duration,
        })
    }

    /// The accessor of the token inside; empty where there is none.
    pub(super) fn accessor(&self) -> &str {
        match &self.body {
            Body::Auth(auth) => &auth.accessor,
            Body::Empty | Body::Accepted | Body::Data(_) => "",
        }
    }

    /// The answer again.
    pub(super) fn into_reply(self) -> Reply {
        Reply {
            response: match self.body {
                Body::Empty => Response::Empty,
                Body::Accepted => Response::Accepted,
                Body::Data(data) => Response::Data(data),
                Body::Auth(auth) => Response::Auth(Box::new(auth.into_auth())),
            },
            warnings: self.warnings,
            not_found: self.not_found,
            lease_duration: self.lease_duration,
            ..Reply::default()
        }
    }
}

impl StoredAuth {
    fn of(auth: Auth) -> Self {
        let is_batch = auth.token_type == TokenType::Batch.as_str();
        Self {
            client_token: auth.client_token,
            accessor: auth.accessor,
            policies: auth.policies,
            token_policies: auth.token_policies,
            identity_policies: auth.identity_policies,
            metadata: auth.metadata,
            lease_duration: auth.lease_duration,
            renewable: auth.renewable,
            entity_id: auth.entity_id,
            token_type: if is_batch {
                TokenType::Batch
            } else {
                TokenType::Service
            },
            orphan: auth.orphan,
            num_uses: auth.num_uses,
            display_name: auth.display_name,
            ttl: auth.ttl,
        }
    }

    fn into_auth(self) -> Auth {
        Auth {
            client_token: self.client_token,
            accessor: self.accessor,
            policies: self.policies,
            token_policies: self.token_policies,
            identity_policies: self.identity_policies,
            metadata: self.metadata,
            lease_duration: self.lease_duration,
            renewable: self.renewable,
            entity_id: self.entity_id,
            token_type: self.token_type.as_str(),
            orphan: self.orphan,
            mfa_requirement: None,
            num_uses: self.num_uses,
            entity_created: false,
            display_name: self.display_name,
            ttl: self.ttl,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What comes out of storage again, as JSON of what the envelope would show.
    fn stored_and_back(reply: Reply) -> Reply {
        let stored = StoredAnswer::of(reply).unwrap();
        let text = serde_json::to_string(&stored).unwrap();
        let read: StoredAnswer = serde_json::from_str(&text).unwrap();
        read.into_reply()
    }

    fn auth(token_type: &'static str) -> Auth {
        Auth {
            client_token: "hvs.c".to_owned(),
            accessor: "acc".to_owned(),
            policies: vec!["a".to_owned(), "b".to_owned()],
            token_policies: vec!["a".to_owned()],
            identity_policies: vec!["b".to_owned()],
            metadata: Some(BTreeMap::from([("k".to_owned(), "v".to_owned())])),
            lease_duration: 60,
            renewable: true,
            entity_id: "e".to_owned(),
            token_type,
            orphan: true,
            mfa_requirement: None,
            num_uses: 3,
            entity_created: false,
            display_name: "userpass-bob".to_owned(),
            ttl: Duration::from_secs(90),
        }
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let Value::Object(members) = json!({ "z": [1, null], "a": { "deep": true } }) else {
            panic!("no object");
        };
        let reply = Reply::data(members.clone())
            .with_warning("w")
            .with_lease_duration(Duration::from_secs(7))
            .as_not_found();
        let back = stored_and_back(reply);
        assert!(matches!(back.response, Response::Data(data) if data == members));
        assert_eq!(back.warnings, ["w"]);
        assert_eq!(back.lease_duration, Duration::from_secs(7));
        assert!(back.not_found);
    }

    #[test]
    fn a_token_comes_back_as_it_was() {
        for token_type in ["service", "batch"] {
            let back = stored_and_back(Reply::auth(auth(token_type)));
            let Response::Auth(back) = back.response else {
                panic!("no token");
            };
            let shown = |auth: &Auth| serde_json::to_value(auth).unwrap();
            assert_eq!(shown(&back), shown(&auth(token_type)));
            assert_eq!(back.display_name, "userpass-bob");
            assert_eq!(back.ttl, Duration::from_secs(90));
        }
    }

    #[test]
    fn documents_can_not_be_kept() {
        let reply = Reply::raw_json(200, &json!({}));
        let refused = StoredAnswer::of(reply).err().expect("no envelope");
        assert_eq!(refused.reason(), "document_not_wrappable");
    }
}
