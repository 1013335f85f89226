//! Units that their customer collects. Ready is not collected: nothing is charged, and nothing completes, before they are handed over.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::FulfillmentAction,
    order::{Event, FulfillmentOrder},
    parcel::{ParcelAction, ParcelStatus},
    placed::DeliveryMethod,
};

impl Draft {
    /// The customer comes for it, rather than a carrier.
    pub(super) fn is_pickup(&self, found: &FulfillmentOrder) -> bool {
        self.order.core.groups.get(usize::from(found.group)).is_some_and(|group| group.method == DeliveryMethod::Pickup)
    }

    pub(super) fn ready(&mut self, found: &FulfillmentOrder, code_hash: Option<&str>) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Ready)?;
        if !self.is_pickup(found) {
            return Err(Rejection::new(ErrorCode::RefusedByRule, "nobody comes to collect this: it ships"));
        }
        let (fulfillment_order_id, code_hash) = (found.fulfillment_order_id.clone(), code_hash.map(str::to_owned));
        self.emit(Event::FulfillmentReady { fulfillment_order_id, code_hash });
        Ok(())
    }

    /// Handing over wins over an unanswered cancellation.
    pub(super) fn hand_over(&mut self, found: &FulfillmentOrder, code_hash: Option<&str>) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Handover)?;
        if found.pickup_code_hash.is_some() && found.pickup_code_hash.as_deref() != code_hash {
            return Err(Rejection::new(ErrorCode::RefusedByRule, "this is not the code that the customer was given"));
        }
        self.may_go_out(found)?;
        let (fulfillment_order_id, amount_minor) = (found.fulfillment_order_id.clone(), self.order.cost_minor(found));
        self.emit(Event::FulfillmentPickedUp { fulfillment_order_id, amount_minor });
        for parcel in found.parcels.iter().filter(|p| p.status != ParcelStatus::Voided) {
            self.parcel_moved(&parcel.parcel_id, ParcelAction::Deliver, self.at, None);
        }
        if let Some(request) = &found.cancellation_request {
            self.settle_cancellations(found, request.lines.clone(), false);
        }
        Ok(())
    }

    /// Put back and given up; what someone had asked to cancel is cancelled as that.
    pub(super) fn no_show(&mut self, found: &FulfillmentOrder) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::NoShow)?;
        if let Some(request) = &found.cancellation_request {
            self.settle_cancellations(found, request.lines.clone(), true);
        }
        if let Some(left) = self.order.fulfillment_order(&found.fulfillment_order_id).map(|f| f.lines.clone()) {
            self.cancel_some(Some(found.fulfillment_order_id.clone()), left, "not_collected");
        }
        Ok(())
    }
}
