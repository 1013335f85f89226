//! An order's document has a bound: beyond it nothing is added, and what is there is brought to its end.

use std::io::{self, Write};

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    order::{Event, FulfillmentRequest, Order, Request, Resolution},
};

/// Longest JSON of an order that more can be asked of: half of what a record may have, so that everything else always finds room.
pub const ORDER_MAX_BYTES: usize = 1_000_000;

impl Draft {
    /// Refuses what would leave the order beyond its bound.
    pub(super) fn refuse_too_large(&self, request: &Request) -> Result<(), Rejection> {
        // What ships apart leaves the rest under another number.
        let parts = self.events.iter().any(|event| matches!(event, Event::FulfillmentSplit { .. }));
        if self.events.is_empty() || !(parts || adds(request)) || !self.is_too_large() {
            return Ok(());
        }
        let why = format!(
            "what is kept of this order would be longer than {ORDER_MAX_BYTES} bytes: what is left can be shipped, paid back or cancelled as a whole"
        );
        Err(Rejection::new(ErrorCode::OrderTooLarge, why))
    }

    pub(super) fn is_too_large(&self) -> bool {
        json_bytes(&self.order) > ORDER_MAX_BYTES
    }
}

/// Whether it brings something that nobody must be able to ask for, or that can be done again and again. What brings the order to its end,
/// and what a machine or another process tells, is let in.
fn adds(request: &Request) -> bool {
    match request {
        Request::Cancel { lines, .. } => lines.is_some(),
        Request::Change { .. } | Request::PlaceHold { .. } | Request::Refund { .. } | Request::AddPayment { .. } => true,
        Request::OpenReturn { .. } | Request::OpenClaim { .. } | Request::ExtendDeadline { .. } | Request::Reallocate(_) => true,
        Request::Fulfillment { action, .. } => goes_back(action),
        Request::ResolveParcel { resolution, .. } => *resolution == Resolution::Replace,
        Request::CancelChange { .. } | Request::ReleaseHold { .. } | Request::ApproveClaim { .. } | Request::DeclineClaim { .. } => false,
        Request::SettleReturn { .. } | Request::ReleaseCredit { .. } | Request::SettleCredit { .. } => false,
        Request::Decide { .. } | Request::ResolvePayment { .. } | Request::ResolveLabel { .. } | Request::Retry { .. } => false,
    }
}

/// Whether it leaves its units where they were before, with a record more of the way there; or in more parts than before. One parcel with
/// everything is what `ship` packs by itself.
fn goes_back(action: &FulfillmentRequest) -> bool {
    match action {
        FulfillmentRequest::Split { .. } | FulfillmentRequest::Move { .. } | FulfillmentRequest::Reject { .. } => true,
        FulfillmentRequest::ShortPick { .. } | FulfillmentRequest::Unpack | FulfillmentRequest::Unship => true,
        FulfillmentRequest::Pack { parcels } => parcels.len() > 1,
        FulfillmentRequest::Release | FulfillmentRequest::Accept | FulfillmentRequest::StartPicking { .. } => false,
        FulfillmentRequest::Ship { .. } | FulfillmentRequest::ShipParcels { .. } | FulfillmentRequest::Deliver => false,
        FulfillmentRequest::Ready { .. } | FulfillmentRequest::Handover { .. } | FulfillmentRequest::NoShow => false,
        FulfillmentRequest::Merge { .. } | FulfillmentRequest::MarkLost { .. } => false,
        FulfillmentRequest::AcceptCancellation | FulfillmentRequest::RefuseCancellation => false,
        FulfillmentRequest::AcceptChange | FulfillmentRequest::RefuseChange { .. } => false,
    }
}

/// How long its JSON is, without writing it anywhere.
fn json_bytes(order: &Order) -> usize {
    let mut count = Count(0);
    // Counting does not fail.
    match serde_json::to_writer(&mut count, order) {
        Ok(()) | Err(_) => count.0,
    }
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
