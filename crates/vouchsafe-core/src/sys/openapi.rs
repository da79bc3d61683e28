//! `sys/internal/specs/openapi`: the API of what is mounted, as far as the caller may know of it.

use vouchsafe_logical::{Access, Answer, Call, Error, Method, Operation, Reply, Route, input};

use super::Sys;
use super::internal::may_know;
use crate::authenticate::acl_of;
use crate::door::DOORS;
use crate::openapi::{Document, Place};

/// The longest `context`: it is repeated in each operation's id.
pub(crate) const CONTEXT_BYTES_MAX: usize = 64;

input! {
    /// Parameters of `internal/specs/openapi`.
    pub(crate) struct OpenApiInput {
        /// Whether a parameter stands for each mount's path, as generators of clients want it.
        generic_mount_paths: Option<bool>,
        /// What the id of each operation shall end with.
        context: Option<String>,
    }
}

pub(crate) const DOCUMENT: Route<Sys> = Route {
    pattern: "internal/specs/openapi",
    access: Access::Optional,
    methods: &[
        Method::with::<OpenApiInput>(Operation::Read, document).document(),
        Method::update::<OpenApiInput>(document).document(),
    ],
    exists: None,
    help: "Describe the mounts that the calling token may know of in OpenAPI.",
};

fn document<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: OpenApiInput = call.input()?;
        let context = input.context.unwrap_or_default();
        if context.len() > CONTEXT_BYTES_MAX {
            return Err(Error::invalid_because(
                "context_too_long",
                format!(
                    "`context` has {} bytes; at most {CONTEXT_BYTES_MAX} are allowed",
                    context.len()
                ),
            ));
        }
        let generic = input.generic_mount_paths.unwrap_or_default();
        let runtime = sys.runtime()?;
        let acl = acl_of(call.caller);
        let mut document = Document::new(&context);
        for mount in runtime.mounts.table().iter() {
            if !may_know(&acl, mount) {
                continue;
            }
            let summary = mount.summary();
            let mut place = Place::at(&summary.path, &summary.kind);
            if generic {
                place = place.generic();
            }
            if summary.kind == "system" {
                for door in DOORS {
                    document.add(&place, &door.info, door.methods);
                }
            }
            for (route, methods) in mount.routes() {
                document.add(&place, &route, &methods);
            }
        }
        let document = serde_json::Value::Object(document.finish());
        Ok(Reply::raw_json(200, &document))
    })
}
