//! What a pack bench has done to its order: packed and sent on its way with the last scan, or asked-for units let go of. Every command has an
//! id that follows from the session or the scan, so that what is sent twice is one.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, OrderId},
    order::{FulfillmentRequest, Request},
    placed::DeliveryMethod,
};

use oms_api::fulfillment::FulfillmentOrderView;

use crate::{commands, extract::CommandId, failure::Failure, state::AppState};

/// What is being packed.
pub(crate) struct Packing<'a> {
    state: &'a AppState,
    found: &'a FulfillmentOrderView,
    id: &'a FulfillmentOrderId,
    order_id: OrderId,
}

impl<'a> Packing<'a> {
    pub(crate) fn of(state: &'a AppState, found: &'a FulfillmentOrderView, id: &'a FulfillmentOrderId) -> Result<Self, Failure> {
        let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
        Ok(Self { state, found, id, order_id })
    }

    /// Packs it, and then has it shipped or wait for its customer. What is refused after packing leaves it packed: that is told.
    pub(crate) async fn finish(&self, picker: &str, session: u64) -> Result<Option<Failure>, Failure> {
        let begun = [FulfillmentStatus::Released, FulfillmentStatus::Accepted].iter().all(|status| status.name() != self.found.status);
        if !begun {
            self.ask(session, "start-picking", FulfillmentRequest::StartPicking { picker: picker.to_owned() }).await?;
        }
        self.ask(session, "pack", FulfillmentRequest::Pack { parcels: Vec::new() }).await?;
        self.state.store.end_pack_session(self.id, session).await?;
        let next = match self.found.delivery_method == DeliveryMethod::Pickup.as_str() {
            true => self.ask(session, "ready", FulfillmentRequest::Ready { code_hash: None }).await,
            false => self.ask(session, "ship", FulfillmentRequest::Ship { carrier: None, tracking_number: None }).await,
        };
        Ok(next.err())
    }

    /// Lets go of what the customer wants otherwise, or keeps it.
    pub(crate) async fn answer(&self, scan_id: &str, lets_go: bool) -> Result<(), Failure> {
        let is_change = self.found.cancellation_requested.is_empty() && self.found.change_requested.is_some();
        let (word, action) = match (is_change, lets_go) {
            (false, true) => ("accept-cancellation", FulfillmentRequest::AcceptCancellation),
            (false, false) => ("refuse-cancellation", FulfillmentRequest::RefuseCancellation),
            (true, true) => ("accept-change", FulfillmentRequest::AcceptChange),
            (true, false) => ("refuse-change", FulfillmentRequest::RefuseChange { reason: None }),
        };
        self.ask(scan_id, word, action).await
    }

    async fn ask(&self, of: impl std::fmt::Display, word: &str, action: FulfillmentRequest) -> Result<(), Failure> {
        let request = Request::Fulfillment { fulfillment_order_id: self.id.clone(), action };
        let command_id = CommandId::kept(format!("bench:{}:{of}:{word}", self.id));
        commands::run(self.state, &self.order_id, command_id, request).await.map(drop)
    }
}
