//! Whose doing it was: an order's timeline says it line by line, from the checkout to the carrier.

use anyhow::{Context, Result};
use jiff::Timestamp;
use oms_api::{
    event::EventView,
    page::{Page, StreamPage},
    stock::StockMovementView,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, basket::unique, in_shop, runtime::until, system::LEEDS};

/// The account of all tests.
const TESTS: &str = "machine tests";

async fn events(shop: &Shop, id: &str) -> Result<Vec<EventView>> {
    Ok(shop.get(&format!("/v1/orders/{id}/events?limit=500")).await?.view::<Page<EventView>>(200)?.items)
}

/// Who did what is of this type.
fn who(events: &[EventView], kind: &str) -> Result<(String, Option<String>)> {
    let event = events.iter().find(|event| event.kind == kind).with_context(|| format!("no {kind}"))?;
    let actor = event.actor.as_ref().with_context(|| format!("nobody said who did {kind}"))?;
    Ok((actor.to_string(), event.request_id.clone()))
}

/// An order's event of a type, as the stream of all events has it.
async fn in_stream(shop: &Shop, kind: &str, id: &str) -> Result<Value> {
    let mut cursor = "0-0-0".to_owned();
    until("the event is in the stream", async || {
        let page: StreamPage<Value> = shop.get(&format!("/v1/events?types={kind}&limit=500&cursor={cursor}")).await?.view(200)?;
        cursor = page.next_cursor;
        Ok(page.items.into_iter().find(|event| event["data"]["order_id"] == id))
    })
    .await
}

#[test]
fn each_line_of_a_timeline_says_whose_doing_it_was_and_the_stream_its_kind_alone() -> Result<()> {
    in_shop(async |shop| {
        let (sku, number) = (shop.stocked(&[(LEEDS, 10)]).await?, unique("V"));
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let (id, part) = (order.heading.order_id, &order.fulfillment_orders[0].fulfillment_order_id);
        let ship = shop.request(Method::POST, &format!("/v1/fulfillment-orders/{part}/ship")).header("x-request-id", "ship-it");
        Answer::to(ship.json(&json!({"carrier": "van", "tracking_number": number}))).await?.view::<Value>(200)?;
        let scan =
            json!({"event_id": "e1", "carrier": "van", "tracking_number": number, "status": "delivered", "occurred_at": Timestamp::now()});
        shop.post("/v1/carrier-events", &json!({"events": [scan]})).await?.view::<Value>(202)?;
        shop.until_status(&id.parse()?, "completed").await?;

        let events = events(shop, &id).await?;
        assert!(events.iter().all(|event| event.actor.is_some()), "{events:?}");
        for (kind, actor) in [("order_placed", TESTS), ("order_sourced", "house effect"), ("fulfillment_shipped", TESTS)] {
            assert_eq!(who(&events, kind)?.0, actor, "{kind}");
        }
        assert_eq!(who(&events, "fulfillment_shipped")?.1.as_deref(), Some("ship-it"));
        // Whoever sent the scan, not whatever told the order of it.
        assert_eq!(who(&events, "parcel_moved")?.0, TESTS);

        let moved: Page<StockMovementView> = shop.get(&format!("/v1/stock/{LEEDS}/{sku}/movements")).await?.view(200)?;
        let shipped = moved.items.iter().find(|movement| movement.cause == "shipped").context("nothing was shipped")?;
        assert_eq!(
            (shipped.actor.as_ref().map(ToString::to_string).as_deref(), shipped.request_id.as_deref()),
            (Some(TESTS), Some("ship-it"))
        );

        let ours = in_stream(shop, "fulfillment.shipped", &id).await?;
        assert_eq!((&ours["data"]["actor"], ours.get("request_id")), (&json!({"kind": "machine"}), None));
        Ok(())
    })
}
