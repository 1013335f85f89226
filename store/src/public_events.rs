//! Events for others, read out of the outbox: an order's where they stand, those of returns, stock and feeds as they were written for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oms_domain::{
    ids::{FulfillmentOrderId, OrderId, ReturnId},
    order, public_event,
    public_event::{Circumstances, PublicEvent, PublicType, Said, Subject},
    returns,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    error::StoreError,
    outbox::{EventFilter, OutboxEvent},
    record::RecordedEvent,
    store::Store,
};

/// Touches of stock that are dealt with at a time.
const TOUCHES_AT_ONCE: i64 = 2_000;

/// Which events for others are asked for; all, unless said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicFilter {
    pub types: BTreeSet<PublicType>,
    /// Below [`LANES`](crate::LANES).
    pub lane: Option<u8>,
}

/// An event for others, with its place in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedEvent {
    /// Opaque.
    pub position: String,
    /// By the database's clock.
    pub recorded_at: Timestamp,
    /// Below [`LANES`](crate::LANES).
    pub lane: u8,
    pub event: PublicEvent,
}

/// Some of them, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicPage {
    pub events: Vec<PlacedEvent>,
    /// Opaque; goes into `after`, also when there were no events.
    pub next: String,
    pub has_more: bool,
}

/// What never changes of orders and of what facilities do for them.
#[derive(Default, Deserialize)]
struct Known {
    orders: Option<BTreeMap<String, KnownOrder>>,
    facilities: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
struct KnownOrder {
    channel: String,
    currency: String,
}

const KNOWN: &str = "SELECT jsonb_build_object(
    'orders', (SELECT jsonb_object_agg(order_id, jsonb_build_object('channel', channel, 'currency', currency)) FROM orders WHERE order_id = ANY ($1)),
    'facilities', (SELECT jsonb_object_agg(fulfillment_order_id, facility_id) FROM fulfillment_orders WHERE fulfillment_order_id = ANY ($2)))";

/// Whether others are told of an order's event.
pub(crate) fn is_public(event: &RecordedEvent) -> bool {
    serde_json::from_value(event.data.clone()).is_ok_and(|event: order::Event| public_event::is_public(&event))
}

/// What others are told of a return's event.
pub(crate) fn said_of_return(return_id: &ReturnId, order_id: &OrderId, event: &RecordedEvent) -> Option<Value> {
    let event: returns::Event = serde_json::from_value(event.data.clone()).ok()?;
    let Said { kind, data, .. } = public_event::of_return(return_id, order_id, &event)?;
    Some(json!({"kind": kind.name(), "data": data}))
}

/// What the outbox calls those that may be of these types.
fn kinds(types: &BTreeSet<PublicType>) -> Vec<String> {
    types.iter().flat_map(|kind| kind.kinds_of_order().iter().copied().chain([kind.name()])).map(str::to_owned).collect()
}

impl Store {
    /// Events for others after a position, or from the beginning, or from the [end](crate::EVENTS_END) on. A page looks at a bounded number
    /// of events, so it may have fewer than there are, or none, and still say where to go on.
    pub async fn public_events_after(&self, after: Option<&str>, filter: &PublicFilter, limit: u32) -> Result<PublicPage, StoreError> {
        let of_outbox = EventFilter { kinds: kinds(&filter.types), lane: filter.lane, public_alone: true };
        let page = self.events_after(after, &of_outbox, limit).await?;
        let mut events = self.told(page.events).await?;
        events.retain(|placed| filter.types.is_empty() || filter.types.contains(&placed.event.kind));
        Ok(PublicPage { events, next: page.next, has_more: page.has_more })
    }

    /// As others see them, with what is known of them beside what they say: one question for all of them.
    pub(crate) async fn told(&self, found: Vec<OutboxEvent>) -> Result<Vec<PlacedEvent>, StoreError> {
        let read: Vec<(OutboxEvent, Subject, Said)> = found.into_iter().filter_map(read).collect();
        let order_ids: BTreeSet<&str> = read.iter().filter_map(|(event, ..)| event.order_id.as_ref()).map(OrderId::as_str).collect();
        let parts: BTreeSet<&str> =
            read.iter().flat_map(|(_, _, said)| &said.fulfillment_order_ids).map(FulfillmentOrderId::as_str).collect();
        let known = if order_ids.is_empty() {
            Known::default()
        } else {
            let texts = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
            self.row(sqlx::query_scalar(KNOWN).bind(texts(order_ids)).bind(texts(parts))).await?.unwrap_or_default()
        };
        Ok(read.into_iter().map(|(event, subject, said)| known.tell(event, subject, said)).collect())
    }

    /// Tells of all stock that was touched, piece by piece; how many touches were dealt with. `low_units`: few enough to be told of.
    pub async fn tell_stock(&self, low_units: u32) -> Result<usize, StoreError> {
        let mut told = 0;
        loop {
            let piece = sqlx::query_scalar("SELECT tell_stock($1, $2)").bind(TOUCHES_AT_ONCE).bind(i64::from(low_units));
            let piece: i64 = piece.fetch_one(&self.pool).await?;
            told += usize::try_from(piece).unwrap_or_default();
            // What comes meanwhile is told of in a moment, together.
            if piece < TOUCHES_AT_ONCE {
                return Ok(told);
            }
        }
    }
}

/// An event as what it is about says it.
fn read(event: OutboxEvent) -> Option<(OutboxEvent, Subject, Said)> {
    if let Some(order_id) = &event.order_id {
        let said = public_event::of_order(order_id, &serde_json::from_value(event.data.clone()).ok()?)?;
        let subject = Subject::Order(order_id.clone());
        return Some((event, subject, said));
    }
    let subject = Subject::parse(event.subject.as_deref()?)?;
    let mut data: Map<String, Value> = serde_json::from_value(event.data.clone()).ok()?;
    if let Subject::Position(facility_id, sku) = &subject {
        data.extend([("facility_id".to_owned(), facility_id.as_str().into()), ("sku".to_owned(), sku.as_str().into())]);
    }
    let said = Said { kind: PublicType::named(&event.kind)?, data, fulfillment_order_ids: Vec::new() };
    Some((event, subject, said))
}

impl Known {
    fn tell(&self, found: OutboxEvent, subject: Subject, said: Said) -> PlacedEvent {
        let order = found.order_id.as_ref().and_then(|id| self.orders.as_ref()?.get(id.as_str()));
        let facility = |id: &FulfillmentOrderId| self.facilities.as_ref()?.get(id.as_str()).cloned().flatten();
        let facility_ids: BTreeSet<String> = said.fulfillment_order_ids.iter().filter_map(facility).collect();
        let circumstances = Circumstances {
            channel: order.map(|order| order.channel.clone()),
            currency: order.map(|order| order.currency.clone()),
            facility_ids: facility_ids.into_iter().collect(),
            actor_kind: found.actor_kind,
        };
        let event = PublicEvent {
            id: found.id,
            kind: said.kind,
            subject,
            sequence: found.sequence.unwrap_or(found.seq),
            version: found.seq,
            at: found.at,
            data: said.data,
        };
        PlacedEvent { position: found.position, recorded_at: found.recorded_at, lane: found.lane, event: event.under(&circumstances) }
    }
}
