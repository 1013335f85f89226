//! Changing: the change set is kept first, since it may bring addresses; then the order decides about what the rules need of it.

use jiff::Timestamp;
use oms_domain::{
    change::{Change, ChangeSet},
    error::{ErrorCode, Rejection},
    ids::OrderId,
    order::{ChangeRequest, Command, FulfillmentRequest, Order, Request, decide},
    placed::PlacedOrder,
};
use oms_store::Kept;
use oms_workflows::messages::{CommandAnswer, CommandRequest};

use crate::{Starter, StarterError};

/// What a change set would make of an order.
#[derive(Debug, Clone)]
pub struct Preview {
    pub before: Order,
    /// As if everyone who would be asked agreed at once.
    pub after: Order,
    /// What facilities would be asked, and until when they could answer.
    pub asked: Option<(ChangeRequest, Timestamp)>,
    /// With the lines and addresses that it would bring.
    pub placed: PlacedOrder,
}

impl Starter {
    /// Changes an order, at once and as a whole, or asks the facilities that have accepted what it touches. When this returns, the
    /// change, or the question, is durable.
    ///
    /// # Errors
    /// `Rejected` with what is illegal and what is legal, or when another set has the id, or when the order is not at `at_version` any
    /// more; `UnknownSkus` by the index of the change; `NotFound`; `TimedOut`: asking again is safe.
    pub async fn change(
        &self,
        order_id: &OrderId,
        set: &ChangeSet,
        at_version: Option<u64>,
        command_id: String,
    ) -> Result<CommandAnswer, StarterError> {
        self.check_skus(&new_skus(set)).await?;
        let (_, placed) = self.parts(order_id).await?;
        if self.store.put_change(order_id, set).await? == Kept::Other {
            let why = format!("{} is the id of another change set of this order: give the new one an id of its own", set.change_id);
            return Err(StarterError::Rejected(Rejection::new(ErrorCode::RefusedByRule, why)));
        }
        self.command(order_id, CommandRequest::new(command_id, request(set, &placed, at_version))).await
    }

    /// What [`Starter::change`] would do, by the order as last recorded; nothing is kept, and nobody is asked. To take a change set back that
    /// waits for facilities, send [`Request::CancelChange`] with [`Starter::command`].
    ///
    /// # Errors
    /// As it would be refused.
    pub async fn preview_change(&self, order_id: &OrderId, set: &ChangeSet, at_version: Option<u64>) -> Result<Preview, StarterError> {
        self.check_skus(&new_skus(set)).await?;
        let (before, placed) = self.parts(order_id).await?;
        let before = before.ok_or_else(|| StarterError::Unavailable("nothing has been recorded of the order yet".to_owned()))?;
        let at = self.config.clock.business(Timestamp::now());
        let command = preview("change", request(set, &placed, at_version));
        let known = before.change(&set.change_id).is_some();
        let mut after = before.clone();
        send(&mut after, &command, at)?;
        let asked = after.open_change().filter(|open| open.change_id == set.change_id).cloned().zip(after.change_due());
        for asked in asked.iter().flat_map(|(request, _)| &request.asked) {
            let (fulfillment_order_id, action) = (asked.fulfillment_order_id.clone(), FulfillmentRequest::AcceptChange);
            let accept = Request::Fulfillment { fulfillment_order_id, action };
            send(&mut after, &preview(asked.fulfillment_order_id.as_str(), accept), at)?;
        }
        Ok(Preview { before, after, asked, placed: if known { placed } else { placed.with(set) } })
    }

    /// The order as last recorded, and as placed and changed.
    async fn parts(&self, order_id: &OrderId) -> Result<(Option<Order>, PlacedOrder), StarterError> {
        let order = self.order(order_id).await?;
        let changes = order.as_ref().map(Order::change_ids).unwrap_or_default();
        let placed = self.store.placed(order_id, &changes).await?.ok_or(StarterError::NotFound)?;
        Ok((order, placed))
    }
}

fn send(order: &mut Order, command: &Command, at: Timestamp) -> Result<(), StarterError> {
    *order = decide(order, command, at).map_err(StarterError::Rejected)?.state;
    Ok(())
}

/// What nobody has asked yet.
fn preview(id: &str, request: Request) -> Command {
    Command::Request { command_id: format!("preview:{id}"), request }
}

fn request(set: &ChangeSet, placed: &PlacedOrder, at_version: Option<u64>) -> Request {
    Request::Change { change_id: set.change_id.clone(), reason: set.reason.clone(), changes: set.core(placed), at_version }
}

fn new_skus(set: &ChangeSet) -> Vec<(usize, &oms_domain::ids::Sku)> {
    let new = |(index, change)| match change {
        &Change::Add { ref line } | &Change::Substitute { by: ref line, .. } => Some((index, &line.sku)),
        Change::Increase { .. } | Change::Decrease { .. } | Change::Remove { .. } => None,
        Change::Address { .. } | Change::Method { .. } => None,
    };
    set.changes.iter().enumerate().filter_map(new).collect()
}
