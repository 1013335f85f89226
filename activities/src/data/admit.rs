//! Reads an order in: as it is recorded, if anything is recorded of it, or else as it was placed.

use oms_domain::{
    error::ErrorCode,
    ids::OrderId,
    order::{Beginning, Event, Order, OrderCore},
};
use oms_store::{RecordedEvent, Timeline};
use oms_workflows::contracts::Admitted;
use serde::de::DeserializeOwned;
use serde_json::Value;
use temporalio_sdk::activities::ActivityError;

use super::DataActivities;
use crate::failure::{failure, store_failure};

impl DataActivities {
    /// A document stands over the intake, always; what is recorded and not in the document yet stands over the document, and is brought
    /// into it.
    pub(super) async fn admit_order(&self, order_id: &OrderId) -> Result<Admitted, ActivityError> {
        let both = tokio::try_join!(self.store.document(order_id), self.store.recorded_version(order_id));
        let (document, recorded_version) = both.map_err(|error| store_failure(&error))?;
        let known: Option<Order> = document.map(|document| read("the order's document", document.doc)).transpose()?;
        let version = known.as_ref().map_or(0, |order| order.version);
        let recorded_version = self.recorded_beside(version, recorded_version, order_id).await?;
        let recorded = match known {
            Some(order) if order.version > recorded_version => {
                return Ok(Admitted::Behind { order: Box::new(order), stored_version: recorded_version });
            }
            Some(order) if order.version == recorded_version => order,
            None if recorded_version == 0 => return self.as_placed(order_id).await,
            known => {
                let newer = self.store.timeline_after(order_id, version).await.map_err(|error| store_failure(&error))?;
                follow(known, newer)?
            }
        };
        if recorded.version > version {
            let doc = serde_json::to_value(&recorded).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
            self.store.put_document(order_id, recorded.version, &doc).await.map_err(|error| store_failure(&error))?;
        }
        Ok(Admitted::Resumed(Box::new(recorded)))
    }

    /// What PostgreSQL has recorded. A document follows it, so one that is ahead was written between two looks, unless it has been restored.
    async fn recorded_beside(&self, version: u64, recorded_version: u64, order_id: &OrderId) -> Result<u64, ActivityError> {
        if version <= recorded_version {
            return Ok(recorded_version);
        }
        self.store.recorded_version(order_id).await.map_err(|error| store_failure(&error))
    }

    async fn as_placed(&self, order_id: &OrderId) -> Result<Admitted, ActivityError> {
        let intake = self.store.intake(order_id).await.map_err(|error| store_failure(&error))?;
        let intake = intake.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order was not taken in"))?;
        let customer_id = self.store.customer_hash(&intake.order.customer.customer_id);
        Ok(Admitted::Fresh(Box::new(OrderCore { customer_id, ..OrderCore::of(&intake.order, intake.received_at) })))
    }
}

/// The order after what is newer than its document.
fn follow(known: Option<Order>, newer: Timeline) -> Result<Order, ActivityError> {
    let beginning: Option<Beginning> = newer.beginning.map(|json| read("what the order began as", json)).transpose()?;
    let event = |recorded: RecordedEvent| Ok((recorded.seq, read::<Event>("an event of the order", recorded.data)?, recorded.at));
    let events = newer.events.into_iter().map(event).collect::<Result<Vec<_>, ActivityError>>()?;
    Order::follow(known, beginning, events, newer.commands).map_err(|error| failure(ErrorCode::Internal, error.to_string()))
}

fn read<T: DeserializeOwned>(what: &str, json: Value) -> Result<T, ActivityError> {
    serde_json::from_value(json).map_err(|error| failure(ErrorCode::Internal, format!("{what} cannot be read: {error}")))
}
