//! Bytes on a TCP connection: what no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a test waits for the server before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// A TCP connection.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("connected"))
    }

    /// Sends bytes. A server that has hung up already is fine.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        drop(self.0.write_all(bytes).await);
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        drop(self.0.shutdown().await);
    }

    /// The next bytes, exactly so many.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let reading = self.0.read_exact(&mut bytes);
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("in time")
            .expect("so many bytes");
        bytes
    }

    /// Everything until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let reading = self.0.read_to_end(&mut bytes);
        drop(
            tokio::time::timeout(PATIENCE, reading)
                .await
                .expect("the server closes in time"),
        );
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The status of the next answer, whose connection stays open.
    pub(crate) async fn status(&mut self) -> u16 {
        let mut line = Vec::new();
        let reading = async {
            while !line.ends_with(b"\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => line.push(byte),
                    Err(_) => break,
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the server answers in time");
        status_of(&String::from_utf8_lossy(&line))
    }
}

/// The status in a status line; 0 where there is none.
pub(crate) fn status_of(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0)
}
