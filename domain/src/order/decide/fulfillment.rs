//! What associates do: accept, reject, pick, pack, ship, hand the answer to a cancellation.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{FulfillmentOrderId, ParcelId},
    order::{
        Event, FacilityRejection, FulfillmentOrder, FulfillmentRequest, Lines, OrderStatus, PackedParcel, RejectionReason,
        lines::{add, take, without},
    },
    parcel::{ParcelAction, ParcelStatus},
};

/// Most parcels of a fulfillment order, unpacked ones included: so its document stays small.
const PARCELS_MAX: usize = 1_000;

impl FulfillmentOrder {
    /// Refuses to pack so many more, or to pack them anew.
    pub(super) fn refuse_more_parcels(&self, more: usize) -> Result<(), Rejection> {
        if self.parcels.len() + more <= PARCELS_MAX {
            return Ok(());
        }
        let why = format!(
            "a fulfillment order has at most {PARCELS_MAX} parcels, unpacked ones included: what is packed ships as it is, the rest as one parcel"
        );
        Err(Rejection::new(ErrorCode::RefusedByRule, why))
    }
}

impl Draft {
    pub(super) fn fulfill(&mut self, id: &FulfillmentOrderId, request: &FulfillmentRequest) -> Result<(), Rejection> {
        let found = self.order.fulfillment_order(id).cloned().ok_or_else(|| unknown(id))?;
        let status = found.status;
        match request {
            FulfillmentRequest::Release => {
                status.try_after(FulfillmentAction::Release)?;
                self.release(id)
            }
            FulfillmentRequest::Accept => {
                status.try_after(FulfillmentAction::Accept)?;
                self.emit(Event::FulfillmentAccepted { fulfillment_order_id: id.clone() });
                Ok(())
            }
            FulfillmentRequest::StartPicking { picker } => {
                status.try_after(FulfillmentAction::StartPicking)?;
                self.emit(Event::PickingStarted { fulfillment_order_id: id.clone(), picker: Some(picker.clone()) });
                Ok(())
            }
            FulfillmentRequest::Pack { parcels } => self.pack(&found, parcels),
            FulfillmentRequest::Unpack => {
                status.try_after(FulfillmentAction::Unpack)?;
                self.emit(Event::Unpacked { fulfillment_order_id: id.clone() });
                Ok(())
            }
            FulfillmentRequest::Reject { reason, lines } => {
                self.give_back(&found, FulfillmentAction::Reject, *reason, lines.as_ref().unwrap_or(&found.lines))
            }
            FulfillmentRequest::ShortPick { reason, lines } => self.give_back(&found, FulfillmentAction::ShortPick, *reason, lines),
            FulfillmentRequest::Ship { carrier, tracking_number } => self.ship(&found, carrier.as_deref(), tracking_number.as_deref()),
            FulfillmentRequest::ShipParcels { parcels } => self.ship_parcels(&found, parcels),
            FulfillmentRequest::Unship => self.unship(&found),
            FulfillmentRequest::Ready { code_hash } => self.ready(&found, code_hash.as_deref()),
            FulfillmentRequest::Handover { code_hash } => self.hand_over(&found, code_hash.as_deref()),
            FulfillmentRequest::NoShow => self.no_show(&found),
            FulfillmentRequest::Deliver => self.deliver(&found),
            FulfillmentRequest::Move { facility_id, consented } => self.move_away(&found, facility_id.as_ref(), *consented),
            FulfillmentRequest::Split { lines } => self.split(&found, lines),
            FulfillmentRequest::Merge { other } => self.merge(&found, other),
            FulfillmentRequest::MarkLost { parcels } => self.mark_lost(&found, parcels),
            FulfillmentRequest::AcceptCancellation => self.answer_cancellation(&found, true),
            FulfillmentRequest::RefuseCancellation => self.answer_cancellation(&found, false),
            FulfillmentRequest::AcceptChange => self.accept_change(&found),
            FulfillmentRequest::RefuseChange { reason } => self.refuse_change(&found, reason.as_deref()),
        }
    }

    fn release(&mut self, id: &FulfillmentOrderId) -> Result<(), Rejection> {
        if self.order.status != OrderStatus::Processing {
            let why = format!("the order is {}: nothing is released before it is approved", self.order.status);
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        if let Some(hold) = self.order.holds.first() {
            let why = format!("hold {} ({}) is open", hold.hold_id, hold.reason.name());
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        self.emit(Event::FulfillmentReleased { fulfillment_order_id: id.clone() });
        Ok(())
    }

    fn pack(&mut self, found: &FulfillmentOrder, parcels: &[PackedParcel]) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Pack)?;
        let parcels = if parcels.is_empty() { vec![everything(found)] } else { parcels.to_vec() };
        found.refuse_more_parcels(parcels.len())?;
        let mut packed = Lines::new();
        parcels.iter().for_each(|parcel| add(&mut packed, &parcel.lines));
        if packed != found.lines || parcels.iter().any(|p| p.lines.is_empty() || p.lines.values().any(|units| *units == 0)) {
            let why = "the parcels must hold exactly the units of the fulfillment order; report missing ones with short-pick first";
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        self.emit(Event::Packed { fulfillment_order_id: found.fulfillment_order_id.clone(), parcels });
        Ok(())
    }

    /// The facility gives units back: they are open again, and sourced without it.
    fn give_back(
        &mut self,
        found: &FulfillmentOrder,
        action: FulfillmentAction,
        reason: RejectionReason,
        lines: &Lines,
    ) -> Result<(), Rejection> {
        found.status.try_after(action)?;
        if lines.is_empty() {
            return Err(Rejection::new(ErrorCode::RefusedByRule, "no units are named"));
        }
        within(found, lines)?;
        let Some(facility_id) = found.facility_id.clone() else {
            return Err(found.status.refuse(action));
        };
        let fulfillment_order_id = found.fulfillment_order_id.clone();
        let (reopened, into) = self.reopen(found, lines);
        let rejection = FacilityRejection { facility_id, reason, lines: lines.clone(), at: self.at };
        self.emit(Event::FulfillmentRejected { fulfillment_order_id, rejection, reopened, into });
        Ok(())
    }

    /// The stock is not there after all, says a fact: the units are sourced again, without a word against the facility.
    pub(super) fn short(&mut self, found: &FulfillmentOrder, lines: &Lines) {
        let (reopened, into) = self.reopen(found, lines);
        if !reopened.is_empty() {
            self.emit(Event::FulfillmentShorted { fulfillment_order_id: found.fulfillment_order_id.clone(), reopened, into });
        }
    }

    /// Which units look for another place, and under which number, if the others go on. What must not be split leaves as a whole;
    /// what someone had asked to cancel is not sourced again.
    fn reopen(&mut self, found: &FulfillmentOrder, lines: &Lines) -> (Lines, Option<FulfillmentOrderId>) {
        let returned = if self.order.core.allow_split { lines } else { &found.lines };
        let unwanted = found.cancellation_request.as_ref().map(|request| take(&mut request.lines.clone(), returned)).unwrap_or_default();
        self.settle_cancellations(found, unwanted.clone(), true);
        let reopened = without(returned, &unwanted);
        let goes_on = self.order.fulfillment_order(&found.fulfillment_order_id).is_some_and(|f| f.lines != reopened);
        let into = (goes_on && !reopened.is_empty()).then(|| self.order.next_id());
        (reopened, into)
    }

    /// Ships everything in it. What has not been accepted, picked or packed yet is, in passing.
    pub(super) fn ship(&mut self, found: &FulfillmentOrder, carrier: Option<&str>, tracking_number: Option<&str>) -> Result<(), Rejection> {
        let id = &found.fulfillment_order_id;
        if self.is_pickup(found) {
            return Err(Rejection::new(ErrorCode::RefusedByRule, "the customer collects this: make it ready, then hand it over"));
        }
        if found.status == FulfillmentStatus::Released {
            self.emit(Event::FulfillmentAccepted { fulfillment_order_id: id.clone() });
        }
        if matches!(found.status, FulfillmentStatus::Released | FulfillmentStatus::Accepted) {
            self.emit(Event::PickingStarted { fulfillment_order_id: id.clone(), picker: None });
        }
        if matches!(found.status, FulfillmentStatus::Released | FulfillmentStatus::Accepted | FulfillmentStatus::Picking) {
            self.emit(Event::Packed { fulfillment_order_id: id.clone(), parcels: vec![everything(found)] });
        }
        let packed = self.order.fulfillment_order(id).cloned().ok_or_else(|| unknown(id))?;
        packed.status.try_after(FulfillmentAction::Ship)?;
        if packed.ship_requested {
            return tracking_number.map_or(Ok(()), |number| self.ship_under(&packed, carrier, number));
        }
        self.may_go_out(&packed)?;
        let unlabelled = |p: &&crate::order::Parcel| p.status == ParcelStatus::Packed;
        let parcels: Vec<ParcelId> = packed.parcels.iter().filter(unlabelled).map(|p| p.parcel_id.clone()).collect();
        if tracking_number.is_some() && parcels.len() > 1 {
            let why = "one tracking number cannot stand for several parcels: leave it out, and the carrier labels each";
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        self.emit(Event::ShippingAsked { fulfillment_order_id: id.clone() });
        for parcel_id in parcels {
            self.emit(match tracking_number {
                Some(number) => Event::LabelBooked {
                    parcel_id,
                    carrier: carrier.unwrap_or("unknown").to_owned(),
                    tracking_number: number.to_owned(),
                    tracking_url: None,
                },
                None => Event::LabelAsked { parcel_id },
            });
        }
        Ok(())
    }

    /// It was to ship under a label of the carrier's, and goes under this number instead: what was asked of the carrier is void, and the
    /// parcel is another one. The same number again is the same.
    fn ship_under(&mut self, found: &FulfillmentOrder, carrier: Option<&str>, number: &str) -> Result<(), Rejection> {
        let mut live = found.parcels.iter().filter(|p| p.status != ParcelStatus::Voided);
        if live.all(|p| p.has_number(number)) {
            return Ok(());
        }
        let fulfillment_order_id = found.fulfillment_order_id.clone();
        let contents = found.contents(|p| p.status != ParcelStatus::Voided);
        self.emit(Event::Unpacked { fulfillment_order_id: fulfillment_order_id.clone() });
        let unpacked = self.order.fulfillment_order(&fulfillment_order_id).cloned().ok_or_else(|| unknown(&fulfillment_order_id))?;
        self.pack(&unpacked, &contents)?;
        let packed = self.order.fulfillment_order(&fulfillment_order_id).cloned().ok_or_else(|| unknown(&fulfillment_order_id))?;
        self.ship(&packed, carrier, Some(number))
    }

    fn deliver(&mut self, found: &FulfillmentOrder) -> Result<(), Rejection> {
        if found.status != FulfillmentStatus::Shipped {
            return Err(Rejection {
                message: format!("deliver is not possible while {}: only what has shipped can arrive", found.status),
                legal_actions: found.status.legal_actions().iter().map(|a| a.name().to_owned()).collect(),
                status: Some(found.status.name().to_owned()),
                code: ErrorCode::IllegalTransition,
                parts: Vec::new(),
            });
        }
        let arriving = found.parcels.iter().filter(|p| p.status.after(ParcelAction::Deliver).is_some() && p.resolution.is_none());
        for parcel_id in arriving.map(|p| p.parcel_id.clone()).collect::<Vec<_>>() {
            self.parcel_moved(&parcel_id, ParcelAction::Deliver, self.at, None);
        }
        Ok(())
    }
}

fn unknown(id: &FulfillmentOrderId) -> Rejection {
    Rejection::new(ErrorCode::FulfillmentOrderNotFound, format!("this order has no fulfillment order {id}"))
}

fn everything(found: &FulfillmentOrder) -> PackedParcel {
    PackedParcel { lines: found.lines.clone(), weight_g: None }
}

/// Refuses units that the fulfillment order does not hold, naming the line.
pub(super) fn within(found: &FulfillmentOrder, lines: &Lines) -> Result<(), Rejection> {
    for (id, units) in lines {
        let held = found.lines.get(id).copied().unwrap_or(0);
        if *units == 0 || *units > held {
            let why = format!("line {id}: {units} units named, {held} are in {}", found.fulfillment_order_id);
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
    }
    Ok(())
}
