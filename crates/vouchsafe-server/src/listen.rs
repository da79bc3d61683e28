//! Sockets: accept, bound, serve, drain.
//!
//! A connection costs a place of [`Limits::connections`](crate::Limits), so none may be held for
//! nothing: one that sends no whole head in time, and one on which nothing happens, is closed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::limit::{HEAD_BYTES_MAX, HEADERS_MAX, Limits, STREAMS_MAX};
use crate::logical::Edge;

/// How long the listener waits after the system refused it a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound socket that does not serve yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds to an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The operating system's: the address is in use, or not this machine's.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
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
        let task = spawn(accept(self.socket, edge, stopped));
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

fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the supervised spawner of the listener"
    )]
    tokio::spawn(task)
}

async fn accept(socket: TcpListener, edge: Edge, mut stopped: oneshot::Receiver<()>) {
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
                    remote,
                    place,
                }
                .serve(stream, graceful.watcher()),
            )),
            Err(error) => {
                // Out of file descriptors, say: wait for some to be closed.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
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
    remote: SocketAddr,
    place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        let Self {
            edge,
            builder,
            remote,
            place,
        } = self;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %remote, "small answers may be delayed");
        }
        let activity = Arc::new(Activity::default());
        let limits = edge.limits().clone();
        // One client's requests at a time, counted until they are done, not until it hangs up.
        let running = Arc::new(Semaphore::new(usize::try_from(STREAMS_MAX).unwrap_or(1)));
        let service = service_fn(|request| {
            let (edge, running) = (edge.clone(), Arc::clone(&running));
            let active = Active::begin(&activity);
            async move {
                let answer = edge.serve(request, Some(remote), &running).await;
                drop(active);
                Ok::<_, Infallible>(answer)
            }
        });
        let io: TokioIo<TcpStream> = TokioIo::new(stream);
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
