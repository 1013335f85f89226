//! The commands that run or look after an installation.

#[cfg(feature = "dev")]
pub mod dev;
#[cfg(feature = "dev")]
mod dev_env;
pub mod doctor;
#[cfg(feature = "dev")]
mod env_file;
#[cfg(feature = "dev")]
pub(crate) mod first_steps;
pub mod repair;
pub mod server;
pub mod setup;
pub(crate) mod signals;
#[cfg(feature = "dev")]
pub mod simulators;
pub mod worker;
