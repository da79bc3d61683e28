//! A core behind a listener on the loopback address.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;
use vouchsafe_server::{Edge, Forwarding, Limits, Listener, Purpose, Serving};

use super::{Ask, Builder, Raw, TestCore, client};

/// A server with a listener on the loopback address.
pub(crate) struct TestServer {
    inner: TestCore,
    serving: Serving,
    client: reqwest::Client,
}

impl std::ops::Deref for TestServer {
    type Target = TestCore;

    fn deref(&self) -> &TestCore {
        &self.inner
    }
}

impl TestServer {
    /// A server as a test describes it.
    pub(crate) fn builder() -> Builder {
        Builder::new()
    }

    /// A server as it is after its first start.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server over an empty store.
    pub(crate) async fn uninitialized() -> Self {
        Self::serve(TestCore::uninitialized(), Limits::default()).await
    }

    /// A server over an empty store with other limits than those of production.
    pub(crate) async fn uninitialized_with(limits: Limits) -> Self {
        Self::serve(TestCore::uninitialized(), limits).await
    }

    /// A sealed server over this one's own storage, as after a restart.
    pub(crate) async fn restarted(&self) -> Self {
        Self::serve(self.inner.restarted(), Limits::default()).await
    }

    /// A server that nobody has unsealed.
    pub(crate) async fn sealed() -> Self {
        Self::serve(TestCore::sealed().await, Limits::default()).await
    }

    /// A server over a core that is there already.
    pub(crate) async fn over(inner: TestCore) -> Self {
        Self::serve(inner, Limits::default()).await
    }

    pub(super) async fn serve(inner: TestCore, limits: Limits) -> Self {
        Self::serve_with(inner, |edge| edge.with_limits(limits)).await
    }

    pub(super) async fn serve_with(inner: TestCore, with: impl FnOnce(Edge) -> Edge) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(address).await.expect("a free port");
        let entropy = Arc::clone(&inner.entropy);
        let edge = with(Edge::new(Arc::clone(&inner.core), entropy));
        let serving = listener.serve(edge);
        let client = client::plain();
        Self {
            inner,
            serving,
            client,
        }
    }

    /// Another listener of the same server, for published documents only, behind a proxy at the
    /// loopback address where it is told so.
    pub(crate) async fn publish_listener(&self, forwarding: Forwarding) -> Serving {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(address).await.expect("a free port");
        let edge = Edge::new(Arc::clone(&self.core), Arc::clone(&self.entropy) as _);
        listener
            .with_forwarding(forwarding)
            .serve(edge.with_purpose(Purpose::Publish))
    }

    /// A request to any address.
    pub(crate) fn ask_at(&self, address: SocketAddr, method: &str, path: &str) -> Ask {
        Ask::new(&self.client, method, format!("http://{address}{path}"))
    }

    /// The listener's address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Lets requests in flight finish, and ends.
    pub(crate) async fn stop(self) {
        self.serving.stop().await;
    }

    /// A request, path below `/v1/`.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(
            &self.client,
            method,
            format!("http://{}/v1/{path}", self.address()),
        )
    }

    /// A request to any path.
    pub(crate) fn ask_outside(&self, method: &str, path: &str) -> Ask {
        Ask::new(
            &self.client,
            method,
            format!("http://{}{path}", self.address()),
        )
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Ask {
        self.ask("POST", path).json(body)
    }

    /// A client of its own that speaks HTTP/2 from the first byte.
    pub(crate) fn http2(&self) -> reqwest::Client {
        client::http2()
    }

    /// Bytes on a connection of their own, and everything that comes back.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut raw = self.raw().await;
        raw.send(bytes).await;
        raw.rest().await
    }

    /// A plain TCP connection, for requests that no client library would send.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(self.address()).await
    }
}
