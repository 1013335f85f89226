//! A person moves units between fulfillment orders: elsewhere, apart, together.

use super::{Draft, fulfillment::within, legal::may_merge};
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{FacilityId, FulfillmentOrderId},
    order::{Event, FulfillmentOrder, Lines},
};

fn refused(why: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::RefusedByRule, why)
}

impl Draft {
    /// Called back, and sourced again without its facility. What a facility has accepted it must let go.
    pub(super) fn move_away(&mut self, found: &FulfillmentOrder, wanted: Option<&FacilityId>, consented: bool) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Move)?;
        if found.status == FulfillmentStatus::Accepted && !consented {
            return Err(refused("the facility has accepted it: it moves with the facility's consent, or not at all"));
        }
        if wanted.is_some() && wanted == found.facility_id.as_ref() {
            return Err(refused("it is there already"));
        }
        if self.settle_asked(found) {
            let (from, into) = (found.fulfillment_order_id.clone(), self.order.next_id());
            self.emit(Event::FulfillmentMoved { from, into, wanted: wanted.cloned() });
        }
        Ok(())
    }

    /// What someone had asked to cancel is cancelled: nobody has begun with it any more. Says whether units are left.
    pub(super) fn settle_asked(&mut self, found: &FulfillmentOrder) -> bool {
        if let Some(request) = &found.cancellation_request {
            self.settle_cancellations(found, request.lines.clone(), true);
        }
        self.order.fulfillment_order(&found.fulfillment_order_id).is_some_and(|left| !left.lines.is_empty())
    }

    pub(super) fn split(&mut self, found: &FulfillmentOrder, lines: &Lines) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Move)?;
        within(found, lines)?;
        if lines.is_empty() || *lines == found.lines {
            return Err(refused("name some of its units, and not all"));
        }
        if !self.order.may_split(found) {
            return Err(refused("what must not be split, or was accepted as one, stays one"));
        }
        let (from, into, lines) = (found.fulfillment_order_id.clone(), self.order.next_id(), lines.clone());
        self.emit(Event::FulfillmentSplit { from, into, lines, parcels: Vec::new() });
        Ok(())
    }

    pub(super) fn merge(&mut self, found: &FulfillmentOrder, other: &FulfillmentOrderId) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Move)?;
        let joining = self.order.fulfillment_order(other).filter(|f| f.fulfillment_order_id != found.fulfillment_order_id);
        let joining = joining.ok_or_else(|| refused(format!("{other} is no other fulfillment order of this order")))?;
        if !may_merge(found, joining) {
            return Err(refused("only what is at the same facility, for the same delivery, in the same early status can be merged"));
        }
        self.emit(Event::FulfillmentMerged { from: other.clone(), into: found.fulfillment_order_id.clone() });
        Ok(())
    }
}
