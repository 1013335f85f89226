//! Stock held for a checkout becomes its order's, or goes back in time.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use oms_api::reservation::ReservationView;
use oms_domain::ids::Sku;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Answer, Basket, Shop,
    basket::unique,
    in_own_shop, in_shop,
    runtime::until,
    system::{BATH, LEEDS},
};

async fn hold(shop: &Shop, id: &str, sku: &Sku, quantity: u32, hold_s: u32) -> Result<ReservationView> {
    let address = json!({"country": "GB", "latitude": 53.8, "longitude": -1.55});
    let lines = json!([{"line_id": "1", "sku": sku, "quantity": quantity}]);
    let body = json!({"reservation_id": id, "lines": lines, "address": address, "channel": "web", "hold_s": hold_s});
    shop.post("/v1/reservations", &body).await?.view(201)
}

async fn held(shop: &Shop, id: &str) -> Result<ReservationView> {
    shop.get(&format!("/v1/reservations/{id}")).await?.view(200)
}

/// Moves the deadline to so many seconds from now.
async fn held_for(shop: &Shop, id: &str, hold_s: u32) -> Result<ReservationView> {
    Answer::to(shop.request(Method::PATCH, &format!("/v1/reservations/{id}")).json(&json!({"hold_s": hold_s}))).await?.view(200)
}

fn held_units(view: &ReservationView) -> u32 {
    view.held.iter().map(|units| units.quantity).sum()
}

/// Units that others could have now.
async fn available(shop: &Shop, sku: &Sku) -> Result<i64> {
    let answer: serde_json::Value = shop.post("/v1/availability", &json!({"skus": [sku]})).await?.view(200)?;
    Ok(answer["items"][0]["available"].as_i64().unwrap_or_default())
}

#[test]
fn an_order_takes_over_what_its_checkout_held_and_nobody_else_can_have_it() -> Result<()> {
    in_shop(async |shop| {
        // One cheap unit that is worth no parcel: it is held all the same, and shipped at once.
        let sku = shop.stocked(&[(LEEDS, 2)]).await?;
        let cart = unique("CART");
        let reservation = hold(shop, &cart, &sku, 2, 600).await?;
        ensure!(reservation.status == "held" && held_units(&reservation) == 2, "{reservation:?}");
        ensure!(reservation.held[0].facility_id == LEEDS && reservation.not_held.is_empty(), "{reservation:?}");

        let late = Basket::of(&sku, 1, 90_000).with("/allow_backorder", false);
        shop.place(&late).await?;
        shop.until_status(&late.id(), "cancelled").await?;

        let order = shop.place_released(&Basket::of(&sku, 2, 1).with("/reservation_id", cart.as_str())).await?;
        assert_eq!(order.fulfillment_orders.len(), 1);
        assert_eq!(order.heading.reservation_id.as_deref(), Some(cart.as_str()));
        let reservation = held(shop, &cart).await?;
        assert_eq!((reservation.status.as_str(), reservation.order_id.as_deref()), ("allocated", Some(order.heading.order_id.as_str())));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (2, 2));
        // The units are the order's: there is nothing of the checkout's to give back.
        let release = Answer::to(shop.request(Method::DELETE, &format!("/v1/reservations/{cart}"))).await?;
        release.problem(409, "illegal_transition")?;
        shop.fulfill(&order).await?;
        shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        Ok(())
    })
}

#[test]
fn what_the_order_does_not_need_of_its_hold_goes_back_at_once() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let cart = unique("CART");
        hold(shop, &cart, &sku, 5, 600).await?;
        assert_eq!(available(shop, &sku).await?, 0);
        shop.place_released(&Basket::of(&sku, 3, 90_000).with("/reservation_id", cart.as_str())).await?;
        assert_eq!((available(shop, &sku).await?, held(shop, &cart).await?.status.as_str()), (2, "allocated"));
        // One that needs more than was held takes the rest where it is.
        let (cart, more) = (unique("CART"), shop.stocked(&[(LEEDS, 1), (BATH, 1)]).await?);
        hold(shop, &cart, &more, 1, 600).await?;
        let order = shop.place_released(&Basket::of(&more, 2, 90_000).with("/reservation_id", cart.as_str())).await?;
        assert_eq!((order.fulfillment_orders.len(), available(shop, &more).await?), (2, 0));
        Ok(())
    })
}

#[test]
fn of_a_dozen_checkouts_for_five_units_exactly_five_hold_one() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 3), (BATH, 2)]).await?;
        let carts: Vec<String> = (0..12).map(|_| unique("CART")).collect();
        let answers = try_join_all(carts.iter().map(|cart| hold(shop, cart, &sku, 1, 600))).await?;
        let held: Vec<&ReservationView> = answers.iter().filter(|answer| answer.status == "held").collect();
        assert_eq!((held.len(), available(shop, &sku).await?), (5, 0));
        ensure!(answers.iter().filter(|answer| answer.status == "denied").all(|answer| answer.not_held[0].quantity == 1), "{answers:?}");
        let baskets: Vec<Basket> =
            held.iter().map(|cart| Basket::of(&sku, 1, 90_000).with("/reservation_id", cart.reservation_id.as_str())).collect();
        try_join_all(baskets.iter().map(|basket| shop.place_released(basket))).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, BATH).await?), ((3, 3), (2, 2)));
        Ok(())
    })
}

#[test]
fn a_hold_past_its_deadline_serves_who_waits_and_its_order_is_sourced_as_any_other() -> Result<()> {
    in_own_shop(Default::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 3)]).await?;
        let cart = unique("CART");
        hold(shop, &cart, &sku, 3, 600).await?;
        let patient = Basket::of(&sku, 2, 90_000);
        shop.place(&patient).await?;
        shop.until_part(&patient.id(), 1, "backordered").await?;
        held_for(shop, &cart, 1).await?;
        until("the hold to end by itself", async || Ok((held(shop, &cart).await?.status == "expired").then_some(()))).await?;
        shop.until(&patient.id(), "be served", |order| order.lines[0].units.unfilled == 0).await?;
        let late = Basket::of(&sku, 1, 90_000).with("/reservation_id", cart.as_str());
        shop.place_released(&late).await?;
        shop.place_released(&Basket::of(&shop.stocked(&[(BATH, 1)]).await?, 1, 90_000).with("/reservation_id", "NOBODYS")).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (3, 3));
        Ok(())
    })
}

#[test]
fn a_deadline_and_an_order_never_both_have_a_hold() -> Result<()> {
    in_own_shop(Default::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 8)]).await?;
        let carts: Vec<String> = (0..8).map(|_| unique("CART")).collect();
        try_join_all(carts.iter().map(|cart| hold(shop, cart, &sku, 1, 600))).await?;
        // As many others wait, and get what the deadline gives back.
        let others: Vec<Basket> = (0..8).map(|_| Basket::of(&sku, 1, 90_000)).collect();
        try_join_all(others.iter().map(|other| shop.place(other))).await?;
        for other in &others {
            shop.until_part(&other.id(), 1, "backordered").await?;
        }
        let mut baskets = Vec::new();
        try_join_all(carts.iter().map(|cart| held_for(shop, cart, 1))).await?;
        for cart in &carts {
            let basket = Basket::of(&sku, 1, 90_000).with("/reservation_id", cart.as_str());
            shop.place(&basket).await?;
            baskets.push(basket);
        }
        let ended = |status: &str| ["allocated", "expired"].contains(&status);
        for (cart, basket) in carts.iter().zip(&baskets) {
            until("the hold to end", async || Ok(ended(&held(shop, cart).await?.status).then_some(()))).await?;
            let order = shop.until_status(&basket.id(), "processing").await?;
            let has_it = held(shop, cart).await?.order_id.as_deref() == Some(order.heading.order_id.as_str());
            assert_eq!(has_it, order.lines[0].units.allocated == 1, "{cart} of {order:?}");
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 8));
        Ok(())
    })
}
