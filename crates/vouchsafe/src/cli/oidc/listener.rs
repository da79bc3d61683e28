//! Where the browser comes back to: a small HTTP server that waits for one answer.
//!
//! Everything on this machine can connect, and any page can have a browser ask. What does not have the
//! state of the login is met with a page, and the waiting goes on.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::options::CALLBACK_PATH;
use super::page::Page;

/// How many connections there may be at a time. Browsers open some that they never use.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may say nothing.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that a browser posts, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long the last page may take to be shown.
const SHOW_TIMEOUT: Duration = Duration::from_secs(5);

/// Bound sockets, one for each address of a name.
pub(super) struct Listener {
    sockets: Vec<TcpListener>,
    port: u16,
}

/// What the browser brought, and the browser, waiting for a page.
pub(super) struct Answered {
    parameters: Parameters,
    browser: Browser,
    /// The others end with it.
    _connections: JoinSet<()>,
}

/// A browser that waits for a page.
struct Browser {
    page: oneshot::Sender<Page>,
    /// Comes to its end with the connection, when the page has been sent.
    gone: Option<oneshot::Receiver<()>>,
}

/// Told by a connection when it is over; for the one that asks first.
type Gone = Mutex<Option<oneshot::Receiver<()>>>;
type Parameters = BTreeMap<String, String>;

/// What one connection hands to the command.
struct Arrived {
    parameters: Parameters,
    browser: Browser,
}

/// What all connections share.
struct Desk {
    state: String,
    /// Taken by the first answer.
    arrivals: Mutex<Option<mpsc::Sender<Arrived>>>,
}

impl Listener {
    /// Listens at every address of a name; at one at least. Port 0 takes one that is free.
    pub(super) async fn bind(host: &str, port: u16) -> io::Result<Self> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
        let mut bound = Self {
            sockets: Vec::new(),
            port,
        };
        let mut fault = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for mut address in addresses {
            address.set_port(bound.port);
            match TcpListener::bind(address).await {
                Ok(socket) => {
                    bound.port = socket.local_addr()?.port();
                    bound.sockets.push(socket);
                }
                // A machine without IPv6 has a name for it all the same. A port that somebody else
                // has at one of the addresses is not ours: the browser may go there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                Err(error) => fault = error,
            }
        }
        match bound.sockets.is_empty() {
            true => Err(fault),
            false => Ok(bound),
        }
    }

    /// The port that was taken.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the answer to the login with this state. `None`: there was none in time.
    pub(super) async fn answer(&self, state: &str, limit: Duration) -> Option<Answered> {
        let (sender, mut receiver) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            state: state.to_owned(),
            arrivals: Mutex::new(Some(sender)),
        });
        let mut connections = JoinSet::new();
        let arrived = async {
            loop {
                let has_room = connections.len() < CONNECTIONS_MAX;
                tokio::select! {
                    arrived = receiver.recv() => return arrived,
                    Some(_) = connections.join_next() => {}
                    stream = self.accept(), if has_room => {
                        connections.spawn(serve(stream, Arc::clone(&desk)));
                    }
                }
            }
        };
        let arrived = tokio::time::timeout(limit, arrived).await.ok()??;
        Some(Answered {
            parameters: arrived.parameters,
            browser: arrived.browser,
            _connections: connections,
        })
    }

    async fn accept(&self) -> TcpStream {
        loop {
            let accepted = poll_fn(|context| {
                let ready =
                    self.sockets
                        .iter()
                        .find_map(|socket| match socket.poll_accept(context) {
                            Poll::Ready(accepted) => Some(accepted),
                            Poll::Pending => None,
                        });
                ready.map_or(Poll::Pending, Poll::Ready)
            });
            match accepted.await {
                Ok((stream, _)) => return stream,
                // Out of descriptors, or the peer is gone already: the next one may come.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Answered {
    /// A parameter of the answer.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Shows the browser a page, and ends.
    pub(super) async fn show(self, page: Page) {
        // A browser that is gone is shown nothing.
        let _ = self.browser.page.send(page);
        if let Some(gone) = self.browser.gone {
            let _ = tokio::time::timeout(SHOW_TIMEOUT, gone).await;
        }
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    // Dropped at the end of this function, which whoever waits for `gone` so learns.
    let (_alive, gone) = oneshot::channel();
    let gone = Arc::new(Mutex::new(Some(gone)));
    let service = service_fn(move |request| {
        let (desk, gone) = (Arc::clone(&desk), Arc::clone(&gone));
        async move { Ok::<_, Infallible>(desk.respond(request, &gone).await) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    // A connection that breaks is the browser's affair.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

impl Desk {
    async fn respond(&self, request: Request<Incoming>, gone: &Gone) -> Response<Full<Bytes>> {
        let page = match self.take(request, gone).await {
            Ok(waiting) => waiting
                .await
                .unwrap_or_else(|_| Page::failed("it was given up")),
            Err(page) => page,
        };
        page.response()
    }

    /// Hands an answer to the command, which will have a page to show.
    async fn take(
        &self,
        request: Request<Incoming>,
        gone: &Gone,
    ) -> Result<oneshot::Receiver<Page>, Page> {
        let unexpected = |status, text| Err(Page::unexpected(status, text));
        if request.uri().path() != CALLBACK_PATH {
            return unexpected(StatusCode::NOT_FOUND, "There is nothing here.");
        }
        let text = match *request.method() {
            Method::GET => request.uri().query().unwrap_or_default().to_owned(),
            Method::POST => {
                let body = Limited::new(request.into_body(), BODY_BYTES_MAX)
                    .collect()
                    .await;
                let Ok(body) = body else {
                    return unexpected(StatusCode::PAYLOAD_TOO_LARGE, "It is too large.");
                };
                String::from_utf8_lossy(&body.to_bytes()).into_owned()
            }
            _ => return unexpected(StatusCode::METHOD_NOT_ALLOWED, "Nothing is done here so."),
        };
        let parameters = parameters(&text);
        let parameters = parameters.filter(|parameters| {
            parameters
                .get("state")
                .is_some_and(|state| *state == self.state)
        });
        let Some(parameters) = parameters else {
            let text = "It is not of the login that is waiting here.";
            return unexpected(StatusCode::BAD_REQUEST, text);
        };
        let arrivals = taken(&self.arrivals);
        let Some(arrivals) = arrivals else {
            return unexpected(
                StatusCode::BAD_REQUEST,
                "The login has been answered already.",
            );
        };
        let (page, waiting) = oneshot::channel();
        let arrived = Arrived {
            parameters,
            browser: Browser {
                page,
                gone: taken(gone),
            },
        };
        match arrivals.send(arrived).await {
            Ok(()) => Ok(waiting),
            Err(_) => unexpected(StatusCode::BAD_REQUEST, "Nobody is waiting any more."),
        }
    }
}

fn taken<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The parameters of a form; none where one of them is there twice (RFC 6749 §3.1).
fn parameters(text: &str) -> Option<Parameters> {
    // The one parser of forms that is here takes a whole address.
    let mut url = Url::parse("http://localhost/").ok()?;
    url.set_query(Some(text));
    let mut parameters = Parameters::new();
    for (name, value) in url.query_pairs() {
        if parameters
            .insert(name.into_owned(), value.into_owned())
            .is_some()
        {
            return None;
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests;
