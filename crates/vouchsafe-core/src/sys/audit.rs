//! `sys/audit`, `sys/audit-hash` and `sys/config/auditing/request-headers`.

use serde_json::json;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, KeyValues, Method, Operation, Reply, Route, input,
};

use super::Sys;
use crate::audit::{HeaderRule, NewDevice};

input! {
    /// Body of `audit/{path}`.
    pub(crate) struct EnableInput {
        /// The device's path.
        path: String,
        /// `file` or `stdout`.
        r#type: Option<String>,
        /// For people.
        description: Option<String>,
        /// `file_path`, `mode`, `log_raw`, `hmac_accessor`, `elide_list_responses`, `skip_test`.
        options: Option<KeyValues>,
        /// Local to one cluster of several.
        local: Option<bool>,
    }
}

input! {
    /// Only the path.
    pub(crate) struct PathInput {
        /// The device's path.
        path: String,
    }
}

input! {
    /// Body of `audit-hash/{path}`.
    pub(crate) struct HashInput {
        /// The device's path.
        path: String,
        /// The text to look for in its log.
        input: Option<String>,
    }
}

input! {
    /// Body of `config/auditing/request-headers/{header}`.
    pub(crate) struct HeaderInput {
        /// The header's name.
        header: String,
        /// Show a keyed hash of the value.
        hmac: Option<bool>,
    }
}

pub(crate) const DEVICES: Route<Sys> = Route {
    pattern: "audit",
    access: Access::Sudo,
    methods: &[Method::read(list)],
    exists: None,
    help: "List the audit devices.",
};

pub(crate) const DEVICE: Route<Sys> = Route {
    pattern: "audit/{path...}",
    access: Access::Sudo,
    methods: &[
        Method::update::<EnableInput>(enable),
        Method::with::<PathInput>(Operation::Delete, disable),
    ],
    exists: None,
    help: "Enable or disable an audit device.",
};

pub(crate) const HASH: Route<Sys> = Route {
    pattern: "audit-hash/{path...}",
    access: Access::Token,
    methods: &[Method::update::<HashInput>(hash)],
    exists: None,
    help: "Show the keyed hash that an audit device writes for a text.",
};

pub(crate) const HEADERS: Route<Sys> = Route {
    pattern: "config/auditing/request-headers",
    access: Access::Sudo,
    methods: &[Method::read(list_headers)],
    exists: None,
    help: "List the request headers that audit entries show.",
};

pub(crate) const HEADER: Route<Sys> = Route {
    pattern: "config/auditing/request-headers/{header*}",
    access: Access::Sudo,
    methods: &[
        Method::with::<HeaderInput>(Operation::Read, read_header),
        Method::update::<HeaderInput>(show_header),
        Method::with::<HeaderInput>(Operation::Delete, hide_header),
    ],
    exists: None,
    help: "Show a request header in audit entries, or show it no more.",
};

fn list<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let mut data = Data::new();
        for device in sys.runtime()?.audit.devices() {
            let shown = json!({
                "description": device.description,
                "local": device.local,
                "options": device.options,
                "path": device.path,
                "type": device.kind,
            });
            data.insert(device.path, shown);
        }
        Ok(Reply::data(data).at_top_level())
    })
}

fn enable<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: EnableInput = call.input()?;
        let new = NewDevice {
            path: input.path,
            kind: input.r#type.unwrap_or_default(),
            description: input.description.unwrap_or_default(),
            options: input.options.unwrap_or_default().0,
            local: input.local.unwrap_or_default(),
        };
        sys.runtime()?.audit.enable(new).await?;
        Ok(Reply::empty())
    })
}

fn disable<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: PathInput = call.input()?;
        let declared = &sys.core()?.settings.audit_devices;
        let path = input.path.trim_matches('/');
        if declared
            .iter()
            .any(|device| device.path.trim_matches('/') == path)
        {
            return Err(Error::invalid_because(
                "audit_device_declared",
                format!(
                    "audit device `{path}/` is declared in the server's configuration; remove it there"
                ),
            ));
        }
        sys.runtime()?.audit.disable(&input.path).await?;
        Ok(Reply::empty())
    })
}

fn hash<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: HashInput = call.input()?;
        let text = input.input.filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Error::invalid("the \"input\" parameter is empty"))?;
        let mut data = Data::new();
        data.insert(
            "hash".to_owned(),
            sys.runtime()?.audit.hash(&input.path, &text)?.into(),
        );
        Ok(Reply::data(data).at_top_level())
    })
}

fn list_headers<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let headers = sys.runtime()?.audit.headers();
        let mut data = Data::new();
        data.insert("headers".to_owned(), json!(headers));
        Ok(Reply::data(data).at_top_level())
    })
}

fn read_header<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: HeaderInput = call.input()?;
        let Some(rule) = sys.runtime()?.audit.headers().get(&input.header) else {
            return Err(Error::invalid("Could not find header in config"));
        };
        let mut data = Data::new();
        data.insert(input.header, json!(rule));
        Ok(Reply::data(data).at_top_level())
    })
}

fn show_header<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: HeaderInput = call.input()?;
        let rule = HeaderRule {
            hmac: input.hmac.unwrap_or_default(),
        };
        sys.runtime()?
            .audit
            .show_header(&input.header, rule)
            .await?;
        Ok(Reply::empty())
    })
}

fn hide_header<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: HeaderInput = call.input()?;
        sys.runtime()?.audit.hide_header(&input.header).await?;
        Ok(Reply::empty())
    })
}
