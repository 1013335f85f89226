//! Which of a return's events are for others, and what they say there.

use super::{
    PublicType::{self, *},
    Said,
};
use crate::{
    ids::{OrderId, ReturnId},
    returns::Event,
};

/// What others are told of an event of this return; None: it is the return's own affair.
pub fn of_return(return_id: &ReturnId, order_id: &OrderId, event: &Event) -> Option<Said> {
    Some(said(event)?.id("return_id", return_id).id("order_id", order_id))
}

fn said(event: &Event) -> Option<Said> {
    let told = |kind: PublicType| Some(Said::new(kind));
    let ended = |outcome: &str| Some(Said::new(ReturnClosed).with("return_outcome", outcome));
    match event {
        Event::ReturnRequested { units } => Some(Said::new(ReturnRequested).with("units", *units)),
        Event::ReturnApproved { .. } => told(ReturnApproved),
        Event::GoodsReceived { receipt, complete, .. } => {
            let units: u64 = receipt.goods.iter().map(|goods| u64::from(goods.quantity)).sum();
            let said = Said::new(ReturnReceived).id("facility_id", &receipt.facility_id);
            Some(said.with("units", units).with("is_complete", *complete))
        }
        Event::ReturnClosed => ended("closed"),
        Event::ReturnDeclined { .. } => ended("declined"),
        Event::ReturnCancelled { .. } => ended("cancelled"),
        Event::ReturnExpired => ended("expired"),
        Event::OrderRefused { .. } => ended("refused"),
        Event::AttentionRaised { subject, .. } => Some(Said::new(AttentionRaised).with("about", subject.as_str())),
        Event::AttentionResolved { subject } => Some(Said::new(AttentionResolved).with("about", subject.as_str())),
        Event::OrderAgreed { .. }
        | Event::ReturnLabelSent { .. }
        | Event::ReturnLabelVoided
        | Event::ReturnLabelResolved { .. }
        | Event::GoodsInTransit { .. }
        | Event::GoodsScanned { .. }
        | Event::GoodsLost { .. }
        | Event::GoodsInspected { .. }
        | Event::WaitingStopped
        | Event::RefundBegun
        | Event::ReturnSettled(_)
        | Event::CreditTold
        | Event::RefundFailed { .. }
        | Event::RefundRetried
        | Event::DeadlineExtended { .. }
        | Event::BooksRestored { .. } => None,
    }
}
