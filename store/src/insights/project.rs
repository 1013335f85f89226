//! The projector: a round reads which orders have events that are not counted, counts these orders, and writes what has changed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    ids::OrderId,
    money::Currency,
    order::{Beginning, Event},
};
use oms_insights::{Count, DEFINITIONS, FulfillmentFact, LineFact, Measure, OrderFact, OrderFacts, facts};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};

use crate::{
    error::{POSTGRESQL, StoreError},
    store::Store,
};

/// Events that a step looks at.
const EVENTS: i64 = 2_000;
/// Orders whose events are in memory at a time.
const ORDERS: usize = 250;
/// Rows of a generation that nobody reads any more which go at a time, of each table.
const DROPPED: i64 = 20_000;
/// While there is more to count a round goes on for so long.
const ROUND: Duration = Duration::from_secs(60);

/// What a round has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InsightsRound {
    /// Orders that were counted.
    pub orders: usize,
    /// Orders whose events nobody can read.
    pub unread: usize,
}

/// A generation that is counted.
#[derive(Deserialize)]
struct Generation {
    generation: i32,
    position: String,
    is_live: bool,
}

#[derive(Deserialize)]
struct Changed {
    order_ids: Vec<OrderId>,
    next: String,
    /// Events that were looked at.
    scanned: i64,
}

/// An order as it stands in the books, as text: reading it keeps the database waiting for nothing.
struct Booked {
    beginning: Option<String>,
    one_facility_had_all: bool,
    events: Vec<BookedEvent>,
}

struct BookedEvent {
    seq: i64,
    at: Timestamp,
    data: String,
}

type HeadRow = (String, Option<String>, bool);
type EventRow = (String, i64, jiff_sqlx::Timestamp, String);

/// What is written of a step.
#[derive(Serialize)]
struct Step<'a> {
    generation: i32,
    after: &'a str,
    next: &'a str,
    order_ids: Vec<OrderId>,
    #[serde(flatten)]
    rows: Rows,
}

/// Rows of the tables of facts and counts.
#[derive(Default, Serialize)]
struct Rows {
    orders: Vec<OfGeneration<OrderFact>>,
    fulfillments: Vec<OfGeneration<FulfillmentFact>>,
    lines: Vec<OfGeneration<LineFact>>,
    unread: Vec<Unread>,
    #[serde(skip)]
    counts: Columns,
}

#[derive(Serialize)]
struct OfGeneration<T> {
    generation: i32,
    #[serde(flatten)]
    row: T,
}

/// Counts, column by column: they are many, and small.
#[derive(Default)]
struct Columns {
    /// Of each order in its turn.
    channels: Vec<String>,
    /// Which of them it is of, from 1.
    orders: Vec<i32>,
    measures: Vec<&'static str>,
    cells: Vec<jiff_sqlx::Timestamp>,
    facility_ids: Vec<String>,
    currencies: Vec<&'static str>,
    reasons: Vec<String>,
    buckets: Vec<i16>,
    ns: Vec<i32>,
    sums: Vec<i64>,
}

#[derive(Serialize)]
struct Unread {
    order_id: OrderId,
    why: String,
}

const HEADS: &str = "SELECT o.order_id, (SELECT b.beginning::text FROM order_beginnings b WHERE b.order_id = o.order_id),
        (SELECT count(DISTINCT f.facility_id) FROM fulfillment_orders f WHERE f.order_id = o.order_id) > 1 AND one_facility_had_all(o.order_id)
    FROM unnest($1::text[]) AS o (order_id)";

/// By key, one order after the other.
const EVENTS_OF: &str = "SELECT o.order_id, e.seq, e.at, e.data FROM unnest($1::text[]) AS o (order_id),
        LATERAL (SELECT e.seq, e.at, e.data::text FROM order_events e WHERE e.order_id = o.order_id ORDER BY e.seq) AS e";

impl Store {
    /// Counts what is not counted yet, until there is no more or a minute is over; does nothing where another server is at it.
    pub async fn count_insights(&self) -> Result<InsightsRound, StoreError> {
        let (begun, mut done) = (Instant::now(), InsightsRound::default());
        while begun.elapsed() < ROUND && self.step(&mut done).await? {}
        sqlx::query("SELECT drop_insights($1)").bind(DROPPED).execute(&self.pool).await?;
        Ok(done)
    }

    /// Has everything counted anew, beside what stands.
    pub async fn rebuild_insights(&self) -> Result<(), StoreError> {
        let begin = "INSERT INTO insight_generations (definitions, epoch)
            SELECT $1, outbox_epoch() WHERE NOT EXISTS (SELECT FROM insight_generations WHERE live_at IS NULL)";
        sqlx::query(begin).bind(DEFINITIONS).execute(&self.pool).await?;
        Ok(())
    }

    /// One step of each generation; whether there is more to do.
    async fn step(&self, done: &mut InsightsRound) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let is_ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(20253)").fetch_one(&mut *transaction).await?;
        if !is_ours {
            return Ok(false);
        }
        let to_count = sqlx::query_scalar("SELECT insights_to_count($1)").bind(DEFINITIONS);
        let Json(generations): Json<Vec<Generation>> = to_count.fetch_one(&mut *transaction).await?;
        let (mut has_more, mut counted) = (false, InsightsRound::default());
        for generation in generations {
            has_more |= count(&mut transaction, &generation, &mut counted).await?;
        }
        transaction.commit().await?;
        (done.orders, done.unread) = (done.orders + counted.orders, done.unread + counted.unread);
        Ok(has_more)
    }
}

/// Counts some of what a generation has not counted; whether there is more. One that has caught up is read from then on.
async fn count(connection: &mut PgConnection, at: &Generation, done: &mut InsightsRound) -> Result<bool, StoreError> {
    let (epoch, xid, event_id) = crate::outbox::parse(&at.position).ok_or(StoreError::Corrupt { what: "the projector's place" })?;
    let query = sqlx::query_scalar("SELECT changed_orders($1, $2, $3::xid8, $4, $5)").bind(at.generation);
    let Json(changed): Json<Changed> = query.bind(epoch).bind(xid).bind(event_id).bind(EVENTS).fetch_one(&mut *connection).await?;
    if changed.scanned > 0 {
        let (order_ids, rows) = counted(connection, at.generation, &changed.order_ids).await?;
        (done.orders, done.unread) = (done.orders + rows.orders.len(), done.unread + rows.unread.len());
        let step = Step { generation: at.generation, after: &at.position, next: &changed.next, order_ids, rows };
        let Columns { channels, orders, measures, cells, facility_ids, currencies, reasons, buckets, ns, sums } = &step.rows.counts;
        let write = sqlx::query_scalar("SELECT count_orders($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)").bind(Json(&step));
        let write = write.bind(channels).bind(orders).bind(measures).bind(cells).bind(facility_ids).bind(currencies).bind(reasons);
        let is_written: bool = write.bind(buckets).bind(ns).bind(sums).fetch_one(&mut *connection).await?;
        if !is_written {
            return Err(StoreError::Busy { system: POSTGRESQL, code: "figures were counted by somebody else meanwhile".to_owned() });
        }
    }
    let has_more = changed.scanned >= EVENTS;
    if !has_more && !at.is_live {
        for measure in Measure::ALL {
            sqlx::query("SELECT sum_insights($1, $2)").bind(at.generation).bind(measure.name()).execute(&mut *connection).await?;
        }
        sqlx::query("SELECT show_insights($1)").bind(at.generation).execute(connection).await?;
        tracing::info!(insights.generation = at.generation, "figures are counted anew, and are read from now on");
    }
    Ok(has_more)
}

/// What these orders come to; those that are not whole any more, since a month of events was dropped, are left as they stand.
async fn counted(connection: &mut PgConnection, generation: i32, ids: &[OrderId]) -> Result<(Vec<OrderId>, Rows), StoreError> {
    let (mut counted, mut rows) = (Vec::new(), Rows::default());
    for some in ids.chunks(ORDERS) {
        let booked = booked(connection, some).await?;
        let told = move || booked.into_iter().filter_map(|(id, booked)| Some((id, read(booked)?))).collect::<Vec<_>>();
        let told = tokio::task::spawn_blocking(told).await.map_err(|_| StoreError::Corrupt { what: "an order's events" })?;
        for (order_id, outcome) in told {
            let order_id = OrderId::parse(order_id).map_err(|_| StoreError::Corrupt { what: "an order's id" })?;
            counted.push(order_id.clone());
            match outcome {
                Ok(facts) => rows.add(generation, *facts),
                Err(why) => {
                    rows.counts.add("", Vec::new());
                    tracing::warn!(order.id = %order_id, error.message = why, "its events cannot be read: it is in no figure");
                    rows.unread.push(Unread { order_id, why });
                }
            }
        }
    }
    Ok((counted, rows))
}

/// These orders, by their ids.
async fn booked(connection: &mut PgConnection, ids: &[OrderId]) -> Result<BTreeMap<String, Booked>, StoreError> {
    let ids: Vec<&str> = ids.iter().map(OrderId::as_str).collect();
    let heads: Vec<HeadRow> = sqlx::query_as(HEADS).bind(&ids).fetch_all(&mut *connection).await?;
    let events: Vec<EventRow> = sqlx::query_as(EVENTS_OF).bind(&ids).fetch_all(&mut *connection).await?;
    let head = |(id, beginning, one_facility_had_all)| (id, Booked { beginning, one_facility_had_all, events: Vec::new() });
    let mut booked: BTreeMap<String, Booked> = heads.into_iter().map(head).collect();
    for (id, seq, at, data) in events {
        if let Some(of) = booked.get_mut(&id) {
            of.events.push(BookedEvent { seq, at: at.to_jiff(), data });
        }
    }
    Ok(booked)
}

/// An order's facts, and what is counted of it.
type Counted = (OrderFacts, Vec<Count>);

/// What an order comes to, or why that cannot be told. None: its first events are not kept any more.
fn read(Booked { beginning, one_facility_had_all, mut events }: Booked) -> Option<Result<Box<Counted>, String>> {
    events.sort_by_key(|event| event.seq);
    if events.first()?.seq != 1 {
        return None;
    }
    let facts = followed(beginning, events).map(|facts| facts.decided(one_facility_had_all));
    let counted = facts.map(|facts| {
        let counts = facts.counts();
        Box::new((facts, counts))
    });
    Some(counted.map_err(|why| why.to_string()))
}

fn followed(beginning: Option<String>, events: Vec<BookedEvent>) -> Result<OrderFacts, serde_json::Error> {
    let beginning: Beginning = serde_json::from_str(beginning.as_deref().unwrap_or("null"))?;
    let event = |booked: BookedEvent| Ok((serde_json::from_str::<Event>(&booked.data)?, booked.at));
    let events = events.into_iter().map(event).collect::<Result<Vec<_>, serde_json::Error>>()?;
    Ok(facts(beginning, events))
}

impl Rows {
    fn add(&mut self, generation: i32, (facts, counts): Counted) {
        self.counts.add(&facts.order.channel, counts);
        self.fulfillments.extend(facts.fulfillments.into_iter().map(|row| OfGeneration { generation, row }));
        self.lines.extend(facts.lines.into_iter().map(|row| OfGeneration { generation, row }));
        self.orders.push(OfGeneration { generation, row: facts.order });
    }
}

impl Columns {
    /// The next order, with what is counted of it.
    fn add(&mut self, channel: &str, counts: Vec<Count>) {
        self.channels.push(channel.to_owned());
        let order = i32::try_from(self.channels.len()).unwrap_or(i32::MAX);
        for count in counts {
            self.orders.push(order);
            self.measures.push(count.measure.name());
            self.cells.push(count.cell.to_sqlx());
            self.facility_ids.push(count.facility_id);
            self.currencies.push(count.currency.map_or("", Currency::code));
            self.reasons.push(count.reason);
            self.buckets.push(count.bucket.unwrap_or(-1));
            self.ns.push(i32::try_from(count.n).unwrap_or(i32::MAX));
            self.sums.push(count.sum);
        }
    }
}
