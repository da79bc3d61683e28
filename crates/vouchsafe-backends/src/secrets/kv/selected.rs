//! `delete/<path>`, `undelete/<path>`, `destroy/<path>`: versions that the body names.

use vouchsafe_logical::field::{FromField, Kind};
use vouchsafe_logical::{Access, Answer, Call, CommaList, Error, Method, Reply, Route, input};

use serde_json::Value;

use super::Kv;
use super::change::{Change, Needs};
use super::path::SecretPath;

/// Hides versions.
pub(super) const DELETE: Route<Kv> = Route {
    pattern: "delete/{path...}",
    access: Access::Token,
    methods: &[Method::update::<VersionsInput>(delete)],
    exists: None,
    help: "Delete versions of a secret; they can be undeleted.",
};

/// Shows hidden versions again.
pub(super) const UNDELETE: Route<Kv> = Route {
    pattern: "undelete/{path...}",
    access: Access::Token,
    methods: &[Method::update::<VersionsInput>(undelete)],
    exists: None,
    help: "Undelete versions of a secret.",
};

/// Removes versions for good.
pub(super) const DESTROY: Route<Kv> = Route {
    pattern: "destroy/{path...}",
    access: Access::Token,
    methods: &[Method::update::<VersionsInput>(destroy)],
    exists: None,
    help: "Remove versions of a secret for good.",
};

input! {
    /// Body of all three.
    pub(super) struct VersionsInput {
        /// The numbers of the versions.
        versions: Option<Numbers>,
    }
}

/// Version numbers: a list of numbers or strings, or one comma separated string.
pub(super) struct Numbers(Vec<i64>);

impl FromField for Numbers {
    const KIND: Kind = Kind::List;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        let CommaList(items) = CommaList::from_field(name, value)?;
        let numbers = items
            .into_iter()
            .map(|item| i64::from_field(name, Some(&Value::String(item))))
            .collect::<Result<_, _>>()?;
        Ok(Self(numbers))
    }
}

fn delete<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    for_each(kv, call, |change, number| {
        let now = change.now;
        let Some(entry) = entry_of(change, number).filter(|entry| entry.is_readable(now)) else {
            return false;
        };
        entry.deletion_time = Some(now);
        true
    })
}

fn undelete<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    for_each(kv, call, |change, number| {
        let Some(entry) = entry_of(change, number).filter(|entry| !entry.destroyed) else {
            return false;
        };
        entry.deletion_time.take().is_some()
    })
}

fn destroy<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    for_each(kv, call, |change, number| {
        let Some(entry) = entry_of(change, number).filter(|entry| !entry.destroyed) else {
            return false;
        };
        entry.destroyed = true;
        change.remove_secret(number);
        true
    })
}

fn entry_of<'c>(
    change: &'c mut Change<'_>,
    number: u64,
) -> Option<&'c mut super::record::VersionEntry> {
    change.metadata.as_mut()?.versions.get_mut(&number)
}

/// Applies `edit` to each version that the body names; it returns whether it changed anything.
/// Versions that there are not are passed over.
fn for_each<'a>(kv: &'a Kv, call: Call<'a>, edit: fn(&mut Change<'_>, u64) -> bool) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let path = SecretPath::of(&call)?;
        let input: VersionsInput = call.input()?;
        let numbers = match input.versions {
            Some(Numbers(numbers)) if !numbers.is_empty() => numbers,
            Some(_) | None => {
                return Err(Error::invalid_because(
                    "versions_missing",
                    "No version number provided",
                ));
            }
        };
        let changed = secrets.change(path, Needs::Metadata, |change| {
            let mut changed = false;
            for number in numbers.iter().filter_map(|n| u64::try_from(*n).ok()) {
                changed |= edit(change, number);
            }
            if changed { change.save() } else { Ok(()) }
        });
        changed.await?;
        Ok(Reply::empty())
    })
}
