//! `sys/plugins/catalog`: what can be mounted. All of it is built in; nothing can be registered.

use serde_json::{Value, json};
use vouchsafe_logical::{Access, Answer, Call, Data, Error, Method, MountClass, Reply, Route};

use super::Sys;
use crate::mount::builtin_version;

pub(crate) const CATALOG: Route<Sys> = Route {
    pattern: "plugins/catalog",
    access: Access::Sudo,
    methods: &[Method::read(catalog)],
    exists: None,
    help: "Show all auth methods and secrets engines that can be mounted.",
};

pub(crate) const KINDS: Route<Sys> = Route {
    pattern: "plugins/catalog/{type}",
    access: Access::Sudo,
    methods: &[Method::list(kinds)],
    exists: None,
    help: "List what can be mounted: `auth` or `secret`.",
};

pub(crate) const KIND: Route<Sys> = Route {
    pattern: "plugins/catalog/{type}/{name}",
    access: Access::Sudo,
    methods: &[Method::read(kind)],
    exists: None,
    help: "Show one auth method or secrets engine that can be mounted.",
};

const CLASSES: [(&str, MountClass); 2] =
    [("auth", MountClass::Auth), ("secret", MountClass::Secret)];

/// The names of a type; databases are a type of Vault's of which there are none.
fn names(sys: &Sys, wanted: &str) -> Result<Vec<&'static str>, Error> {
    if wanted == "database" {
        return Ok(Vec::new());
    }
    let class = CLASSES.iter().find(|(name, _)| *name == wanted);
    let Some((_, class)) = class else {
        return Err(Error::invalid_because(
            "plugin_type_unknown",
            format!("unsupported plugin type {wanted:?}; expected `auth`, `secret` or `database`"),
        ));
    };
    let mut names = sys.runtime()?.mounts.kinds(*class);
    names.sort_unstable();
    Ok(names)
}

fn describe(name: &str) -> Value {
    json!({
        "builtin": true,
        "deprecation_status": "supported",
        "name": name,
        "version": builtin_version(),
    })
}

fn catalog<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let mut data = Data::new();
        let mut detailed = Vec::new();
        for wanted in ["auth", "database", "secret"] {
            let names = names(sys, wanted)?;
            for name in &names {
                let mut described = describe(name);
                described["type"] = wanted.into();
                detailed.push(described);
            }
            data.insert(wanted.to_owned(), json!(names));
        }
        data.insert("detailed".to_owned(), detailed.into());
        Ok(Reply::data(data))
    })
}

fn kinds<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let names = names(sys, call.captured("type"))?;
        Reply::keys(names.into_iter().map(str::to_owned).collect())
    })
}

fn kind<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let names = names(sys, call.captured("type"))?;
        let wanted = call.captured("name");
        let name = names.into_iter().find(|name| *name == wanted);
        match describe(name.ok_or_else(Error::not_found)?) {
            Value::Object(mut data) => {
                data.insert("args".to_owned(), Value::Null);
                data.insert("command".to_owned(), "".into());
                data.insert("sha256".to_owned(), "".into());
                Ok(Reply::data(data))
            }
            _ => Err(Error::internal("a plugin is not an object")),
        }
    })
}
