//! Wire types and HTTP client.
