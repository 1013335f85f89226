//! The tests of the whole: see `it/`. Nothing is exported.
