//! The server and the tour as processes: what signals do, and what the environment does not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vouchsafe");

/// A dev server on a port of its own.
struct Server {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
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
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
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
