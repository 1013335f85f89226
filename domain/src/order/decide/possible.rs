//! What may be asked of an order now: each is tried on a copy, so that the answer is the rules' own.

use jiff::Timestamp;

use super::decide;
use crate::{
    error::Rejection,
    kinds::named,
    order::{Command, CoreChange, HoldReason, Order, RefundOf, Request},
};

named! {
    /// Something that people ask of an order as a whole.
    AskedAction {
        Cancel = "cancel",
        Change = "change",
        Hold = "hold",
        Refund = "refund",
    }
}

/// Whether it is possible, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible {
    pub action: AskedAction,
    /// Absent: it is possible.
    pub refused: Option<String>,
}

/// An id that nothing has.
const TRIED: &str = "only-tried";

impl Order {
    /// What may be asked of it at this time (business time). A rule may still refuse one for what exactly is asked.
    pub fn possible(&self, at: Timestamp) -> Vec<Possible> {
        let tried = AskedAction::NAMED.iter().map(|(_, action)| Possible { action: *action, refused: self.refused(*action, at) });
        tried.collect()
    }

    fn refused(&self, action: AskedAction, at: Timestamp) -> Option<String> {
        match action {
            AskedAction::Cancel => {
                let request = Request::Cancel { cancellation_id: TRIED.parse().ok()?, reason: String::new(), lines: None };
                match self.tried(request, at) {
                    Ok(order) => order
                        .cancellations
                        .last()
                        .filter(|known| known.cancelled.is_empty() && known.requested.is_empty())
                        .map(|_| "every unit is cancelled already, or has gone too far".to_owned()),
                    Err(refused) => Some(refused.message),
                }
            }
            AskedAction::Change => {
                let Some(line) = self.core.lines.first() else { return Some("it has no line".to_owned()) };
                let more = CoreChange::Increase { line_id: line.line_id.clone(), quantity: 1, due_minor: 0 };
                let (change_id, reason) = (TRIED.parse().ok()?, String::new());
                self.why_no(Request::Change { change_id, reason, changes: vec![more], at_version: None }, at)
            }
            AskedAction::Hold => {
                let (hold_id, reason) = (TRIED.parse().ok()?, HoldReason::Other);
                self.why_no(Request::PlaceHold { hold_id, reason, expires_at: None }, at)
            }
            AskedAction::Refund if self.refundable_minor() <= 0 => {
                Some("nothing was shipped whose money could be given back, and has not been".to_owned())
            }
            AskedAction::Refund => {
                let (refund_id, reason, of) = (TRIED.parse().ok()?, String::new(), RefundOf::Order);
                self.why_no(Request::Refund { refund_id, amount_minor: 1, reason, lines: None, of }, at)
            }
        }
    }

    fn why_no(&self, request: Request, at: Timestamp) -> Option<String> {
        self.tried(request, at).err().map(|refused| refused.message)
    }

    fn tried(&self, request: Request, at: Timestamp) -> Result<Self, Rejection> {
        decide(self, &Command::Request { command_id: TRIED.to_owned(), request }, at).map(|decided| decided.state)
    }
}
