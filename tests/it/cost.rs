//! What an order costs the Temporal server: state transitions are what is paid for, events what is kept.

use anyhow::{Context, Result, ensure};
use oms_domain::ids::OrderId;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::json;

use crate::support::{Basket, Shop, in_shop, system::LEEDS};

/// (state transitions, events) of a finished order.
async fn cost(shop: &Shop, id: &OrderId) -> Result<(i64, i64)> {
    shop.until_status(id, "completed").await?;
    let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(id));
    let ended = async || {
        let described = handle.describe(Default::default()).await?;
        let info = described.raw_description.workflow_execution_info.context("the run")?;
        Ok(info.close_time.map(|_| (info.state_transition_count, info.history_length)))
    };
    crate::support::runtime::until("the run to end", ended).await
}

#[test]
fn an_order_that_is_only_shipped_costs_at_most_twenty_transitions_and_forty_events() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.fulfill(&order).await?;
        let (transitions, events) = cost(shop, &order.heading.order_id.parse()?).await?;
        println!("ship only: {transitions} transitions, {events} events");
        ensure!(transitions <= 20 && events <= 40, "{transitions} transitions, {events} events");
        Ok(())
    })
}

#[test]
fn an_order_with_four_updates_costs_at_most_24_transitions_and_64_events() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        for (action, body) in [("accept", json!({})), ("start-picking", json!({"picker": "P-7"})), ("pack", json!({}))] {
            shop.acts(part, action, body).await?;
        }
        shop.ship(part).await?;
        shop.acts(part, "deliver", json!({})).await?;
        let (transitions, events) = cost(shop, &order.heading.order_id.parse()?).await?;
        println!("four updates: {transitions} transitions, {events} events");
        ensure!(transitions <= 24 && events <= 64, "{transitions} transitions, {events} events");
        Ok(())
    })
}

#[test]
fn a_refusal_costs_no_event() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(format!("order:{}", order.heading.order_id));
        let length = async || {
            let described = handle.describe(Default::default()).await?;
            Ok::<_, anyhow::Error>(described.raw_description.workflow_execution_info.map(|info| info.history_length))
        };
        let before = length().await?;
        for _ in 0..3 {
            shop.act(&order.fulfillment_orders[0].fulfillment_order_id, "unpack", json!({})).await?.problem(409, "illegal_transition")?;
        }
        assert_eq!(length().await?, before);
        Ok(())
    })
}
