//! An order's document has a bound: beyond it nothing is added, and what is there is brought to its end.

use std::io::{self, Write};

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    order::{FulfillmentRequest, Order, Request},
};

/// Longest JSON of an order that more can be asked of: half of what a record may have, so that everything else always finds room.
pub const ORDER_MAX_BYTES: usize = 1_000_000;

impl Draft {
    /// Refuses what would leave the order beyond its bound.
    pub(super) fn refuse_too_large(&self, request: &Request) -> Result<(), Rejection> {
        if self.events.is_empty() || !adds(request) || json_bytes(&self.order) <= ORDER_MAX_BYTES {
            return Ok(());
        }
        let why = format!(
            "what is kept of this order would be longer than {ORDER_MAX_BYTES} bytes: it can be worked to its end or cancelled as a whole"
        );
        Err(Rejection::new(ErrorCode::OrderTooLarge, why))
    }
}

/// Whether it brings something that nobody must be able to ask for. What has happened in a warehouse, and what ends something, is let in.
fn adds(request: &Request) -> bool {
    match request {
        Request::Cancel { lines, .. } => lines.is_some(),
        Request::Change { .. } | Request::PlaceHold { .. } | Request::Refund { .. } | Request::AddPayment { .. } => true,
        Request::OpenReturn { .. } | Request::OpenClaim { .. } | Request::ExtendDeadline { .. } | Request::Reallocate(_) => true,
        Request::Fulfillment { action, .. } => matches!(action, FulfillmentRequest::Split { .. }),
        Request::CancelChange { .. } | Request::ReleaseHold { .. } | Request::ApproveClaim { .. } | Request::DeclineClaim { .. } => false,
        Request::SettleReturn { .. } | Request::ReleaseCredit { .. } | Request::SettleCredit { .. } => false,
        Request::Decide { .. } | Request::ResolveParcel { .. } | Request::ResolvePayment { .. } | Request::Retry { .. } => false,
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
