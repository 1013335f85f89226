//! The equations of LIFECYCLE.md, checked at the end of every test, whatever it did: units and money add up, the gateway's books say
//! the same, stock holds what the orders hold and nothing else, and every history replays.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use oms_domain::{
    ids::{OrderId, Sku},
    order::{Order, OrderStatus},
    payment::{OperationKind, Payment},
};
use oms_store::{Invariants, Store};
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use temporalio_client::WorkflowExecutionStatus;
use tokio::time::Instant;

use super::{books::Books, replay, system::System};

/// How long what is under way may take to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(30);
/// Histories replayed at the end of one test; the first is as good as the hundredth.
const REPLAYED_MAX: usize = 3;

/// Waits until the equations hold for these orders, which must be all those of their SKUs.
pub async fn settle(system: &Arc<System>, orders: &[OrderId]) -> Result<()> {
    let give_up = Instant::now() + REST_WITHIN;
    while let Err(error) = check(system, orders).await {
        ensure!(Instant::now() < give_up, "what must hold at the end does not: {error:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for id in orders.iter().take(REPLAYED_MAX) {
        replay::replays(system, id).await?;
    }
    Ok(())
}

/// The figures that must be 0 over a whole store.
pub async fn no_figure_is_off(store: &Store) -> Result<()> {
    let found = store.invariants().await?;
    let Invariants { oversold_units, leaked_reservations, waiting_of_closed_orders, .. } = found;
    ensure!((oversold_units, leaked_reservations, waiting_of_closed_orders) == (0, 0, 0), "{found:?}");
    Ok(())
}

async fn check(system: &System, ids: &[OrderId]) -> Result<()> {
    let mut held: BTreeMap<(String, Sku), i64> = BTreeMap::new();
    for id in ids {
        let document = system.store.document(id).await?.with_context(|| format!("order {id} has no document"))?;
        let order: Order = serde_json::from_value(document.doc)?;
        let about = || format!("order {id}, {}", order.status);
        units_add_up(&order).with_context(about)?;
        money_adds_up(&order, &Books::of(&system.addresses.gateway_url, id).await?).with_context(about)?;
        timeline_is_whole(system, &order).await.with_context(about)?;
        run_matches(system, &order).await.with_context(about)?;
        for target in order.stock_targets_since(0) {
            if let Some(facility_id) = target.facility_id {
                *held.entry((facility_id.to_string(), target.sku)).or_default() += i64::from(target.allocated);
            }
        }
    }
    stock_holds(&system.store, &held).await
}

fn units_add_up(order: &Order) -> Result<()> {
    for (line, units) in order.units() {
        ensure!(units.add_up(), "line {line}: {units:?}");
    }
    let left = order.all_units().unfinished();
    ensure!(!order.status.is_final() || left == 0, "ended with {left} units unfinished");
    Ok(())
}

fn money_adds_up(order: &Order, books: &Books) -> Result<()> {
    let at_gateway = || order.payments.iter().filter(|payment| payment.uses_gateway());
    let believed = |sum: fn(&Payment) -> i64| at_gateway().map(sum).sum::<i64>();
    let sums = [
        (OperationKind::Authorize, believed(Payment::authorized_minor)),
        (OperationKind::Capture, believed(Payment::captured_minor)),
        (OperationKind::Void, believed(Payment::voided_minor)),
        (OperationKind::Refund, believed(Payment::refunded_minor)),
    ];
    for (kind, believed) in sums {
        let (booked, unknown) = (books.sum(kind), parked_minor(order, kind));
        let agree = (believed..=believed + unknown).contains(&booked);
        ensure!(agree, "{kind:?}: we believe {believed}, the gateway booked {booked}: {books:?}");
    }
    let [authorized, captured, voided, refunded] = sums.map(|(_, sum)| sum);
    ensure!(refunded <= captured && captured + voided <= authorized, "more was taken than given: {sums:?}");
    let at_rest = order.status.is_final() && order.attention.is_empty();
    let lapsed = believed(Payment::lapsed_minor);
    ensure!(!at_rest || authorized == captured + voided + lapsed, "the order ended and its money is not netted out: {sums:?}");
    let owed = order.uncaptured_minor();
    ensure!(order.status != OrderStatus::Completed || owed == 0, "completed, and {owed} are not captured");
    Ok(())
}

/// Operations of which nobody knows whether they were done, and that a person was told to look at.
fn parked_minor(order: &Order, kind: OperationKind) -> i64 {
    let operations = order.payments.iter().flat_map(|payment| &payment.operations);
    let open = operations.filter(|operation| operation.kind == kind && operation.is_open());
    if order.gave_up.values().all(|known| !known.waits) { 0 } else { open.map(|operation| operation.amount_minor).sum() }
}

async fn timeline_is_whole(system: &System, order: &Order) -> Result<()> {
    let events = system.store.events(&order.core.order_id, 0, 100_000).await?;
    let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
    ensure!(seqs.iter().copied().eq(1..=order.version), "the timeline has gaps: {seqs:?} of {}", order.version);
    let ends = events.iter().filter(|event| order_ends(&event.kind)).count();
    ensure!(ends == usize::from(order.status.is_final()), "it ended {ends} times");
    Ok(())
}

fn order_ends(kind: &str) -> bool {
    ["order_completed", "order_cancelled", "order_rejected", "order_expired"].contains(&kind)
}

/// An order that has ended has no run any more, and one that has not still has.
async fn run_matches(system: &System, order: &Order) -> Result<()> {
    let handle = system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&order.core.order_id));
    let status = handle.describe(Default::default()).await?.status();
    let expected = if order.is_closed() { WorkflowExecutionStatus::Completed } else { WorkflowExecutionStatus::Running };
    ensure!(status == expected, "its run is {status:?}");
    Ok(())
}

async fn stock_holds(store: &Store, held: &BTreeMap<(String, Sku), i64>) -> Result<()> {
    for ((facility_id, sku), units) in held {
        let positions = store.stock_of(sku).await?;
        let position = positions.iter().find(|position| position.facility_id.as_str() == facility_id).context("the position")?;
        ensure!(position.reserved == *units, "{sku} at {facility_id}: {} reserved, the orders hold {units}", position.reserved);
        ensure!(position.on_hand >= 0 && position.deficit >= 0, "{position:?}");
    }
    Ok(())
}
