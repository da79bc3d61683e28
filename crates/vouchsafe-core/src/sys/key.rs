//! `sys/key-status` and `sys/rotate`: the key term that encrypts storage.

use std::time::Duration;

use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Method, Operation, Reply, Route, input, rfc3339,
};
use vouchsafe_storage::barrier::ENCRYPTIONS_PER_TERM_MAX;

use super::Sys;

input! {
    /// Body of `rotate/config`.
    pub(crate) struct RotationInput {
        /// Whether a term ends by the two rules below.
        enabled: Option<bool>,
        /// After how many encryptions a term ends: 1,000,000 to 3,865,470,566.
        max_operations: Option<i64>,
        /// At which age a term ends: 24h or more, or 0 for at none.
        interval: Option<Duration>,
    }
}

pub(crate) const STATUS: Route<Sys> = Route {
    pattern: "key-status",
    access: Access::Token,
    methods: &[Method::read(status)],
    exists: None,
    help: "Show the active key term of the barrier, and how much it has encrypted.",
};

pub(crate) const ROTATE: Route<Sys> = rotation("rotate");

/// OpenBao's name of the same.
pub(crate) const ROTATE_KEYRING: Route<Sys> = rotation("rotate/keyring");

/// When a term is added without being asked for.
pub(crate) const ROTATE_CONFIG: Route<Sys> = config("rotate/config");

/// OpenBao's name of the same.
pub(crate) const ROTATE_KEYRING_CONFIG: Route<Sys> = config("rotate/keyring/config");

const CONFIG_METHODS: &[Method<Sys>] = &[
    Method::read(show_config),
    Method::update::<RotationInput>(write_config),
];

const fn config(pattern: &'static str) -> Route<Sys> {
    Route {
        pattern,
        access: Access::Sudo,
        methods: CONFIG_METHODS,
        exists: None,
        help: "Read or change after how many encryptions, and at which age, a key term is added without being asked for.",
    }
}

fn show_config<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let rule = runtime.key_rotation.in_force();
        let interval = match rule.interval {
            0 => 0.into(),
            seconds => format_duration(Duration::from_secs(seconds)).into(),
        };
        let mut data = Data::new();
        data.insert("enabled".to_owned(), rule.enabled.into());
        data.insert("interval".to_owned(), interval);
        data.insert("max_operations".to_owned(), rule.max_operations.into());
        Ok(Reply::data(data).at_top_level())
    })
}

fn write_config<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: RotationInput = call.input()?;
        let runtime = sys.runtime()?;
        let operations = runtime
            .key_rotation
            .change(|rule| {
                rule.change(input.enabled, input.max_operations, input.interval)?;
                Ok(rule.max_operations)
            })
            .await?;
        Ok(if operations > ENCRYPTIONS_PER_TERM_MAX {
            Reply::empty().with_warning(format!(
                "a key term ends after {ENCRYPTIONS_PER_TERM_MAX} encryptions at the latest"
            ))
        } else {
            Reply::empty()
        })
    })
}

const METHODS: &[Method<Sys>] = &[Method::new(Operation::Update, &[], rotate)];

const fn rotation(pattern: &'static str) -> Route<Sys> {
    Route {
        pattern,
        access: Access::Sudo,
        methods: METHODS,
        exists: None,
        help: "Add a key term that encrypts from now on. What older terms encrypted stays readable.",
    }
}

fn status<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let status = sys.core()?.barrier.key_status()?;
        let mut data = Data::new();
        data.insert("encryptions".to_owned(), status.encryptions.into());
        data.insert(
            "install_time".to_owned(),
            rfc3339(status.installed_at).into(),
        );
        data.insert("term".to_owned(), status.term.into());
        Ok(Reply::data(data).at_top_level())
    })
}

fn rotate<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        sys.core()?.barrier.rotate().await?;
        Ok(Reply::empty())
    })
}
