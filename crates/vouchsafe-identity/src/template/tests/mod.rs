//! Tests of claim templates and selectors.
