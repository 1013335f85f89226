//! Money that goes back, and instruments that come later.

use anyhow::Result;
use oms_api::{order::PaymentView, refund::RefundView};
use oms_domain::{ids::OrderId, payment::OperationKind};
use serde_json::{Value, json};

use crate::support::{Basket, Shop, in_shop, replay, system::LEEDS};

async fn completed(shop: &Shop) -> Result<OrderId> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
    shop.fulfill(&order).await?;
    let id = order.heading.order_id.parse()?;
    shop.until_status(&id, "completed").await?;
    Ok(id)
}

fn refund(id: &str, amount_minor: i64) -> Value {
    json!({"refund_id": id, "amount_minor": amount_minor, "reason": "a gesture of goodwill"})
}

#[test]
fn an_order_that_has_ended_gives_money_back_and_ends_again() -> Result<()> {
    in_shop(async |shop| {
        let id = completed(shop).await?;
        let path = format!("/v1/orders/{id}/refunds");
        let first: RefundView = shop.post(&path, &refund("r1", 100)).await?.view(201)?;
        assert_eq!((first.refund_id.as_str(), first.amount_minor), ("r1", 100));
        shop.until(&id, "have given it back", |order| order.totals.refunded_minor == 100).await?;
        // The same refund again is the same refund; another under its id is refused, and so is more than was paid.
        shop.post(&path, &refund("r1", 100)).await?.view::<RefundView>(201)?;
        shop.post(&path, &refund("r1", 99)).await?.problem(409, "refused_by_rule")?;
        shop.post(&path, &refund("r2", 411)).await?.problem(409, "refused_by_rule")?;
        shop.post(&path, &refund("r2", 410)).await?.view::<RefundView>(201)?;
        let order = shop.until(&id, "have given all back", |order| order.totals.refunded_minor == 510).await?;
        assert_eq!((order.status.as_str(), order.refunds.len()), ("completed", 2));
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Refund), [100, 410]);
        replay::keep(&shop.system, &id, "refunded-after-the-end").await
    })
}

#[test]
fn what_has_not_shipped_is_not_refunded() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let path = format!("/v1/orders/{}/refunds", order.heading.order_id);
        shop.post(&path, &refund("r1", 1)).await?.problem(409, "refused_by_rule")?;
        shop.post(&path, &json!({"refund_id": "r 1", "amount_minor": 0})).await?.problem(422, "validation_failed")?;
        shop.post("/v1/orders/nobodys/refunds", &refund("r1", 1)).await?.problem(404, "order_not_found")?;
        Ok(())
    })
}

#[test]
fn another_instrument_pays_after_a_decline() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255).token("tok_decline_soft")).await?;
        shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        let path = format!("/v1/orders/{id}/payments");
        let card = |token: &str| json!({"payment_id": "card-2", "method": "card", "amount_minor": 510, "token": token});
        let added: PaymentView = shop.post(&path, &card("tok_other")).await?.view(201)?;
        assert_eq!((added.payment_id.as_str(), added.amount_minor), ("card-2", 510));
        shop.post(&path, &card("tok_third")).await?.problem(409, "refused_by_rule")?;
        let order = shop.until(&id, "be released", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        assert!(order.holds.is_empty());
        shop.fulfill(&order).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!(order.payments.iter().map(|payment| payment.captured_minor).collect::<Vec<_>>(), [0, 510]);
        let history = crate::support::replay::history(&shop.system, &id).await?;
        assert!(!String::from_utf8_lossy(&history).contains("tok_other"), "a token never travels through a workflow");
        replay::keep(&shop.system, &id, "another-instrument").await
    })
}

#[test]
fn a_card_that_was_declined_once_is_tried_again() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255).token("tok_soft_once")).await?;
        shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        let again = json!({"payment_id": "default", "method": "card", "amount_minor": 510, "token": "tok_soft_once"});
        shop.post(&format!("/v1/orders/{id}/payments"), &again).await?.view::<PaymentView>(201)?;
        let order = shop.until(&id, "be released", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn an_authorization_is_renewed_before_it_expires() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255).token("tok_lasts_16")).await?;
        let id = order.heading.order_id.parse()?;
        let renewed = |order: &oms_api::order::OrderView| order.totals.authorized_minor >= 1_020 && order.totals.voided_minor >= 510;
        let order = shop.until(&id, "be authorized anew", renewed).await?;
        let kinds: Vec<_> = order.payments[0].operations.iter().take(3).map(|operation| operation.kind.as_str()).collect();
        assert_eq!(kinds, ["authorize", "authorize", "void"], "the new one before the old one is given up");
        shop.fulfill(&order).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!(order.totals.captured_minor, 510);
        replay::keep(&shop.system, &id, "renewed").await
    })
}
