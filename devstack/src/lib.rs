//! Everything the order orchestrator talks to, started natively on this machine: Temporal, PostgreSQL, DynamoDB, and
//! simulators of a payment gateway, a carrier and a fraud check, for `oms dev`, `oms demo` and the tests. No container engine is needed.
//!
//! [`Stack`] starts all of it in parallel; each part ([`Temporal`], [`Postgres`], [`DynamoDb`], [`DynamoDbLocal`],
//! [`PaymentGateway`], [`CarrierService`]) also starts alone. Whatever is missing is installed once into the cache folder of [`Tools`]. Nothing here reads the
//! environment or handles signals: the caller passes overrides and calls [`Stack::stop`].
//!
//! ```no_run
//! use oms_devstack::{Progress, Stack, StackOptions, Tools};
//!
//! # async fn example() -> oms_devstack::Result<()> {
//! let tools = Tools::new("/home/me/.cache/oms", Progress::on_stderr());
//! let stack = Stack::start(StackOptions::ephemeral(tools)).await?;
//! println!("Temporal is at {}", stack.temporal_address);
//! stack.stop().await
//! # }
//! ```

mod account;
mod answer;
pub mod carrier;
mod control;
mod dynamodb;
mod dynamodb_local;
mod error;
pub mod fraud;
pub mod gateway;
mod home;
mod journal;
mod options;
mod outbound;
mod ports;
mod postgres;
mod process;
mod progress;
mod provision;
mod service;
mod stack;
mod temporal;

pub use carrier::{CarrierOptions, CarrierService};
pub use dynamodb::DynamoDb;
pub use dynamodb_local::DynamoDbLocal;
pub use error::{Error, Result};
pub use fraud::{FraudOptions, FraudService};
pub use gateway::{PaymentGateway, PaymentGatewayOptions};
pub use home::{DataDir, Home};
pub use options::{CarrierChoice, DynamoDbChoice, FraudChoice, PaymentGatewayChoice, PostgresChoice, StackOptions, TemporalChoice};
pub use ports::Listen;
pub use postgres::Postgres;
pub use progress::{Progress, Step};
pub use provision::Tools;
pub use stack::Stack;
pub use temporal::{Temporal, TemporalOptions, TemporalStore};
