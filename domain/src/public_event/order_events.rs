//! Which of an order's events are for others, and what they say there.

use serde_json::{Value, json};

use super::{
    PublicType::{self, *},
    Said,
    data::entry,
};
use crate::{
    ids::{FulfillmentOrderId, OrderId, PaymentId},
    order::{Asked, Event, Finding, PackedParcel},
    parcel::ParcelAction,
    payment::{OperationKind, OperationOutcome},
};

/// What others are told of an event of this order; None: it is the order's own affair.
pub fn of_order(order_id: &OrderId, event: &Event) -> Option<Said> {
    Some(said(event)?.id("order_id", order_id))
}

/// Whether others are told of it.
pub fn is_public(event: &Event) -> bool {
    said(event).is_some()
}

impl PublicType {
    /// What the events that may be told as this are called in an order's timeline; none of those that are of no order.
    pub fn kinds_of_order(self) -> &'static [&'static str] {
        match self {
            OrderPlaced => &["order_placed"],
            OrderApproved => &["order_approved"],
            OrderHeld => &["hold_placed"],
            OrderReleasedFromHold => &["hold_released"],
            OrderChanged => &["change_confirmed"],
            OrderChangeDeclined => &["change_declined", "change_cancelled"],
            OrderUnitsCancelled | FulfillmentCancelled => &["units_cancelled"],
            OrderCompleted => &["order_completed"],
            OrderCancelled => &["order_cancelled"],
            OrderRejected => &["order_rejected"],
            OrderExpired => &["order_expired"],
            FulfillmentCancellationRequested => &["cancellation_requested"],
            FulfillmentChangeRequested => &["change_requested"],
            FulfillmentMoved => &[
                "fulfillment_shorted",
                "fulfillment_called_back",
                "fulfillment_split",
                "fulfillment_moved",
                "fulfillment_merged",
                "fulfillment_reissued",
            ],
            FulfillmentBackordered => &["fulfillment_backordered"],
            FulfillmentReleased => &["fulfillment_released"],
            FulfillmentAccepted => &["fulfillment_accepted"],
            FulfillmentRejected | FulfillmentPickedShort => &["fulfillment_rejected"],
            FulfillmentPacked => &["packed"],
            FulfillmentReadyForPickup => &["fulfillment_ready"],
            FulfillmentPickedUp => &["fulfillment_picked_up"],
            FulfillmentShipped => &["fulfillment_shipped"],
            FulfillmentUnshipped => &["fulfillment_unshipped"],
            ParcelLabelled => &["label_booked"],
            ParcelMoved | ParcelDelivered | ParcelLost | ParcelReturnedToSender => &["parcel_moved"],
            PaymentAuthorized | PaymentCaptured | PaymentRefunded | PaymentVoided | PaymentFailed => {
                &["payment_answered", "payment_resolved"]
            }
            PaymentLapsed => &["authorization_lapsed"],
            PaymentInvoiceDue => &["invoice_due"],
            PaymentCreditDue => &["credit_due"],
            DecisionAsked => &["decision_asked"],
            ClaimOpened => &["claim_opened"],
            ClaimApproved => &["claim_approved"],
            ClaimDeclined => &["claim_declined"],
            ClaimClosed => &["claim_closed"],
            AttentionRaised => &["attention_raised"],
            AttentionResolved => &["attention_resolved"],
            ReturnRequested | ReturnApproved | ReturnReceived | ReturnClosed | StockChanged | StockLow | FeedFinished | FeedParked
            | EventsRestored => &[],
        }
    }
}

fn said(event: &Event) -> Option<Said> {
    let told = |kind: PublicType| Some(Said::new(kind));
    let part = |kind: PublicType, id: &FulfillmentOrderId| Said::new(kind).of_part(id);
    match event {
        Event::OrderPlaced { lines, units, total_minor, .. } => {
            Some(Said::new(OrderPlaced).with("line_count", *lines).with("units", *units).with("total_minor", *total_minor))
        }
        Event::OrderApproved => told(OrderApproved),
        Event::OrderRejected { .. } => told(OrderRejected),
        Event::OrderExpired => told(OrderExpired),
        Event::OrderCompleted => told(OrderCompleted),
        Event::OrderCancelled => told(OrderCancelled),
        Event::HoldPlaced(hold) => {
            let held = Said::new(OrderHeld).id("hold_id", &hold.hold_id).with("hold_reason", hold.reason.name());
            Some(held.maybe("expires_at", hold.expires_at))
        }
        Event::HoldReleased { hold_id } => Some(Said::new(OrderReleasedFromHold).id("hold_id", hold_id)),
        Event::ChangeConfirmed(change) => {
            Some(Said::new(OrderChanged).id("change_id", &change.change_id).with("difference_minor", change.difference_minor))
        }
        Event::ChangeDeclined { change_id, .. } | Event::ChangeCancelled { change_id } => {
            Some(Said::new(OrderChangeDeclined).id("change_id", change_id))
        }
        Event::ChangeRequested(request) => Some(asked(&request.asked).id("change_id", &request.change_id)),
        Event::UnitsCancelled { fulfillment_order_id: Some(id), lines, .. } => Some(part(FulfillmentCancelled, id).lines(lines)),
        Event::UnitsCancelled { fulfillment_order_id: None, lines, .. } => Some(Said::new(OrderUnitsCancelled).lines(lines)),
        Event::CancellationRequested { fulfillment_order_id, cancellation_id, lines } => {
            Some(part(FulfillmentCancellationRequested, fulfillment_order_id).id("cancellation_id", cancellation_id).lines(lines))
        }
        Event::FulfillmentBackordered { fulfillment_order_id } => {
            Some(Said::new(FulfillmentBackordered).id("fulfillment_order_id", fulfillment_order_id))
        }
        Event::FulfillmentReleased { fulfillment_order_id } => Some(part(FulfillmentReleased, fulfillment_order_id)),
        Event::FulfillmentAccepted { fulfillment_order_id } => Some(part(FulfillmentAccepted, fulfillment_order_id)),
        Event::FulfillmentRejected { fulfillment_order_id, rejection, into, .. } => {
            let kind = if into.is_some() { FulfillmentPickedShort } else { FulfillmentRejected };
            let said = Said::new(kind).id("fulfillment_order_id", fulfillment_order_id).id("facility_id", &rejection.facility_id);
            Some(said.with("rejection_reason", rejection.reason.name()).maybe("into", into.as_ref()).lines(&rejection.lines))
        }
        Event::FulfillmentShorted { fulfillment_order_id, reopened, into } => {
            Some(moved(fulfillment_order_id, into.as_ref(), "stock_is_missing").lines(reopened))
        }
        Event::FulfillmentCalledBack { fulfillment_order_id, reopened, into } => {
            Some(moved(fulfillment_order_id, into.as_ref(), "better_elsewhere").lines(reopened))
        }
        Event::FulfillmentSplit { from, into, lines, .. } => Some(moved(from, Some(into), "split").lines(lines)),
        Event::FulfillmentMoved { from, into, .. } => Some(moved(from, Some(into), "moved")),
        Event::FulfillmentMerged { from, into } => Some(moved(from, Some(into), "merged")),
        Event::FulfillmentReissued { from, into } => Some(moved(from, Some(into), "changed")),
        Event::Packed { fulfillment_order_id, parcels } => {
            Some(part(FulfillmentPacked, fulfillment_order_id).list("parcels", parcels.iter().map(parcel).collect()))
        }
        Event::FulfillmentReady { fulfillment_order_id, .. } => Some(part(FulfillmentReadyForPickup, fulfillment_order_id)),
        Event::FulfillmentPickedUp { fulfillment_order_id, amount_minor } => {
            Some(part(FulfillmentPickedUp, fulfillment_order_id).with("amount_minor", *amount_minor))
        }
        Event::FulfillmentShipped { fulfillment_order_id, amount_minor } => {
            Some(part(FulfillmentShipped, fulfillment_order_id).with("amount_minor", *amount_minor))
        }
        Event::FulfillmentUnshipped { fulfillment_order_id, amount_minor, .. } => {
            Some(part(FulfillmentUnshipped, fulfillment_order_id).with("amount_minor", *amount_minor))
        }
        Event::LabelBooked { parcel_id, carrier, tracking_number, tracking_url } => {
            let said = of_parcel(ParcelLabelled, parcel_id).with("carrier", carrier.as_str());
            Some(said.with("tracking_number", tracking_number.as_str()).maybe("tracking_url", tracking_url.as_ref()))
        }
        Event::ParcelMoved { parcel_id, action, occurred_at, assumed, .. } => {
            let said = of_parcel(parcel_type(*action), parcel_id).at("occurred_at", *occurred_at).with("is_assumed", *assumed);
            Some(if said.kind == ParcelMoved { said.with("parcel_action", action.name()) } else { said })
        }
        Event::PaymentAnswered { payment_id, kind, amount_minor, outcome, .. } => match outcome {
            OperationOutcome::Succeeded { .. } => Some(paid(*kind, payment_id, *amount_minor)),
            OperationOutcome::Declined { .. } => Some(failed(*kind, payment_id, *amount_minor)),
            OperationOutcome::Unknown => None,
        },
        Event::PaymentResolved { payment_id, kind, amount_minor, finding, .. } => match finding {
            Finding::Succeeded { .. } => Some(paid(*kind, payment_id, *amount_minor)),
            Finding::Failed => Some(failed(*kind, payment_id, *amount_minor)),
        },
        Event::AuthorizationLapsed { payment_id, .. } => Some(Said::new(PaymentLapsed).id("payment_id", payment_id)),
        Event::InvoiceDue { payment_id, amount_minor } => {
            Some(Said::new(PaymentInvoiceDue).id("payment_id", payment_id).with("amount_minor", *amount_minor))
        }
        Event::CreditDue { payment_id, refund_id, amount_minor } => {
            let said = Said::new(PaymentCreditDue).id("payment_id", payment_id).id("refund_id", refund_id);
            Some(said.with("amount_minor", *amount_minor))
        }
        Event::DecisionAsked(decision) => {
            let said = Said::new(DecisionAsked).with("decision_id", decision.decision_id.as_str());
            Some(said.id("fulfillment_order_id", &decision.fulfillment_order_id))
        }
        Event::ClaimOpened { claim_id, lines, .. } => Some(Said::new(ClaimOpened).id("claim_id", claim_id).lines(lines)),
        Event::ClaimApproved { claim_id, amount_minor } => {
            Some(Said::new(ClaimApproved).id("claim_id", claim_id).with("amount_minor", *amount_minor))
        }
        Event::ClaimDeclined { claim_id, .. } => Some(Said::new(ClaimDeclined).id("claim_id", claim_id)),
        Event::ClaimClosed { claim_id } => Some(Said::new(ClaimClosed).id("claim_id", claim_id)),
        Event::AttentionRaised { subject, wait, .. } => {
            Some(Said::new(AttentionRaised).with("about", subject.as_str()).maybe("wait", wait.map(|wait| wait.key())))
        }
        Event::AttentionResolved { subject, wait } => {
            Some(Said::new(AttentionResolved).with("about", subject.as_str()).maybe("wait", wait.map(|wait| wait.key())))
        }
        Event::SourcingAsked { .. }
        | Event::OrderSourced { .. }
        | Event::PaymentAsked { .. }
        | Event::PaymentAdded(_)
        | Event::RefundAsked(_)
        | Event::ReturnOpened { .. }
        | Event::ReturnSettled { .. }
        | Event::CreditGranted { .. }
        | Event::CreditReleased { .. }
        | Event::CreditSettled { .. }
        | Event::RefundSetOff { .. }
        | Event::ScreeningAsked
        | Event::ScreeningAnswered { .. }
        | Event::OrderProcessing
        | Event::PreorderDue { .. }
        | Event::PickingStarted { .. }
        | Event::Unpacked { .. }
        | Event::ShippingAsked { .. }
        | Event::LabelAsked { .. }
        | Event::LabelRefused { .. }
        | Event::LabelVoided { .. }
        | Event::LabelResolved { .. }
        | Event::ParcelResolved { .. }
        | Event::GrantsSeen { .. }
        | Event::StockGranted { .. }
        | Event::WaitingEnded { .. }
        | Event::LineAdded(_)
        | Event::UnitsAdded { .. }
        | Event::UnitsRemoved { .. }
        | Event::DeliveryChanged { .. }
        | Event::ShippingPriced { .. }
        | Event::PaymentRaised { .. }
        | Event::ChangeAnswered { .. }
        | Event::DecisionMade { .. }
        | Event::CancellationAnswered { .. }
        | Event::CancellationRecorded(_)
        | Event::DeadlineExtended { .. }
        | Event::EffectGaveUp { .. }
        | Event::BooksRestored { .. } => None,
    }
}

fn moved(from: &FulfillmentOrderId, into: Option<&FulfillmentOrderId>, because: &str) -> Said {
    Said::new(FulfillmentMoved).of_part(from).maybe("into", into).with("moved_because", because)
}

fn asked(asked: &[Asked]) -> Said {
    let ids = asked.iter().map(|asked| Value::from(asked.fulfillment_order_id.as_str())).collect();
    let said = Said::new(FulfillmentChangeRequested).list("fulfillment_order_ids", ids);
    Said { fulfillment_order_ids: asked.iter().map(|asked| asked.fulfillment_order_id.clone()).collect(), ..said }
}

fn parcel(parcel: &PackedParcel) -> Value {
    let lines: Vec<Value> = parcel.lines.iter().map(|(id, quantity)| entry(id, *quantity)).collect();
    match parcel.weight_g {
        Some(weight_g) => json!({"lines": lines, "weight_g": weight_g}),
        None => json!({"lines": lines}),
    }
}

fn of_parcel(kind: PublicType, id: &crate::ids::ParcelId) -> Said {
    let said = Said::new(kind).id("parcel_id", id);
    match id.fulfillment_order_id() {
        Some(part) => said.of_part(&part),
        None => said,
    }
}

fn parcel_type(action: ParcelAction) -> PublicType {
    match action {
        ParcelAction::Deliver => ParcelDelivered,
        ParcelAction::Lose => ParcelLost,
        ParcelAction::ReturnToSender => ParcelReturnedToSender,
        ParcelAction::RequestLabel
        | ParcelAction::Label
        | ParcelAction::RefuseLabel
        | ParcelAction::Void
        | ParcelAction::HandOver
        | ParcelAction::Transit
        | ParcelAction::OutForDelivery
        | ParcelAction::Attempt
        | ParcelAction::Except => ParcelMoved,
    }
}

fn paid(kind: OperationKind, payment_id: &PaymentId, amount_minor: i64) -> Said {
    let kind = match kind {
        OperationKind::Authorize => PaymentAuthorized,
        OperationKind::Capture => PaymentCaptured,
        OperationKind::Void => PaymentVoided,
        OperationKind::Refund => PaymentRefunded,
    };
    Said::new(kind).id("payment_id", payment_id).with("amount_minor", amount_minor)
}

fn failed(kind: OperationKind, payment_id: &PaymentId, amount_minor: i64) -> Said {
    let said = Said::new(PaymentFailed).id("payment_id", payment_id).with("payment_operation", kind.as_str());
    said.with("amount_minor", amount_minor)
}
