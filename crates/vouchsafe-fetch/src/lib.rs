//! The outbound port made real: guarded requests to the servers of others, over reqwest.
//!
//! Implements [`vouchsafe_logical::Fetch`]. A URL, and what the server behind it answers, may be an
//! attacker's choice, so each request stands under the same rules, whoever asks for it:
//!
//! - no redirect is followed and no proxy of the environment is used;
//! - https, unless the address is this machine's own or the operator allowed `http` ([`target`]);
//! - an address filter is applied to the addresses that are connected to, after the name was
//!   resolved and in the same step, so that a second answer of DNS gains nothing ([`address`]);
//! - one limit on the time from look-up to last byte, and one on the bytes of the body, counted
//!   while they arrive;
//! - certificate authorities that are given replace the system's ([`client`]).
//!
//! It deliberately decompresses nothing, keeps no cookies and retries nothing.

#![warn(missing_docs)]

mod address;
mod cache_control;
mod client;
mod fetcher;
mod target;

pub use client::{CA_BYTES_MAX, CLIENTS_MAX};
pub use fetcher::HttpFetcher;
