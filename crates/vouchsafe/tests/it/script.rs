//! Plays a script and returns it with what really happened.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use crate::server::FakeServer;

/// What stands for the fake server's host and port.
const SERVER: &str = "SERVER";

/// Plays a script's text.
pub(crate) fn play(text: &str) -> String {
    let mut stage = Stage::new();
    let mut out = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let checked = ["> ", "| ", "! ", "? "]
            .iter()
            .any(|mark| line.starts_with(mark));
        if checked || matches!(line, "|" | "!") {
            continue;
        }
        out.push(line.to_owned());
        let Some(command) = line.strip_prefix("$ ") else {
            stage.prepare(line);
            continue;
        };
        let mut command = command.to_owned();
        while let Some(more) = lines.peek().and_then(|line| line.strip_prefix(". ")) {
            command = format!("{command}\n{more}");
            out.push(format!(". {more}"));
            lines.next();
        }
        out.extend(stage.run(&command));
    }
    out.join("\n") + "\n"
}

struct Stage {
    server: FakeServer,
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl Stage {
    fn new() -> Self {
        let server = FakeServer::start();
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["bin", "home", "work"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        for name in ["bin/vault", "bin/pvault", "bin/vouchsafe"] {
            symlink(env!("CARGO_BIN_EXE_vouchsafe"), path(name)).unwrap();
        }
        let text = |name: &str| path(name).to_str().unwrap().to_owned();
        let environment = [
            ("HOME", text("home")),
            ("PATH", format!("{}:/usr/bin:/bin", text("bin"))),
            ("VAULT_ADDR", format!("http://{}", server.address())),
            ("VAULT_TOKEN", "root".to_owned()),
            ("VAULT_MAX_RETRIES", "0".to_owned()),
        ];
        let environment = environment
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        Self {
            server,
            folder,
            environment,
        }
    }

    fn prepare(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.replace(SERVER, &self.server.address());
        match word {
            "" | "#" => {}
            "serve" => {
                let mut words = rest.splitn(4, ' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                let (method, path, status, body) = (word(), word(), word(), word());
                // A path with a slash in front is that of another API.
                let path = match path.strip_prefix('/') {
                    Some(_) => path,
                    None => format!("/v1/{path}"),
                };
                self.server
                    .serve(&format!("{method} {path}"), status.parse().unwrap(), &body);
            }
            "set" => {
                let (name, value) = rest.split_once('=').unwrap();
                self.environment.insert(name.to_owned(), value.to_owned());
            }
            "unset" => {
                self.environment.remove(&rest).unwrap();
            }
            "file" => {
                let (name, text) = rest.split_once(' ').unwrap();
                let path = self.folder.path().join("work").join(name);
                std::fs::write(path, text.replace("\\n", "\n")).unwrap();
            }
            _ => panic!("unknown line: {line}"),
        }
    }

    fn run(&self, command: &str) -> Vec<String> {
        self.server.forget();
        let output = Command::new("/bin/sh")
            .args(["-c", &command.replace(SERVER, &self.server.address())])
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.path().join("work"))
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let hidden = |text: &str| {
            let text = text.replace(&self.server.address(), SERVER);
            text.replace(self.folder.path().to_str().unwrap(), "FOLDER")
        };
        let mut happened: Vec<String> = self
            .server
            .requests()
            .iter()
            .map(|request| hidden(&format!("> {}", request.replace('\n', "\\n"))))
            .collect();
        for (mark, bytes) in [("|", &output.stdout), ("!", &output.stderr)] {
            let text = hidden(&String::from_utf8_lossy(bytes));
            happened.extend(
                text.lines()
                    .map(|line| format!("{mark} {line}").trim_end().to_owned()),
            );
            // A value for another program ends without a line end.
            if mark == "|" && !text.is_empty() && !text.ends_with('\n') {
                happened.push("| (no line end)".to_owned());
            }
        }
        match output.status.code() {
            Some(0) => {}
            code => happened.push(format!("? {}", code.unwrap())),
        }
        happened
    }
}
