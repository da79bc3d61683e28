//! The server and the tour as processes: what signals do, and what the environment does not.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vouchsafe");

/// A dev server on a port of its own.
struct Server {
    child: Child,
    /// What it writes.
    lines: std::io::Lines<BufReader<Box<dyn Read>>>,
    address: String,
}

impl Server {
    fn start(home: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["server", "-dev", "-dev-root-token-id=root"])
            .arg("-dev-listen-address=127.0.0.1:0")
            .env("HOME", home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = lines_of(child.stdout.take().unwrap());
        let announced = "Api Address: ";
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| Some(line.split_once(announced)?.1.to_owned()))
            .unwrap();
        Self {
            child,
            lines,
            address,
        }
    }

    fn wait_for_line(&mut self, text: &str) {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        assert!(lines.any(|line| line.contains(text)), "no line {text:?}");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn ask(&self, words: &[&str]) {
        let answer = Command::new(PROGRAM)
            .args(words)
            .env("VAULT_ADDR", &self.address)
            .env("VAULT_TOKEN", "root")
            .output()
            .unwrap();
        assert!(answer.status.success(), "{words:?}: {answer:?}");
    }
}

fn lines_of(stream: impl Read + 'static) -> std::io::Lines<BufReader<Box<dyn Read>>> {
    BufReader::new(Box::new(stream) as Box<dyn Read>).lines()
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_hangup_opens_audit_files_anew_and_a_termination_ends_well() {
    let folder = TempDir::new().unwrap();
    let (log, moved) = (folder.path().join("audit.log"), folder.path().join("moved"));
    let mut server = Server::start(folder.path());
    let option = format!("file_path={}", log.display());
    server.ask(&["audit", "enable", "file", &option]);
    fs::rename(&log, &moved).unwrap();
    server.signal("-HUP");
    server.wait_for_line("reload triggered");
    let written = fs::metadata(&moved).unwrap().len();
    server.ask(&["policy", "list"]);
    assert!(fs::read_to_string(&log).unwrap().contains("sys/policies"));
    assert_eq!(fs::metadata(&moved).unwrap().len(), written);

    server.signal("-TERM");
    server.wait_for_line("shutdown triggered");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

/// Whoever started it may have read all it wanted, or nothing.
#[test]
fn a_server_whose_output_nobody_reads_goes_on_and_ends_well() {
    let folder = TempDir::new().unwrap();
    let (reader, unread) = std::io::pipe().unwrap();
    drop(reader);
    // Free a moment ago; what the server says of its port nobody reads.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = free.local_addr().unwrap();
    drop(free);
    let mut child = Command::new(PROGRAM)
        .args(["server", "-dev", "-dev-root-token-id=root"])
        .arg(format!("-dev-listen-address={socket}"))
        .env("HOME", folder.path())
        .stdout(unread)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Server {
        lines: lines_of(child.stderr.take().unwrap()),
        child,
        address: format!("http://{socket}"),
    };
    let unwritten = "standard output can't be written to";
    server.wait_for_line(unwritten);
    server.ask(&["policy", "list"]);
    server.signal("-HUP");
    server.wait_for_line(unwritten);
    server.ask(&["policy", "list"]);
    server.signal("-TERM");
    server.wait_for_line(unwritten);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_tour_holds_whatever_the_user_has_set() {
    let tour = Command::new(PROGRAM)
        .args(["demo", "--once"])
        .env("VAULT_NAMESPACE", "team")
        .env("VAULT_WRAP_TTL", "60s")
        .env("VOUCHSAFE_ADDR", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert!(tour.status.success(), "{tour:?}");
    let text = String::from_utf8(tour.stdout).unwrap();
    assert!(text.contains("\nEOF\n"), "a here document has no end");
    assert!(text.contains(&format!("alias vouchsafe={PROGRAM}")));
}
