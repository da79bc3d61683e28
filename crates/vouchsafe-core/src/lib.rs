//! The request pipeline, mounts, tokens and audit.
