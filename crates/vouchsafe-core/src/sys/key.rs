//! `sys/key-status` and `sys/rotate`: the key term that encrypts storage.

use vouchsafe_logical::{Access, Answer, Call, Data, Method, Operation, Reply, Route, rfc3339};
use vouchsafe_storage::barrier::ENCRYPTIONS_PER_TERM_MAX;

use super::Sys;

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

/// When a term is added without being asked for. It is a rule of the storage format, so it can't be
/// changed.
pub(crate) const ROTATE_CONFIG: Route<Sys> = config("rotate/config");

/// OpenBao's name of the same.
pub(crate) const ROTATE_KEYRING_CONFIG: Route<Sys> = config("rotate/keyring/config");

const CONFIG_METHODS: &[Method<Sys>] = &[Method::read(show_config)];

const fn config(pattern: &'static str) -> Route<Sys> {
    Route {
        pattern,
        access: Access::Sudo,
        methods: CONFIG_METHODS,
        exists: None,
        help: "Show after how many encryptions a key term is added without being asked for.",
    }
}

fn show_config<'a>(_sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async {
        let mut data = Data::new();
        data.insert("enabled".to_owned(), true.into());
        data.insert("interval".to_owned(), 0.into());
        data.insert("max_operations".to_owned(), ENCRYPTIONS_PER_TERM_MAX.into());
        Ok(Reply::data(data).at_top_level())
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
