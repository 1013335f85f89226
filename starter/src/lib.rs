//! The typed client of the order orchestrator: what a Rust checkout links, and what the server itself uses.
//!
//! ```no_run
//! # async fn example(starter: oms_starter::Starter, order: oms_domain::placed::PlacedOrder) -> Result<(), oms_starter::StarterError> {
//! let order_id = order.order_id.clone();
//! starter.place(order).await?; // intake first, then the workflow: from here on the order is not lost
//! # Ok(()) }
//! ```

mod asked;
mod bulk;
mod change;
mod codec;
mod command;
mod error;
mod exchange;
mod free_texts;
mod giving;
mod look_again;
mod maintenance;
mod place;
mod relay;
mod repair;
mod return_command;
mod return_runs;
mod returned;
mod serving;
mod sweeper;
mod unserved;

use std::{
    collections::BTreeSet,
    sync::{Arc, RwLock},
};

use oms_domain::{access::By, clock::BusinessClock, ids::Sku, policy::Policy};
use oms_store::Store;
use oms_workflows::names::Queues;
use secrecy::SecretString;
use temporalio_client::Client;

pub use self::{
    bulk::BulkPreview,
    change::Preview,
    codec::{InvalidPayloadKey, encrypting_converter},
    command::Answered,
    error::StarterError,
    exchange::StartExchange,
    place::Placed,
    relay::Relay,
    returned::OpenReturn,
    sweeper::Round,
};
pub use oms_workflows::bulk::contracts::{BulkAnswer, BulkRequest};
pub use oms_workflows::maintenance::contracts::{ExportReport, MaintenanceResult, MaintenanceTask, PoolReport, PricesReport};
pub use oms_workflows::messages::{CommandAnswer, CommandRequest, ReturnAnswer, ReturnRequest};

/// What the orders started here go by.
#[derive(Clone)]
pub struct StarterConfig {
    pub queues: Queues,
    pub clock: BusinessClock,
    pub policy: Policy,
    /// Key of the hash under which the Temporal UI finds a customer's orders.
    pub customer_key: SecretString,
    /// The first task is handed to a worker of this same process, if there is one on the same connection.
    pub eager_start: bool,
}

/// Places orders and reaches running ones. Cheap to clone.
#[derive(Clone)]
pub struct Starter {
    temporal: Client,
    store: Store,
    config: Arc<StarterConfig>,
    /// SKUs seen in the catalog; products are never deleted.
    known_skus: Arc<RwLock<BTreeSet<Sku>>>,
}

impl Starter {
    pub fn new(temporal: Client, store: Store, config: StarterConfig) -> Self {
        Self { temporal, store, config: Arc::new(config), known_skus: Arc::default() }
    }

    /// The same for somebody: what is asked through it is their doing.
    pub fn by(&self, by: By) -> Self {
        Self { store: self.store.by(by), ..self.clone() }
    }

    /// Whether goods of an exchange go out before those that pay for them have come back.
    pub fn exchanges_in_advance(&self) -> bool {
        self.config.policy.exchange_in_advance
    }

    /// The time that orders started here go by.
    pub fn clock(&self) -> BusinessClock {
        self.config.clock
    }
}
