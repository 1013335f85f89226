//! The HTTP API: parses requests (api), reads (store), commands (starter), and answers with JSON or a problem document.
//!
//! Architecture invariant: no handler holds a rule of the house. What is legal is decided in the order's workflow; what is there is
//! decided in the store's transaction.

mod acting;
mod ahead;
mod caller;
mod commands;
mod convert;
mod door;
mod doors;
mod extract;
mod failure;
mod feeds;
mod fetching;
mod figures;
mod gates;
mod giving;
mod holding;
mod identity;
mod inlets;
mod insights;
mod layers;
mod live;
mod looks;
mod messengers;
mod metrics;
mod openapi;
mod packing;
mod pages;
mod pickup_codes;
mod placing;
mod previewing;
mod promising;
mod proxies;
mod routes;
mod serve;
mod state;
mod views;
mod webhooks;

pub use door::{Door, InvalidOrigin, Origins};
pub use identity::{DeclaredAccount, DeclaredAccounts, InvalidAccounts};
pub use messengers::Messengers;
pub use openapi::openapi;
pub use proxies::{InvalidNetwork, TrustedProxies};
pub use routes::router;
pub use serve::serve;
pub use state::{AppState, Carry, Limits, Pages};
pub use webhooks::{ReadWebhook, Webhooks};

#[cfg(test)]
mod tests;
