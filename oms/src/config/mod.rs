//! The one typed configuration: flags over environment over a TOML file, read once.
//!
//! A layer is a group of settings that may each be absent; clap fills it from flags and the environment, serde from the file.
//! Commands take the layers they need, and turn them into settings without gaps.

mod file;
mod layers;
mod providers;

pub use file::{ConfigFile, FileArgs};
#[cfg(feature = "dev")]
pub(crate) use layers::derived;
pub use layers::{AdapterLayer, ApiLayer, DatabaseLayer, PolicyLayer, ServedQueues, ServerLayer, TemporalLayer, WorkerLayer};
pub use providers::{AdapterKind, Adapters, ProviderConfig};
