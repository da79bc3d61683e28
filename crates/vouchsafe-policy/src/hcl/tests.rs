//! Unit tests of the reader and the printer.
