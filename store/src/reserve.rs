//! Reserving: all positions or none, once per step, never beyond what is there.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use oms_domain::ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, ReservationId, Sku};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::to_raw_value};
use sqlx::types::Json;
use tokio::sync::oneshot;

use crate::{
    combine::{Step, Wanted},
    error::StoreError,
    stock::Available,
    store::Store,
    waiting::FacilitySet,
};

/// Units to take at a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Position {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub quantity: u32,
}

/// Units to wait for. Sets the row of its fulfillment order and line to `quantity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    pub sku: Sku,
    pub quantity: u32,
    /// Stock that arrives is not the order's at once: it is offered, and the order plans with it.
    pub plans_again: bool,
    /// Less than all of it is no use to the order.
    pub all_or_nothing: bool,
    /// It leaves in one package with the order's other waiting lines of this name, so that what comes for it is held until all is there.
    /// None: what comes is of use by itself.
    pub ships_with: Option<String>,
    /// Where it may be served; empty: at any facility that ships.
    pub only_at: Vec<FacilityId>,
    /// Where the plan would have had it from; None: nobody has planned it.
    pub could_have: Option<FacilitySet>,
    /// Units that the plan saw at a place that could have served it, and would rather not have: more are another matter.
    pub declined: BTreeMap<FacilityId, i64>,
    /// Shown to people. The order's own timer decides, since only it knows business time.
    pub expires_at: Option<Timestamp>,
}

/// A moment of the stock, as [`availability`](Store::availability) saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StockMark(pub(crate) String);

/// One step of an order that takes stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reserve {
    pub order_id: OrderId,
    /// Names the step within its order: repeated, it gets its first answer.
    pub key: String,
    pub positions: Vec<Position>,
    pub waiting: Vec<Waiting>,
    /// The order's place in the queue for stock, for as long as it lives: the lowest is served first. The first step says it; absent: now.
    pub rank_at: Option<Timestamp>,
    /// When the plan was made. Without it a waiting line sleeps through stock that arrived between plan and reservation.
    pub planned_at: Option<StockMark>,
    /// Which facilities the plan was made with: see [`FacilityBook`](crate::FacilityBook).
    pub facilities_version: Option<u64>,
    /// Facilities that could serve what waits and have no capacity now.
    pub full: Vec<FullFacility>,
    /// Stock held for its checkout, if it still is: those units are the order's own, and what it leaves of them goes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes_over: Option<ReservationId>,
    /// Why it was planned so; kept with the reservation.
    pub decision: Option<Value>,
    /// What this step answers from now on.
    pub answer: Value,
}

impl Reserve {
    /// What others may want at the same time.
    fn wanted(&self) -> Vec<Wanted> {
        let units = self.positions.iter().map(|position| (position.sku.clone(), Some(position.facility_id.clone())));
        let waits = self.waiting.iter().map(|waiting| (waiting.sku.clone(), None));
        units.chain(waits).collect()
    }
}

/// A facility without capacity, and when that is another matter, in business time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FullFacility {
    pub facility_id: FacilityId,
    pub due: Timestamp,
}

/// A step as the database wants it.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    request: &'a Reserve,
    /// The positions added up, each once, in the order in which they are locked.
    needed: Vec<Needed<'a>>,
}

/// Units of a position.
#[derive(Serialize)]
pub(crate) struct Needed<'a> {
    facility_id: &'a FacilityId,
    sku: &'a Sku,
    quantity: u64,
}

/// Units added up by position.
pub(crate) fn needed<'a>(units: impl Iterator<Item = (&'a FacilityId, &'a Sku, u32)>) -> Vec<Needed<'a>> {
    let mut needed = BTreeMap::new();
    for (facility_id, sku, quantity) in units {
        *needed.entry((facility_id, sku)).or_default() += u64::from(quantity);
    }
    needed.into_iter().map(|((facility_id, sku), quantity)| Needed { facility_id, sku, quantity }).collect()
}

impl<'a> Asked<'a> {
    fn of(request: &'a Reserve) -> Self {
        let needed = needed(request.positions.iter().map(|position| (&position.facility_id, &position.sku, position.quantity)));
        Self { request, needed }
    }
}

/// What became of a [`Reserve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// The units are the order's. The step's first answer.
    Done(Value),
    /// Nothing was taken: what these positions have is not what the plan thought. Plan again.
    Short(Vec<Available>),
    /// The order is closed: nothing was taken, nothing will be.
    Closed,
}

/// The outcome of a step, and its detail.
pub(crate) type Answer = (String, Option<Json<Value>>);

impl Reserved {
    pub(crate) fn read(outcome: &str, detail: Option<Json<Value>>) -> Result<Self, StoreError> {
        let detail = detail.map_or(Value::Null, |Json(detail)| detail);
        match outcome {
            "done" => Ok(Self::Done(detail)),
            "short" => {
                serde_json::from_value(detail).map(Self::Short).map_err(|_| StoreError::Corrupt { what: "the positions that are short" })
            }
            "closed" => Ok(Self::Closed),
            _ => Err(StoreError::Corrupt { what: "the outcome of a reservation" }),
        }
    }
}

/// Why the units of one round of sourcing went where they went.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Decision {
    pub round: u32,
    pub decided_at: Timestamp,
    pub decision: Value,
}

/// A facility's day, and how much of its capacity is taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CapacityDay {
    pub facility_id: FacilityId,
    pub local_day: Date,
    pub taken: i64,
}

/// A facility that is not offered a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Exclusion {
    pub line_id: LineId,
    pub facility_id: FacilityId,
}

impl Store {
    /// Takes all positions or none, in one transaction. Many that want the same units at once share it, and one that fails fails alone.
    pub async fn reserve(&self, request: &Reserve) -> Result<Reserved, StoreError> {
        let wanted = request.wanted();
        if wanted.is_empty() {
            return self.reserve_alone(&Asked::of(request)).await;
        }
        let asked = to_raw_value(&Asked::of(request)).map_err(|_| StoreError::Corrupt { what: "a reservation" })?;
        let (answer, answered) = oneshot::channel();
        if let Some(lane) = self.lanes.join(wanted, Step { asked, answer }) {
            tokio::spawn(self.clone().see_through(lane));
        }
        match answered.await {
            Ok(answer) => answer,
            // Whoever should have called has gone.
            Err(_) => self.reserve_alone(&Asked::of(request)).await,
        }
    }

    pub(crate) async fn reserve_alone(&self, asked: &(impl Serialize + Sync + ?Sized)) -> Result<Reserved, StoreError> {
        let answers: Vec<Answer> = self.call("SELECT outcome, detail FROM reserve($1)", &asked).await?;
        let (outcome, detail) = answers.into_iter().next().ok_or(StoreError::Corrupt { what: "a reservation" })?;
        Reserved::read(&outcome, detail)
    }

    /// Where lines of an order are not offered again at `at` (business time), by what facilities said when they gave them back.
    pub async fn exclusions(&self, order_id: &OrderId, at: Timestamp) -> Result<Vec<Exclusion>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT jsonb_build_object('line_id', line_id, 'facility_id', facility_id) FROM stock_facts
            WHERE order_id = $1 AND (offered_again_at IS NULL OR offered_again_at > $2::text::timestamptz)",
        );
        self.rows(query.bind(order_id.as_str()).bind(at.to_string())).await
    }

    /// How many fulfillment orders each facility with a limit ships, on local days from this one on.
    pub async fn capacity_taken(&self, from: Date) -> Result<Vec<CapacityDay>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(d) FROM capacity_days d WHERE local_day >= $1::text::date AND taken > 0");
        self.rows(query.bind(from.to_string())).await
    }

    /// Every decision on an order, first to last.
    pub async fn decisions(&self, order_id: &OrderId) -> Result<Vec<Decision>, StoreError> {
        self.rows(sqlx::query_scalar("SELECT to_jsonb(d) FROM decisions d WHERE order_id = $1 ORDER BY round").bind(order_id.as_str()))
            .await
    }
}
