//! A PostgreSQL that has lost what it had recorded of an order: the order says it again, whether it rests or has ended.

use anyhow::{Context, Result};
use oms_domain::{
    ids::OrderId,
    order::{Event, Order},
    policy::Policy,
};
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::json;
use temporalio_client::WorkflowExecutionStatus;

use crate::support::{Basket, Shop, in_own_shop, runtime::until, system::LEEDS};

/// Placed by hand: the equations at the end want a timeline without a gap.
async fn shipped(shop: &Shop) -> Result<(OrderId, String)> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 2, 255);
    shop.place_unnoted(&basket).await?;
    let part = shop.until_part(&basket.id(), 1, "released").await?.fulfillment_order_id;
    shop.ship(&part).await?;
    Ok((basket.id(), part))
}

async fn version(shop: &Shop, id: &OrderId) -> Result<u64> {
    Ok(shop.document(id).await?.context("the document")?.version)
}

/// PostgreSQL forgets what it has recorded of the order after that version, but for the stock, which has been counted since.
async fn forget_after(shop: &Shop, id: &OrderId, version: u64) -> Result<()> {
    for statement in [
        format!("DELETE FROM order_events WHERE order_id = '{id}' AND seq > {version}"),
        format!("UPDATE order_guards SET version = {version}, closed_at = NULL WHERE order_id = '{id}'"),
        format!("UPDATE orders SET version = {version}, status = 'processing' WHERE order_id = '{id}'"),
    ] {
        shop.system.execute(statement).await?;
    }
    Ok(())
}

/// The order has said so, in the event after the last one that its document had.
async fn until_said(shop: &Shop, id: &OrderId, from: u64, to: u64) -> Result<Order> {
    let last = until("the order to say that the books had been restored", async || {
        let events = shop.system.store.events(id, to, 10).await?;
        Ok(events.into_iter().find(|event| event.kind == "books_restored"))
    })
    .await?;
    assert_eq!((last.seq, serde_json::from_value::<Event>(last.data)?), (to + 1, Event::BooksRestored { from, to }));
    let order = until("its document to follow", async || Ok(shop.document(id).await?.filter(|order| order.version > to))).await?;
    assert_eq!(shop.system.store.recorded_version(id).await?, order.version);
    Ok(order)
}

#[test]
fn an_order_at_rest_that_is_told_to_look_again_says_what_postgresql_has_lost_of_it() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (id, part) = shipped(shop).await?;
        shop.until(&id, "be paid", |order| order.totals.captured_minor == order.totals.total_minor).await?;
        let to = version(shop, &id).await?;
        forget_after(shop, &id, to - 3).await?;
        shop.starter.restate(&id).await?;
        until_said(shop, &id, to - 3, to).await?;
        // Told once more, it has nothing to say.
        shop.starter.restate(&id).await?;
        shop.acts(&part, "deliver", json!({})).await?;
        shop.until_status(&id, "completed").await?;
        let said = shop.system.store.events(&id, 0, 1_000).await?.iter().filter(|event| event.kind == "books_restored").count();
        assert_eq!(said, 1);
        Ok(())
    })
}

#[test]
fn an_order_that_has_ended_gets_a_run_to_say_what_postgresql_has_lost_of_it_and_ends_again() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (id, part) = shipped(shop).await?;
        shop.acts(&part, "deliver", json!({})).await?;
        shop.until_status(&id, "completed").await?;
        let closed = until("the order to be closed", async || Ok(shop.document(&id).await?.filter(Order::is_closed))).await?;
        let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&id));
        let ends = async || {
            let status = handle.describe(Default::default()).await?.status();
            Ok((status == WorkflowExecutionStatus::Completed).then_some(()))
        };
        until("its run to end", ends).await?;
        forget_after(shop, &id, 2).await?;
        shop.starter.restate(&id).await?;
        let said = until_said(shop, &id, 2, closed.version).await?;
        assert_eq!((said.status, said.is_closed()), (closed.status, true));
        until("its run to end again", ends).await
    })
}
