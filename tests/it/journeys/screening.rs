//! The fraud check: a real service that accepts, declines or refers to a person.

use anyhow::Result;
use oms_api::order::OrderView;
use oms_domain::policy::Policy;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Basket, Shop, books::trouble, in_own_shop, in_shop_under, replay, system::LEEDS};

fn screened() -> Policy {
    Policy { fraud_check: true, ..Policy::default() }
}

/// Lifts the order's one hold, as a person would who has looked at it.
async fn lift(shop: &Shop, order: &OrderView) -> Result<()> {
    let hold = format!("/v1/orders/{}/holds/{}", order.heading.order_id, order.holds[0].hold_id);
    Answer::to(shop.request(Method::DELETE, &hold)).await?.view::<()>(204)
}

/// An order of a customer whom the check knows by this name.
async fn of_customer(shop: &Shop, customer: &str) -> Result<Basket> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 2, 255).with("/customer/customer_id", customer);
    shop.place(&basket).await?;
    Ok(basket)
}

#[test]
fn an_order_that_the_fraud_check_accepts_goes_on() -> Result<()> {
    in_shop_under(screened(), async |shop| {
        let id = of_customer(shop, "C-honest").await?.id();
        let released = |order: &OrderView| order.fulfillment_orders.iter().any(|part| part.status == "released");
        let order = shop.until(&id, "be released", released).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        let asked = shop.timeline(&id).await?.iter().filter(|kind| *kind == "screening_answered").count();
        assert_eq!(asked, 1);
        replay::keep(&shop.system, &id, "screened").await
    })
}

#[test]
fn an_order_that_the_fraud_check_declines_is_rejected_and_nothing_is_kept_of_it() -> Result<()> {
    in_shop_under(screened(), async |shop| {
        let basket = of_customer(shop, "C-fraudster").await?;
        let order = shop.until_status(&basket.id(), "rejected").await?;
        assert_eq!(order.lines[0].units.cancelled, 2);
        shop.until(&basket.id(), "have its money voided", |order| order.totals.voided_minor == 510).await?;
        let sku = basket.body["lines"][0]["sku"].as_str().unwrap_or_default().parse()?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        replay::keep(&shop.system, &basket.id(), "fraud-declined").await
    })
}

#[test]
fn an_order_that_the_fraud_check_refers_waits_for_a_person() -> Result<()> {
    in_shop_under(screened(), async |shop| {
        let id = of_customer(shop, "C-suspect").await?.id();
        let order = shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        assert_eq!((order.status.as_str(), order.holds[0].reason.as_str()), ("created", "high_risk_of_fraud"));
        lift(shop, &order).await?;
        shop.until_part(&id, 1, "released").await?;
        replay::keep(&shop.system, &id, "fraud-referred").await
    })
}

#[test]
fn a_fraud_check_that_does_not_answer_refers_to_a_person_and_is_missed_by_nobody() -> Result<()> {
    in_own_shop(Policy { screening_ms: 1_500, ..screened() }, async |shop| {
        trouble(&shop.system.addresses.fraud_url, json!({"down_for_ms": 600_000})).await?;
        let id = of_customer(shop, "C-honest").await?.id();
        let order = shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        assert_eq!((order.status.as_str(), order.holds[0].reason.as_str()), ("created", "high_risk_of_fraud"));
        lift(shop, &order).await?;
        shop.until_part(&id, 1, "released").await?;
        shop.fulfill(&shop.order(&id).await?).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert!(!order.needs_attention, "{:?}", order.attention);
        Ok(())
    })
}
