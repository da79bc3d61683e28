//! What a command works with: the program's name, the environment, the console and the server.

use vouchsafe_api::{Credential, Envelope, Request, Response};

use super::connection::{Connection, Preview};
use super::console::Console;
use super::environment::Environment;
use super::failure::{Exit, Failure, RequestFailure, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};
use super::hint::{Denial, Situation};
use super::program::Program;
use super::{preview, render};

/// A command's surroundings.
pub(crate) struct Context {
    pub(crate) program: Program,
    pub(crate) environment: Environment,
    pub(crate) console: Console,
    connection: Option<Connection>,
    interactive: bool,
}

impl Context {
    /// Surroundings without a connection.
    pub(crate) fn new(program: Program, environment: Environment, console: Console) -> Self {
        Self {
            program,
            environment,
            console,
            connection: None,
            interactive: true,
        }
    }

    /// Prepares the connection that the following requests use.
    pub(crate) fn connect(&mut self, flags: &HttpFlags) -> Result<&Connection, Failure> {
        self.interactive = !flags.non_interactive;
        let connection = Connection::open(flags, &self.environment)?;
        Ok(self.connection.insert(connection))
    }

    /// The connection.
    ///
    /// # Errors
    ///
    /// When [`Context::connect`] was not called.
    pub(crate) fn connection(&self) -> Result<&Connection, Failure> {
        self.connection
            .as_ref()
            .ok_or_else(|| Failure::local("there is no connection"))
    }

    /// The connection, and the console beside it.
    ///
    /// # Errors
    ///
    /// When [`Context::connect`] was not called.
    pub(crate) fn parts(&mut self) -> Result<(&Connection, &mut Console), Failure> {
        match &self.connection {
            Some(connection) => Ok((connection, &mut self.console)),
            None => Err(Failure::local("there is no connection")),
        }
    }

    /// Stops with a description of a request, if that is wished instead of sending it.
    pub(crate) fn described(&self, request: &Request) -> Result<(), Stop> {
        let connection = self.connection()?;
        match connection.preview() {
            Some(Preview::Curl) => {
                let text = preview::curl(connection.client(), request, self.program);
                Err(Stop::Described(text))
            }
            Some(Preview::Policy) => Err(Stop::Described(preview::policy(request))),
            None => Ok(()),
        }
    }

    /// Sends a request; the answer may have any status. `doing` begins the text of a failure.
    pub(crate) fn send(&self, request: &Request, doing: &str) -> Result<Response, Stop> {
        let connection = self.connection()?;
        let mut request = request.clone();
        if request.wrap_ttl().is_none() {
            request = request.with_wrap_ttl(connection.wrap_ttl());
        }
        self.described(&request)?;
        connection
            .send(&request)
            .map_err(|source| failed(doing, &request, source).into())
    }

    /// Sends a request that must succeed.
    pub(crate) fn execute(&self, request: &Request, doing: &str) -> Result<Response, Stop> {
        let answer = self.send(request, doing)?.into_success();
        answer.map_err(|source| failed(doing, request, source).into())
    }

    /// Sends a request that must succeed, and returns its envelope if it has one.
    pub(crate) fn envelope(
        &self,
        request: &Request,
        doing: &str,
    ) -> Result<Option<Envelope>, Stop> {
        let answer = self.execute(request, doing)?.envelope();
        answer.map_err(|source| failed(doing, request, source).into())
    }

    /// Sends a request for something that may not exist.
    pub(crate) fn find(&self, request: &Request, doing: &str) -> Result<Option<Response>, Stop> {
        let answer = self.send(request, doing)?.into_found();
        answer.map_err(|source| failed(doing, request, source).into())
    }

    /// Prints an envelope as the flags wish.
    pub(crate) fn print(&mut self, envelope: &Envelope, flags: &OutputFlags) -> Result<Exit, Stop> {
        let format = flags.format.resolve(&self.environment)?;
        render::answer(self, envelope, format, flags.field.as_deref())
    }

    /// Prints a value that is no envelope: JSON, YAML or, by `table`, text for people.
    pub(crate) fn print_value(
        &mut self,
        value: &serde_json::Value,
        format: Format,
        table: impl FnOnce() -> String,
    ) {
        match format {
            Format::Json | Format::Raw => self.console.line(&render::json(value)),
            Format::Yaml => self.console.line(super::yaml::render(value).trim_end()),
            Format::Table => self.console.line(&table()),
        }
    }

    /// Asks a person for a secret, if that is allowed.
    pub(crate) fn ask_secret(&mut self, question: &str) -> Result<String, Failure> {
        if !self.interactive {
            return Err(Failure::NotATerminal {
                question: question.to_owned(),
            });
        }
        self.console.ask_secret(question)
    }

    /// What the hints for a failure must know; asks the server why it denied a request.
    pub(crate) fn situation(&self, failure: &Failure) -> Situation<'_> {
        let connection = self.connection.as_ref();
        let client = connection.map(Connection::client);
        Situation {
            program: self.program,
            environment: &self.environment,
            address_is_default: connection.is_some_and(Connection::address_is_default),
            address_with_other_scheme: client.map(|client| client.address().with_other_scheme()),
            has_token: client.and_then(|client| client.token()).is_some(),
            denial: self.denial(failure),
        }
    }

    // One more request, and only after a denial: it costs a use of a token that counts its uses.
    fn denial(&self, failure: &Failure) -> Option<Denial> {
        let Failure::Request(failure) = failure else {
            return None;
        };
        let request = failure.request.as_ref()?;
        let denied = failure.source.api()?.is_permission_denied();
        let by_own_token = *request.credential() == Credential::Client;
        let connection = self.connection.as_ref()?;
        connection
            .client()
            .token()
            .filter(|_| denied && by_own_token)?;
        // A list is decided on the path with a slash at its end (vault-core.md §1).
        let slash = if request.is_list() { "/" } else { "" };
        let path = &format!("{}{slash}", request.path());
        let question = Request::write(
            "sys/capabilities-self",
            serde_json::json!({"paths": [path]}),
        );
        let answer = connection.send(&question.ok()?).ok()?;
        if answer.status() == 403 {
            // Servers put a policy's refusal into a list of errors, and that of a credential not.
            let is_of_policy = failure.source.api()?.mentions("1 error occurred");
            return Some(if is_of_policy {
                Denial::Unexplained
            } else {
                Denial::TokenInvalid
            });
        }
        let envelope = answer.into_success().ok()?.envelope().ok()??;
        let held = envelope
            .field(path)
            .or_else(|| envelope.field("capabilities"))?
            .as_array()?;
        let held = held
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        Some(Denial::Capabilities(held))
    }
}

/// A failed request with what it was for.
pub(crate) fn failed(
    doing: &str,
    request: &Request,
    source: vouchsafe_api::ClientError,
) -> Failure {
    Failure::Request(Box::new(RequestFailure {
        doing: doing.to_owned(),
        request: Some(request.clone()),
        source,
        exit: Exit::Server,
    }))
}
