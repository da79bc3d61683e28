//! By whom the API server is asked, and how it is known to be the API server.
//!
//! The token to ask with is the configured one, else the one in this server's own pod, else the one
//! that logs in, whose account then needs the right to ask. The CA certificates are the configured
//! ones, else those in the pod.

use vouchsafe_logical::{Error, Secret};

use super::Kubernetes;
use super::config::Config;
use super::local::Files;
use super::review::{ApiServer, REVIEWER_UNAUTHORIZED, Reviewed};

impl Kubernetes {
    /// Asks whose token this is; returns also whom to ask on.
    ///
    /// # Errors
    /// As [`ApiServer::review`]; the pod's files are needed and can't be read.
    pub(super) async fn review<'a>(
        &'a self,
        config: &'a Config,
        jwt: &Secret<String>,
        audiences: &[String],
    ) -> Result<(ApiServer<'a>, Reviewed), Error> {
        let complete = !config.token_reviewer_jwt.is_empty() && !config.ca_cert.is_empty();
        if config.disable_local_ca_jwt || complete {
            let server = self.api_server(config, None, jwt)?;
            let reviewed = server.review(jwt.expose(), audiences).await?;
            return Ok((server, reviewed));
        }
        let files = self.local.files(&*self.system).await?;
        let server = self.api_server(config, Some(&files), jwt)?;
        let refusal = match server.review(jwt.expose(), audiences).await {
            Ok(reviewed) => return Ok((server, reviewed)),
            Err(refusal) => refusal,
        };
        if refusal.reason() != REVIEWER_UNAUTHORIZED {
            return Err(refusal);
        }
        // The pod's token may have been replaced, and the old one revoked, since it was read.
        let files = self.local.reread(&*self.system).await?;
        let again = self.api_server(config, Some(&files), jwt)?;
        if again.bearer.ct_eq(server.bearer.expose().as_bytes()) {
            return Err(refusal);
        }
        let reviewed = again.review(jwt.expose(), audiences).await?;
        Ok((again, reviewed))
    }

    fn api_server<'a>(
        &'a self,
        config: &'a Config,
        files: Option<&Files>,
        jwt: &Secret<String>,
    ) -> Result<ApiServer<'a>, Error> {
        let local_token = files.and_then(|files| files.token.as_ref().ok());
        let bearer = match (&*config.token_reviewer_jwt, local_token) {
            ("", Some(token)) => token.clone(),
            ("", None) => jwt.clone(),
            (configured, _) => Secret::new(configured.to_owned()),
        };
        let ca_cert = match (&*config.ca_cert, files) {
            ("", Some(files)) if config.needs_ca_cert() => {
                files.ca_cert.clone().map_err(|fault| {
                    Error::denied("local_file_unreadable")
                        .with_detail(format!("kubernetes: {fault}"))
                })?
            }
            (configured, _) => configured.to_owned(),
        };
        Ok(ApiServer {
            fetch: self.system.fetcher(),
            host: &config.host,
            ca_cert,
            bearer,
        })
    }
}
