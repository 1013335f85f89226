//! From entry to delivered, and what the same or another body under the same id does.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use oms_api::order::OrderView;
use oms_domain::payment::OperationKind;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Basket, in_shop, replay, system::LEEDS};

#[test]
fn an_order_goes_from_entry_to_delivered() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 6, 255);
        let answer = shop.send(&basket).await?;
        assert_eq!(answer.headers["location"], format!("/v1/orders/{}", basket.id()));
        assert_eq!(answer.view::<OrderView>(201)?.status, "created");
        shop.note(basket.id());
        let part = &shop.until_part(&basket.id(), 1, "released").await?.fulfillment_order_id;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 6));
        for (action, body, status) in [
            ("accept", json!({}), "accepted"),
            ("start-picking", json!({"picker": "P-7"}), "picking"),
            ("pack", json!({}), "packed"),
            ("ship", json!({}), "shipped"),
            ("deliver", json!({}), "delivered"),
        ] {
            assert_eq!(shop.acts(part, action, body).await?.status, status);
        }
        let order = shop.until_status(&basket.id(), "completed").await?;
        assert_eq!(order.totals.captured_minor, 1_530);
        assert_eq!(order.lines[0].units.delivered, 6);
        let parcel = &order.fulfillment_orders[0].parcels[0];
        assert_eq!((parcel.status.as_str(), parcel.carrier.as_deref()), ("delivered", Some("SIMPOST")));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (4, 0));
        replay::keep(&shop.system, &basket.id(), "four-updates").await
    })
}

#[test]
fn shipping_implies_accepting_picking_and_packing() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 3)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 3, 255)).await?;
        shop.fulfill(&order).await?;
        let id = order.heading.order_id.parse()?;
        shop.until_status(&id, "completed").await?;
        let timeline = shop.timeline(&id).await?;
        for step in ["fulfillment_accepted", "picking_started", "packed", "fulfillment_shipped"] {
            assert!(timeline.iter().any(|kind| kind == step), "{step} in {timeline:?}");
        }
        replay::keep(&shop.system, &id, "ship-only").await
    })
}

#[test]
fn the_same_order_twice_is_one_order() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        let order = shop.place_released(&basket).await?;
        // The same order in other words: a default that is said, keys in another order.
        let in_other_words = basket.clone().with("/allow_split", true).with("/lines/0/tax_minor", 0);
        for again in [&basket, &in_other_words] {
            assert_eq!(shop.send(again).await?.view::<OrderView>(200)?.fulfillment_orders.len(), 1);
        }
        shop.fulfill(&order).await?;
        shop.until_status(&basket.id(), "completed").await?;
        // Also after the end, for ever.
        assert_eq!(shop.send(&basket).await?.view::<OrderView>(200)?.status, "completed");
        assert_eq!(shop.books(&basket.id()).await?.amounts(OperationKind::Authorize), [510]);
        Ok(())
    })
}

#[test]
fn twenty_posts_at_once_make_one_order() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        let answers = try_join_all((0..20).map(|_| shop.send(&basket))).await?;
        shop.note(basket.id());
        let created = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!((created, answers.iter().filter(|answer| answer.status == 200).count()), (1, 19));
        shop.until_part(&basket.id(), 1, "released").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 2));
        assert_eq!(shop.books(&basket.id()).await?.amounts(OperationKind::Authorize), [510]);
        Ok(())
    })
}

#[test]
fn another_body_under_the_same_id_is_refused() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        shop.place_released(&basket).await?;
        let other = basket.clone().with("/lines/0/quantity", 3);
        shop.send(&other).await?.problem(409, "order_conflict")?;
        let order = shop.order(&basket.id()).await?;
        assert_eq!(order.lines[0].units.ordered, 2);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 2));
        Ok(())
    })
}

#[test]
fn of_two_bodies_at_once_one_becomes_the_order() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        let basket = Basket::of(&sku, 1, 255);
        let bodies: Vec<Basket> = (1..=8).map(|quantity| basket.clone().with("/lines/0/quantity", quantity)).collect();
        let answers = try_join_all(bodies.iter().map(|body| shop.send(body))).await?;
        shop.note(basket.id());
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!((statuses.iter().filter(|s| **s == 201).count(), statuses.iter().filter(|s| **s == 409).count()), (1, 7));
        let winner = statuses.iter().position(|status| *status == 201).map_or(0, |index| index as i64 + 1);
        shop.until_part(&basket.id(), 1, "released").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (100, winner));
        Ok(())
    })
}

#[test]
fn a_caller_who_waits_is_told_how_it_went() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        for (token, status) in [("tok_fine", "processing"), ("tok_decline_hard", "rejected")] {
            let basket = Basket::of(&sku, 2, 255).token(token);
            let request = shop.request(Method::POST, "/v1/orders").header("Prefer", "wait=20").json(&basket.body);
            let order: OrderView = Answer::to(request).await?.view(201)?;
            shop.note(basket.id());
            ensure!(order.status == status, "{token}: {}", order.status);
        }
        Ok(())
    })
}
