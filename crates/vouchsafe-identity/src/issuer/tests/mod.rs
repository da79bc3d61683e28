//! Key life as operators and caching verifiers see it.

mod documents;
mod key_life;
mod properties;
mod world;
