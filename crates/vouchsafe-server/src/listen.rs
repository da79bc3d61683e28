//! Sockets: accept, bound, serve, drain.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::limit::{HEAD_BYTES_MAX, HEADERS_MAX, STREAMS_MAX};
use crate::logical::Edge;

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
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the supervised spawner of the edge"
        )]
        let task = tokio::spawn(accept(self.socket, edge, stopped));
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
        drop(self.stop.send(()));
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener died");
        }
    }
}

async fn accept(socket: TcpListener, edge: Edge, mut stopped: oneshot::Receiver<()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(edge.limits().head_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    let builder = Arc::new(builder);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(edge.limits().connections));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let (stream, remote) = tokio::select! {
            _ = &mut stopped => break,
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, say: wait for some to be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let builder = Arc::clone(&builder);
        let edge = edge.clone();
        let watcher = graceful.watcher();
        let connection = async move {
            drop(stream.set_nodelay(true));
            let service = service_fn(move |request| {
                let edge = edge.clone();
                async move { Ok::<_, Infallible>(edge.serve(request, Some(remote)).await) }
            });
            let io: TokioIo<TcpStream> = TokioIo::new(stream);
            let served = watcher
                .watch(builder.serve_connection(io, service).into_owned())
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, %remote, "a connection ended early");
            }
            drop(place);
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the supervised spawner of the edge"
        )]
        drop(tokio::spawn(connection));
    }
    drop(socket);
    if tokio::time::timeout(edge.limits().drain_timeout, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}
