//! `operator backup` and `operator restore` between two servers on disk.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vouchsafe");

/// A server with a store in files.
struct Server {
    child: Child,
    address: String,
    /// Kept, because a server that can't announce itself ends.
    _lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let config = folder.join("config.hcl");
        let text = format!(
            "storage \"file\" {{ path = \"{}\" }}\n\
             listener \"tcp\" {{\n  address = \"127.0.0.1:0\"\n  tls_disable = true\n}}\n\
             disable_mlock = true\n",
            folder.join("store").display()
        );
        fs::write(&config, text).unwrap();
        let mut child = Command::new(PROGRAM)
            .arg("server")
            .arg(format!("-config={}", config.display()))
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
            address,
            _lines: lines,
        }
    }

    fn run(&self, token: &str, words: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(words).env("VAULT_ADDR", &self.address);
        command.env("VAULT_TOKEN", token).output().unwrap()
    }

    fn done(&self, token: &str, words: &[&str]) -> String {
        let output = self.run(token, words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Initialises the server; its one key and the root token.
    fn init(&self) -> (String, String) {
        let made = self.done("", &["operator", "init", "-n=1", "-t=1", "-format=json"]);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (text(&made["unseal_keys_b64"][0]), text(&made["root_token"]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| PathBuf::from(file.unwrap().file_name()))
        .collect();
    names.sort();
    names
}

#[test]
fn backup_is_restored_on_an_empty_server_after_everything_is_lost() {
    let (first, second, backups) = (TempDir::new(), TempDir::new(), TempDir::new());
    let (first, second, backups) = (first.unwrap(), second.unwrap(), backups.unwrap());
    let file = backups.path().join("day.snapshot");
    let path = file.to_str().unwrap();
    let server = Server::start(first.path());
    let (key, root) = server.init();
    server.done(&root, &["operator", "unseal", &key]);
    server.done(&root, &["secrets", "enable", "-path=secret", "kv"]);
    server.done(&root, &["kv", "put", "secret/app", "password=correct"]);
    let told = server.done(&root, &["operator", "backup", path]);
    assert!(told.starts_with("Success! Wrote "), "{told}");
    assert_eq!(files(backups.path()), [PathBuf::from("day.snapshot")]);
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Not over the server that has it, nor by a damaged file.
    let refused = server.run(&root, &["operator", "restore", path]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("the server is initialised already"), "{told}");
    drop(server);

    let server = Server::start(second.path());
    let torn = backups.path().join("torn.snapshot");
    let bytes = fs::read(&file).unwrap();
    fs::write(&torn, &bytes[..bytes.len() - 1]).unwrap();
    let refused = server.run("", &["operator", "restore", torn.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("torn.snapshot: the snapshot is torn"),
        "{told}"
    );

    let told = server.done("", &["operator", "restore", path]);
    assert!(told.starts_with("Success! Restored "), "{told}");
    assert_eq!(server.run("", &["status"]).status.code(), Some(2), "sealed");
    drop(server);

    // What was restored is on disk.
    let server = Server::start(second.path());
    server.done(&root, &["operator", "unseal", &key]);
    let read = server.done(&root, &["kv", "get", "-field=password", "secret/app"]);
    assert_eq!(read.trim(), "correct");
}

#[test]
fn full_disk_leaves_no_half_backup_and_the_old_one_as_it_was() {
    let (folder, backups) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = Server::start(folder.path());
    let (key, root) = server.init();
    server.done(&root, &["operator", "unseal", &key]);
    let file = backups.path().join("day.snapshot");
    fs::write(&file, "yesterday's").unwrap();
    // A file of at most one block, which fails as a full disk does, but for the words.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{PROGRAM}' operator backup '{}'",
        file.display()
    );
    let refused = Command::new("sh")
        .args(["-c", &script])
        .env("VAULT_ADDR", &server.address)
        .env("VAULT_TOKEN", &root)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("ile too large"), "{told}");
    assert_eq!(files(backups.path()), [PathBuf::from("day.snapshot")]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "yesterday's");
}
