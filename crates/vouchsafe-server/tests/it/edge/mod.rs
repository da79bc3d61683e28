//! HTTP: what is read in which way, what is refused, and what every answer looks like.

mod bodies;
mod connections;
mod documents;
mod envelope;
mod http2;
mod limits;
mod logs;
mod methods;
mod origins;
mod paths;
mod unfinished;
