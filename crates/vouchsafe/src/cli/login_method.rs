//! What each auth method needs for a login, and which request logs in (vault-core.md §18).

use serde_json::{Map, Value};
use vouchsafe_api::{Credential, Request};

use super::context::Context;
use super::failure::{Failure, Stop};

/// Where Kubernetes puts a pod's service account token.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// An auth method that `login` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginMethod {
    /// A role id and a secret id.
    AppRole,
    /// The client's TLS certificate.
    Cert,
    /// A personal access token.
    GitHub,
    /// A JWT of another issuer.
    Jwt,
    /// A pod's service account token.
    Kubernetes,
    /// A person's login at an OpenID provider.
    Oidc,
    /// A user name and a password.
    UserPass,
    /// The same, checked by a directory.
    Ldap,
    /// The same, checked by a RADIUS server.
    Radius,
    /// A token that exists already.
    Token,
}

impl LoginMethod {
    /// The method of a type's name.
    pub(crate) fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "approle" => Self::AppRole,
            "cert" => Self::Cert,
            "github" => Self::GitHub,
            "jwt" => Self::Jwt,
            "kubernetes" => Self::Kubernetes,
            "oidc" => Self::Oidc,
            "userpass" => Self::UserPass,
            "ldap" => Self::Ldap,
            "radius" => Self::Radius,
            "token" => Self::Token,
            _ => return None,
        })
    }

    /// The request that logs in with the data given, at the mount path `mount`.
    ///
    /// Asks for a password or token that is missing, if there is somebody to ask.
    pub(crate) fn request(
        self,
        mount: &str,
        mut data: Map<String, Value>,
        context: &mut Context,
    ) -> Result<Request, Stop> {
        let mut path = format!("auth/{mount}/login");
        match self {
            Self::UserPass | Self::Ldap | Self::Radius => {
                let name = take(&mut data, "username")?;
                path = format!("{path}/{name}");
                ask_if_missing(&mut data, "password", "Password", context)?;
            }
            Self::GitHub => {
                ask_if_missing(&mut data, "token", "GitHub Personal Access Token", context)?
            }
            Self::AppRole => require(&data, "role_id")?,
            Self::Jwt => require(&data, "jwt")?,
            Self::Kubernetes => {
                require(&data, "role")?;
                service_account_token(&mut data)?;
            }
            // A login through a provider takes several requests: `oidc` makes them.
            Self::Cert | Self::Oidc | Self::Token => {}
        }
        let request = Request::write(&path, Value::Object(data))?;
        Ok(request.with_credential(Credential::Anonymous))
    }

    /// How to log in, for people.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::AppRole => {
                "Usage: vouchsafe login -method=approle role_id=ID secret_id=ID\n\n\
                 \x20 role_id    id of the role\n\
                 \x20 secret_id  secret id, if the role is bound to one; `-` reads standard input"
            }
            Self::Cert => {
                "Usage: vouchsafe login -method=cert -client-cert=FILE -client-key=FILE [name=ROLE]\n\n\
                 \x20 name  certificate role to log in by; default: any that matches"
            }
            Self::GitHub => {
                "Usage: vouchsafe login -method=github [token=TOKEN]\n\n\
                 \x20 token  personal access token; asked for if missing"
            }
            Self::Jwt => {
                "Usage: vouchsafe login -method=jwt [role=ROLE] jwt=TOKEN\n\n\
                 \x20 jwt   the JWT; `jwt=@file` reads a file, `jwt=-` standard input\n\
                 \x20 role  role to log in by; default: the method's default role"
            }
            Self::Kubernetes => {
                "Usage: vouchsafe login -method=kubernetes role=ROLE [jwt=TOKEN]\n\n\
                 \x20 role  role to log in by\n\
                 \x20 jwt   service account token; default: the pod's own"
            }
            Self::Oidc => {
                "Usage: vouchsafe login -method=oidc [role=ROLE] [K=V...]\n\n\
                 \x20 Opens the provider in a browser, which comes back to this command.\n\n\
                 \x20 role            role to log in by; default: the method's default role\n\
                 \x20 port            port to listen on; default: 8250; 0 takes a free one\n\
                 \x20 listenaddress   address to listen on; default: localhost\n\
                 \x20 callbackmethod  scheme of the redirect URI; default: http\n\
                 \x20 callbackhost    host of the redirect URI; default: localhost\n\
                 \x20 callbackport    port of the redirect URI; default: that of `port`\n\
                 \x20 skip_browser    `true` prints the address and opens nothing\n\
                 \x20 abort_on_error  `true` gives up where no browser can be opened"
            }
            Self::UserPass | Self::Ldap | Self::Radius => {
                "Usage: vouchsafe login -method=userpass username=NAME [password=PASSWORD]\n\n\
                 \x20 username  name of the user\n\
                 \x20 password  password; asked for if missing, `-` reads standard input"
            }
            Self::Token => {
                "Usage: vouchsafe login [TOKEN]\n\n\
                 \x20 The token is asked for if missing; `-` reads standard input."
            }
        }
    }
}

fn take(data: &mut Map<String, Value>, name: &str) -> Result<String, Failure> {
    match data.shift_remove(name) {
        Some(Value::String(value)) if !value.is_empty() => Ok(value),
        _ => Err(missing(name)),
    }
}

fn require(data: &Map<String, Value>, name: &str) -> Result<(), Failure> {
    if data.contains_key(name) {
        Ok(())
    } else {
        Err(missing(name))
    }
}

// Vault counts a missing value as a failed login: exit code 2.
fn missing(name: &str) -> Failure {
    Failure::server_side(format!("Error authenticating: '{name}' must be specified"))
}

fn ask_if_missing(
    data: &mut Map<String, Value>,
    name: &str,
    question: &str,
    context: &mut Context,
) -> Result<(), Failure> {
    if !data.contains_key(name) {
        data.insert(name.to_owned(), Value::from(context.ask_secret(question)?));
    }
    Ok(())
}

fn service_account_token(data: &mut Map<String, Value>) -> Result<(), Failure> {
    if data.contains_key("jwt") {
        return Ok(());
    }
    let token = std::fs::read_to_string(SERVICE_ACCOUNT_TOKEN).map_err(|error| {
        let text = format!(
            "Error authenticating: no `jwt` is given, and {SERVICE_ACCOUNT_TOKEN}: {error}"
        );
        Failure::server_side(text)
    })?;
    data.insert("jwt".to_owned(), Value::from(token.trim()));
    Ok(())
}
