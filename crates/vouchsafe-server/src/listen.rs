//! Sockets: accept, shake hands, bound, serve, drain.
//!
//! A connection costs a place of [`Limits::connections`](crate::Limits), so none may be held for
//! nothing: one whose handshake or head does not come in time, and one on which nothing happens, is
//! closed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;

use crate::encode;
use crate::forwarded::Forwarding;
use crate::limit::{HEAD_BYTES_MAX, HEADERS_MAX, Limits, STREAMS_MAX};
use crate::logical::Edge;
use crate::tls::Tls;

/// How long the listener waits after the system refused it a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The first byte of a TLS handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;

/// What a client hears that speaks plain HTTP where TLS is expected; the wording is that of Go's
/// servers, which clients know.
const PLAIN_HTTP_REFUSAL: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// A bound socket that does not serve yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    forwarding: Arc<Forwarding>,
}

impl Listener {
    /// Binds to an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The operating system's: the address is in use, or not this machine's.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            address,
            tls: None,
            forwarding: Arc::default(),
        })
    }

    /// The same listener, speaking TLS only.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same listener, behind proxies.
    #[must_use]
    pub fn with_forwarding(mut self, forwarding: Forwarding) -> Self {
        self.forwarding = Arc::new(forwarding);
        self
    }

    /// The address with the port that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is stopped.
    #[must_use]
    pub fn serve(self, edge: Edge) -> Serving {
        let (stop, stopped) = oneshot::channel();
        let address = self.address;
        let task = spawn(accept(self, edge, stopped));
        Serving {
            address,
            stop,
            task,
        }
    }
}

/// A socket that serves.
pub struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// The address that it serves at.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections, lets requests in flight finish, and ends.
    pub async fn stop(self) {
        // The other end is gone when the listener has died, which its task reports.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener died");
        }
    }
}

pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the supervised spawner of the listener"
    )]
    tokio::spawn(task)
}

async fn accept(listener: Listener, edge: Edge, mut stopped: oneshot::Receiver<()>) {
    let Listener {
        socket,
        tls,
        forwarding,
        ..
    } = listener;
    // Dropped when the listener stops, so that handshakes don't hold up the end.
    let (open, closing) = watch::channel(());
    let builder = Arc::new(protocols(edge.limits()));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(edge.limits().connections));
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = next(&socket, &places) => accepted,
        };
        match accepted {
            Ok((stream, remote, place)) => drop(spawn(
                Connection {
                    edge: edge.clone(),
                    builder: Arc::clone(&builder),
                    tls: tls.clone(),
                    forwarding: Arc::clone(&forwarding),
                    remote,
                    place,
                    closing: closing.clone(),
                }
                .begin(stream, graceful.watcher()),
            )),
            Err(error) => {
                // Out of file descriptors, say: wait for some to be closed.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((socket, open));
    let drained = tokio::time::timeout(edge.limits().drain_timeout, graceful.shutdown()).await;
    if drained.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

/// The next connection, once there is a place for it.
async fn next(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, remote) = socket.accept().await?;
    Ok((stream, remote, place))
}

/// HTTP/1.1 and HTTP/2 with prior knowledge, told apart by the first bytes.
fn protocols(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    builder
}

/// One accepted connection.
struct Connection {
    edge: Edge,
    builder: Arc<Builder<TokioExecutor>>,
    tls: Option<Arc<Tls>>,
    forwarding: Arc<Forwarding>,
    remote: SocketAddr,
    place: OwnedSemaphorePermit,
    closing: watch::Receiver<()>,
}

impl Connection {
    /// Shakes hands where TLS is spoken, and serves.
    async fn begin(self, stream: TcpStream, watcher: Watcher) {
        let remote = self.remote;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %remote, "small answers may be delayed");
        }
        let Some(tls) = self.tls.clone() else {
            return self.serve(stream, watcher).await;
        };
        let mut closing = self.closing.clone();
        let shaken = tokio::select! {
            shaken = handshake(&tls, stream, self.edge.limits().head_timeout) => shaken,
            _ = closing.changed() => return,
        };
        match shaken {
            Ok(stream) => self.serve(stream, watcher).await,
            Err(error) => tracing::debug!(%error, %remote, "a TLS handshake failed"),
        }
    }

    async fn serve<S>(self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self {
            edge,
            builder,
            forwarding,
            remote,
            place,
            ..
        } = self;
        let activity = Arc::new(Activity::default());
        let limits = edge.limits().clone();
        // One client's requests at a time, counted until they are done, not until it hangs up.
        let running = Arc::new(Semaphore::new(usize::try_from(STREAMS_MAX).unwrap_or(1)));
        let service = service_fn(|request: Request<Incoming>| {
            let (edge, running) = (edge.clone(), Arc::clone(&running));
            let published = edge.published(&request, &forwarding, remote);
            let client = forwarding.client(remote, request.headers());
            let active = Active::begin(&activity);
            let is_head = request.method() == Method::HEAD;
            async move {
                let mut answer = match client {
                    _ if let Some(published) = published => published,
                    Ok(client) => edge.serve(request, Some(client), &running).await,
                    Err(error) if is_head => encode::without_body(encode::refusal(&error)),
                    Err(error) => encode::refusal(&error),
                };
                // A connection on which an answer is still being sent is not idle.
                answer.body_mut().hold(active);
                Ok::<_, Infallible>(answer)
            }
        });
        let io = TokioIo::new(stream);
        let served = watcher.watch(builder.serve_connection(io, service).into_owned());
        tokio::select! {
            served = served => {
                if let Err(error) = served {
                    tracing::debug!(%error, %remote, "a connection ended early");
                }
            }
            () = activity.ceased(&limits) => {
                tracing::debug!(%remote, "a connection on which nothing happened was closed");
            }
        }
        drop(place);
    }
}

/// Shakes hands, as a whole in a bounded time.
async fn handshake(
    tls: &Tls,
    mut stream: TcpStream,
    bound: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let shaking = async {
        let mut first = [0];
        if stream.peek(&mut first).await? > 0 && first[0] != TLS_HANDSHAKE {
            stream.write_all(PLAIN_HTTP_REFUSAL).await?;
            stream.shutdown().await?;
            return Err(io::Error::other("the client does not speak TLS"));
        }
        tls.acceptor().accept(stream).await
    };
    match tokio::time::timeout(bound, shaking).await {
        Ok(shaken) => shaken,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// What happens on a connection.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    done: AtomicU64,
}

impl Activity {
    /// Returns when no request has come in the time for a head, or later none in the time for
    /// idling. Hyper itself waits for ever for the first bytes, and for requests of HTTP/2.
    async fn ceased(&self, limits: &Limits) {
        tokio::time::sleep(limits.head_timeout).await;
        let mut seen = self.begun.load(Ordering::Relaxed);
        while seen > 0 {
            tokio::time::sleep(limits.idle_timeout).await;
            let begun = self.begun.load(Ordering::Relaxed);
            if begun == seen && begun == self.done.load(Ordering::Relaxed) {
                return;
            }
            seen = begun;
        }
    }
}

/// A request that is being served. Dropping it, finished or not, ends it.
struct Active(Arc<Activity>);

impl Active {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_shake_hands_is_left() {
        let folder = tempfile::TempDir::new().unwrap();
        let tls = crate::tls::tests::tls(&folder);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for sent in [&b""[..], &[TLS_HANDSHAKE, 3, 1]] {
            let mut client = TcpStream::connect(socket.local_addr().unwrap())
                .await
                .unwrap();
            client.write_all(sent).await.unwrap();
            let (stream, _) = socket.accept().await.unwrap();
            let shaken = handshake(&tls, stream, Duration::from_millis(50)).await;
            assert_eq!(shaken.unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }
}
