//! The flags that many commands share.

use std::path::PathBuf;

use clap::Args;

use super::duration::{self, Seconds};
use super::environment::Environment;
use super::failure::Failure;

/// Flags about the connection and the request.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "HTTP options")]
pub(crate) struct HttpFlags {
    /// Address of the server. Default: https://127.0.0.1:8200. Also VOUCHSAFE_ADDR
    #[arg(long, value_name = "URL")]
    pub(crate) address: Option<String>,

    /// Address of an agent to ask instead of the server. Also VOUCHSAFE_AGENT_ADDR
    #[arg(long, value_name = "URL")]
    pub(crate) agent_address: Option<String>,

    /// File with the CA certificates, in PEM, that sign the server's. Also VOUCHSAFE_CACERT
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,

    /// Folder with such files. Also VOUCHSAFE_CAPATH
    #[arg(long, value_name = "FOLDER")]
    pub(crate) ca_path: Option<PathBuf>,

    /// File with this client's certificate, in PEM. Also VOUCHSAFE_CLIENT_CERT
    #[arg(long, value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,

    /// File with this client's private key, in PEM. Also VOUCHSAFE_CLIENT_KEY
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,

    /// Name to ask for and to check in TLS. Also VOUCHSAFE_TLS_SERVER_NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,

    /// Accept any certificate of the server. Also VOUCHSAFE_SKIP_VERIFY
    #[arg(long)]
    pub(crate) tls_skip_verify: bool,

    /// Follow no redirect. Also VOUCHSAFE_DISABLE_REDIRECTS
    #[arg(long)]
    pub(crate) disable_redirects: bool,

    /// Namespace to ask in. Also VOUCHSAFE_NAMESPACE
    #[arg(long, alias = "ns", value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// Further header, as NAME=VALUE; may repeat. Of names that start with X-Vault-, only X-Vault-Inline-Auth-* are allowed
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) header: Vec<String>,

    /// Second factor, as METHOD:CODE; may repeat. Also VOUCHSAFE_MFA
    #[arg(long, value_name = "CREDENTIAL")]
    pub(crate) mfa: Vec<String>,

    /// Override a policy that can be overridden
    #[arg(long)]
    pub(crate) policy_override: bool,

    /// Wrap the answer in a single-use token with this TTL. Also VOUCHSAFE_WRAP_TTL
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) wrap_ttl: Option<Seconds>,

    /// Print the request as a curl command, and do not send it
    #[arg(long)]
    pub(crate) output_curl_string: bool,

    /// Print a policy that allows the request, and do not send it
    #[arg(long)]
    pub(crate) output_policy: bool,

    /// Ask nothing on the terminal
    #[arg(long)]
    pub(crate) non_interactive: bool,

    /// Accepted for compatibility: the output has no colours
    #[arg(long, hide = true)]
    pub(crate) no_color: bool,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON, indented.
    Json,
    /// The answer's bytes as they came.
    Raw,
    /// Aligned columns, for people.
    #[default]
    Table,
    /// YAML.
    Yaml,
}

/// The flag `-format`.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output options")]
pub(crate) struct FormatFlags {
    /// Format: table, json or yaml; `read` also has raw. Also VOUCHSAFE_FORMAT
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
}

/// The flags `-format` and `-field`.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output options")]
pub(crate) struct OutputFlags {
    #[command(flatten)]
    pub(crate) format: FormatFlags,

    /// Print this field alone, without a line end
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Option<String>,
}

impl FormatFlags {
    /// The format wished for by the flag, else by the environment.
    pub(crate) fn resolve(&self, environment: &Environment) -> Result<Format, Failure> {
        let wish = self
            .format
            .as_deref()
            .or_else(|| environment.setting("FORMAT"));
        match wish.unwrap_or("table").to_ascii_lowercase().as_str() {
            "json" => Ok(Format::Json),
            "raw" => Ok(Format::Raw),
            "table" => Ok(Format::Table),
            "yaml" | "yml" => Ok(Format::Yaml),
            _ => Err(Failure::Usage {
                message: format!("Invalid output format: {}", wish.unwrap_or_default()),
                hint: Some("the formats are `table`, `json` and `yaml`".to_owned()),
            }),
        }
    }
}

/// A word `NAME=VALUE` of a flag, as a pair.
pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("missing = in KV pair: \"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_environment() {
        let environment = Environment::from([("VAULT_FORMAT", "yaml")]);
        let flags = |format: Option<&str>| FormatFlags {
            format: format.map(str::to_owned),
        };
        assert_eq!(flags(None).resolve(&environment).unwrap(), Format::Yaml);
        assert_eq!(
            flags(Some("JSON")).resolve(&environment).unwrap(),
            Format::Json
        );
        let error = flags(Some("xml")).resolve(&environment).unwrap_err();
        assert_eq!(error.to_string(), "Invalid output format: xml");
    }
}
