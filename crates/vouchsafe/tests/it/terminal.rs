//! Questions on a terminal: what is asked, that the answer is not shown, and that it arrives.
//!
//! The program gets a pseudo-terminal as its controlling one (`setsid`, part of every Linux).

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use crate::server::FakeServer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vouchsafe");
const SECRET: &str = "canary-secret";

/// The program at a terminal of its own.
struct Terminal {
    keyboard_and_screen: File,
    child: Child,
    shown: String,
    _home: TempDir,
}

impl Terminal {
    fn run(server: &FakeServer, words: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let theirs = File::from(ioctl_tiocgptpeer(&ours, flags).unwrap());
        let stream = || Stdio::from(theirs.try_clone().unwrap());
        let home = TempDir::new().unwrap();
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", PROGRAM])
            .args(words)
            .env_clear()
            .env("HOME", home.path())
            .env("VAULT_ADDR", format!("http://{}", server.address()))
            .env("VAULT_MAX_RETRIES", "0")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        Self {
            keyboard_and_screen: File::from(ours),
            child,
            shown: String::new(),
            _home: home,
        }
    }

    /// Reads what comes next. `false`: the program has ended.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4_096];
        // Linux answers the end with an error, since the other side is closed.
        let count = self.keyboard_and_screen.read(&mut bytes).unwrap_or(0);
        self.shown
            .push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }

    /// Types an answer once the question stands there and the keyboard is not shown any more.
    fn answer(&mut self, question: &str, text: &str) {
        while !self.shown.contains(question) {
            assert!(self.read(), "no {question:?} in {:?}", self.shown);
        }
        let shows_typing = |terminal: &File| {
            let modes = tcgetattr(terminal).unwrap().local_modes;
            modes.contains(LocalModes::ECHO)
        };
        while shows_typing(&self.keyboard_and_screen) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended before it hid what is typed");
            std::thread::yield_now();
        }
        writeln!(self.keyboard_and_screen, "{text}").unwrap();
    }

    /// What was shown until the program ended, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        (std::mem::take(&mut self.shown), code)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_unseal_key_is_asked_for_and_not_shown() {
    let server = FakeServer::start();
    let state = r#"{"type":"shamir","initialized":true,"sealed":false,"t":1,"n":1,"progress":0,"version":"1.0.0","storage_type":"file"}"#;
    server.serve("PUT /v1/sys/unseal", 200, state);
    let mut terminal = Terminal::run(&server, &["operator", "unseal"]);
    terminal.answer("Unseal Key (will be hidden): ", SECRET);
    let (shown, code) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Sealed"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    let sent = format!("/v1/sys/unseal {{\"key\":\"{SECRET}\"}}");
    assert_eq!(server.requests().len(), 1);
    assert!(
        server.requests()[0].ends_with(&sent),
        "{:?}",
        server.requests()
    );
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let server = FakeServer::start();
    let login = r#"{"auth":{"client_token":"hvs.made","accessor":"a","policies":["default"],"lease_duration":60,"renewable":true}}"#;
    server.serve("PUT /v1/auth/userpass/login/u", 200, login);
    let words = ["login", "-method=userpass", "-no-store", "username=u"];
    let mut terminal = Terminal::run(&server, &words);
    terminal.answer("Password (will be hidden): ", SECRET);
    let (shown, code) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("hvs.made"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    let sent = format!("{{\"password\":\"{SECRET}\"}}");
    assert!(
        server.requests()[0].ends_with(&sent),
        "{:?}",
        server.requests()
    );
}

#[test]
fn nothing_is_asked_where_that_is_not_wished() {
    let server = FakeServer::start();
    let words = ["operator", "unseal", "-non-interactive"];
    let (shown, code) = Terminal::run(&server, &words).end();
    assert_eq!(code, Some(2), "{shown}");
    assert!(!shown.contains("will be hidden"), "{shown}");
    assert!(server.requests().is_empty());
}
