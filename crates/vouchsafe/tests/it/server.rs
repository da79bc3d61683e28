//! A fake server: answers by a table, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a route answers: status and body.
type Answer = (u16, String);

#[derive(Default)]
struct State {
    routes: BTreeMap<String, Answer>,
    /// The requests since [`FakeServer::forget`], each as one line.
    requests: Vec<String>,
}

/// A server on a port of its own.
pub(crate) struct FakeServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeServer {
    /// Starts a server that knows no route: it answers 404.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &shared);
            }
        });
        Self { address, state }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Answers a route, by method and path without query, from here on.
    pub(crate) fn serve(&self, route: &str, status: u16, body: &str) {
        self.state
            .lock()
            .unwrap()
            .routes
            .insert(route.to_owned(), (status, body.to_owned()));
    }

    /// Forgets the requests.
    pub(crate) fn forget(&self) {
        self.state.lock().unwrap().requests.clear();
    }

    /// The requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let Some((route, request)) = receive(&stream) else {
        // Not HTTP: a client that speaks TLS.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        return;
    };
    let mut state = state.lock().unwrap();
    state.requests.push(request);
    let unknown = (404, r#"{"errors":[]}"#.to_owned());
    let (status, body) = state.routes.get(&route).unwrap_or(&unknown);
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .unwrap();
}

/// The route asked, and the request as one line: target, token, other headers of the API, body.
fn receive(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let target = first.strip_suffix(" HTTP/1.1\r\n")?.to_owned();
    let route = target.split('?').next()?.to_owned();
    let mut line = target;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        match name {
            "content-length" => length = value.parse().unwrap(),
            "x-vault-token" => line = format!("{line} token={value}"),
            // Every request has it.
            "x-vault-request" => {}
            _ if name.starts_with("x-") => line = format!("{line} {name}={value}"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some((route, format!("{line} {body}").trim_end().to_owned()))
}
