//! What operators may switch on: payloads that Temporal cannot read, workers that are built anew.

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use oms_domain::policy::Policy;
use oms_starter::encrypting_converter;
use prost::Message;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::support::{Basket, Setup, in_shop_of, system::LEEDS};

#[test]
fn with_encryption_temporal_holds_no_payload_in_clear() -> Result<()> {
    let converter = encrypting_converter(&[format!("k1:{}", "0f".repeat(32)).into()])?;
    in_shop_of(Setup { converter, ..Setup::default() }, Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        let handle =
            shop.system.temporal.get_workflow_handle::<oms_workflows::order::OrderWorkflow>(format!("order:{}", order.heading.order_id));
        let events = handle.fetch_history(Default::default()).into_events().await?;
        for event in &events {
            let bytes = event.encode_to_vec();
            // The SKU is in every input and result that says what the order is about.
            let names_sku = bytes.windows(sku.as_str().len()).any(|window| window == sku.as_str().as_bytes());
            ensure!(!names_sku, "event {} says what was ordered", event.event_id);
        }
        let started = events.iter().find(|event| event.event_type() == EventType::WorkflowExecutionStarted).context("the start")?;
        ensure!(started.encode_to_vec().windows(16).any(|window| window == b"binary/encrypted"), "the input is not encrypted");
        Ok(())
    })
}

#[test]
fn workers_are_built_anew_and_no_order_notices() -> Result<()> {
    // An order has some ten activities: so there is a new crew with every few orders.
    in_shop_of(Setup { recycle_after: Some(40), ..Setup::default() }, Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        for _ in 0..5 {
            let baskets: Vec<Basket> = (0..6).map(|_| Basket::of(&sku, 2, 255)).collect();
            let orders = try_join_all(baskets.iter().map(|basket| shop.place_released(basket))).await?;
            try_join_all(orders.iter().map(|order| shop.fulfill(order))).await?;
            for basket in &baskets {
                shop.until_status(&basket.id(), "completed").await?;
            }
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (40, 0));
        Ok(())
    })
}
