//! A server from configuration files, as a process: TLS, signals, and what its manager hears.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vouchsafe");
const PLAIN: &str = "tls_disable = true";
const HEALTH: &[u8] = b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// A test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a configuration, a certificate and its key.
struct Site(TempDir);

impl Site {
    fn new(storage: &str, listener: &str) -> Self {
        let site = Self(TempDir::new().unwrap());
        let listener = format!("address = \"127.0.0.1:0\"\n{listener}\n{}", site.files());
        let text = format!(
            "storage {storage}\nlistener \"tcp\" {{\n{listener}\n}}\ndisable_mlock = true\n"
        );
        fs::write(
            site.path("config.hcl"),
            text.replace("FOLDER", &site.path("")),
        )
        .unwrap();
        site.write_pair();
        site
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn files(&self) -> String {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        format!("tls_cert_file = \"{cert}\"\ntls_key_file = \"{key}\"")
    }

    /// Puts a new certificate in place, and returns it.
    fn write_pair(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("cert.pem")).unwrap()
    }

    fn check(&self) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["server", "-check", "-config"]);
        command.arg(self.path("config.hcl")).output().unwrap()
    }
}

/// A server of a site.
struct Server {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Server {
    fn start(site: &Site) -> Self {
        Self::start_under(site, Path::new("/nowhere"))
    }

    fn start_under(site: &Site, manager: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("server")
            .arg(format!("-config={}", site.path("config.hcl")))
            .env("NOTIFY_SOCKET", manager)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| {
                let (_, rest) = line.split_once("tcp (addr: \"")?;
                Some(rest.split('"').next()?.to_owned())
            })
            .unwrap();
        Self {
            child,
            lines,
            address,
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    fn wait_for_line(&mut self, text: &str) {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        assert!(lines.any(|line| line.contains(text)), "no line {text:?}");
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Shakes hands, trusting this certificate only.
    fn connect_tls(
        &self,
        trusted: CertificateDer<'static>,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, self.connect());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    fn ends_with(mut self, code: i32) {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a request and returns the status of the answer, whose body is read.
fn ask(stream: &mut (impl Read + Write), request: &[u8]) -> u16 {
    stream.write_all(request).unwrap();
    answer(stream)
}

fn answer(stream: &mut impl Read) -> u16 {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        if name == "content-length" {
            length = value.parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    first.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_server_starts_sealed_and_remembers_in_files() {
    let site = Site::new("\"file\" { path = \"FOLDER/store\" }", PLAIN);
    let server = Server::start(&site);
    let mut stream = server.connect();
    assert_eq!(ask(&mut stream, HEALTH), 501);
    let body = r#"{"secret_shares":1,"secret_threshold":1}"#;
    let request = format!(
        "PUT /v1/sys/init HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(&mut stream, request.as_bytes()), 200);
    assert_eq!(ask(&mut stream, HEALTH), 503);
    server.signal("-TERM");
    server.ends_with(0);
    let server = Server::start(&site);
    assert_eq!(ask(&mut server.connect(), HEALTH), 503);
}

#[test]
fn a_hangup_takes_the_new_certificate_and_leaves_open_connections() {
    let site = Site::new("\"inmem\" {}", "");
    let old = site.certificate();
    let mut server = Server::start(&site);
    let mut open = server.connect_tls(old.clone()).unwrap();
    assert_eq!(open.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(ask(&mut open, HEALTH), 501);

    let new = site.write_pair();
    server.connect_tls(old.clone()).unwrap();
    server.signal("-HUP");
    server.wait_for_line("reload triggered");
    // The line comes before the reload, a second signal after it.
    server.signal("-HUP");
    server.wait_for_line("reload triggered");
    assert_eq!(
        ask(&mut server.connect_tls(new.clone()).unwrap(), HEALTH),
        501
    );
    assert!(server.connect_tls(old).is_err());
    assert_eq!(ask(&mut open, HEALTH), 501);

    // A key without its certificate changes nothing.
    let certificate = fs::read(site.path("cert.pem")).unwrap();
    site.write_pair();
    fs::write(site.path("cert.pem"), certificate).unwrap();
    server.signal("-HUP");
    server.wait_for_line("reload triggered");
    server.signal("-HUP");
    server.wait_for_line("reload triggered");
    server.connect_tls(new).unwrap();
}

#[test]
fn the_command_line_talks_to_it_over_tls() {
    let site = Site::new("\"inmem\" {}", "");
    let server = Server::start(&site);
    let address = server.address.replace("127.0.0.1", "localhost");
    let output = Command::new(PROGRAM)
        .arg("status")
        .env("VAULT_ADDR", format!("https://{address}"))
        .env("VAULT_CACERT", site.path("cert.pem"))
        .output()
        .unwrap();
    // 2: sealed.
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("Storage Type") && text.contains("inmem"),
        "{text}"
    );
}

#[test]
fn a_proxy_says_for_whom_it_asks() {
    let proxies = "x_forwarded_for_authorized_addrs = \"127.0.0.1\"";
    let site = Site::new("\"inmem\" {}", &format!("{PLAIN}\n{proxies}"));
    let server = Server::start(&site);
    let mut stream = server.connect();
    assert_eq!(ask(&mut stream, HEALTH), 400);
    let head = "GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ";
    let said = |client: &str| format!("{head}{client}\r\n\r\n").into_bytes();
    assert_eq!(ask(&mut stream, &said("192.0.2.1")), 501);
    assert_eq!(ask(&mut stream, &said("somebody")), 400);
}

#[test]
fn plain_http_is_told_that_tls_is_spoken() {
    let site = Site::new("\"inmem\" {}", "");
    let server = Server::start(&site);
    let mut stream = server.connect();
    stream.write_all(HEALTH).unwrap();
    let mut text = [0; 28];
    stream.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"HTTP/1.0 400 Bad Request\r\n\r\n");
}

/// Begins a request, and returns what is missing of it.
fn begin(stream: &mut TcpStream) -> &'static [u8] {
    let begun = b"PUT /v1/sys/unseal HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{";
    stream.write_all(begun).unwrap();
    // The server reads what has arrived before it heeds the signal.
    std::thread::sleep(Duration::from_millis(200));
    b"}"
}

#[test]
fn a_termination_finishes_the_request_in_flight() {
    let site = Site::new("\"inmem\" {}", PLAIN);
    let mut server = Server::start(&site);
    let mut stream = server.connect();
    let rest = begin(&mut stream);
    server.signal("-TERM");
    server.wait_for_line("shutdown triggered");
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        TcpStream::connect(&server.address).is_err(),
        "new connections are taken"
    );
    assert_eq!(ask(&mut stream, rest), 400);
    server.ends_with(0);
}

#[test]
fn a_second_termination_ends_at_once() {
    let site = Site::new("\"inmem\" {}", PLAIN);
    let mut server = Server::start(&site);
    let mut stream = server.connect();
    begin(&mut stream);
    server.signal("-TERM");
    server.wait_for_line("shutdown triggered");
    server.signal("-INT");
    let mut rest = Vec::new();
    // The end of the stream, or a reset: no answer.
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    server.ends_with(0);
}

#[test]
fn the_service_manager_hears_of_each_state() {
    let site = Site::new("\"inmem\" {}", PLAIN);
    let path = site.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut bytes = [0; 256];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let server = Server::start_under(&site, Path::new(&path));
    assert_eq!(heard(), "READY=1");
    server.signal("-HUP");
    assert!(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(heard(), "READY=1");
    server.signal("-TERM");
    assert_eq!(heard(), "STOPPING=1");
    server.ends_with(0);
}

#[test]
fn a_check_judges_the_configuration_and_the_files_that_it_names() {
    let site = Site::new("\"file\" { path = \"FOLDER/store\" }", "");
    let output = site.check();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"The configuration is valid.\n");
    assert!(
        !Path::new(&site.path("store")).exists(),
        "a check leaves no trace"
    );

    fs::remove_file(site.path("key.pem")).unwrap();
    let output = site.check();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("key.pem`: No such file"), "{text}");

    let misspelt = "storage \"inmem\" {}\nlistener \"tcp\" {\n  tls_disabled = true\n}\n";
    fs::write(site.path("config.hcl"), misspelt).unwrap();
    let output = site.check();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    let expected = "config.hcl:3:3: unknown key `tls_disabled` in `listener \"tcp\"`; did you mean `tls_disable`?";
    assert!(text.contains(expected), "{text}");
}

/// What a command says, which must end with this code.
#[track_caller]
fn command(server: &Server, token: &str, words: &[&str], code: i32) -> String {
    let output = Command::new(PROGRAM)
        .args(words)
        .env("VAULT_ADDR", format!("http://{}", server.address))
        .env("VAULT_TOKEN", token)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_declared_audit_device_records_from_the_unsealing_on_and_can_not_be_contradicted() {
    let site = Site::new("\"file\" { path = \"FOLDER/store\" }", PLAIN);
    let config = fs::read_to_string(site.path("config.hcl")).unwrap();
    let declare = |log: &str| {
        let log = site.path(log);
        let stanza = format!("audit \"file\" \"log\" {{ options {{ file_path = \"{log}\" }} }}");
        fs::write(site.path("config.hcl"), format!("{config}{stanza}\n")).unwrap();
    };
    declare("first.log");
    let server = Server::start(&site);
    let init = [
        "operator",
        "init",
        "-format=json",
        "-key-shares=1",
        "-key-threshold=1",
    ];
    let made: serde_json::Value = serde_json::from_str(&command(&server, "", &init, 0)).unwrap();
    let (key, token) = (
        made["unseal_keys_b64"][0].as_str().unwrap(),
        made["root_token"].as_str().unwrap(),
    );
    let unseal = ["operator", "unseal", key];
    command(&server, "", &unseal, 0);
    command(&server, token, &["policy", "list"], 0);
    let refused = command(&server, token, &["audit", "disable", "log"], 2);
    assert!(
        refused.contains("declared in the server's configuration"),
        "{refused}"
    );
    let log = fs::read_to_string(site.path("first.log")).unwrap();
    assert!(log.contains("sys/policies/acl"), "{log}");
    server.signal("-TERM");
    server.ends_with(0);

    declare("second.log");
    let server = Server::start(&site);
    let refused = command(&server, "", &unseal, 2);
    assert!(
        refused.contains("is not as the configuration declares it"),
        "{refused}"
    );
    command(&server, "", &["status"], 2);
    assert!(!fs::exists(site.path("second.log")).unwrap());
    server.signal("-TERM");
    server.ends_with(0);

    declare("first.log");
    let server = Server::start(&site);
    command(&server, "", &unseal, 0);
    command(&server, token, &["policy", "list"], 0);
}

/// An IAM file that the configuration names is checked whole before anything starts.
#[test]
fn a_faulty_iam_file_is_found_by_the_check_with_all_its_faults() {
    let site = Site::new("\"inmem\" {}", PLAIN);
    let stanza = format!(
        "iam {{\n  file = \"{}\"\n  apply = \"always\"\n}}\n",
        site.path("iam.toml")
    );
    let config = fs::read_to_string(site.path("config.hcl")).unwrap() + &stanza;
    fs::write(site.path("config.hcl"), config).unwrap();
    let told = |iam: &str| {
        fs::write(site.path("iam.toml"), iam).unwrap();
        let output = site.check();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (status, text) = told("[users]\n[roles]\n[policies]\n");
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = told("[users.a]\nrole = 'x'\n[roles]\n");
    assert_eq!(status, Some(1), "{text}");
    for fault in [
        "line 2: users.a.role: there is no role",
        "`policies` is missing",
    ] {
        assert!(text.contains(fault), "{text}");
    }
    fs::remove_file(site.path("iam.toml")).unwrap();
    let missing = site.check();
    assert_eq!(missing.status.code(), Some(1));
}

/// The file is applied when the server is unsealed: once, or whenever it has changed.
#[test]
fn an_iam_file_is_applied_once_or_always() {
    let site = Site::new("\"file\" { path = \"FOLDER/store\" }", PLAIN);
    let config = fs::read_to_string(site.path("config.hcl")).unwrap();
    let file = site.path("iam.toml");
    let prepare = |apply: &str, comment: &str| {
        let stanza = format!("iam {{\n  file = \"{file}\"\n  apply = \"{apply}\"\n}}\n");
        fs::write(site.path("config.hcl"), format!("{config}{stanza}")).unwrap();
        let text = format!("# {comment}\n[users]\n[roles]\n[policies]\n");
        fs::write(&file, text).unwrap();
        Server::start(&site)
    };
    let applied = |server: &Server, token: &str| {
        let address = format!("http://{}", server.address);
        let words = [
            "pvault",
            "--addr",
            &address,
            "--authtoken",
            token,
            "iam",
            "get",
        ];
        let text = command(server, "", &words, 0);
        text.lines().next().unwrap_or_default().to_owned()
    };

    let server = prepare("once", "first");
    let shares = ["-key-shares=1", "-key-threshold=1", "-format=json"];
    let init = [&["operator", "init"][..], &shares].concat();
    let made: serde_json::Value = serde_json::from_str(&command(&server, "", &init, 0)).unwrap();
    let key = made["unseal_keys_b64"][0].as_str().unwrap();
    let token = made["root_token"].as_str().unwrap();
    let unseal = ["operator", "unseal", key];
    command(&server, "", &unseal, 0);
    assert_eq!(applied(&server, token), "# first");
    server.signal("-TERM");
    server.ends_with(0);

    for (apply, comment, expected) in [
        ("once", "second", "# first"),
        ("always", "third", "# third"),
        ("always", "fourth", "# fourth"),
    ] {
        let server = prepare(apply, comment);
        command(&server, "", &unseal, 0);
        assert_eq!(applied(&server, token), expected);
        server.signal("-TERM");
        server.ends_with(0);
    }
}
