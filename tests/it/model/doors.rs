//! The doors of the HTTP API: what a request of the rules looks like from outside.

use oms_domain::{
    ids::{FulfillmentOrderId, Sku},
    order::{Choice, CoreChange, CoreLine, Fact, FulfillmentRequest, Order, PackedParcel, RejectionReason, Request, Resolution},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::Lines;
use crate::support::basket::unique;

/// A call of the API.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub body: Value,
}

impl Call {
    fn post(path: String, body: Value) -> Self {
        Self { method: Method::POST, path, body }
    }
}

/// How this is asked of the order; none if nobody can ask it from outside.
pub fn call(order: &Order, request: Request) -> Option<Call> {
    let of_order = |rest: &str| format!("/v1/orders/{}/{rest}", order.core.order_id);
    Some(match request {
        Request::Cancel { cancellation_id, reason, lines } => {
            Call::post(of_order("cancellations"), with_lines(json!({"cancellation_id": cancellation_id, "reason": reason}), lines.as_ref()))
        }
        Request::Change { change_id, reason, changes, .. } => {
            let changes: Value = changes.iter().map(|change| changed(order, change)).collect();
            Call::post(of_order("changes"), json!({"change_id": change_id, "reason": reason, "changes": changes}))
        }
        Request::CancelChange { change_id } => Call::post(of_order(&format!("changes/{change_id}/cancel")), json!({})),
        Request::PlaceHold { hold_id, expires_at, .. } => {
            Call::post(of_order("holds"), json!({"hold_id": hold_id, "reason": "other", "expires_at": expires_at}))
        }
        Request::ReleaseHold { hold_id } => Call { method: Method::DELETE, path: of_order(&format!("holds/{hold_id}")), body: json!({}) },
        Request::Fulfillment { fulfillment_order_id, action } => {
            let (word, body) = action_of(&fulfillment_order_id, action);
            Call::post(format!("/v1/fulfillment-orders/{fulfillment_order_id}/{word}"), body)
        }
        Request::Refund { refund_id, amount_minor, reason, lines, of } => {
            let body = json!({"refund_id": refund_id, "amount_minor": amount_minor, "reason": reason, "of": of});
            Call::post(of_order("refunds"), with_lines(body, lines.as_ref()))
        }
        Request::Decide { decision_id, choice } => {
            let choice = match choice {
                Choice::Wait => "wait",
                Choice::Drop => "drop",
            };
            Call::post(of_order(&format!("decisions/{decision_id}")), json!({"choice": choice}))
        }
        Request::ResolveParcel { parcel_id, resolution } => {
            let resolution = match resolution {
                Resolution::Replace => "replace",
                Resolution::Refund => "refund",
            };
            Call::post(format!("/v1/parcels/{parcel_id}/resolve"), json!({"resolution": resolution}))
        }
        Request::AddPayment { payment } => {
            let body =
                json!({"payment_id": payment.payment_id, "method": "card", "amount_minor": payment.amount_minor, "token": "tok_fine"});
            Call::post(of_order("payments"), body)
        }
        Request::ResolvePayment { payment_id, number, finding, reason } => {
            let mut body = json!(finding);
            body["reason"] = json!(reason);
            Call::post(of_order(&format!("payments/{payment_id}/operations/{number}/resolve")), body)
        }
        Request::ResolveLabel { parcel_id, outcome, reason } => {
            Call::post(format!("/v1/parcels/{parcel_id}/label/resolve"), json!({"outcome": outcome, "reason": reason}))
        }
        Request::Retry { subject } => {
            let attention_id = format!("{}:{subject}", order.core.order_id).replace(' ', "%20");
            Call::post(format!("/v1/attention/{attention_id}/retry"), json!({}))
        }
        Request::ExtendDeadline { wait, subject, until } => {
            let path = of_order(&format!("deadlines/{}", wait.of(&subject).replace(' ', "%20")));
            Call { method: Method::PATCH, path, body: json!({"until": until}) }
        }
        // A return's workflow asks these, or a pool's, not a person.
        Request::OpenReturn { .. } | Request::SettleReturn { .. } | Request::Reallocate(_) => return None,
        Request::ReleaseCredit { .. } | Request::SettleCredit { .. } => return None,
        // Claims have doors of their own, and are not drawn yet.
        Request::OpenClaim { .. } | Request::ApproveClaim { .. } | Request::DeclineClaim { .. } => return None,
    })
}

/// Units come in.
pub fn receive(sku: &Sku, facility: &str, units: u32) -> Call {
    let adjustment = json!({"facility_id": facility, "sku": sku, "quantity": units, "reason": "correction"});
    Call::post("/v1/stock/adjustments".to_owned(), json!({"adjustments": [adjustment]}))
}

/// What the carrier of the parcel reports.
pub fn scan(order: &Order, fact: Fact) -> Option<Call> {
    let Fact::Carrier(report) = fact else { return None };
    let mut parcels = order.fulfillment_orders.iter().flat_map(|found| &found.parcels);
    let carrier = parcels.find(|parcel| parcel.tracking_number.as_ref() == Some(&report.tracking_number))?.carrier.clone()?;
    let event = json!({"event_id": unique("scan"), "carrier": carrier, "tracking_number": report.tracking_number,
        "status": report.action.name(), "occurred_at": report.occurred_at});
    Some(Call::post("/v1/carrier-events".to_owned(), json!({"events": [event]})))
}

/// The action's word in the path, and its body.
fn action_of(id: &FulfillmentOrderId, action: FulfillmentRequest) -> (&'static str, Value) {
    let code = |hash: Option<String>| hash.map_or(json!({}), |hash| json!({"code": hash}));
    match action {
        FulfillmentRequest::Release => ("release", json!({})),
        FulfillmentRequest::Accept => ("accept", json!({})),
        FulfillmentRequest::Reject { reason, lines } => ("reject", with_lines(json!({"reason": reason_name(reason)}), lines.as_ref())),
        FulfillmentRequest::StartPicking { picker } => ("start-picking", json!({"picker": picker})),
        FulfillmentRequest::ShortPick { reason, lines } => {
            ("short-pick", json!({"reason": reason_name(reason), "lines": list(&lines, "quantity_short")}))
        }
        FulfillmentRequest::Pack { parcels } => ("pack", json!({"parcels": parcels.iter().map(packed).collect::<Value>()})),
        FulfillmentRequest::Unpack => ("unpack", json!({})),
        FulfillmentRequest::Ship { tracking_number: None, .. } => ("ship", json!({})),
        // A number belongs to one order, whoever numbers.
        FulfillmentRequest::Ship { tracking_number: Some(number), .. } => {
            ("ship", json!({"carrier": "van", "tracking_number": format!("{id}-{number}")}))
        }
        FulfillmentRequest::ShipParcels { parcels } => ("ship", json!({"parcels": parcels})),
        FulfillmentRequest::Unship => ("unship", json!({})),
        FulfillmentRequest::Ready { code_hash } => ("ready", code(code_hash)),
        FulfillmentRequest::Handover { code_hash } => ("handover", code(code_hash)),
        FulfillmentRequest::NoShow => ("no-show", json!({})),
        FulfillmentRequest::Deliver => ("deliver", json!({})),
        FulfillmentRequest::Move { facility_id, consented } => {
            let wanted = facility_id.map(|_| crate::support::system::YORK);
            ("move", json!({"facility_id": wanted, "consented": consented}))
        }
        FulfillmentRequest::Split { lines } => ("split", json!({"lines": list(&lines, "quantity")})),
        FulfillmentRequest::Merge { other } => ("merge", json!({"fulfillment_order_id": other})),
        FulfillmentRequest::MarkLost { parcels } if parcels.is_empty() => ("mark-lost", json!({})),
        FulfillmentRequest::MarkLost { parcels } => ("mark-lost", json!({"parcels": parcels})),
        FulfillmentRequest::AcceptCancellation => ("accept-cancellation", json!({})),
        FulfillmentRequest::RefuseCancellation => ("refuse-cancellation", json!({})),
        FulfillmentRequest::AcceptChange => ("accept-change", json!({})),
        FulfillmentRequest::RefuseChange { reason } => ("refuse-change", reason.map_or(json!({}), |reason| json!({"reason": reason}))),
    }
}

/// A change in the API's words. A new line is of a product that there is, and an address is one of many.
fn changed(order: &Order, change: &CoreChange) -> Value {
    let sku = &order.core.lines[0].sku;
    let new = |line: &CoreLine| json!({"line_id": line.line_id, "sku": sku, "quantity": line.quantity, "unit_price_minor": 199});
    match change {
        CoreChange::Increase { line_id, quantity, .. } => json!({"change": "increase", "line_id": line_id, "quantity": quantity}),
        CoreChange::Decrease { line_id, quantity } => json!({"change": "decrease", "line_id": line_id, "quantity": quantity}),
        CoreChange::Remove { line_id } => json!({"change": "remove", "line_id": line_id}),
        CoreChange::Add { line } => json!({"change": "add", "line": new(line)}),
        CoreChange::Substitute { line_id, by } => json!({"change": "substitute", "line_id": line_id, "by": new(by)}),
        CoreChange::Redirect { .. } => {
            let ship_to = json!({"name": "Somebody Else", "line1": unique("street"), "city": "York", "country": "GB"});
            json!({"change": "address", "ship_to": ship_to})
        }
        CoreChange::Method { to, .. } => json!({"change": "method", "method": to.method.as_str(), "price_minor": to.price_minor}),
    }
}

fn packed(parcel: &PackedParcel) -> Value {
    json!({"lines": list(&parcel.lines, "quantity"), "weight_g": parcel.weight_g.map(|grams| grams.max(1))})
}

fn with_lines(mut body: Value, lines: Option<&Lines>) -> Value {
    if let Some(lines) = lines {
        body["lines"] = list(lines, "quantity");
    }
    body
}

fn list(lines: &Lines, field: &str) -> Value {
    lines.iter().map(|(line_id, units)| json!({"line_id": line_id, field: units})).collect()
}

fn reason_name(reason: RejectionReason) -> &'static str {
    match reason {
        RejectionReason::NotInStock => "not_in_stock",
        RejectionReason::Mismatch => "mismatch",
        RejectionReason::Damaged => "damaged",
        RejectionReason::NoCapacity => "no_capacity",
        RejectionReason::Other => "other",
    }
}
