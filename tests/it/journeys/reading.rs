//! What others see of an order: lists, the associate's queue, its timeline, and the stream of all events.

use anyhow::{Context, Result, ensure};
use oms_api::{
    event::{EventView, StreamEventView},
    fulfillment::FulfillmentOrderSummary,
    order::OrderSummary,
    page::{Page, StreamPage},
};

use oms_domain::policy::Policy;
use serde_json::{Value, json};

use crate::support::{Basket, Shop, basket::unique, in_own_shop, in_shop, runtime::until, system::LEEDS};

/// The whole stream, page by page; what is of an order or its returns is picked out of everybody's.
async fn stream(shop: &Shop, order_id: &str) -> Result<Vec<StreamEventView>> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let position = after.map(|after: String| format!("&cursor={after}")).unwrap_or_default();
        let page: StreamPage<StreamEventView> = shop.get(&format!("/v1/events?limit=500{position}")).await?.view(200)?;
        let is_last = page.items.is_empty() && !page.has_more;
        found.extend(page.items.into_iter().filter(|event| event.order_id() == Some(order_id)));
        if is_last {
            return Ok(found);
        }
        after = Some(page.next_cursor);
    }
}

#[test]
fn what_others_are_told_of_an_order_is_a_part_of_its_timeline_counted_without_a_gap() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.fulfill(&order).await?;
        let id = &order.heading.order_id;
        let version = shop.until_status(&id.parse()?, "completed").await?.version;
        let mut timeline: Vec<EventView> = Vec::new();
        while (timeline.len() as u64) < version {
            let page: Page<EventView> = shop.get(&format!("/v1/orders/{id}/events?limit=7&cursor={}", timeline.len())).await?.view(200)?;
            ensure!(!page.items.is_empty(), "the timeline ends at {} of {version}", timeline.len());
            timeline.extend(page.items);
        }
        assert!(timeline.iter().map(|event| event.seq).eq(1..=version));
        assert_eq!((timeline[0].kind.as_str(), timeline[timeline.len() - 1].kind.as_str()), ("order_placed", "order_completed"));
        // Events of transactions still in flight hold the stream back for a moment.
        let streamed = until("the stream to have them all", async || {
            let streamed = stream(shop, id).await?;
            Ok(streamed.iter().any(|event| event.event.kind == "order.completed").then_some(streamed))
        })
        .await?;
        assert!(streamed.iter().map(|event| event.event.sequence).eq(1..=streamed.len() as u64), "{streamed:?}");
        for StreamEventView { event, .. } in &streamed {
            let told = &timeline[usize::try_from(event.version)? - 1];
            assert_eq!((&event.id, event.time, &event.subject), (&told.id, told.at, &format!("order/{id}")), "{event:?}");
            assert_eq!((&event.data["channel"], &event.data["links"]["order"]), (&json!("web"), &json!(format!("/v1/orders/{id}"))));
            assert!(serde_json::to_string(event)?.len() < 20_000);
        }
        let kinds: Vec<&str> = streamed.iter().map(|event| event.event.kind.as_str()).collect();
        for kind in
            ["order.placed", "payment.authorized", "order.approved", "fulfillment.released", "fulfillment.shipped", "payment.captured"]
        {
            ensure!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
        }
        let shipped = streamed.iter().find(|event| event.event.kind == "fulfillment.shipped").context("it was shipped")?;
        assert_eq!((&shipped.event.data["facility_id"], &shipped.event.data["currency"]), (&json!(LEEDS), &json!("GBP")));
        Ok(())
    })
}

#[test]
fn others_are_told_of_stock_once_however_often_it_moved_and_when_little_is_left() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 7)]).await?;
        let told = async |count: usize| {
            until("stock to be told of", async || {
                let page: StreamPage<StreamEventView> = shop.get("/v1/events?types=stock.changed,stock.low&limit=500").await?.view(200)?;
                let of_it = page.items.into_iter().map(|item| item.event).filter(|event| event.data["sku"] == sku.as_str());
                let of_it: Vec<_> = of_it.collect();
                Ok((of_it.len() >= count).then_some(of_it))
            })
            .await
        };
        told(1).await?;
        shop.system.stop_messengers().await;
        for on_hand in [6, 9, 4] {
            shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": on_hand})).await?.view::<Value>(200)?;
        }
        shop.system.start_messengers().await;
        let events = told(3).await?;
        let said: Vec<(&str, u64, &Value)> =
            events.iter().map(|event| (event.kind.as_str(), event.sequence, &event.data["available"])).collect();
        assert_eq!(said, [("stock.changed", 1, &json!(7)), ("stock.changed", 2, &json!(4)), ("stock.low", 3, &json!(4))]);
        assert_eq!((&events[1].subject, &events[1].data["on_hand"]), (&format!("stock/{LEEDS}/{sku}"), &json!(4)));
        assert_eq!(events[1].data["links"]["stock"], json!(format!("/v1/stock/{LEEDS}/{sku}")));
        Ok(())
    })
}

#[test]
fn orders_and_work_are_found_by_what_people_know_of_them() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (customer, email) = (unique("C-"), format!("{}@example.com", unique("someone")));
        let basket = Basket::of(&sku, 2, 255).with("/customer/customer_id", customer.clone()).with("/customer/email", email.clone());
        let order = shop.place_released(&basket).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let id = &order.heading.order_id;
        let queue: Page<FulfillmentOrderSummary> =
            shop.get(&format!("/v1/fulfillment-orders?facility_id={LEEDS}&status=released&limit=500")).await?.view(200)?;
        ensure!(queue.items.iter().any(|found| found.fulfillment_order_id == *part), "{part} is not in the queue");
        let number = shop.ship(part).await?.parcels[0].tracking_number.clone().unwrap_or_default();
        for filter in [
            format!("customer_id={customer}"),
            format!("email={}", email.to_uppercase().replace('@', "%40")),
            format!("sku={sku}"),
            format!("tracking_number={number}"),
            format!("sku={sku}&status=processing&facility_id={LEEDS}&channel=web&needs_attention=false"),
        ] {
            let page: Page<OrderSummary> = shop.get(&format!("/v1/orders?{filter}")).await?.view(200)?;
            let ids: Vec<&String> = page.items.iter().map(|order| &order.order_id).collect();
            assert_eq!(ids, [id], "{filter}");
        }
        let none: Page<OrderSummary> = shop.get(&format!("/v1/orders?sku={sku}&status=cancelled")).await?.view(200)?;
        assert_eq!(none.items, []);
        Ok(())
    })
}

#[test]
fn what_a_list_names_can_be_had_as_a_whole() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push(shop.place_released(&Basket::of(&sku, 1, 255)).await?);
        }
        orders.reverse();
        let page: Page<OrderSummary> = shop.get(&format!("/v1/orders?sku={sku}&expand=order")).await?.view(200)?;
        let whole: Vec<_> = page.items.into_iter().filter_map(|summary| summary.order).map(|order| *order).collect();
        assert_eq!(whole, orders);
        let part = &orders[0].fulfillment_orders[0];
        let path = format!("/v1/fulfillment-orders?facility_id={LEEDS}&status=released&expand=fulfillment_order&limit=50");
        let (mut cursor, mut found) = (String::new(), None);
        while found.is_none() {
            let queue: Page<FulfillmentOrderSummary> = shop.get(&format!("{path}{cursor}")).await?.view(200)?;
            let is_it = |item: &FulfillmentOrderSummary| item.fulfillment_order_id == part.fulfillment_order_id;
            found = queue.items.into_iter().find(is_it).and_then(|item| item.fulfillment_order);
            cursor = format!("&cursor={}", queue.next_cursor.filter(|_| found.is_none()).unwrap_or_default());
        }
        assert_eq!(found.as_deref(), Some(part));
        for wrong in ["expand=customer", "expand=order&limit=51"] {
            shop.get(&format!("/v1/orders?{wrong}")).await?.problem(422, "validation_failed")?;
        }
        Ok(())
    })
}

#[test]
fn a_list_is_paged_through_without_gap_or_repeat() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        let mut placed = Vec::new();
        for _ in 0..7 {
            // A list is a projection: an order is in it once something has been recorded of it.
            placed.push(shop.place_released(&Basket::of(&sku, 1, 255)).await?.heading.order_id);
        }
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page: Page<OrderSummary> = shop.get(&format!("/v1/orders?sku={sku}&limit=3{cursor}")).await?.view(200)?;
            found.extend(page.items.into_iter().map(|order| order.order_id));
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        placed.reverse();
        assert_eq!(found, placed, "newest first");
        Ok(())
    })
}

#[test]
fn an_order_is_found_by_what_the_shop_and_others_call_it_and_no_other_has_its_names() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (number, id) = (unique("#"), unique("M"));
        let named = |basket: Basket| basket.with("/order_number", number.as_str()).with("/external_ids", json!({"market": id}));
        let basket = named(Basket::of(&sku, 1, 255)).with("/metadata", json!({"till": "7"})).with("/tags", json!(["gift", "vip"]));
        let basket = basket.with("/lines/0/properties", json!({"engraving": "A.L."})).with("/lines/0/gift_message", "With love\nA.");
        let order = shop.place_released(&basket).await?;
        assert_eq!((&order.heading.order_number, &order.heading.metadata["till"]), (&Some(number.clone()), &"7".to_owned()));
        assert_eq!(order.lines[0].line.gift_message.as_deref(), Some("With love\nA."));
        for query in [format!("order_number=%23{}", number.trim_start_matches('#')), format!("external_id=market:{id}")] {
            let page: Page<OrderSummary> = shop.get(&format!("/v1/orders?{query}")).await?.view(200)?;
            let found: Vec<&str> = page.items.iter().map(|order| order.order_id.as_str()).collect();
            assert_eq!(found, [order.heading.order_id.as_str()], "{query}");
        }
        let none: Page<OrderSummary> = shop.get(&format!("/v1/orders?external_id=other:{id}")).await?.view(200)?;
        assert!(none.items.is_empty());
        // Under another id, the same names are another order's; in another channel they are free.
        let other = named(Basket::of(&sku, 1, 255));
        shop.send(&other).await?.problem(409, "order_name_taken")?;
        shop.get(&format!("/v1/orders/{}", other.id())).await?.problem(404, "order_not_found")?;
        shop.place_released(&named(Basket::of(&sku, 1, 255)).with("/channel", "phone")).await?;
        Ok(())
    })
}
