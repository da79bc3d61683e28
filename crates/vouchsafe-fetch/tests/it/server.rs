//! Servers on this machine that answer with given bytes, over plain TCP or TLS, and count who came.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a server does once a request's head is there.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Sends these bytes and closes.
    Answer(Vec<u8>),
    /// Sends these bytes and then nothing more, with the connection open.
    Hang(Vec<u8>),
    /// Sends the head, then a body without end.
    Flood(Vec<u8>),
}

/// A server for the length of a test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    seen: Arc<std::sync::Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with status, further header lines and body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Behaviour {
    Behaviour::Answer(
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

impl Server {
    /// Listens on a loopback address without TLS.
    pub(crate) async fn plain(behaviour: Behaviour) -> Self {
        Self::start("127.0.0.1:0", None, behaviour).await
    }

    /// Listens with TLS under a certificate for `names`; returns the certificate in PEM.
    pub(crate) async fn tls(names: &[&str], behaviour: Behaviour) -> (Self, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = Self::start("127.0.0.1:0", Some(acceptor), behaviour).await;
        (server, made.cert.pem())
    }

    async fn start(address: &str, tls: Option<TlsAcceptor>, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (counted, heard) = (Arc::clone(&connections), Arc::clone(&seen));
        let serve = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                match &tls {
                    None => converse(stream, &behaviour, &heard).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, &behaviour, &heard).await;
                        }
                    }
                }
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the server of a test ends with the test"
        )]
        let task = tokio::spawn(serve);
        Self {
            address,
            connections,
            seen,
            task,
        }
    }

    /// A URL of this server.
    pub(crate) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/keys", self.address.port())
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The last request that came, as it came.
    pub(crate) fn request(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }
}

async fn converse<S>(mut stream: S, behaviour: &Behaviour, heard: &std::sync::Mutex<Vec<u8>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = vec![0; 64 * 1024];
    let mut length = 0;
    while !request[..length].windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut request[length..]).await {
            Ok(0) | Err(_) => return,
            Ok(more) => length += more,
        }
    }
    request.truncate(length);
    *heard.lock().unwrap() = request;
    match behaviour {
        Behaviour::Answer(bytes) => {
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::Hang(bytes) => {
            let _ = stream.write_all(bytes).await;
            let _ = stream.flush().await;
            // Until the client goes away.
            let mut rest = [0; 64];
            while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        }
        Behaviour::Flood(head) => {
            if stream.write_all(head).await.is_err() {
                return;
            }
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}
