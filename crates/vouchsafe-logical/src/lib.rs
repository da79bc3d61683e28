//! The vocabulary that Vouchsafe's backends speak.
pub mod operation;
pub mod record;
pub mod view;

pub use operation::Operation;
pub use view::{
    Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Transaction, Version, View,
};
