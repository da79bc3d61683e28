//! The way of a request through the edge: decode, hand to the core, encode.
//!
//! Invariant: a request that the core has begun is finished, and its end is audited, also when the
//! client hangs up or loses patience ([`crate::begun`]).

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request as HttpRequest, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use vouchsafe_core::metric::REFUSALS;
use vouchsafe_core::{Core, Outcome};
use vouchsafe_logical::{Entropy, EntropyExt, Error, ErrorKind, Operation, Request};

use crate::begun::{Begun, Panicked};
use crate::decode::{self, Head};
use crate::encode::{self, Answer};
use crate::forwarded::Forwarding;
use crate::inline_login;
use crate::limit::Limits;
use crate::oidcpub;
use crate::origin::{self, Verdict};
use crate::published::{self, Purpose};
use crate::pvlt;
use crate::stream::Upload;

/// Who sees `sys/metrics` through a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Who has a token that may read it.
    #[default]
    WithToken,
    /// Everybody, also while the server is sealed: `unauthenticated_metrics_access`.
    Everybody,
    /// Nobody: `disallow_metrics`.
    Nobody,
}

/// In which shape a request and its answer are written. What happens in between is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    /// `/v1/`.
    Vault,
    /// `/api/pvlt/1.0/`.
    Pvlt,
    /// `/api/services` and `/api/service-accounts`.
    OidcPub {
        /// Whether what the answer tells of is new: a POST makes it.
        is_post: bool,
    },
}

impl Api {
    fn of(method: &Method, uri: &Uri) -> Option<Self> {
        if uri.path().starts_with("/v1/") {
            Some(Self::Vault)
        } else if pvlt::is_below(uri) {
            Some(Self::Pvlt)
        } else {
            let is_post = *method == Method::POST;
            oidcpub::is_below(uri).then_some(Self::OidcPub { is_post })
        }
    }
}

/// What is known of a request before its body.
struct Asked<'a> {
    id: &'a str,
    api: Api,
    head: Head,
}

/// The edge of one server.
#[derive(Clone)]
pub struct Edge {
    core: Arc<Core>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    metrics: MetricsAccess,
    purpose: Purpose,
    /// Bytes of bodies that may still be read into memory, for all connections together.
    bodies: Arc<Semaphore>,
}

impl Edge {
    /// An edge before a core.
    #[must_use]
    pub fn new(core: Arc<Core>, entropy: Arc<dyn Entropy>) -> Self {
        let limits = Limits::default();
        Self {
            core,
            entropy,
            bodies: Arc::new(Semaphore::new(limits.bodies_bytes)),
            limits,
            metrics: MetricsAccess::default(),
            purpose: Purpose::default(),
        }
    }

    /// The same edge for another purpose.
    #[must_use]
    pub const fn with_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// The same edge with other limits. Clones share what all bodies together may have, unless just
    /// that is another.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if limits.bodies_bytes != self.limits.bodies_bytes {
            self.bodies = Arc::new(Semaphore::new(limits.bodies_bytes));
        }
        self.limits = limits;
        self
    }

    /// The same edge with another say on who sees `sys/metrics`.
    #[must_use]
    pub const fn with_metrics(mut self, metrics: MetricsAccess) -> Self {
        self.metrics = metrics;
        self
    }

    /// What bounds requests and connections.
    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The answer to a request for a published document; `None` where the API is to answer.
    pub(crate) fn published<B>(
        &self,
        request: &HttpRequest<B>,
        forwarding: &Forwarding,
        peer: SocketAddr,
    ) -> Option<Answer> {
        published::answer(&self.core, self.purpose, forwarding, peer, request)
    }

    /// Answers one HTTP request. The core works for it while it holds a permit of `running`.
    pub(crate) async fn serve(
        &self,
        request: HttpRequest<Incoming>,
        remote: Option<SocketAddr>,
        running: &Arc<Semaphore>,
    ) -> Answer {
        let id = self.entropy.uuid();
        let is_head = request.method() == Method::HEAD;
        let api = Api::of(request.method(), request.uri()).unwrap_or(Api::Vault);
        let judged = match self.core.cors() {
            Some(cors) => origin::judge(&cors, request.method(), request.headers()),
            None => Ok(Verdict::Unconcerned),
        };
        let mut origin = None;
        let answer = match judged {
            Ok(Verdict::Answered(answer)) => Ok(answer),
            Ok(Verdict::Unconcerned) => self.answer(&id, request, remote, running).await,
            Ok(Verdict::Allowed(allowed)) => {
                origin = Some(allowed);
                self.answer(&id, request, remote, running).await
            }
            Err(error) => Err(error),
        };
        let mut answer = answer.unwrap_or_else(|error| self.refuse(&id, &error, api));
        if let Some(origin) = origin {
            // Also of a refusal, which is for the page to read.
            origin::tell(answer.headers_mut(), origin);
        }
        if is_head {
            encode::without_body(answer)
        } else {
            answer
        }
    }

    /// The answer to a request that did not come to its end in the core, which counts its own.
    fn refuse(&self, id: &str, error: &Error, api: Api) -> Answer {
        let metrics = self.core.metrics();
        metrics.increment(&REFUSALS, ["", "", error.reason()]);
        // What could not be read as a request has no audit entry that would say why.
        tracing::debug!(request_id = %id, reason = error.reason(), "request refused unread");
        match api {
            Api::Vault => encode::refusal(error),
            Api::Pvlt => pvlt::refusal(error, ""),
            Api::OidcPub { .. } => oidcpub::refusal(error),
        }
    }

    async fn answer(
        &self,
        id: &str,
        request: HttpRequest<Incoming>,
        remote: Option<SocketAddr>,
        running: &Arc<Semaphore>,
    ) -> Result<Answer, Error> {
        let (parts, body) = request.into_parts();
        let api = Api::of(&parts.method, &parts.uri).ok_or_else(Error::not_found)?;
        let head = match api {
            Api::Vault => decode::head(&parts)?,
            Api::Pvlt => pvlt::head(&parts)?,
            Api::OidcPub { .. } => oidcpub::head(&parts)?,
        };
        if Core::takes_snapshot(head.operation, &head.path) {
            return self.restore(id, &parts.headers, body, running).await;
        }
        let asked = Asked { id, api, head };
        let answer = self.answer_in_time(asked, &parts.headers, body, remote, running);
        match tokio::time::timeout(self.limits.request_timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(
                ErrorKind::Unavailable,
                "request_timeout",
                "the request took too long",
            )),
        }
    }

    async fn answer_in_time(
        &self,
        asked: Asked<'_>,
        headers: &HeaderMap,
        body: Incoming,
        remote: Option<SocketAddr>,
        running: &Arc<Semaphore>,
    ) -> Result<Answer, Error> {
        let Asked { id, api, head } = asked;
        // Held to the end of the request: what is made of a body is no smaller than it.
        let (body, _held) = read(body, &self.limits, &self.bodies).await?;
        let id_of_request = id.to_owned();
        let request = match api {
            Api::Vault => {
                let login = inline_login::login(headers, || self.entropy.uuid(), remote)?;
                decode::request(id_of_request, head, headers, &body, login, remote)?
            }
            Api::Pvlt => pvlt::request(id_of_request, head, headers, &body, remote)?,
            Api::OidcPub { .. } => oidcpub::request(id_of_request, head, headers, &body, remote)?,
        };
        drop(body);
        let outcome = match self.metrics {
            MetricsAccess::WithToken => None,
            access => self.show_metrics(access, &request),
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => self.handle(request, running).await?,
        };
        Ok(match api {
            Api::Vault => encode::outcome(id, headers, outcome, &self.limits),
            Api::Pvlt => pvlt::outcome(headers, outcome),
            Api::OidcPub { is_post } => oidcpub::outcome(is_post, headers, outcome),
        })
    }

    /// Takes a snapshot, which is no request that the pipeline could judge and no body that could be
    /// held. It is finished also when the client hangs up after its last byte.
    async fn restore(
        &self,
        id: &str,
        headers: &HeaderMap,
        body: Incoming,
        running: &Arc<Semaphore>,
    ) -> Result<Answer, Error> {
        let permit = Arc::clone(running).acquire_owned().await;
        let core = Arc::clone(&self.core);
        let upload = Upload::new(body, self.limits.snapshot_bytes, self.limits.body_timeout);
        let task = async move {
            let outcome = core.restore(upload).await;
            drop(permit);
            outcome
        };
        let outcome = begun(task).await?;
        Ok(encode::outcome(id, headers, outcome, &self.limits))
    }

    /// The answer, if the request is one for the metrics, which this listener treats specially.
    fn show_metrics(&self, access: MetricsAccess, request: &Request) -> Option<Outcome> {
        if request.path.as_str() != "sys/metrics" || request.operation != Operation::Read {
            return None;
        }
        Some(match access {
            MetricsAccess::WithToken => return None,
            MetricsAccess::Everybody => self.core.show_metrics_to_everybody(request),
            MetricsAccess::Nobody => self.core.refuse_metrics(request),
        })
    }

    async fn handle(&self, request: Request, running: &Arc<Semaphore>) -> Result<Outcome, Error> {
        let permit = Arc::clone(running).acquire_owned().await;
        let core = Arc::clone(&self.core);
        let request = Arc::new(request);
        let task = async move {
            let entered = core.enter(&request);
            let outcome = core.handle(&request).await;
            drop(entered);
            drop(permit);
            outcome
        };
        begun(task).await
    }
}

async fn begun(task: impl Future<Output = Outcome> + Send + 'static) -> Result<Outcome, Error> {
    Begun::new(task).await.map_err(|Panicked| {
        tracing::error!("a request panicked");
        Error::internal("the request panicked").with_reason("request_panicked")
    })
}

/// The whole body, within its limits, and its part of what all bodies may have.
async fn read<'b>(
    mut body: Incoming,
    limits: &Limits,
    bodies: &'b Semaphore,
) -> Result<(Bytes, Option<SemaphorePermit<'b>>), Error> {
    let bytes_max = limits.body_bytes;
    let too_large = || {
        Error::new(
            ErrorKind::TooLarge,
            "body_too_large",
            format!("the body has more than {bytes_max} bytes"),
        )
    };
    let too_busy = || {
        Error::new(
            ErrorKind::Unavailable,
            "too_many_bodies",
            "the server is reading too many large requests; try again later",
        )
    };
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let reading = async {
        let mut whole = BytesMut::new();
        let mut held: Option<SemaphorePermit<'b>> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                Error::invalid_because("body_unreadable", "the body ended before it was complete")
            })?;
            if let Some(data) = frame.data_ref() {
                if whole.len() + data.len() > bytes_max {
                    return Err(too_large());
                }
                let part = u32::try_from(data.len()).map_err(|_| too_large())?;
                // Not waited for: those who hold the rest may never come to an end.
                let part = bodies.try_acquire_many(part).map_err(|_| too_busy())?;
                match &mut held {
                    Some(held) => held.merge(part),
                    None => held = Some(part),
                }
                whole.extend_from_slice(data);
            }
        }
        Ok((whole.freeze(), held))
    };
    match tokio::time::timeout(limits.body_timeout, reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::invalid_because(
            "body_timeout",
            "the body did not arrive in time",
        )),
    }
}
