//! Customers and suppliers: orders, second thoughts and deliveries, each at its time.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use jiff::Timestamp;
use oms_api::{
    cancellation::{CancellationBody, CancellationView, CancelledUnits},
    feed::FeedView,
    order::body::OrderBody,
};
use oms_domain::{error::ErrorCode, placed::PlacedOrder};
use serde_json::json;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    data::{Ask, Data, Delivery, Requested},
    world::World,
};
use crate::exit::Refused;

/// Orders on their way to the API at a time.
const PLACING_AT_ONCE: usize = 8;
/// A cancellation may overtake its order, which is then asked for again, so often.
const NOT_YET_TRIES: u32 = 200;
const NOT_YET_PAUSE: Duration = Duration::from_millis(300);

/// Something that happens at its time. Of what happens at once, deliveries come first.
#[derive(Clone, Copy)]
enum Happening<'a> {
    Delivery(&'a Delivery),
    Order(&'a PlacedOrder),
    Cancellation(&'a Requested),
}

fn happenings(data: &Data) -> Vec<(Timestamp, Happening<'_>)> {
    let deliveries = data.receipts.iter().map(|delivery| (delivery.received_at, Happening::Delivery(delivery)));
    let orders = data.orders.iter().map(|order| (order.placed_at, Happening::Order(order)));
    let cancellations = data.requests.iter().filter(|request| request.ask == Ask::Cancel);
    let cancellations = cancellations.map(|request| (request.at, Happening::Cancellation(request)));
    let mut all: Vec<_> = deliveries.chain(orders).chain(cancellations).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Plays everything in order of business time; ends early when nobody waits for what is still to come.
///
/// # Errors
/// When the API does not take a delivery, or cannot be reached for long.
pub async fn play(world: &Arc<World>, data: &Data, mut all_ended: watch::Receiver<bool>) -> Result<()> {
    let places = Arc::new(Semaphore::new(PLACING_AT_ONCE));
    let mut under_way = JoinSet::new();
    for (at, happening) in happenings(data) {
        tokio::select! {
            () = world.until(at) => {}
            ended = all_ended.wait_for(|ended| *ended) => {
                ended.context("nobody watches the orders any more")?;
                break;
            }
        }
        match happening {
            // Before anybody orders what it brings.
            Happening::Delivery(delivery) => receive(world, delivery).await?,
            Happening::Order(order) => {
                let permit = Arc::clone(&places).acquire_owned().await.context("placing")?;
                let (world, order) = (Arc::clone(world), order.clone());
                under_way.spawn(async move {
                    let placed = place(&world, &order).await;
                    drop(permit);
                    placed
                });
            }
            Happening::Cancellation(request) => {
                let (world, request) = (Arc::clone(world), request.clone());
                under_way.spawn(async move { cancel(&world, &request).await });
            }
        }
        while let Some(done) = under_way.try_join_next() {
            done??;
        }
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

/// Places an order; one that is refused is noted, for the report to complain of.
async fn place(world: &World, order: &PlacedOrder) -> Result<()> {
    let body = serde_json::to_value(OrderBody::from(order))?;
    let began = tokio::time::Instant::now();
    let placed = match &world.streams {
        Some(streams) => streams.order(&world.api, order.order_id.as_str(), &body).await,
        None => world.persistently(|| world.api.post(&["v1", "orders"], &body)).await.map(drop),
    };
    let (took, lag) = (began.elapsed(), world.now().duration_since(order.placed_at));
    let mut tally = world.tally();
    tally.lag_max = tally.lag_max.max(lag);
    match placed {
        Ok(()) => {
            tally.orders_placed += 1;
            tally.placement_ms.push(took.as_secs_f64() * 1_000.0);
            Ok(())
        }
        Err(error) if error.is::<Refused>() => {
            tally.refused.push(format!("order {}: {error:#}", order.order_id));
            Ok(())
        }
        Err(error) => Err(error.context(format!("place order {}", order.order_id))),
    }
}

async fn receive(world: &World, delivery: &Delivery) -> Result<()> {
    let query = [("source", Some("demo".to_owned()))];
    let sent = world.persistently(|| world.api.stream(&["v1", "feeds", "receipts"], &query, delivery.csv.clone().into())).await?;
    let run: FeedView = serde_json::from_value(sent)?;
    let mut tally = world.tally();
    if run.rejected > 0 {
        tally.refused.push(format!("{} receipts of {}", run.rejected, delivery.received_at));
    }
    tally.deliveries += 1;
    tally.received_units += delivery.units;
    Ok(())
}

async fn cancel(world: &World, request: &Requested) -> Result<()> {
    let body = CancellationBody {
        cancellation_id: Some(request.request_id.clone()),
        reason: "the customer changed their mind".to_owned(),
        lines: Some(request.lines.clone()),
    };
    let (path, body) = (["v1", "orders", request.order_id.as_str(), "cancellations"], json!(body));
    for _ in 0..NOT_YET_TRIES {
        match world.persistently(|| world.api.post(&path, &body)).await {
            Ok(answer) => {
                count(world, &serde_json::from_value(answer)?);
                return Ok(());
            }
            Err(error) if is_not_there_yet(&error) => tokio::time::sleep(NOT_YET_PAUSE).await,
            // An order that has ended refuses: its customer comes too late.
            Err(error) if is_over(&error) => {
                let mut tally = world.tally();
                tally.cancellations += 1;
                tally.units_too_late += request.lines.iter().map(|line| u64::from(line.quantity)).sum::<u64>();
                return Ok(());
            }
            Err(error) => return Err(error.context(format!("cancel {}", request.request_id))),
        }
    }
    world.tally().refused.push(format!("cancellation {}: its order was not placed in time", request.request_id));
    Ok(())
}

fn count(world: &World, cancellation: &CancellationView) {
    let units = |of: &[CancelledUnits]| of.iter().map(|line| u64::from(line.quantity)).sum::<u64>();
    let mut tally = world.tally();
    tally.cancellations += 1;
    tally.units_cancelled += units(&cancellation.cancelled);
    tally.units_cancel_requested += units(&cancellation.requested);
    tally.units_too_late += units(&cancellation.too_late);
}

fn problem_code(error: &anyhow::Error) -> Option<ErrorCode> {
    error.downcast_ref().map(|Refused(problem)| problem.code)
}

fn is_not_there_yet(error: &anyhow::Error) -> bool {
    problem_code(error) == Some(ErrorCode::OrderNotFound)
}

fn is_over(error: &anyhow::Error) -> bool {
    matches!(problem_code(error), Some(ErrorCode::OrderClosed | ErrorCode::IllegalTransition))
}
