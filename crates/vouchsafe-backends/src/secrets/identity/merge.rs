//! `entity/merge` and `entity/batch-delete`: operations on several entities.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vouchsafe_identity::subject::directory::{AliasClash, AliasOwner, Author, Merge, Merged};
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Error, Method, Reply, Route, System, input,
};

use super::Identity;

/// Merges entities.
pub(super) const MERGE: Route<Identity> = Route {
    pattern: "entity/merge",
    access: Access::Token,
    methods: &[Method::update::<MergeInput>(merge)],
    exists: None,
    help: "Merge entities into one: aliases, policies and groups pass to the one that stays.",
};

/// Deletes entities.
pub(super) const BATCH_DELETE: Route<Identity> = Route {
    pattern: "entity/batch-delete",
    access: Access::Token,
    methods: &[Method::update::<BatchDeleteInput>(batch_delete)],
    exists: None,
    help: "Delete the entities with the given ids.",
};

input! {
    /// What to merge.
    pub(super) struct MergeInput {
        /// The ids of the entities that go.
        from_entity_ids: Option<CommaList>,
        /// The id of the entity that stays.
        to_entity_id: Option<String>,
        /// Where two aliases are of one mount: the ids of those that stay.
        conflicting_alias_ids_to_keep: Option<CommaList>,
        /// Taken for compatibility: there is nothing to force here.
        force: Option<bool>,
    }
}

input! {
    /// What to delete.
    pub(super) struct BatchDeleteInput {
        /// The ids of the entities.
        entity_ids: Option<CommaList>,
    }
}

fn merge<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: MergeInput = call.input()?;
        let merge = Merge {
            from_entity_ids: input.from_entity_ids.unwrap_or_default().0,
            to_entity_id: input.to_entity_id.unwrap_or_default(),
            conflicting_alias_ids_to_keep: input
                .conflicting_alias_ids_to_keep
                .unwrap_or_default()
                .0,
        };
        let system = identity.system();
        match identity
            .directory
            .merge_entities(&merge, system.clock().now(), Author::of(call.caller))
            .await?
        {
            Merged::Done => Ok(Reply::empty()),
            Merged::Clashes(clashes) => Err(refusal(&clashes, system)),
        }
    })
}

fn batch_delete<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let ids = call
            .input::<BatchDeleteInput>()?
            .entity_ids
            .unwrap_or_default()
            .0;
        if ids.is_empty() {
            return Err(Error::invalid_because(
                "field_missing",
                "missing entity ids to delete",
            ));
        }
        identity.directory.delete_entities(&ids).await?;
        Ok(Reply::empty())
    })
}

/// Lists the clashes, for people in the message and for programs in `data`.
fn refusal(clashes: &[AliasClash], system: &dyn System) -> Error {
    let mut text = format!(
        "{} errors occurred:\n\t* toEntity and at least one fromEntity have aliases with the same \
         mount accessor, repeat the merge request specifying exactly one fromEntity, clashes: \n",
        clashes.len() + 1
    );
    let mut owners: Vec<Value> = Vec::new();
    for AliasClash { to, from } in clashes {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "\t* mountAccessor: {}, toEntity ID: {}, fromEntity ID: {}, conflicting toEntity alias ID: {}, conflicting fromEntity alias ID: {}",
            to.alias.mount_accessor, to.entity_id, from.entity_id, to.alias.id, from.alias.id
        );
        for owner in [to, from] {
            let value = owner_value(owner, system);
            if !owners.contains(&value) {
                owners.push(value);
            }
        }
    }
    text.push('\n');
    Error::invalid_because("merge_conflict", text).with_data(owners.into())
}

fn owner_value(owner: &AliasOwner, system: &dyn System) -> Value {
    let mount = system.mount_by_accessor(owner.alias.mount_accessor.as_str());
    let path = mount.map(|mount| mount.path).unwrap_or_default();
    json!({
        "alias": owner.alias.name,
        "entity": owner.entity_name,
        "entity_id": owner.entity_id,
        "mount": owner.alias.mount_type,
        "mount_path": path,
    })
}
