//! What can be mounted: one line for each auth method and secrets engine.

use vouchsafe_logical::Catalog;

/// Everything that this build can mount.
pub const CATALOG: Catalog = &[
    // The lines are in order of name.
    &crate::auth::approle::METHOD,
    &crate::secrets::identity::ENGINE,
    &crate::auth::jwt::METHOD,
    &crate::auth::kubernetes::METHOD,
    &crate::secrets::kv::ENGINE,
    &crate::secrets::kv::ENGINE_V2,
    &crate::auth::jwt::OIDC_METHOD,
    &crate::publish::ENGINE,
    &crate::auth::userpass::METHOD,
];
