//! `sys/storage/snapshot`: everything that is stored, as one file, while the server serves.
//!
//! Reading it is here; writing it is one of the keepers' doors (`seal/restore.rs`), since it is for
//! a server that has no tokens yet.

use bytes::Bytes;
use vouchsafe_logical::{
    Access, Answer, BoxFuture, ByteStream, Call, Error, Method, Reply, Response, Route, Streamed,
};
use vouchsafe_storage::Backup;

use super::Sys;

pub(crate) const SNAPSHOT: Route<Sys> = Route {
    pattern: "storage/snapshot",
    access: Access::Sudo,
    methods: &[Method::read(snapshot).document()],
    exists: None,
    help: "Take a consistent, encrypted snapshot of everything that is stored.",
};

fn snapshot<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let backup = sys.core()?.barrier.backup().await?;
        tracing::info!(revision = backup.header().revision.0, "a backup begins");
        let streamed = Streamed {
            content_type: "application/octet-stream",
            source: Box::new(Pieces(backup)),
        };
        Ok(Reply {
            response: Response::Stream(streamed),
            ..Reply::default()
        })
    })
}

/// The pieces of a snapshot.
struct Pieces(Backup);

impl ByteStream for Pieces {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move { Ok(self.0.next().await?.map(Bytes::from)) })
    }
}
