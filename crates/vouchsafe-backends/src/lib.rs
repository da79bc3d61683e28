//! Auth methods and secrets engines.
