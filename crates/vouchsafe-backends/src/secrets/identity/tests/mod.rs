//! The engine by path and operation.
