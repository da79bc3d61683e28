//! The method by path and operation.
