//! Holds: several at once, each blocking approval and release until it is lifted.

use jiff::Timestamp;

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    ids::HoldId,
    order::{Event, Hold, HoldReason},
};

impl Draft {
    /// The same hold again is the same hold.
    pub(super) fn place_hold(&mut self, hold_id: &HoldId, reason: HoldReason, expires_at: Option<Timestamp>) -> Result<(), Rejection> {
        if let Some(known) = self.order.holds.iter().find(|hold| hold.hold_id == *hold_id) {
            if known.reason == reason && known.expires_at == expires_at {
                return Ok(());
            }
            return Err(Rejection::new(ErrorCode::RefusedByRule, format!("hold {hold_id} exists with another reason or expiry")));
        }
        self.emit(Event::HoldPlaced(Hold { hold_id: hold_id.clone(), reason, placed_at: self.at, expires_at }));
        Ok(())
    }

    pub(super) fn release_hold(&mut self, hold_id: &HoldId) -> Result<(), Rejection> {
        if !self.order.holds.iter().any(|hold| hold.hold_id == *hold_id) {
            return Err(Rejection::new(ErrorCode::NotFound, format!("there is no open hold {hold_id}")));
        }
        self.emit(Event::HoldReleased { hold_id: hold_id.clone() });
        Ok(())
    }
}
