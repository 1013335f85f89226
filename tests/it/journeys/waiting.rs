//! Orders that wait on purpose: holds, the remorse period, preorders; each wait ends by itself or by hand.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use oms_api::{
    hold::{DeadlineView, HoldView},
    page::Page,
};
use oms_domain::policy::Policy;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Basket, in_shop, in_shop_under, replay, system::LEEDS};

/// An hour in which an order that is placed is not released.
fn remorse() -> Policy {
    Policy { remorse_ms: 3_600_000, ..Policy::default() }
}

#[test]
fn nothing_is_released_while_the_customer_may_change_their_mind() -> Result<()> {
    in_shop_under(Policy { remorse_ms: 3_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        let order = shop.until_status(&id, "processing").await?;
        assert_eq!(order.fulfillment_orders[0].status, "open");
        let deadlines: Page<DeadlineView> = shop.get(&format!("/v1/orders/{id}/deadlines")).await?.view(200)?;
        assert_eq!(deadlines.items[0].wait, "remorse");
        shop.until_part(&id, 1, "released").await?;
        Ok(())
    })
}

#[test]
fn an_associate_may_release_before_the_time() -> Result<()> {
    in_shop_under(remorse(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        shop.until_status(&id, "processing").await?;
        let released = shop.acts(&format!("{id}-F1"), "release", json!({})).await?;
        assert_eq!(released.status, "released");
        Ok(())
    })
}

#[test]
fn a_hold_blocks_release_until_it_is_lifted() -> Result<()> {
    in_shop_under(remorse(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        shop.until_status(&id, "processing").await?;
        let holds = format!("/v1/orders/{id}/holds");
        for (hold_id, reason) in [("h1", "incorrect_address"), ("h2", "high_risk_of_fraud")] {
            let hold: HoldView = shop.post(&holds, &json!({"hold_id": hold_id, "reason": reason})).await?.view(201)?;
            assert_eq!((hold.hold_id.as_str(), hold.reason.as_str()), (hold_id, reason));
        }
        // The same hold again is the same hold; under its id another is refused.
        shop.post(&holds, &json!({"hold_id": "h1", "reason": "incorrect_address"})).await?.view::<HoldView>(201)?;
        shop.post(&holds, &json!({"hold_id": "h1", "reason": "other"})).await?.problem(409, "refused_by_rule")?;
        let part = format!("{id}-F1");
        for hold_id in ["h1", "h2"] {
            shop.act(&part, "release", json!({})).await?.problem(409, "refused_by_rule")?;
            assert_eq!(Answer::to(shop.request(Method::DELETE, &format!("{holds}/{hold_id}"))).await?.status, 204);
        }
        Answer::to(shop.request(Method::DELETE, &format!("{holds}/h1"))).await?.problem(404, "not_found")?;
        shop.acts(&part, "release", json!({})).await?;
        // What is with a facility stays there under a hold.
        shop.post(&holds, &json!({"hold_id": "h3", "reason": "other"})).await?.view::<HoldView>(201)?;
        shop.act(&part, "ship", json!({})).await?.problem(409, "refused_by_rule")?;
        assert_eq!(Answer::to(shop.request(Method::DELETE, &format!("{holds}/h3"))).await?.status, 204);
        shop.ship(&part).await?;
        shop.acts(&part, "deliver", json!({})).await?;
        shop.until_status(&id, "completed").await?;
        replay::keep(&shop.system, &id, "held").await
    })
}

#[test]
fn a_hold_with_an_end_lifts_itself() -> Result<()> {
    in_shop_under(Policy { remorse_ms: 1_500, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        let expires_at = Timestamp::now() + SignedDuration::from_secs(4);
        let hold = json!({"hold_id": "h1", "reason": "unknown_delivery_date", "expires_at": expires_at.to_string()});
        shop.post(&format!("/v1/orders/{id}/holds"), &hold).await?.view::<HoldView>(201)?;
        let order = shop.until_part(&id, 1, "released").await?;
        assert!(Timestamp::now() >= expires_at, "released under a hold");
        assert_eq!(order.status, "released");
        assert!(shop.order(&id).await?.holds.is_empty());
        Ok(())
    })
}

#[test]
fn a_hold_nobody_lifts_needs_a_person_and_cancelling_needs_no_lifting() -> Result<()> {
    in_shop_under(Policy { remorse_ms: 3_600_000, hold_review_ms: 1_500, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        shop.post(&format!("/v1/orders/{id}/holds"), &json!({"hold_id": "h1", "reason": "other"})).await?.view::<HoldView>(201)?;
        shop.until(&id, "need attention", |order| order.needs_attention).await?;
        shop.cancel(&id, "c1", &[]).await?;
        shop.until_status(&id, "cancelled").await?;
        Ok(())
    })
}

#[test]
fn a_preorder_is_reserved_now_and_released_in_its_time() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let fulfill_at = Timestamp::now() + SignedDuration::from_secs(5);
        let basket = Basket::of(&sku, 2, 255).and(&sku, 1, 255).with("/lines/1/fulfill_at", fulfill_at.to_string());
        let id = shop.place(&basket).await?;
        let both = |order: &oms_api::order::OrderView| {
            let mut states: Vec<&str> = order.fulfillment_orders.iter().map(|part| part.status.as_str()).collect();
            states.sort_unstable();
            states == ["released", "scheduled"]
        };
        shop.until(&id, "have one part scheduled", both).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 3));
        let order =
            shop.until(&id, "be all released", |order| order.fulfillment_orders.iter().all(|part| part.status == "released")).await?;
        assert!(Timestamp::now() >= fulfill_at);
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        replay::keep(&shop.system, &id, "preorder").await
    })
}

#[test]
fn an_address_that_cannot_be_right_is_looked_at_before_anything_leaves() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let right = shop.place_released(&Basket::of(&sku, 1, 255).with("/ship_to/postal_code", "LS1 4DY")).await?;
        assert_eq!(right.holds, []);
        let id = shop.place(&Basket::of(&sku, 2, 255).with("/ship_to/postal_code", "1011")).await?;
        let order = shop.until(&id, "be authorized", |order| order.totals.authorized_minor == 510).await?;
        let why = "the postal code is not of a form that its country has";
        assert_eq!(
            (order.status.as_str(), order.holds[0].reason.as_str(), order.holds[0].why.as_deref()),
            ("created", "incorrect_address", Some(why))
        );
        let hold = format!("/v1/orders/{id}/holds/{}", order.holds[0].hold_id);
        assert_eq!(Answer::to(shop.request(Method::DELETE, &hold)).await?.status, 204);
        shop.until_part(&id, 1, "released").await?;
        replay::keep(&shop.system, &id, "incorrect-address").await
    })
}

#[test]
fn work_that_a_facility_does_not_begin_or_end_needs_a_person() -> Result<()> {
    in_shop_under(Policy { accept_ms: 1_500, pick_ms: 1_500, ship_ms: 1_500, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        for (action, body) in [("accept", json!({})), ("start-picking", json!({"picker": "P-7"})), ("pack", json!({}))] {
            // Overdue, and no longer once it has gone on.
            if action != "start-picking" {
                shop.until(&id, "need attention", |order| order.needs_attention).await?;
            }
            shop.acts(part, action, body).await?;
            if action == "accept" {
                shop.until(&id, "be no longer overdue for it", |order| !order.attention.iter().any(|a| a.why.contains("released"))).await?;
            }
        }
        shop.until(&id, "be overdue for shipping", |order| order.attention.iter().any(|a| a.why.contains("shipped"))).await?;
        shop.ship(part).await?;
        assert!(!shop.order(&id).await?.needs_attention);
        Ok(())
    })
}
