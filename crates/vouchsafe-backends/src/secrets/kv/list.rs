//! Listings: the names directly in a folder.

use vouchsafe_logical::{Call, Error, Reply, View, input};

use super::path::folder_of;

input! {
    /// Parameters of a listing.
    pub(super) struct ListInput {
        /// Begin after this name.
        after: Option<String>,
        /// Show at most this many names; 0 or nothing = all.
        limit: Option<i64>,
    }
}

/// The names in the folder that a call names, of the keys that begin with `prefix`.
///
/// # Errors
/// [`vouchsafe_logical::ErrorKind::NotFound`] where there are none.
pub(super) async fn folder(view: &View, prefix: &str, call: &Call<'_>) -> Result<Reply, Error> {
    let input: ListInput = call.input()?;
    let folder = folder_of(call)?;
    let mut names = view.list_folder(&format!("{prefix}{folder}")).await?;
    if let Some(after) = input.after.filter(|after| !after.is_empty()) {
        names.retain(|name| *name > after);
    }
    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok());
    if let Some(limit) = limit.filter(|limit| *limit > 0) {
        names.truncate(limit);
    }
    Reply::keys(names)
}
