//! What an orchestrator asks: is the worker alive (`/livez`), and has it synced of late (`/readyz`)?

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vouchsafe_logical::{Clock, Timestamp};

use super::fault::Fault;
use super::round::Change;

/// After how many intervals without a sync the worker is not ready.
const INTERVALS_MAX: u32 = 3;
/// How long one question may take: they are answered one after the other.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest question, in bytes.
const QUESTION_BYTES_MAX: usize = 4_096;

/// How the syncs went.
pub(super) struct Health {
    started: Timestamp,
    interval: Duration,
    last_success: Option<Timestamp>,
    last_fault: Option<String>,
}

impl Health {
    pub(super) const fn new(started: Timestamp, interval: Duration) -> Self {
        Self {
            started,
            interval,
            last_success: None,
            last_fault: None,
        }
    }

    /// Takes note of a sync.
    pub(super) fn note(&mut self, outcome: &Result<Change, Fault>, now: Timestamp) {
        match outcome {
            Ok(_) => {
                self.last_success = Some(now);
                self.last_fault = None;
            }
            Err(fault) => self.last_fault = Some(fault.to_string()),
        }
    }

    /// Status and body for a path.
    pub(super) fn answer(&self, path: &str, now: Timestamp) -> (u16, String) {
        let age = |since: Timestamp| now.duration_since(since).as_secs();
        let longest = self.interval.saturating_mul(INTERVALS_MAX).as_secs();
        let ready = self
            .last_success
            .is_some_and(|at| age(at) < 0 || age(at) as u64 <= longest);
        let status = match path {
            "/livez" => 200,
            "/readyz" if ready => 200,
            "/readyz" => 503,
            _ => return (404, json!({ "error": "not found" }).to_string()),
        };
        let body = json!({
            "ready": ready,
            "running_seconds": age(self.started),
            "last_success_seconds_ago": self.last_success.map(age),
            "last_fault": self.last_fault,
        });
        (status, body.to_string())
    }
}

/// Answers for ever; waits for ever where nobody wants to know.
pub(super) async fn serve(
    listener: Option<TcpListener>,
    health: &Mutex<Health>,
    clock: &dyn Clock,
) {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answered = answer(stream, health, clock);
                // Whoever asks too slowly gets nothing.
                let _ = tokio::time::timeout(QUESTION_TIMEOUT, answered).await;
            }
            Err(_) => tokio::time::sleep(QUESTION_TIMEOUT).await,
        }
    }
}

async fn answer(
    mut stream: TcpStream,
    health: &Mutex<Health>,
    clock: &dyn Clock,
) -> std::io::Result<()> {
    let mut question = Vec::new();
    while !question.windows(4).any(|end| end == b"\r\n\r\n") {
        if question.len() >= QUESTION_BYTES_MAX || stream.read_buf(&mut question).await? == 0 {
            return Ok(());
        }
    }
    let question = String::from_utf8_lossy(&question);
    let path = question.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (status, body) = match health.lock() {
        Ok(health) => health.answer(path, clock.now()),
        Err(_) => (503, String::new()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
