//! The whole way of requests through a core with an audit log.
