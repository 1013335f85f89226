//! Orders, returns, what happened to them and what is told of them.

use jiff::Timestamp;
use oms_api::{
    actor::ActorView,
    bulk::BulkResultView,
    carrier::Scan,
    customer::{CustomerView, OrderedView},
    event::{AllocationView, EventView, PublicEventView, StreamEventView},
    fulfillment::FulfillmentOrderSummary,
    inbox::DeadLetterView,
    order::OrderSummary,
    returns::ReturnSummary,
};
use oms_domain::{access::By, event_id::event_id, ids::CustomerId, order::published, public_event};

pub(crate) fn carrier_event(scan: &Scan, occurred_at: Timestamp, by: Option<&By>) -> oms_store::CarrierEvent {
    oms_store::CarrierEvent {
        event_id: scan.event_id.clone(),
        carrier: scan.carrier.clone(),
        tracking_number: scan.tracking_number.clone(),
        status: scan.action.name().to_owned(),
        occurred_at,
        by: by.cloned(),
    }
}

/// An event of an order, or of a return.
pub(crate) fn event(of: &str, event: oms_store::RecordedEvent) -> EventView {
    let id = event_id(of, event.seq, &event.kind, &event.data);
    let (actor, request_id) = ActorView::of(event.by);
    EventView { id, seq: event.seq, kind: event.kind, at: event.at, data: published(event.data), actor, request_id }
}

pub(crate) fn stream_event(placed: oms_store::PlacedEvent) -> StreamEventView {
    let event = placed.event;
    StreamEventView {
        position: placed.position,
        event: PublicEventView {
            specversion: public_event::SPEC_VERSION.to_owned(),
            id: event.id,
            source: public_event::SOURCE.to_owned(),
            kind: event.kind.name().to_owned(),
            time: event.at,
            timestamp: event.at,
            subject: event.subject.to_string(),
            datacontenttype: public_event::CONTENT_TYPE.to_owned(),
            sequence: event.sequence,
            version: event.version,
            data: event.data.into(),
        },
    }
}

pub(crate) fn allocation(decision: oms_store::Decision) -> AllocationView {
    AllocationView { round: decision.round, decided_at: decision.decided_at, decision: decision.decision }
}

pub(crate) fn order_summary(order: oms_store::OrderSummary) -> OrderSummary {
    OrderSummary {
        order_id: order.order_id.to_string(),
        status: order.status,
        channel: order.channel,
        customer_id: order.customer_id.to_string(),
        currency: order.currency.code().to_owned(),
        total_minor: order.total_minor,
        placed_at: order.placed_at,
        updated_at: order.updated_at,
        needs_attention: order.needs_attention,
        hold_reasons: order.hold_reasons,
        version: order.version,
        order: None,
    }
}

pub(crate) fn customer(id: &CustomerId, found: oms_store::Customer) -> CustomerView {
    let ordered =
        |of: oms_store::Ordered| OrderedView { currency: of.currency.code().to_owned(), orders: of.orders, total_minor: of.total_minor };
    CustomerView {
        customer_id: id.to_string(),
        orders: found.orders.into_iter().map(order_summary).collect(),
        returns: found.returns.into_iter().map(return_summary).collect(),
        ordered: found.ordered.into_iter().map(ordered).collect(),
        orders_looked_at: found.orders_looked_at,
    }
}

pub(crate) fn bulk_result(found: oms_store::BulkResult) -> BulkResultView {
    BulkResultView {
        order_id: found.order_id.to_string(),
        outcome: found.outcome.name().to_owned(),
        code: found.code,
        why: found.why,
        at: found.at,
    }
}

pub(crate) fn return_summary(found: oms_store::ReturnSummary) -> ReturnSummary {
    ReturnSummary {
        return_id: found.return_id.to_string(),
        order_id: found.order_id.to_string(),
        status: found.status,
        needs_attention: found.needs_attention,
        opened_at: found.opened_at,
        updated_at: found.updated_at,
        version: found.version,
    }
}

pub(crate) fn fulfillment_summary(found: oms_store::FulfillmentSummary) -> FulfillmentOrderSummary {
    FulfillmentOrderSummary {
        fulfillment_order_id: found.fulfillment_order_id.to_string(),
        order_id: found.order_id.to_string(),
        facility_id: found.facility_id.map(|id| id.to_string()),
        status: found.status,
        delivery_method: found.delivery_method.as_str().to_owned(),
        ship_by: found.ship_by,
        updated_at: found.updated_at,
        fulfillment_order: None,
    }
}

pub(crate) fn dead_letter(letter: oms_store::DeadLetter) -> DeadLetterView {
    DeadLetterView {
        message_id: letter.message_id,
        order_id: letter.order_id.to_string(),
        kind: letter.kind,
        payload: letter.payload,
        attempts: letter.attempts,
        why: letter.failure,
        created_at: letter.created_at,
        dead_at: letter.dead_at,
    }
}
