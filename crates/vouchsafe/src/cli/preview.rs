//! Requests described instead of sent: `-output-curl-string` and `-output-policy`.

use vouchsafe_api::{Client, Credential, Method, Request};

use super::program::Program;
use super::root_paths;

/// The request as a curl command. The token is not in it: the command fetches it when it runs.
pub(crate) fn curl(client: &Client, request: &Request, program: Program) -> String {
    let mut words = vec!["curl".to_owned()];
    if request.method() != Method::Get {
        words.push(format!("-X {}", request.method()));
    }
    let mut header = |name: &str, value: &str| words.push(format!("-H \"{name}: {value}\""));
    for (name, value) in client.header_lines(request) {
        header(&canonical(&name), &escaped(&value));
    }
    if *request.credential() != Credential::Anonymous && !client.brings_login() {
        header(
            "X-Vault-Token",
            &format!("$({} print token)", program.command()),
        );
    }
    if let Some(body) = request.body() {
        words.push(format!(
            "-d '{}'",
            body.to_string().replace('\'', r#"'"'"'"#)
        ));
    }
    words.push(format!("\"{}\"", escaped(&client.url(request))));
    words.join(" ")
}

/// A policy that allows the request.
pub(crate) fn policy(request: &Request) -> String {
    let mut capabilities = match request.method() {
        Method::Delete => vec!["delete"],
        Method::Get if request.is_list() => vec!["list"],
        Method::Get => vec!["read"],
        Method::Patch => vec!["patch"],
        Method::Post | Method::Put => vec!["create", "update"],
    };
    if root_paths::contains(request.path()) {
        capabilities.push("sudo");
    }
    let capabilities: Vec<String> = capabilities
        .iter()
        .map(|capability| format!("\"{capability}\""))
        .collect();
    let path = request.path().replace('\\', "\\\\").replace('"', "\\\"");
    let capabilities = capabilities.join(", ");
    format!("path \"{path}\" {{\n  capabilities = [{capabilities}]\n}}")
}

// What a shell would take for its own within double quotes.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '$' | '\\' | '`' => vec!['\\', c],
        c => vec![c],
    };
    text.chars().flat_map(escape).collect()
}

// `x-vault-request` as `X-Vault-Request`: how header names are printed for people.
fn canonical(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
