//! Bytes at rest: physical port and barrier.
