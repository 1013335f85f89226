//! What needs the built binary: its words, its exit codes, and whole installations started with it.

mod deploying;
mod dev;
mod drill;
mod files;
mod production;
mod restores;
mod run;
mod usage;
