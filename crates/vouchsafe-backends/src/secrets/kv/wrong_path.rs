//! All other paths of version 2: most often those of version 1, by habit.

use vouchsafe_logical::{Access, Answer, Call, Method, Operation, Reply, Route};

use super::Kv;

/// What is no path of version 2.
pub(super) const ROUTE: Route<Kv> = Route {
    pattern: "{path?...}",
    access: Access::Token,
    methods: &[
        Method::read(explain),
        Method::open(Operation::Update, explain),
        Method::open(Operation::Patch, explain),
        Method::delete(explain),
        Method::list(explain),
    ],
    exists: None,
    help: "Say that secrets with versions are below data/.",
};

fn explain<'a>(_kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    let command = match call.operation {
        Operation::Create | Operation::Update => "put",
        Operation::Delete => "delete",
        Operation::List => "list",
        Operation::Patch => "patch",
        Operation::Read | Operation::Help => "get",
    };
    let warning = format!(
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API \
         endpoints to use. If using the Vouchsafe CLI, use 'vouchsafe kv {command}' for this \
         operation."
    );
    Box::pin(async { Ok(Reply::empty().with_warning(warning).as_not_found()) })
}
