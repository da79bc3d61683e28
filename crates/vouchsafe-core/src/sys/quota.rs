//! `sys/quotas/rate-limit/:name` and `sys/quotas/config`.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, Method, Operation, Reply, Route, input,
};

use super::Sys;
use crate::quota::NewRule;

input! {
    /// Body of `quotas/rate-limit/{name}`.
    pub(crate) struct RateLimitInput {
        /// The quota's name.
        name: String,
        /// `rate-limit`; for clients that send it.
        r#type: Option<String>,
        /// A mount, a path in one, or the beginning of paths with `*` at its end; nothing: everything.
        path: Option<String>,
        /// Only logins with this role.
        role: Option<String>,
        /// Requests in an interval.
        rate: Option<Value>,
        /// The interval; 1s where nothing is said.
        interval: Option<Duration>,
        /// How long a client is refused that asked for more.
        block_interval: Option<Duration>,
    }
}

input! {
    /// Only the name.
    pub(crate) struct NameInput {
        /// The quota's name.
        name: String,
    }
}

input! {
    /// Body of `quotas/config`.
    pub(crate) struct ConfigInput {
        /// Paths that no quota counts; one that ends in `*` stands for all that begin so.
        rate_limit_exempt_paths: Option<CommaList>,
        /// Whether refused requests leave entries in the audit log.
        enable_rate_limit_audit_logging: Option<bool>,
        /// Whether answers tell what is left of the limit.
        enable_rate_limit_response_headers: Option<bool>,
    }
}

pub(crate) const CONFIG: Route<Sys> = Route {
    pattern: "quotas/config",
    access: Access::Token,
    methods: &[
        Method::read(read_config),
        Method::update::<ConfigInput>(write_config),
    ],
    exists: None,
    help: "Read or change what holds for all rate limit quotas.",
};

pub(crate) const RATE_LIMITS: Route<Sys> = Route {
    pattern: "quotas/rate-limit",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the rate limit quotas.",
};

pub(crate) const RATE_LIMIT: Route<Sys> = Route {
    pattern: "quotas/rate-limit/{name}",
    access: Access::Token,
    methods: &[
        Method::with::<NameInput>(Operation::Read, read),
        Method::update::<RateLimitInput>(write),
        Method::with::<NameInput>(Operation::Delete, delete),
    ],
    exists: None,
    help: "Limit how many requests one client address may make in a while.",
};

fn list<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let names = sys.runtime()?.quotas.names();
        if names.is_empty() {
            return Err(Error::not_found());
        }
        Ok(Reply::data(Data::from_iter([(
            "keys".to_owned(),
            json!(names),
        )])))
    })
}

fn read<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: NameInput = call.input()?;
        let quotas = &sys.runtime()?.quotas;
        let rule = quotas.rule(&input.name).ok_or_else(Error::not_found)?;
        let shown = json!({
            "block_interval": rule.block_interval.as_secs(),
            "interval": rule.interval.as_secs(),
            "name": input.name,
            "path": rule.path,
            "rate": rule.rate,
            "role": rule.role,
            "type": "rate-limit",
        });
        let Value::Object(data) = shown else {
            return Err(Error::internal("a quota is not an object"));
        };
        Ok(Reply::data(data))
    })
}

fn write<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: RateLimitInput = call.input()?;
        let runtime = sys.runtime()?;
        if let Some(kind) = input.r#type.filter(|kind| kind != "rate-limit") {
            return Err(Error::invalid(format!(
                "type is {kind:?}; expected `rate-limit`"
            )));
        }
        let new = NewRule {
            id: {
                let mut id = [0; 8];
                runtime.ports.entropy.fill(&mut id);
                u64::from_le_bytes(id)
            },
            name: input.name,
            path: input.path.unwrap_or_default(),
            role: input.role.unwrap_or_default(),
            rate: rate(input.rate.as_ref())?,
            interval: input
                .interval
                .filter(|interval| !interval.is_zero())
                .unwrap_or(Duration::from_secs(1)),
            block_interval: input.block_interval.unwrap_or_default(),
        };
        let table = runtime.mounts.table();
        let table = std::sync::Arc::clone(&table);
        runtime.quotas.put(new, &table).await?;
        Ok(Reply::empty())
    })
}

/// A number, which clients also send as a text.
fn rate(sent: Option<&Value>) -> Result<f64, Error> {
    let number = match sent {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        Error::invalid_because(
            "quota_invalid",
            "'rate' is invalid; expected a number over 0",
        )
    })
}

fn delete<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: NameInput = call.input()?;
        sys.runtime()?.quotas.remove(&input.name).await?;
        Ok(Reply::empty())
    })
}

fn read_config<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let config = sys.runtime()?.quotas.config();
        let mut data = Data::new();
        data.insert(
            "enable_rate_limit_audit_logging".to_owned(),
            config.audits_refusals.into(),
        );
        data.insert(
            "enable_rate_limit_response_headers".to_owned(),
            config.shows_headers.into(),
        );
        data.insert(
            "rate_limit_exempt_paths".to_owned(),
            json!(config.exempt_paths),
        );
        Ok(Reply::data(data))
    })
}

fn write_config<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: ConfigInput = call.input()?;
        let runtime = sys.runtime()?;
        runtime
            .quotas
            .configure(|config| {
                if let Some(paths) = &input.rate_limit_exempt_paths {
                    let paths = paths.0.iter();
                    let paths = paths.map(|path| path.trim_start_matches('/').to_owned());
                    config.exempt_paths = paths.collect();
                }
                if let Some(audits) = input.enable_rate_limit_audit_logging {
                    config.audits_refusals = audits;
                }
                if let Some(shows) = input.enable_rate_limit_response_headers {
                    config.shows_headers = shows;
                }
            })
            .await?;
        Ok(Reply::empty())
    })
}
