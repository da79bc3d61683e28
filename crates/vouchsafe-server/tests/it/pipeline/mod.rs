//! The way of every request: who is asked what, in which order, and what is refused when.

mod address;
mod audit;
mod claims;
mod creation;
mod entity;
mod expiry;
mod inline;
mod lockout;
mod login;
mod metric;
mod oidc;
mod order;
mod policy;
mod raise;
mod revocation;
mod root;
mod scale;
mod spelling;
mod uses;
