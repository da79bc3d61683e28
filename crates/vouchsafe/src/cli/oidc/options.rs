//! What `login -method=oidc` is told, in Vault's and OpenBao's words.

use serde_json::{Map, Value};

use super::super::failure::Failure;

/// Where the provider sends the browser back to, below the listener.
pub(super) const CALLBACK_PATH: &str = "/oidc/callback";

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Empty for the mount's default.
    pub(super) role: String,
    /// Where this command listens.
    pub(super) listen_address: String,
    /// 0 for any that is free.
    pub(super) port: u16,
    callback_method: String,
    callback_host: String,
    /// That of the listener, where none is said.
    callback_port: Option<String>,
    pub(super) skip_browser: bool,
    pub(super) abort_on_error: bool,
}

impl Options {
    /// Takes the words of the command line.
    pub(super) fn parse(data: &Map<String, Value>) -> Result<Self, Failure> {
        let mut options = Self {
            role: String::new(),
            listen_address: "localhost".to_owned(),
            port: 8250,
            callback_method: "http".to_owned(),
            callback_host: "localhost".to_owned(),
            callback_port: None,
            skip_browser: false,
            abort_on_error: false,
        };
        for (name, value) in data {
            let Value::String(value) = value else {
                return Err(Failure::usage(format!("{name} is given more than once")));
            };
            options.take(name, value)?;
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let expected = |what: &str| Failure::usage(format!("{name} is {value:?}; expected {what}"));
        match name {
            "role" => value.clone_into(&mut self.role),
            "listenaddress" => value.clone_into(&mut self.listen_address),
            "port" => self.port = value.parse().map_err(|_| expected("a port"))?,
            "callbackmethod" if matches!(value, "http" | "https") => {
                value.clone_into(&mut self.callback_method);
            }
            "callbackmethod" => return Err(expected("`http` or `https`")),
            "callbackhost" => value.clone_into(&mut self.callback_host),
            "callbackport" => self.callback_port = Some(value.to_owned()),
            "skip_browser" => {
                self.skip_browser = boolean(value).ok_or_else(|| expected("a boolean"))?
            }
            "abort_on_error" => {
                self.abort_on_error = boolean(value).ok_or_else(|| expected("a boolean"))?;
            }
            "callbackmode" if matches!(value, "" | "client") => {}
            "callbackmode" => {
                return Err(expected(
                    "`client`; the server takes no logins for somebody else",
                ));
            }
            "show_qr" if boolean(value) == Some(false) => {}
            "show_qr" => return Err(expected("`false`; codes are not drawn")),
            _ => {
                let message = format!("`{name}` is no option of -method=oidc");
                let hint = "see the command `auth help oidc`";
                return Err(Failure::Usage {
                    message,
                    hint: Some(hint.to_owned()),
                });
            }
        }
        Ok(())
    }

    /// Where the provider sends the browser back to.
    pub(super) fn redirect_uri(&self, port: u16) -> String {
        let (method, host) = (&self.callback_method, &self.callback_host);
        match &self.callback_port {
            Some(port) => format!("{method}://{host}:{port}{CALLBACK_PATH}"),
            None => format!("{method}://{host}:{port}{CALLBACK_PATH}"),
        }
    }
}

/// What Go's `ParseBool` takes.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(data: &Value) -> Result<Options, String> {
        Options::parse(data.as_object().unwrap()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn without_a_word_it_listens_where_every_command_line_does() {
        let options = parse(&json!({})).unwrap();
        assert_eq!(
            (&*options.listen_address, options.port),
            ("localhost", 8250)
        );
        let uri = options.redirect_uri(8250);
        assert_eq!(uri, "http://localhost:8250/oidc/callback");
        assert!(!options.skip_browser && options.role.is_empty());
    }

    #[test]
    fn each_word_is_understood() {
        let options = parse(&json!({
            "role": "dev", "port": "0", "listenaddress": "127.0.0.1", "callbackmethod": "https",
            "callbackhost": "me.example", "skip_browser": "true", "callbackmode": "client",
            "abort_on_error": "1", "show_qr": "false",
        }));
        let options = options.unwrap();
        assert_eq!(
            options.redirect_uri(9),
            "https://me.example:9/oidc/callback"
        );
        assert!(options.skip_browser && options.abort_on_error);
        let options = parse(&json!({"callbackport": "443/v1/auth/oidc"})).unwrap();
        assert_eq!(
            options.redirect_uri(9),
            "http://localhost:443/v1/auth/oidc/oidc/callback"
        );
    }

    #[test]
    fn what_can_not_be_is_said() {
        for (data, part) in [
            (json!({"port": "65536"}), "expected a port"),
            (json!({"port": ["1", "2"]}), "more than once"),
            (json!({"callbackmethod": "ftp"}), "`http` or `https`"),
            (json!({"skip_browser": "yes"}), "a boolean"),
            (json!({"callbackmode": "direct"}), "expected `client`"),
            (json!({"show_qr": "true"}), "not drawn"),
            (json!({"prot": "8250"}), "`prot` is no option"),
        ] {
            let message = parse(&data).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
