//! The one binary, as a library: the command line on top, and the composed runtime under it that the demo, the benchmark and the
//! end-to-end tests start too.
//!
//! `main` installs the process's TLS provider and calls [`run`].

mod allocate;
#[cfg(feature = "dev")]
mod bench;
mod cli;
pub mod client;
mod commands;
pub mod config;
#[cfg(feature = "dev")]
mod demo;
mod deploy;
pub mod exit;
#[cfg(feature = "export")]
pub mod export;
pub mod output;
pub mod reconcile;
pub mod repair;
mod replay;
pub mod running;
pub mod runtime;
mod sample;
mod simulate;
mod style;
mod telemetry;

pub use cli::{Cli, run};
