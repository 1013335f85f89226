//! Stock that is missing: units wait for it in order, or not at all, and never for ever.

use anyhow::Result;
use oms_api::feed::FeedView;
use oms_domain::{ids::Sku, payment::OperationKind, policy::Policy};
use reqwest::Method;

use crate::support::{
    Answer, Basket, Shop, in_shop, in_shop_under, replay,
    system::{LEEDS, YORK},
};

/// Units come in, by a receipts feed.
async fn receive(shop: &Shop, sku: &Sku, facility: &str, quantity: u32) -> Result<()> {
    let csv = format!("received_at,facility_id,sku,quantity\n{},{facility},{sku},{quantity}\n", jiff::Timestamp::now());
    let request = shop.request(Method::POST, "/v1/feeds/receipts").header("content-type", "text/csv").body(csv);
    let run: FeedView = Answer::to(request).await?.view(200)?;
    assert_eq!((run.accepted, run.rejected), (1, 0), "{run:?}");
    Ok(())
}

#[test]
fn an_order_whose_units_are_all_missing_waits_and_is_served_by_a_receipt() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        let waiting = shop.until_part(&id, 1, "backordered").await?;
        assert_eq!((waiting.facility_id, waiting.lines[0].quantity), (None, 4));
        assert_eq!(shop.order(&id).await?.lines[0].units.unfilled, 4);
        receive(shop, &sku, LEEDS, 10).await?;
        let served = shop.until(&id, "be served", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 4));
        shop.fulfill(&served).await?;
        shop.until_status(&id, "completed").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 0));
        replay::keep(&shop.system, &id, "backordered").await
    })
}

#[test]
fn those_who_came_first_are_served_first() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[]).await?;
        let mut ids = Vec::new();
        for _ in 0..3 {
            let id = shop.place(&Basket::of(&sku, 3, 255)).await?;
            shop.until_part(&id, 1, "backordered").await?;
            ids.push(id);
        }
        receive(shop, &sku, LEEDS, 5).await?;
        // The first has all of it, the second a part, the third nothing.
        let units = async |n: usize| Ok::<_, anyhow::Error>(shop.order(&ids[n]).await?.lines[0].units.allocated);
        shop.until(&ids[1], "have two units", |order| order.lines[0].units.allocated == 2).await?;
        shop.until(&ids[0], "have three units", |order| order.lines[0].units.allocated == 3).await?;
        assert_eq!(units(2).await?, 0);
        // New demand sees what is left after those who wait: nothing.
        shop.adjust(&sku, LEEDS, 1).await?;
        let late = shop.place(&Basket::of(&sku, 1, 255)).await?;
        shop.until_part(&late, 1, "backordered").await?;
        shop.until(&ids[1], "have all its units", |order| order.lines[0].units.allocated == 3).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 6));
        // What the first gives up goes to the next in line.
        shop.cancel(&ids[0], "c1", &[]).await?;
        shop.until(&ids[2], "have all its units", |order| order.lines[0].units.allocated == 3).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 6));
        Ok(())
    })
}

#[test]
fn what_is_there_ships_and_the_rest_follows() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2)]).await?;
        let id = shop.place(&Basket::of(&sku, 5, 255)).await?;
        let order = shop.until(&id, "be partly released", |order| {
            let mut states: Vec<&str> = order.fulfillment_orders.iter().map(|part| part.status.as_str()).collect();
            states.sort_unstable();
            states == ["backordered", "released"]
        });
        shop.fulfill(&order.await?).await?;
        shop.adjust(&sku, YORK, 3).await?;
        let rest = shop.until(&id, "have the rest", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        assert_eq!(rest.lines[0].units.delivered, 2);
        shop.fulfill(&rest).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.totals.captured_minor, order.lines[0].units.delivered), (1_275, 5));
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Capture), [510, 765]);
        Ok(())
    })
}

#[test]
fn units_that_wait_too_long_are_cancelled() -> Result<()> {
    in_shop_under(Policy { backorder_ms: 2_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1)]).await?;
        let id = shop.place(&Basket::of(&sku, 3, 255)).await?;
        let order = shop.until(&id, "give up waiting", |order| order.lines[0].units.cancelled == 2).await?;
        shop.fulfill(&order).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.totals.captured_minor, order.totals.voided_minor), (255, 510));
        let nothing = shop.stocked(&[]).await?;
        let id = shop.place(&Basket::of(&nothing, 3, 255)).await?;
        let order = shop.until_status(&id, "cancelled").await?;
        assert_eq!((order.totals.captured_minor, order.totals.voided_minor), (0, 765));
        // What comes later serves nobody.
        receive(shop, &nothing, LEEDS, 3).await?;
        assert_eq!(shop.stock(&nothing, LEEDS).await?, (3, 0));
        Ok(())
    })
}

#[test]
fn the_customers_own_deadline_ends_the_wait() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[]).await?;
        let cancel_after = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
        let id = shop.place(&Basket::of(&sku, 3, 255).with("/cancel_after", cancel_after.to_string())).await?;
        shop.until_part(&id, 1, "backordered").await?;
        shop.until_status(&id, "cancelled").await?;
        Ok(())
    })
}

#[test]
fn an_order_that_does_not_wait_ships_what_is_there_and_pays_for_that_alone() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2)]).await?;
        let id = shop.place(&Basket::of(&sku, 5, 255).with("/allow_backorder", false)).await?;
        // The part that was never filled stays on record, cancelled.
        let released = |order: &oms_api::order::OrderView| order.fulfillment_orders.iter().any(|part| part.status == "released");
        let order = shop.until(&id, "be released", released).await?;
        assert_eq!((order.lines[0].units.allocated, order.lines[0].units.cancelled), (2, 3));
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Authorize), [510]);
        Ok(())
    })
}

#[test]
fn an_order_that_does_not_wait_and_finds_nothing_is_cancelled_unpaid() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[]).await?;
        let id = shop.place(&Basket::of(&sku, 5, 255).with("/allow_backorder", false)).await?;
        shop.until_status(&id, "cancelled").await?;
        assert!(shop.books(&id).await?.0.is_empty());
        Ok(())
    })
}

#[test]
fn an_order_that_must_not_be_split_waits_whole_and_ships_as_one() -> Result<()> {
    in_shop(async |shop| {
        let here = shop.stocked(&[(LEEDS, 10)]).await?;
        let missing = shop.stocked(&[]).await?;
        let id = shop.place(&Basket::of(&here, 2, 255).and(&missing, 3, 255).with("/allow_split", false)).await?;
        shop.until_part(&id, 1, "backordered").await?;
        assert_eq!(shop.stock(&here, LEEDS).await?, (10, 0), "nothing is taken before everything can be");
        // At another place it does not help: one package means one facility.
        receive(shop, &missing, YORK, 3).await?;
        receive(shop, &missing, LEEDS, 3).await?;
        let order =
            shop.until(&id, "be released whole", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        let released: Vec<_> = order.fulfillment_orders.iter().filter(|part| part.status == "released").collect();
        assert_eq!((released.len(), released[0].lines.len(), released[0].facility_id.as_deref()), (1, 2, Some(LEEDS)));
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        replay::keep(&shop.system, &id, "ship-complete").await
    })
}
