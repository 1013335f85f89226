//! What must not be so, counted from outside. Nothing here knows the product's code.
//!
//! | | counts |
//! | --- | --- |
//! | I1 | positions that hold more than they have, or whose counter differs from the rows it counts |
//! | I2 | authorizations captured or voided beyond their sum, captures refunded beyond theirs, orders captured more often than shipped |
//! | I3 | lines whose units are not each in one state |
//! | I4 | accepted orders that are gone |
//! | I5 | orders whose events have a gap, or differ between the feed and the timeline |
//! | I6 | open orders without a timer, a queue entry or a person |
//! | I7 | orders and positions that are not as they would be without the fault |
//! | I8 | labels that no parcel of ours has, and parcels without a label |

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::{Row, postgres::PgRow};
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::{EventType, WorkflowExecutionStatus},
    workflowservice::v1::{DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest},
};
use tokio::time::Instant;
use tonic::{Code, IntoRequest};

use crate::{
    driver::{Driver, FACILITIES, RARE, RARE_BROUGHT, SKUS, Wanted, is_for_people, word},
    gone::Gone,
    ground::{CLIENT, Ground},
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
const PAGE: usize = 500;
/// Parcels that have left their facility.
const LEFT: [&str; 5] = ["handedover", "intransit", "outfordelivery", "delivered", "lost"];

/// What was found wrong, by invariant.
#[derive(Debug, Default, Clone)]
pub struct Counters(pub [Vec<String>; 8]);

impl Counters {
    pub fn are_zero(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    fn found(&mut self, invariant: usize, what: impl Into<String>) {
        self.0[invariant - 1].push(what.into());
    }
}

/// Counts until everything is 0, or the time is up.
pub async fn settle(ground: &Ground, driver: &Driver, within: Duration) -> Result<Counters> {
    let until = Instant::now() + within;
    loop {
        let counted = count(ground, driver).await;
        match counted {
            Ok(counters) if counters.are_zero() => return Ok(counters),
            counted if Instant::now() >= until => return counted,
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

async fn count(ground: &Ground, driver: &Driver) -> Result<Counters> {
    let mut counters = Counters::default();
    let temporal = ground.temporal_client().await?;
    let mut orders = BTreeMap::new();
    for wanted in driver.accepted() {
        match get(ground, &format!("/v1/orders/{}", wanted.order_id)).await? {
            Some(order) => drop(orders.insert(wanted.order_id.clone(), (wanted, order))),
            None => counters.found(4, format!("{}: accepted, and nowhere", wanted.order_id)),
        }
    }
    let operations = ledger(ground.companies.gateway.url(), "/v1/operations").await?;
    let labels = ledger(ground.companies.carrier.url(), "/v1/labels").await?;
    positions(ground, driver, &orders, &mut counters).await?;
    let (events, mut cut_short) = (feed(ground).await?, BTreeSet::new());
    for (id, (wanted, order)) in &orders {
        let booked: Vec<&Value> = operations.iter().filter(|operation| operation["reference"].as_str() == Some(id)).collect();
        money(id, order, &booked, &mut counters);
        units(id, order, &mut counters);
        if timeline(ground, id, order, events.get(id), &mut counters).await? {
            cut_short.insert(id.clone());
        }
        open_order(ground, &temporal, id, order, &mut counters).await?;
        outcome(wanted, order, &booked, &mut counters);
    }
    parcels(ground, &labels, &mut counters).await?;
    but_for(&ground.gone, &cut_short, &mut counters);
    Ok(counters)
}

/// What a repair has named as gone is missing, and nothing else is: that is counted in place of what is missing. A run that has told a
/// restored PostgreSQL by itself is not named: its order's timeline says so.
fn but_for(gone: &Gone, cut_short: &BTreeSet<String>, counters: &mut Counters) {
    for id in gone.events.difference(cut_short) {
        counters.found(5, format!("{id}: its events are named as gone, and none is missing"));
    }
    for id in cut_short.iter().filter(|_| !gone.is_repaired) {
        counters.found(5, format!("{id}: events are gone of which no repair was asked"));
    }
    let of = |what: &String| what.split([':', ' ']).next().unwrap_or_default().to_owned();
    // Without what was ordered, an order may be gone, or comes to another end.
    for invariant in [4, 7] {
        counters.0[invariant - 1].retain(|what| !gone.intakes.contains(&of(what)));
    }
}

/// I1, and the stock's part of I7.
async fn positions(ground: &Ground, driver: &Driver, orders: &BTreeMap<String, (&Wanted, Value)>, counters: &mut Counters) -> Result<()> {
    let rows = sqlx::query(
        "WITH held AS (
            SELECT facility_id, sku, allocated AS units FROM reservations
            UNION ALL SELECT facility_id, sku, quantity FROM stock_grants
            UNION ALL SELECT facility_id, sku, quantity FROM checkout_hold_units
        )
        SELECT s.facility_id, s.sku, s.on_hand, s.reserved,
            coalesce((SELECT sum(units) FROM held h WHERE h.facility_id = s.facility_id AND h.sku = s.sku), 0)::bigint AS held
        FROM stock s",
    )
    .fetch_all(&ground.sql)
    .await?;
    let mut on_hand: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        let (facility, sku): (String, String) = (row.get("facility_id"), row.get("sku"));
        let (there, reserved, held): (i64, i64, i64) = (row.get("on_hand"), row.get("reserved"), row.get("held"));
        if reserved > there || reserved != held {
            counters.found(1, format!("{sku} at {facility}: {there} on hand, {reserved} reserved, {held} held by rows"));
        }
        *on_hand.entry(sku).or_default() += there;
    }
    for sku in SKUS {
        let (at_first, brought) = if sku == RARE { (3, RARE_BROUGHT) } else { (crate::driver::UNITS_EACH, 0) };
        let shipped: i64 = orders.values().map(|(_, order)| units_of(order, Some(sku), "shipped")).sum();
        let expected = (at_first + brought) * FACILITIES.len() as i64 + driver.received(sku) - shipped;
        let found = on_hand.get(sku).copied().unwrap_or_default();
        if found != expected {
            counters.found(7, format!("{sku}: {found} on hand, {expected} after what was shipped"));
        }
    }
    Ok(())
}

fn units_of(order: &Value, sku: Option<&str>, state: &str) -> i64 {
    let lines = order["lines"].as_array().into_iter().flatten();
    lines.filter(|line| sku.is_none_or(|sku| line["sku"] == sku)).filter_map(|line| line["units"][state].as_i64()).sum()
}

/// I2.
fn money(id: &str, order: &Value, booked: &[&Value], counters: &mut Counters) {
    let succeeded = |kind: &str| booked.iter().filter(|it| it["kind"] == kind && it["status"] == "succeeded").collect::<Vec<_>>();
    let children = |kind: &str, parent: &Value| {
        succeeded(kind).iter().filter(|it| it["parent"] == *parent).filter_map(|it| it["amount_minor"].as_i64()).sum::<i64>()
    };
    for authorization in succeeded("authorize") {
        let (made, amount) = (&authorization["id"], authorization["amount_minor"].as_i64().unwrap_or_default());
        let taken = children("capture", made) + children("void", made);
        if taken > amount {
            counters.found(2, format!("{id}: {taken} captured and voided of {amount} authorized"));
        }
    }
    for capture in succeeded("capture") {
        let (refunded, amount) = (children("refund", &capture["id"]), capture["amount_minor"].as_i64().unwrap_or_default());
        if refunded > amount {
            counters.found(2, format!("{id}: {refunded} refunded of {amount} captured"));
        }
    }
    let parts = order["fulfillment_orders"].as_array().into_iter().flatten();
    let shipments = parts.filter(|part| ["shipped", "delivered"].contains(&word(&part["status"]).as_str())).count();
    let captures = succeeded("capture").len();
    if captures > shipments {
        counters.found(2, format!("{id}: {captures} captures for {shipments} shipments"));
    }
}

/// I3.
fn units(id: &str, order: &Value, counters: &mut Counters) {
    for line in order["lines"].as_array().into_iter().flatten() {
        let of = |state: &str| line["units"][state].as_i64().unwrap_or_default();
        let (ordered, somewhere) = (of("ordered"), of("allocated") + of("unfilled") + of("shipped") + of("cancelled"));
        let (shipped, gone) = (of("shipped"), of("in_transit") + of("delivered") + of("lost"));
        if ordered != somewhere || gone > shipped {
            counters.found(3, format!("{id} line {}: {}", line["line_id"], line["units"]));
        }
    }
}

/// I5: the feed may say a thing twice, the timeline may not. Whether it says itself that events are gone, and which.
async fn timeline(ground: &Ground, id: &str, order: &Value, told: Option<&BTreeMap<u64, Told>>, counters: &mut Counters) -> Result<bool> {
    let (mut ids, mut last) = (BTreeMap::<u64, String>::new(), 0);
    let (mut gaps, mut said) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let page = get(ground, &format!("/v1/orders/{id}/events?limit={PAGE}&cursor={last}")).await?.context("a timeline")?;
        let items = page["items"].as_array().context("events")?;
        for event in items {
            let (seq, data) = (event["seq"].as_u64().context("a number")?, &event["data"]);
            if seq != last + 1 {
                gaps.insert((Some(last), Some(seq - 1)));
            }
            if event["type"] == "books_restored" {
                said.insert((data["from"].as_u64(), data["to"].as_u64()));
            }
            ids.insert(seq, word(&event["id"]));
            last = seq;
        }
        if items.len() < PAGE {
            break;
        }
    }
    for (after, through) in gaps.symmetric_difference(&said) {
        counters.found(5, format!("{id}: a gap after {after:?} through {through:?} is there and not told, or told and not there"));
    }
    if order["version"] != last {
        counters.found(5, format!("{id}: version {} with the last event {last}", order["version"]));
    }
    // Others are told of some of them, counted without a gap, each under the id that it has.
    for (counted, (sequence, told)) in (1..).zip(told.into_iter().flatten()) {
        if *sequence != counted || ids.get(&told.version).is_some_and(|id| *id != told.id) {
            counters.found(5, format!("{id}: the feed's {counted}. event is number {sequence}, version {}", told.version));
        }
    }
    if told.is_none_or(BTreeMap::is_empty) && last > 0 {
        counters.found(5, format!("{id}: the feed has none of {last} events"));
    }
    Ok(!gaps.is_empty())
}

/// What the feed says of an order's event.
struct Told {
    version: u64,
    id: String,
}

/// Every order's events as the feed tells them, by their number.
async fn feed(ground: &Ground) -> Result<BTreeMap<String, BTreeMap<u64, Told>>> {
    let (mut told, mut after) = (BTreeMap::<String, BTreeMap<u64, Told>>::new(), None::<String>);
    loop {
        let path = match &after {
            Some(after) => format!("/v1/events?limit={PAGE}&cursor={after}"),
            None => format!("/v1/events?limit={PAGE}"),
        };
        let page = get(ground, &path).await?.context("the feed")?;
        for event in page["items"].as_array().context("events")? {
            // Returns, stock, feeds, and that events may be missing from here on.
            let Some(id) = event["subject"].as_str().and_then(|subject| subject.strip_prefix("order/")) else { continue };
            let number = |name: &str| event[name].as_u64().with_context(|| format!("a {name}"));
            let found = Told { version: number("version")?, id: word(&event["id"]) };
            told.entry(id.to_owned()).or_default().insert(number("sequence")?, found);
        }
        after = page["next_cursor"].as_str().map(str::to_owned);
        if page["has_more"] == false {
            return Ok(told);
        }
    }
}

/// I6.
async fn open_order(ground: &Ground, temporal: &Client, id: &str, order: &Value, counters: &mut Counters) -> Result<()> {
    if is_final(order) {
        return Ok(());
    }
    let waits: i64 = sqlx::query_scalar("SELECT count(*) FROM waiting_units WHERE order_id = $1").bind(id).fetch_one(&ground.sql).await?;
    let a_person = order["needs_attention"] == true || order["holds"].as_array().is_some_and(|holds| !holds.is_empty());
    match run(temporal, &format!("order:{id}")).await? {
        None => counters.found(6, format!("{id} is {} and has no run", order["status"])),
        Some(something_comes) if !something_comes && waits == 0 && !a_person => {
            counters.found(6, format!("{id} is {}, and nothing will ever come", order["status"]));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Whether the run has something under way, or a timer. None when it does not run.
async fn run(temporal: &Client, workflow_id: &str) -> Result<Option<bool>> {
    let execution = Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() });
    let (namespace, mut service) = (temporal.namespace(), temporal.connection().workflow_service());
    let request = DescribeWorkflowExecutionRequest { namespace: namespace.clone(), execution: execution.clone() };
    let described = match service.describe_workflow_execution(request.into_request()).await {
        Ok(described) => described.into_inner(),
        Err(status) if status.code() == Code::NotFound => return Ok(None),
        Err(status) => return Err(status.into()),
    };
    let running = described.workflow_execution_info.is_some_and(|info| info.status() == WorkflowExecutionStatus::Running);
    if !running || !described.pending_activities.is_empty() || described.pending_workflow_task.is_some() {
        return Ok(running.then_some(true));
    }
    let (mut timers, mut next_page_token) = (0_i64, Vec::new());
    loop {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: namespace.clone(),
            execution: execution.clone(),
            next_page_token,
            ..Default::default()
        };
        let page = service.get_workflow_execution_history(request.into_request()).await?.into_inner();
        for event in page.history.into_iter().flat_map(|history| history.events) {
            timers += match event.event_type() {
                EventType::TimerStarted => 1,
                EventType::TimerFired | EventType::TimerCanceled => -1,
                _ => 0,
            };
        }
        next_page_token = page.next_page_token;
        if next_page_token.is_empty() {
            return Ok(Some(timers > 0));
        }
    }
}

/// I7: an order that nothing stands against is completed and paid, one that was cancelled in time is cancelled and not paid.
fn outcome(wanted: &Wanted, order: &Value, booked: &[&Value], counters: &mut Counters) {
    let id = &wanted.order_id;
    let sum = |kind: &str| {
        booked
            .iter()
            .filter(|it| it["kind"] == kind && it["status"] == "succeeded")
            .filter_map(|it| it["amount_minor"].as_i64())
            .sum::<i64>()
    };
    let (paid, units) = (sum("capture") - sum("refund"), units_of(order, None, "shipped"));
    let expected = match word(&order["status"]).as_str() {
        "completed" if !wanted.hopeless => (wanted.total_minor, wanted.units),
        "cancelled" if wanted.cancel => (0, 0),
        _ if wanted.hopeless && is_for_people(order) => return,
        other => return counters.found(7, format!("{id} is {other}")),
    };
    if (paid, units) != expected {
        counters.found(7, format!("{id} is {}: {paid} paid and {units} units shipped, expected {expected:?}", order["status"]));
    }
    if is_final(order) && sum("authorize") != sum("capture") + sum("void") {
        counters.found(7, format!("{id} has ended and {} stay authorized", sum("authorize") - sum("capture") - sum("void")));
    }
}

/// I8.
async fn parcels(ground: &Ground, labels: &[Value], counters: &mut Counters) -> Result<()> {
    let query = sqlx::query("SELECT parcel_id, tracking_number, status FROM parcels WHERE tracking_number IS NOT NULL");
    let rows = query.fetch_all(&ground.sql).await?;
    let named = |row: &PgRow| (row.get("parcel_id"), row.get("tracking_number"));
    let ours: BTreeSet<(String, String)> = rows.iter().map(named).collect();
    // Only what has left must have a label: one that was packed and not sent may have been given up since.
    let left = |row: &&PgRow| LEFT.contains(&word(&Value::String(row.get("status"))).as_str());
    let gone: BTreeSet<(String, String)> = rows.iter().filter(left).map(named).collect();
    let text = |label: &Value, field: &str| label[field].as_str().unwrap_or_default().to_owned();
    let live = labels.iter().filter(|label| label["voided"] == false);
    let theirs: BTreeSet<(String, String)> = live.map(|label| (text(label, "reference"), text(label, "tracking_number"))).collect();
    for (parcel, number) in theirs.difference(&ours) {
        counters.found(8, format!("label {number} of parcel {parcel} is paid for, and nobody knows it"));
    }
    for (parcel, number) in gone.difference(&theirs) {
        counters.found(8, format!("parcel {parcel} has number {number}, which the carrier has not made, or voided"));
    }
    Ok(())
}

fn is_final(order: &Value) -> bool {
    ["completed", "cancelled", "rejected", "expired"].contains(&word(&order["status"]).as_str())
}

/// All of a company's own books.
async fn ledger(url: &str, path: &str) -> Result<Vec<Value>> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page: Value = reqwest::get(format!("{url}{path}?after={after}&limit={PAGE}")).await?.error_for_status()?.json().await?;
        all.extend(page["items"].as_array().context("a ledger")?.iter().cloned());
        match page["next_after"].as_u64() {
            Some(next) => after = next,
            None => return Ok(all),
        }
    }
}

/// None when there is no such thing.
async fn get(ground: &Ground, path: &str) -> Result<Option<Value>> {
    let answer = CLIENT.get(format!("{}{path}", ground.api)).send().await?;
    let status = answer.status().as_u16();
    if status == 404 {
        return Ok(None);
    }
    ensure!(status == 200, "{path}: {status}");
    Ok(Some(answer.json().await?))
}
