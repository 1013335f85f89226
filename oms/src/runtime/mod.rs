//! The running parts, composed: what `oms dev`, `oms demo`, `oms bench`, `oms worker`, `oms server` and the end-to-end tests are made of.
//!
//! [`System`] is all of it against databases and a Temporal server that are there already; [`Dev`] starts those too.

mod adapters;
mod api;
#[cfg(feature = "dev")]
mod dev;
mod exporter;
pub(crate) mod open_files;
mod rules;
mod search_attributes;
mod system;
mod temporal;
mod worker;

pub(crate) use adapters::{parts, webhooks};
pub use api::ApiServer;
#[cfg(feature = "dev")]
pub use dev::{Dev, DevOptions};
pub(crate) use exporter::exporter;
pub(crate) use rules::rules;
pub use search_attributes::{missing_search_attributes, register_search_attributes};
pub use system::{System, SystemOptions};
pub(crate) use system::{listen, open_store};
pub use temporal::Temporal;
pub use worker::WorkerThread;
pub(crate) use worker::meter;
