//! `sys/seal`: forget all keys, now.

use vouchsafe_logical::{Access, Method, Operation, Reply, Route};

use super::Sys;

pub(crate) const SEAL: Route<Sys> = Route {
    pattern: "seal",
    access: Access::Sudo,
    methods: &[Method::new(Operation::Update, &[], |sys, _call| {
        Box::pin(async move {
            sys.core()?.seal_for_good();
            Ok(Reply::empty())
        })
    })],
    exists: None,
    help: "Seal the server: forget all keys and stop serving until it is unsealed.",
};
