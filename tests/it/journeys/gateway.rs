//! A gateway that misbehaves: whatever it does, a customer is charged once, and nobody waits for it who need not.

use anyhow::{Context as _, Result, ensure};
use oms_api::order::{OrderView, PaymentView};
use oms_domain::{payment::OperationKind, policy::Policy};
use serde_json::{Value, json};

use crate::support::{Basket, Shop, books::trouble, in_own_shop, in_shop, replay, system::LEEDS};

/// Places an order with this token and takes it to the end.
async fn buy(shop: &Shop, token: &str) -> Result<()> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 4, 255).token(token)).await?;
    shop.fulfill(&order).await?;
    let id = order.heading.order_id.parse()?;
    shop.until_status(&id, "completed").await?;
    let books = shop.books(&id).await?;
    assert_eq!(books.amounts(OperationKind::Authorize), [1_020], "{token}: {books:?}");
    assert_eq!(books.amounts(OperationKind::Capture), [1_020], "{token}: {books:?}");
    replay::keep(&shop.system, &id, &token.replace('_', "-")).await
}

#[test]
fn an_authorization_whose_answer_is_lost_is_made_once() -> Result<()> {
    in_shop(async |shop| buy(shop, "tok_timeout").await)
}

#[test]
fn an_authorization_that_is_lost_on_its_way_is_made_once() -> Result<()> {
    in_shop(async |shop| buy(shop, "tok_timeout_before").await)
}

#[test]
fn a_capture_whose_answer_is_lost_is_made_once() -> Result<()> {
    in_shop(async |shop| buy(shop, "tok_timeout_capture").await)
}

#[test]
fn errors_of_the_gateway_pass() -> Result<()> {
    in_shop(async |shop| buy(shop, "tok_errors_2").await)
}

#[test]
fn a_gateway_that_has_no_time_for_us_is_asked_again_when_it_says() -> Result<()> {
    in_shop(async |shop| buy(shop, "tok_status_429_3").await)
}

#[test]
fn the_same_request_that_is_not_done_yet_is_no_refusal() -> Result<()> {
    in_shop(async |shop| buy(shop, "tok_status_408_2").await)
}

#[test]
fn a_gateway_that_does_not_let_us_in_for_a_while_needs_nobody() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255).token("tok_status_401_2")).await?;
        let id = order.heading.order_id.parse()?;
        assert!(!order.needs_attention && order.attention.is_empty(), "{order:?}");
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Authorize), [1_020]);
        Ok(())
    })
}

#[test]
fn a_gateway_that_is_down_is_waited_for() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let gateway = &shop.system.addresses.gateway_url;
        trouble(gateway, json!({"down_for_ms": 2_500})).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        let order = shop.until(&id, "have lost sight of its payment", |order| {
            order.payments.iter().any(|payment| payment.operations.iter().any(|operation| operation.status == "unknown"))
        });
        assert_eq!(order.await?.status, "created");
        shop.until_part(&id, 1, "released").await?;
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Authorize), [1_020]);
        Ok(())
    })
}

#[test]
fn a_slow_gateway_blocks_no_cancellation() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        trouble(&shop.system.addresses.gateway_url, json!({"slow_ms": 1_200})).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        shop.until(&id, "ask for its payment", |order| !order.payments.iter().all(|payment| payment.operations.is_empty())).await?;
        let cancelled = shop.cancel(&id, "c1", &[]).await?;
        ensure!(cancelled.cancelled[0].quantity == 4, "{cancelled:?}");
        let pending = shop.order(&id).await?.payments[0].operations[0].clone();
        ensure!(pending.status == "pending", "the cancellation was answered after the gateway had: {pending:?}");
        shop.until_status(&id, "cancelled").await?;
        let books = shop.books(&id).await?;
        assert_eq!(books.sum(OperationKind::Authorize), books.sum(OperationKind::Void));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        replay::keep(&shop.system, &id, "cancelled-while-authorizing").await
    })
}

#[test]
fn a_capture_that_is_refused_never_unships_and_needs_a_person() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255).token("tok_decline_capture")).await?;
        shop.fulfill(&order).await?;
        let id = order.heading.order_id.parse()?;
        let order = shop.until(&id, "need attention", |order| order.needs_attention).await?;
        assert_eq!((order.status.as_str(), order.fulfillment_orders[0].status.as_str()), ("processing", "delivered"));
        assert_eq!(order.attention[0].subject, "capture default");
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Capture), [0_i64; 0]);
        Ok(())
    })
}

#[test]
fn a_person_says_that_an_operation_was_never_made_and_it_is_made_once_under_another_number() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        trouble(&shop.system.addresses.gateway_url, json!({"down_for_ms": 4_000})).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        let unknown = |order: &OrderView| order.payments[0].operations.iter().any(|operation| operation.status == "unknown");
        shop.until(&id, "have lost sight of its payment", unknown).await?;
        let path = |number: u32| format!("/v1/orders/{id}/payments/default/operations/{number}/resolve");
        let incomplete = json!({"outcome": "succeeded", "reason": "looked it up"});
        let problem = shop.post(&path(1), &incomplete).await?.problem(422, "validation_failed")?;
        ensure!(problem.errors[0].pointer == "/reference", "{problem:?}");
        let body = json!({"outcome": "failed", "reason": "the gateway has never heard of it"});
        shop.post(&path(9), &body).await?.problem(404, "not_found")?;
        let resolved: PaymentView = shop.post(&path(1), &body).await?.view(200)?;
        assert_eq!((resolved.operations[0].status.as_str(), resolved.operations[0].by_hand), ("failed", true));
        shop.post(&path(1), &body).await?.view::<PaymentView>(200)?;
        shop.until_part(&id, 1, "released").await?;
        let order = shop.order(&id).await?;
        let statuses: Vec<_> = order.payments[0].operations.iter().map(|operation| operation.status.as_str()).collect();
        assert_eq!((statuses, order.needs_attention), (vec!["failed", "succeeded"], false));
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Authorize), [1_020], "the gateway made it once");
        // What the gateway has answered is nobody else's to say.
        shop.post(&path(2), &body).await?.problem(409, "illegal_transition")?;
        Ok(())
    })
}

#[test]
fn what_a_person_takes_for_an_authorization_is_captured_only_if_it_is_this_orders() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let other = shop.place_released(&Basket::of(&sku, 4, 255)).await?.heading.order_id.parse()?;
        let reference = shop.document(&other).await?.and_then(|order| order.payments[0].operations[0].reference.clone());
        trouble(&shop.system.addresses.gateway_url, json!({"down_for_ms": 4_000})).await?;
        // The gateway's books will never be as this order's are.
        let unknown = |order: &OrderView| order.payments[0].operations.first().is_some_and(|operation| operation.status == "unknown");
        let basket = Basket::of(&sku, 4, 255);
        let id = basket.id();
        shop.place_unnoted(&basket).await?;
        shop.until(&id, "have lost sight of its payment", unknown).await?;
        let body = json!({"outcome": "succeeded", "reference": reference, "reason": "it was in the list"});
        shop.post(&format!("/v1/orders/{id}/payments/default/operations/1/resolve"), &body).await?.view::<PaymentView>(200)?;
        let part = shop.until_part(&id, 1, "released").await?.fulfillment_order_id;
        shop.ship(&part).await?;
        let refused = |order: &OrderView| order.attention.iter().any(|known| known.subject == "capture default");
        let order = shop.until(&id, "have its capture refused", refused).await?;
        ensure!(order.attention.iter().any(|known| known.why.contains("authorization_of_another_order")), "{:?}", order.attention);
        assert_eq!(shop.books(&other).await?.amounts(OperationKind::Capture), [0_i64; 0], "another customer's money was taken");
        Ok(())
    })
}

/// Ships it, and has sight of the capture lost; the number of the capture.
async fn capture_lost(shop: &Shop, order: &OrderView) -> Result<u32> {
    trouble(&shop.system.addresses.gateway_url, json!({"down_for_ms": 4_000})).await?;
    let id = order.heading.order_id.parse()?;
    shop.ship(&order.fulfillment_orders[0].fulfillment_order_id).await?;
    let lost = |order: &OrderView| order.payments[0].operations.iter().any(|op| op.kind == "capture" && op.status == "unknown");
    let order = shop.until(&id, "have lost sight of its capture", lost).await?;
    let capture = order.payments[0].operations.iter().find(|op| op.kind == "capture");
    Ok(capture.context("a capture")?.number)
}

#[test]
fn what_a_person_takes_for_a_capture_is_refunded_only_if_it_is_this_orders() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let other = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        shop.fulfill(&other).await?;
        let other = other.heading.order_id.parse()?;
        shop.until_status(&other, "completed").await?;
        let operations = shop.document(&other).await?.map(|order| order.payments[0].operations.clone()).context("a document")?;
        let stolen = operations.iter().find(|op| op.kind == OperationKind::Capture).and_then(|op| op.reference.clone());
        // The gateway's books will never be as this order's are.
        let basket = Basket::of(&sku, 4, 255);
        let id = basket.id();
        shop.place_unnoted(&basket).await?;
        shop.until_part(&id, 1, "released").await?;
        let number = capture_lost(shop, &shop.order(&id).await?).await?;
        let resolve = format!("/v1/orders/{id}/payments/default/operations/{number}/resolve");
        let say = |reference: &str| json!({"outcome": "succeeded", "reference": reference, "reason": "it was in the list"});
        for bent in ["../captures", "cap 1", "cap_1/refunds", "?"] {
            ensure!(shop.post(&resolve, &say(bent)).await?.status == 422, "{bent} is no gateway's id");
        }
        shop.post(&resolve, &say(&stolen.context("a capture")?)).await?.view::<PaymentView>(200)?;
        let refund = json!({"refund_id": "late", "amount_minor": 510, "reason": "it came late"});
        shop.post(&format!("/v1/orders/{id}/refunds"), &refund).await?.view::<Value>(201)?;
        let refused = |order: &OrderView| order.attention.iter().any(|known| known.subject == "refund default");
        let order = shop.until(&id, "have its refund refused", refused).await?;
        ensure!(order.attention.iter().any(|known| known.why.contains("capture_of_another_order")), "{:?}", order.attention);
        assert_eq!(shop.books(&other).await?.amounts(OperationKind::Refund), [0_i64; 0], "another customer's money was given away");
        Ok(())
    })
}
