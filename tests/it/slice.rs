//! The thinnest whole: one order from entry to delivered.

use anyhow::Result;
use oms_api::order::parse_order;
use oms_domain::{
    ids::{FulfillmentOrderId, OrderId},
    order::{FulfillmentRequest, OrderStatus, Request},
};
use oms_starter::{CommandRequest, Placed};
use oms_store::{Facility, Product, StockCount};
use serde_json::json;

use crate::world::{World, until};

async fn seed(world: &World) -> Result<()> {
    world
        .store
        .catalog()
        .put_facility(&Facility {
            facility_id: "WH-1".parse()?,
            name: "Coventry".into(),
            facility_type: "warehouse".into(),
            country: "GB".into(),
            city: "Coventry".into(),
            latitude: 52.4,
            longitude: -1.5,
            timezone: "Europe/London".into(),
            handling_cost_minor: 90,
            daily_order_capacity: Some(400),
            cutoff_local_time: "17:00".parse()?,
            working_days: "Mon-Fri".into(),
            ship_enabled: true,
            pickup_enabled: false,
        })
        .await?;
    world
        .store
        .catalog()
        .put_product(&Product {
            sku: "A".parse()?,
            title: "A thing".into(),
            price_minor: 255,
            currency: "GBP".parse()?,
            weight_g: 200,
            length_mm: 1,
            width_mm: 1,
            height_mm: 1,
        })
        .await?;
    let count = StockCount {
        facility_id: "WH-1".parse()?,
        sku: "A".parse()?,
        on_hand: 10,
        safety_stock: None,
        oversell_limit: None,
        unavailable: None,
    };
    world.store.catalog().put_stock(&count, None).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_from_entry_to_delivered() -> Result<()> {
    let world = World::start().await?;
    seed(&world).await?;
    let body = json!({"order_id":"S1","channel":"web","placed_at":jiff::Timestamp::now().to_string(),"currency":"GBP",
        "customer":{"customer_id":"17850","name":"Customer","email":"c@example.com"},
        "ship_to":{"name":"Customer","line1":"94 High Street","city":"Leeds","country":"GB","latitude":53.79648,"longitude":-1.54785},
        "shipping":{"method":"standard","price_minor":0},"payment":{"method":"card","token":"tok_17850"},
        "lines":[{"line_id":"1","sku":"A","quantity":6,"unit_price_minor":255}]});
    let order = parse_order(body.to_string().as_bytes()).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let order_id: OrderId = order.order_id.clone();
    assert_eq!(world.starter.place(order.clone()).await?, Placed::Created);
    assert_eq!(world.starter.place(order).await?, Placed::Existing);
    until("the order to be released", async || {
        let order = world.starter.order(&order_id).await?;
        Ok(order.filter(|o| o.fulfillment_orders.first().is_some_and(|f| f.status.name() == "Released")))
    })
    .await?;
    for action in [FulfillmentRequest::Ship { carrier: None, tracking_number: None }, FulfillmentRequest::Deliver] {
        let request = Request::Fulfillment { fulfillment_order_id: FulfillmentOrderId::of(&order_id, 1), action };
        let answer = world.starter.command(&order_id, CommandRequest { command_id: uuid::Uuid::new_v4().to_string(), request }).await?;
        println!("{answer:?}");
    }
    let order =
        until("completion", async || Ok(world.starter.order(&order_id).await?.filter(|o| o.status == OrderStatus::Completed))).await?;
    assert_eq!(order.net_captured_minor(), 1530);
    let stock = world.store.stock_of(&"A".parse()?).await?;
    assert_eq!((stock[0].on_hand, stock[0].reserved), (4, 0));
    println!("{:?}", world.store.invariants().await?);
    world.stop().await
}
