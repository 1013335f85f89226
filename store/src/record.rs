//! The one way an order's progress becomes durable: it is appended to what is recorded, at a version. Nothing recorded is ever taken back.
//!
//! PostgreSQL first, in one transaction; then the document, in DynamoDB. A process that dies between the two leaves PostgreSQL ahead: the
//! call was not acknowledged, so it comes again, finds the same recorded, and writes the document. The other way round, a reader could see
//! a document whose units were never settled. No row lock is held while DynamoDB is awaited.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use oms_domain::{
    access::{By, PrincipalKind},
    event_id::event_id,
    ids::{CustomerId, FacilityId, FulfillmentOrderId, LineId, OrderId, ParcelId, Sku},
    money::Currency,
    order::StockFact,
    placed::DeliveryMethod,
    taken::TakenCommand,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error::StoreError, public_events, store::Store};

/// What happened to an order since its last record. No personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub order_id: OrderId,
    /// The recorded version that these events come after.
    pub base: u64,
    /// The last event's `seq`.
    pub version: u64,
    /// With the first events: what the order began as, so that its events lead to what it is.
    pub beginning: Option<Value>,
    /// The order as JSON.
    pub doc: Value,
    /// At least one, with consecutive numbers.
    pub events: Vec<RecordedEvent>,
    /// Commands that led to these events: each is known by its id from then on.
    pub commands: Vec<TakenCommand>,
    pub row: OrderRow,
    /// Those that changed, each whole: units it holds or waits for here and `stock` does not name have left it.
    pub fulfillment_orders: Vec<FulfillmentRow>,
    /// Those that changed: where the units are now, not by how much they moved.
    pub stock: Vec<StockTarget>,
    /// Ids of the grants and shorts (`stock_arrived` and `stock_shorted` messages) that these events took notice of. The units of
    /// grants dissolve into `stock`.
    pub grants_seen: Vec<String>,
    /// What facilities said by giving units back; each is booked once.
    pub stock_facts: Vec<StockFact>,
    /// A round of sourcing is under way.
    pub planning: bool,
    /// No reservation may survive, and none may be taken any more.
    pub closed: bool,
}

/// One event of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEvent {
    pub seq: u64,
    pub kind: String,
    pub at: Timestamp,
    pub data: Value,
    /// Whose doing it was; None: nobody said.
    #[serde(default)]
    pub by: Option<By>,
}

/// What lists show of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderRow {
    pub status: String,
    pub channel: String,
    pub customer_id: CustomerId,
    pub currency: Currency,
    pub total_minor: i64,
    pub placed_at: Timestamp,
    /// Business time; also when the record's stock movements occurred.
    pub updated_at: Timestamp,
    pub needs_attention: bool,
    pub hold_reasons: Vec<String>,
    /// Business time: when its next wait is over. None: nothing is waited for any more.
    pub next_wait_at: Option<Timestamp>,
    /// It is to be found by these, too: with the first record, those of all lines.
    pub skus: Vec<Sku>,
    /// But not by these any more: no unit of them is left in it.
    pub gone_skus: Vec<Sku>,
}

/// A fulfillment order, as the associate's queue shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FulfillmentRow {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub facility_id: Option<FacilityId>,
    pub status: String,
    pub delivery_method: DeliveryMethod,
    pub ship_by: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub parcels: Vec<ParcelRow>,
    /// Of a released one: the local days on which its facility could ship it, soonest first. It takes a token on the first with room;
    /// empty: its facility has no limit.
    pub ship_days: Vec<Date>,
    /// It waited, and its units are being planned again: they keep their place in the queue for stock until they are.
    pub planned_again: bool,
}

/// A parcel, and the number its carrier knows it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParcelRow {
    pub parcel_id: ParcelId,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub status: String,
}

/// Where the units of a line in a fulfillment order are from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockTarget {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    /// `None`: nowhere, there is only `waiting`.
    pub facility_id: Option<FacilityId>,
    pub sku: Sku,
    pub allocated: u32,
    /// Shipped or handed over, ever.
    pub consumed: u32,
    /// Units the order waits for, as it knows the matter. The same in every target of one fulfillment order and line.
    pub waiting: u32,
    /// Where it may be served; empty: at any facility that ships.
    pub only_at: Vec<FacilityId>,
}

/// What became of a record, with the version that stands there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Written. `deficit_units`: units it took beyond what was there, which facts may.
    Appended { deficit_units: u64 },
    /// The same had been written before. Nothing has changed; nor has it below.
    Same { stored_version: u64 },
    /// Something else stands there.
    Other { stored_version: u64 },
    /// What it comes after is not there: these books are older than whoever writes.
    Behind { stored_version: u64 },
}

/// An event as it is written: with its id, and with what others are told of it.
#[derive(Serialize)]
pub(crate) struct IdentifiedEvent<'a, T> {
    pub id: String,
    #[serde(flatten)]
    pub event: &'a RecordedEvent,
    #[serde(flatten)]
    pub told: T,
}

/// An order's event is read by others where it stands.
#[derive(Serialize)]
struct Told {
    public: bool,
}

/// The events with their ids in the timeline `of` something.
pub(crate) fn identified<'a, T>(of: &str, events: &'a [RecordedEvent], told: impl Fn(&RecordedEvent) -> T) -> Vec<IdentifiedEvent<'a, T>> {
    let id = |event: &RecordedEvent| event_id(of, event.seq, &event.kind, &event.data);
    events.iter().map(|event| IdentifiedEvent { id: id(event), event, told: told(event) }).collect()
}

/// Whose doing the stock's movements are: of several, that of whoever is not the house.
pub(crate) fn moved_by(events: &[RecordedEvent]) -> Option<&By> {
    let all = || events.iter().rev().filter_map(|event| event.by.as_ref());
    all().find(|by| by.actor.kind != PrincipalKind::House).or_else(|| all().next())
}

/// What PostgreSQL gets of a record: everything but the document.
#[derive(Serialize)]
struct Progress<'a> {
    order_id: &'a OrderId,
    base: u64,
    version: u64,
    beginning: Option<&'a Value>,
    events: Vec<IdentifiedEvent<'a, Told>>,
    by: Option<&'a By>,
    commands: &'a [TakenCommand],
    row: &'a OrderRow,
    fulfillment_orders: &'a [FulfillmentRow],
    positions: Vec<PositionTarget<'a>>,
    waits: Vec<WaitTarget<'a>>,
    grants_seen: &'a [String],
    stock_facts: &'a [StockFact],
    planning: bool,
    closed: bool,
}

#[derive(Serialize)]
struct PositionTarget<'a> {
    fulfillment_order_id: &'a FulfillmentOrderId,
    line_id: &'a LineId,
    facility_id: &'a FacilityId,
    sku: &'a Sku,
    allocated: u32,
    consumed: u32,
}

#[derive(Serialize)]
struct WaitTarget<'a> {
    fulfillment_order_id: &'a FulfillmentOrderId,
    line_id: &'a LineId,
    sku: &'a Sku,
    quantity: u32,
    only_at: &'a [FacilityId],
}

impl<'a> Progress<'a> {
    fn of(record: &'a Record) -> Self {
        let position = |target: &'a StockTarget| {
            Some(PositionTarget {
                fulfillment_order_id: &target.fulfillment_order_id,
                line_id: &target.line_id,
                facility_id: target.facility_id.as_ref()?,
                sku: &target.sku,
                allocated: target.allocated,
                consumed: target.consumed,
            })
        };
        let wait = |target: &'a StockTarget| WaitTarget {
            fulfillment_order_id: &target.fulfillment_order_id,
            line_id: &target.line_id,
            sku: &target.sku,
            quantity: target.waiting,
            only_at: &target.only_at,
        };
        // A line has one waiting row, however many facilities it has units at.
        let waits: BTreeMap<_, _> =
            record.stock.iter().map(|target| ((&target.fulfillment_order_id, &target.line_id), wait(target))).collect();
        Self {
            order_id: &record.order_id,
            base: record.base,
            version: record.version,
            beginning: record.beginning.as_ref(),
            events: identified(record.order_id.as_str(), &record.events, |event| Told { public: public_events::is_public(event) }),
            by: moved_by(&record.events),
            commands: &record.commands,
            row: &record.row,
            fulfillment_orders: &record.fulfillment_orders,
            positions: record.stock.iter().filter_map(position).collect(),
            waits: waits.into_values().collect(),
            grants_seen: &record.grants_seen,
            stock_facts: &record.stock_facts,
            planning: record.planning,
            closed: record.closed,
        }
    }
}

/// The answer of `record_progress`, and of `record_return`.
#[derive(sqlx::FromRow)]
pub(crate) struct Progressed {
    outcome: String,
    stored_version: i64,
    deficit_units: i64,
}

impl Progressed {
    pub(crate) fn read(self) -> Result<Recorded, StoreError> {
        let number = |count: i64| u64::try_from(count).map_err(|_| StoreError::Corrupt { what: "the answer to a record" });
        let (stored_version, deficit_units) = (number(self.stored_version)?, number(self.deficit_units)?);
        match self.outcome.as_str() {
            "appended" => Ok(Recorded::Appended { deficit_units }),
            "same" => Ok(Recorded::Same { stored_version }),
            "other" => Ok(Recorded::Other { stored_version }),
            "behind" => Ok(Recorded::Behind { stored_version }),
            _ => Err(StoreError::Corrupt { what: "the outcome of a record" }),
        }
    }
}

impl Store {
    /// Appends to an order's history, once however often it is called: one round trip to PostgreSQL, one to DynamoDB.
    pub async fn record(&self, record: &Record) -> Result<Recorded, StoreError> {
        const RECORD: &str = "SELECT outcome, stored_version, deficit_units FROM record_progress($1)";
        let answers: Vec<Progressed> = self.call(RECORD, &Progress::of(record)).await?;
        let recorded = answers.into_iter().next().ok_or(StoreError::Corrupt { what: "a record" })?.read()?;
        if matches!(recorded, Recorded::Appended { .. } | Recorded::Same { .. }) {
            self.put_document(&record.order_id, record.version, &record.doc).await?;
        }
        Ok(recorded)
    }
}
