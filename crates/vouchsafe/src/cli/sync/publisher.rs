//! The publisher's REST API: what is published now, and the upload.

use serde_json::json;
use vouchsafe_backends::publish::Documents;
use vouchsafe_logical::fetch::{Method, Plaintext};
use vouchsafe_logical::{Fetch, FetchRequest, Secret};

use super::fault::{Fault, success};
use super::settings::{self, Credential, Settings};

/// One service at the publisher.
pub(super) struct Publisher<'a> {
    url: String,
    token: Secret<String>,
    ca_pem: Option<String>,
    plaintext: Plaintext,
    fetch: &'a dyn Fetch,
}

impl<'a> Publisher<'a> {
    /// Reads the credential as it is now.
    pub(super) fn open(settings: &Settings, fetch: &'a dyn Fetch) -> Result<Self, Fault> {
        let token = match &settings.credential {
            Credential::Key(key) => key.clone(),
            Credential::File(path) => {
                Secret::new(settings::read(path, "the token for the publisher")?)
            }
        };
        let ca_path = settings.publisher_ca_path.as_deref();
        let ca_pem =
            ca_path.map(|path| settings::read(path, "the publisher's certificate authorities"));
        Ok(Self {
            url: format!(
                "{}/services/{}/config",
                settings.publisher, settings.service
            ),
            token,
            ca_pem: ca_pem.transpose()?,
            plaintext: settings.plaintext,
            fetch,
        })
    }

    fn request(&self, method: Method) -> FetchRequest {
        FetchRequest {
            method,
            bearer: Some(self.token.clone()),
            ca_pem: self.ca_pem.clone(),
            plaintext: self.plaintext,
            ..FetchRequest::get(&self.url)
        }
    }

    /// Whether it publishes anything for the service. What can't be told counts as no: an upload
    /// of what is there already does no harm.
    pub(super) async fn has_documents(&self) -> bool {
        let answer = self.fetch.fetch(self.request(Method::Get)).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// Uploads both documents in one request.
    pub(super) async fn put(&self, documents: &Documents) -> Result<(), Fault> {
        let request = self.request(Method::PutJson(body(documents).into()));
        success(&self.url, self.fetch.fetch(request).await)
            .map(drop)
            .map_err(Fault::Publisher)
    }
}

/// The upload.
pub(super) fn body(documents: &Documents) -> String {
    json!({
        "openidConfiguration": documents.openid_configuration,
        "jwks": documents.jwks,
    })
    .to_string()
}
