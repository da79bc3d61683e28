//! The issuer by path and operation, with a manual clock.

mod driver;
mod errors;
mod life;
mod nodes;
mod tokens;
mod well_known;
