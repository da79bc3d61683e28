//! What to try next: the hints that follow a failure's text.
//!
//! A hint is one line with a command to run or a setting to change. A failure whose text says it all
//! has none.

use vouchsafe_api::{ApiError, ClientError, Credential, Method, Request, TransportFault};

use super::environment::Environment;
use super::failure::{Failure, RequestFailure};
use super::listing;
use super::program::Program;
use super::root_paths;

/// What hints must know besides the failure.
pub(crate) struct Situation<'a> {
    /// The name in use.
    pub(crate) program: Program,
    /// The variables that are set.
    pub(crate) environment: &'a Environment,
    /// Whether the address was chosen by nobody.
    pub(crate) address_is_default: bool,
    /// The address, with the other scheme.
    pub(crate) address_with_other_scheme: Option<String>,
    /// Whether there is a token to send.
    pub(crate) has_token: bool,
    /// What the server says about the token, when it denied a request.
    pub(crate) denial: Option<Denial>,
}

impl Situation<'_> {
    /// The variable for a setting: the one that is set, else the one of the name in use.
    fn variable(&self, name: &str) -> String {
        match self.environment.setting_with_name(name) {
            Some((variable, _)) => variable,
            None => self.program.variable(name),
        }
    }
}

/// Why a request was denied, as far as the server tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The token itself is not accepted.
    TokenInvalid,
    /// The token is accepted, and may not ask what it may do.
    Unexplained,
    /// The token is accepted; these are its capabilities on the path.
    Capabilities(Vec<String>),
}

impl Failure {
    /// The hints for this failure.
    pub(crate) fn hints(&self, situation: &Situation<'_>) -> Vec<String> {
        let command = situation.program.command();
        match self {
            Self::Data { looks_like_comment: true, .. } => vec![
                "a `\\` continues a command only as the last character of its line; a comment after \
                 it becomes arguments"
                    .to_owned(),
            ],
            Self::FieldAbsent { present, .. } if !present.is_empty() => {
                vec![format!("the fields are: {}", backticked(present))]
            }
            Self::NotATerminal { .. } => {
                vec!["to pass a value in a pipe, give `-` as the argument".to_owned()]
            }
            Self::Request(failure) => failure.hints(situation),
            Self::UnknownCommand { nearest: Some(nearest), .. } => {
                vec![format!("did you mean `{command} {nearest}`?")]
            }
            Self::UnknownCommand { group, .. } if group.is_empty() => {
                vec![format!("`{command} --help` lists the commands")]
            }
            Self::UnknownCommand { group, .. } => {
                vec![format!("`{command} {group} --help` lists its commands")]
            }
            Self::Server {
                listing: Some(listing),
                ..
            } => vec![lists(command, listing)],
            Self::Usage { hint: Some(hint), .. } => vec![hint.clone()],
            Self::NothingAt(path) => {
                let listing = listing::of_siblings(path);
                listing.map(|listing| lists(command, &listing)).into_iter().collect()
            }
            Self::Data { .. }
            | Self::FieldAbsent { .. }
            | Self::Local(_)
            | Self::Server { listing: None, .. }
            | Self::Usage { .. } => Vec::new(),
        }
    }
}

impl RequestFailure {
    fn hints(&self, situation: &Situation<'_>) -> Vec<String> {
        match &self.source {
            ClientError::Address(_) => {
                let variable = situation.variable("ADDR");
                vec![format!("set it: `export {variable}=https://host:8200`")]
            }
            ClientError::Api(error) => self.hints_for_refusal(error, situation),
            ClientError::Redirect { .. } => {
                let variable = situation.variable("ADDR");
                vec![format!(
                    "if you trust that address, use it: set `{variable}` or `-address`"
                )]
            }
            ClientError::Transport { fault, .. } => hints_for_transport(fault, situation),
            ClientError::Configuration(_)
            | ClientError::NotJson { .. }
            | ClientError::Path(_)
            | ClientError::TooLarge { .. } => Vec::new(),
        }
    }

    fn hints_for_refusal(&self, error: &ApiError, situation: &Situation<'_>) -> Vec<String> {
        let command = situation.program.command();
        if error.mentions("preflight capability check") {
            return vec![format!(
                "either nothing is mounted there, which `{command} secrets list` shows, or the token may do \
                 nothing below it"
            )];
        }
        if error.is_permission_denied() {
            return self.hint_for_denial(situation).into_iter().collect();
        }
        if error.status == 503 && error.mentions("sealed") {
            return vec![format!(
                "the server must be unsealed first; `{command} status` shows where it is"
            )];
        }
        if error.status == 404 && error.mentions("no handler for route") {
            return vec![format!(
                "nothing is mounted there; `{command} secrets list` and `{command} auth list` show the paths"
            )];
        }
        if error.mentions("no entity associated") {
            return vec![format!(
                "who calls has no entity: a root token stands for nobody, and an in-line login or a JWT \
                 makes none; log in with an auth method, such as `{command} login -method=userpass \
                 username=NAME`, or make the entity and its alias"
            )];
        }
        if error.mentions("HTTP request to an HTTPS server") {
            return vec![other_scheme(situation)];
        }
        let path = self.request.as_ref().map(vouchsafe_api::Request::path);
        let listing = path.and_then(|path| listing::of_refusal(path, error));
        listing
            .map(|listing| lists(command, &listing))
            .into_iter()
            .collect()
    }

    fn hint_for_denial(&self, situation: &Situation<'_>) -> Option<String> {
        let command = situation.program.command();
        let request = self.request.as_ref()?;
        if let Some(mount) = mount_of_login(request) {
            return Some(format!(
                "logins are denied where no auth method is enabled (is one at `{mount}`?), after too \
                 many failures, and from addresses that are not allowed"
            ));
        }
        match request.credential() {
            Credential::Client => {}
            Credential::Other(_) if request.path() == "auth/token/lookup-self" => {
                return Some("the token is unknown, expired or revoked".to_owned());
            }
            _ => return None,
        }
        if !situation.has_token {
            return Some(format!(
                "no token was sent; log in with `{command} login` or set `{}`",
                situation.variable("TOKEN")
            ));
        }
        match situation.denial.as_ref()? {
            Denial::TokenInvalid => Some(format!(
                "the token is unknown, expired or revoked; log in again with `{command} login`. Why a JWT \
                 was not taken is the `reason` in the audit entry"
            )),
            Denial::Unexplained => Some(format!(
                "no policy of the credential allows this on `{}`",
                request.path()
            )),
            Denial::Capabilities(held) => missing_capability(request, held),
        }
    }
}

/// The mount that a request logs in at, if it is a login.
fn mount_of_login(request: &Request) -> Option<&str> {
    let path = request.path();
    let is_write = matches!(request.method(), Method::Post | Method::Put);
    if !is_write || !path.starts_with("auth/") {
        return None;
    }
    let end = path.find("/login").filter(|end| {
        let rest = path.get(end + "/login".len()..);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    path.get(..=end)
}

/// The capabilities that a request needs; any one of the first list, and all of the second.
fn needed(request: &Request) -> (&'static [&'static str], bool) {
    let any: &[&str] = match request.method() {
        Method::Delete => &["delete"],
        Method::Get if request.is_list() => &["list"],
        Method::Get => &["read"],
        Method::Patch => &["patch"],
        Method::Post | Method::Put => &["create", "update"],
    };
    (any, root_paths::contains(request.path()))
}

/// Which capability a denied request lacked; `None` when it lacked none, so that the server refused
/// for another reason.
fn missing_capability(request: &Request, held: &[String]) -> Option<String> {
    let (any, sudo) = needed(request);
    let path = request.path();
    let has = |name: &str| held.iter().any(|held| held == name || held == "root");
    let held_text = match held {
        [] => "none".to_owned(),
        [only] if only == "deny" => "none".to_owned(),
        held => backticked(held),
    };
    // With `create` alone an existing object cannot be written, and with `update` alone a new one.
    let missing = match any {
        [one] if !has(one) => format!("`{one}`"),
        [create, update] if !has(create) && !has(update) => format!("`{create}` or `{update}`"),
        // On these paths every write is an update.
        [_, update] if sudo && !has("sudo") && has(update) => "`sudo`".to_owned(),
        [create, update] if has(create) && !has(update) => format!("`{update}`"),
        [create, update] if has(update) && !has(create) => format!("`{create}`"),
        _ if sudo && !has("sudo") => "`sudo`".to_owned(),
        _ => return None,
    };
    let also = if sudo && !has("sudo") && missing != "`sudo`" {
        " and `sudo`"
    } else {
        ""
    };
    Some(format!(
        "the token lacks the capability {missing}{also} on `{path}`; it has: {held_text}"
    ))
}

fn hints_for_transport(fault: &TransportFault, situation: &Situation<'_>) -> Vec<String> {
    let address = situation.variable("ADDR");
    match fault {
        TransportFault::Refused if situation.address_is_default => vec![format!(
            "no address is set, so the default was tried; for a dev server: \
             `export {address}=http://127.0.0.1:8200`"
        )],
        TransportFault::Refused | TransportFault::Name(_) => vec![format!(
            "is the server running there? the address comes from `{address}` or `-address`"
        )],
        TransportFault::PlainHttp => vec![other_scheme(situation)],
        TransportFault::Certificate(_) => vec![format!(
            "name the CA that signed it with `-ca-cert` or `{}`",
            situation.variable("CACERT")
        )],
        TransportFault::CertificateName(_) => vec![format!(
            "if you know the server, name it as in its certificate: `-tls-server-name` or `{}`",
            situation.variable("TLS_SERVER_NAME")
        )],
        TransportFault::Timeout => vec![format!(
            "wait longer with `{}`, in seconds",
            situation.variable("CLIENT_TIMEOUT")
        )],
        TransportFault::Other(_) => Vec::new(),
    }
}

fn other_scheme(situation: &Situation<'_>) -> String {
    let variable = situation.variable("ADDR");
    match &situation.address_with_other_scheme {
        Some(address) => format!("use the other scheme: `export {variable}={address}`"),
        None => format!("use the other scheme in `{variable}`"),
    }
}

/// Says which command shows what there is. The server decides, when it is run, whether it may.
pub(crate) fn lists(command: &str, listing: &str) -> String {
    format!("`{command} {listing}` lists what there is")
}

fn backticked(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: Request, held: &[&str], expected: &str) {
        let held: Vec<String> = held.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            missing_capability(&request, &held).unwrap_or_default(),
            expected
        );
    }

    #[test]
    fn a_denial_names_the_missing_capability_and_the_path() {
        check(
            Request::read("a/b").unwrap(),
            &["deny"],
            "the token lacks the capability `read` on `a/b`; it has: none",
        );
        check(
            Request::list("a/b").unwrap(),
            &["read"],
            "the token lacks the capability `list` on `a/b`; it has: `read`",
        );
        check(
            Request::new(Method::Put, "a").unwrap(),
            &["read", "create"],
            "the token lacks the capability `update` on `a`; it has: `read`, `create`",
        );
        check(
            Request::new(Method::Post, "sys/auth/jwt").unwrap(),
            &["deny"],
            "the token lacks the capability `create` or `update` and `sudo` on `sys/auth/jwt`; it has: none",
        );
        check(
            Request::new(Method::Post, "sys/auth/jwt").unwrap(),
            &["create", "update"],
            "the token lacks the capability `sudo` on `sys/auth/jwt`; it has: `create`, `update`",
        );
        check(
            Request::new(Method::Put, "sys/step-down").unwrap(),
            &["update"],
            "the token lacks the capability `sudo` on `sys/step-down`; it has: `update`",
        );
        check(Request::read("a").unwrap(), &["read"], "");
        check(Request::list("sys/audit").unwrap(), &["root"], "");
    }
}
