//! What a repair does for an order: see `oms repair`.

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Beginning, Event, Order},
};
use oms_store::{RecordedEvent, Timeline};

use crate::{Starter, StarterError};

impl Starter {
    /// Brings the order's document up to what PostgreSQL has recorded; the version then.
    ///
    /// # Errors
    /// `Internal`: an event is missing, or cannot be read.
    pub async fn rebuild_document(&self, order_id: &OrderId) -> Result<u64, StarterError> {
        let known = self.order(order_id).await?;
        let version = known.as_ref().map_or(0, |order| order.version);
        let order = follow(known, self.store.timeline_after(order_id, version).await?)?;
        let doc = serde_json::to_value(&order).map_err(internal)?;
        self.store.put_document(order_id, order.version, &doc).await?;
        Ok(order.version)
    }
}

fn follow(known: Option<Order>, recorded: Timeline) -> Result<Order, StarterError> {
    let beginning: Option<Beginning> = recorded.beginning.map(serde_json::from_value).transpose().map_err(internal)?;
    let event = |recorded: RecordedEvent| {
        let event: Event = serde_json::from_value(recorded.data).map_err(internal)?;
        Ok((recorded.seq, event, recorded.at))
    };
    let events: Vec<(u64, Event, Timestamp)> = recorded.events.into_iter().map(event).collect::<Result<_, StarterError>>()?;
    Order::follow(known, beginning, events, recorded.commands).map_err(internal)
}

fn internal(error: impl ToString) -> StarterError {
    StarterError::Internal(error.to_string())
}
