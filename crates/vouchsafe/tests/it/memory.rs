//! Whether the server's memory is locked: where it may be it is, and where not the log says what to do.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vouchsafe");

/// A server under a limit of memory that may be locked, as `ulimit -l` takes it.
struct Server {
    child: Child,
    _site: TempDir,
}

impl Server {
    /// `None`: the machine does not let us have that limit.
    fn start(limit: &str, disable_mlock: bool) -> Option<Self> {
        let site = TempDir::new().unwrap();
        let config = site.path().join("config.hcl");
        let text = format!(
            "storage \"inmem\" {{}}\nlistener \"tcp\" {{\naddress = \"127.0.0.1:0\"\n\
             tls_disable = true\n}}\ndisable_mlock = {disable_mlock}\n"
        );
        fs::write(&config, text).unwrap();
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                "ulimit -l \"$1\" && exec \"$0\" server -config=\"$2\"",
            ])
            .arg(PROGRAM)
            .arg(limit)
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let started = lines.any(|line| line.unwrap().contains("server started!"));
        let server = Self { child, _site: site };
        started.then_some(server)
    }

    /// Kibibytes that the kernel keeps out of the swap.
    fn locked(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
        let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
        kibibytes.parse().unwrap()
    }

    /// The log, once the server is ended.
    fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn memory_is_locked_where_it_may_be() {
    let Some(server) = Server::start("unlimited", false) else {
        eprintln!("skipped: this machine does not let us lift the limit of locked memory");
        return;
    };
    if server.locked() == 0 {
        // A container without the right to lock, whatever its limit says: then the log must.
        let log = server.log();
        assert!(log.contains("memory is not locked"), "{log}");
        eprintln!("skipped: this machine does not let us lock memory");
        return;
    }
    assert!(server.locked() > 0);
    assert!(!server.log().contains("memory is not locked"));
}

#[test]
fn a_server_that_can_not_lock_its_memory_says_what_to_do_and_runs() {
    let server = Server::start("64", false).expect("a lower limit is always granted");
    assert_eq!(server.locked(), 0);
    let log = server.log();
    for words in [
        "memory is not locked",
        "LimitMEMLOCK=infinity",
        "disable_mlock",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[test]
fn a_server_that_is_told_not_to_lock_does_not_and_says_nothing() {
    let server = Server::start("64", true).expect("a lower limit is always granted");
    assert_eq!(server.locked(), 0);
    assert!(!server.log().contains("memory is not locked"));
}
