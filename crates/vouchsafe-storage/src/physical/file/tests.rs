//! Faults below the engine.
