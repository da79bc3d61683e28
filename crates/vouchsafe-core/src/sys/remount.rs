//! `sys/remount`: a mount moves to another path.

use serde_json::json;
use vouchsafe_logical::{
    Access, Answer, Call, Data, EntropyExt, Error, Method, Operation, Reply, Route, input,
};

use super::Sys;
use crate::mount::Moved;

input! {
    /// Body of `remount`.
    pub(crate) struct RemountInput {
        /// The mount's path now.
        from: Option<String>,
        /// The mount's path afterwards.
        to: Option<String>,
    }
}

pub(crate) const REMOUNT: Route<Sys> = Route {
    pattern: "remount",
    access: Access::Sudo,
    methods: &[Method::update::<RemountInput>(remount)],
    exists: None,
    help: "Move a mount to another path. Its data and tokens stay its own.",
};

pub(crate) const REMOUNT_STATUS: Route<Sys> = Route {
    pattern: "remount/status/{migration_id*}",
    access: Access::Token,
    methods: &[Method::read(remount_status)],
    exists: None,
    help: "Show what became of a move.",
};

fn remount<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        debug_assert_eq!(call.operation, Operation::Update);
        let input: RemountInput = call.input()?;
        let (Some(from), Some(to)) = (input.from, input.to) else {
            return Err(Error::invalid(
                "both 'from' and 'to' path must be specified as a string",
            ));
        };
        let runtime = sys.runtime()?;
        let path = |text: &str| format!("{}/", text.trim_matches('/'));
        let moved = Moved {
            id: runtime.ports.entropy.uuid(),
            from: path(&from),
            to: path(&to),
        };
        runtime.mounts.remount(&moved.from, &moved.to).await?;
        runtime.mounts.remember_move(&moved).await?;
        let data = Data::from_iter([("migration_id".to_owned(), moved.id.into())]);
        Ok(Reply::data(data)
            .at_top_level()
            .with_warning(format!("Mount move is done: {from} is {to} now")))
    })
}

fn remount_status<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let id = call.captured("migration_id");
        let moved = sys.runtime()?.mounts.moved(id).await?;
        let moved = moved.ok_or_else(Error::not_found)?;
        // A move is one transaction: one that is remembered is done.
        let info = json!({
            "source_mount": moved.from,
            "target_mount": moved.to,
            "status": "success",
        });
        let mut data = Data::new();
        data.insert("migration_id".to_owned(), moved.id.into());
        data.insert("migration_info".to_owned(), info);
        Ok(Reply::data(data))
    })
}
