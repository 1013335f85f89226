//! Exchanges: units come back, other goods go out, and the customer pays for what they keep, to the penny.

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use oms_api::{exchange::ExchangeView, order::OrderView, problem::Problem, returns::ReturnView};
use oms_domain::{
    ids::{OrderId, Sku},
    payment::OperationKind,
    policy::Policy,
};
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, in_shop, in_shop_under, replay, runtime::until, system::LEEDS};

/// An order of one line that was delivered: 4 units for 1,020 and 3 for shipping, so that no unit has an even share. The first is worth 255.
async fn delivered(shop: &Shop) -> Result<OrderId> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 4, 255).with("/shipping/price_minor", 3);
    let order = shop.place_released(&basket).await?;
    shop.fulfill(&order).await?;
    shop.until_status(&basket.id(), "completed").await?;
    Ok(basket.id())
}

/// Another thing for one unit of the order. The exchange's order is the test's own.
fn body(order: &OrderId, sku: &Sku, unit_price_minor: i64) -> Value {
    json!({"exchange_id": format!("{order}-X1"), "order_id": order,
        "returned": [{"line_id": "1", "quantity": 1, "reason": "too small"}],
        "lines": [{"line_id": "1", "sku": sku, "quantity": 1, "unit_price_minor": unit_price_minor}]})
}

async fn ask(shop: &Shop, body: &Value) -> Result<Answer> {
    let answer = shop.post("/v1/exchanges", body).await?;
    if answer.status < 300 {
        shop.note(serde_json::from_value::<ExchangeView>(answer.body.clone())?.exchange_id.parse()?);
    }
    Ok(answer)
}

/// An exchange of a delivered unit for another thing; the exchange, and the new order's id.
async fn started(shop: &Shop, unit_price_minor: i64) -> Result<(ExchangeView, OrderId)> {
    let order = delivered(shop).await?;
    let sku = shop.stocked(&[(LEEDS, 5)]).await?;
    let mut body = body(&order, &sku, unit_price_minor);
    body["payment"] = json!({"method": "card", "token": "tok_fine"});
    let exchange: ExchangeView = ask(shop, &body).await?.view(201)?;
    let id = exchange.exchange_id.parse()?;
    Ok((exchange, id))
}

async fn act(shop: &Shop, exchange: &ExchangeView, action: &str, body: Value) -> Result<ReturnView> {
    shop.post(&format!("/v1/returns/{}/{action}", exchange.return_id), &body).await?.view(200)
}

async fn goods_come(shop: &Shop, exchange: &ExchangeView) -> Result<()> {
    act(shop, exchange, "receive", json!({"facility_id": LEEDS, "lines": [{"line_id": "1", "quantity": 1}]})).await?;
    act(shop, exchange, "inspect", json!({"lines": [{"line_id": "1", "quantity": 1, "verdict": "accepted"}]})).await?;
    return_ends(shop, exchange, "closed").await
}

async fn return_ends(shop: &Shop, exchange: &ExchangeView, status: &str) -> Result<()> {
    let id = &exchange.return_id;
    until(&format!("return {id} to be {status}"), async || {
        let found: ReturnView = shop.get(&format!("/v1/returns/{id}")).await?.view(200)?;
        Ok(Some(()).filter(|()| found.status == status))
    })
    .await?;
    replay::return_replays(&shop.system, &id.parse()?).await
}

/// Released once the goods are back; then it goes all the way.
async fn goes_out(shop: &Shop, id: &OrderId) -> Result<()> {
    shop.until_part(id, 1, "released").await?;
    let order: OrderView = shop.order(id).await?;
    shop.fulfill(&order).await?;
    shop.until_status(id, "completed").await.map(drop)
}

/// What the gateway has of both orders: captured, and given back.
async fn charged(shop: &Shop, exchange: &ExchangeView) -> Result<(i64, i64)> {
    let (origin, linked) = (shop.books(&exchange.order_id.parse()?).await?, shop.books(&exchange.exchange_id.parse()?).await?);
    Ok([OperationKind::Capture, OperationKind::Refund].map(|kind| origin.sum(kind) + linked.sum(kind)).into())
}

#[test]
fn an_even_exchange_goes_out_when_the_goods_are_back_and_moves_no_money() -> Result<()> {
    in_shop(async |shop| {
        let (exchange, id) = started(shop, 255).await?;
        assert_eq!((exchange.credit_minor, exchange.to_pay_minor, exchange.settled), (255, 0, false));
        let held = shop.order(&id).await?;
        assert_eq!((held.status.as_str(), held.holds[0].reason.as_str()), ("created", "awaiting_return_items"));
        assert_eq!(held.exchange_of.context("a link back")?.order_id, exchange.order_id);
        let origin = shop.order(&exchange.order_id.parse()?).await?;
        assert_eq!((origin.exchanges[0].exchange_id.as_str(), origin.exchanges[0].credit_minor), (id.as_str(), 255));
        goods_come(shop, &exchange).await?;
        goes_out(shop, &id).await?;
        assert_eq!(charged(shop, &exchange).await?, (1_023, 0));
        let after: ExchangeView = shop.get(&format!("/v1/exchanges/{id}")).await?.view(200)?;
        assert_eq!((after.status.as_str(), after.return_status.as_deref(), after.settled), ("completed", Some("closed"), true));
        replay::keep(&shop.system, &id, "exchange").await?;
        replay::keep_return(&shop.system, &exchange.return_id.parse()?, "return-for-an-exchange").await?;
        Ok(())
    })
}

#[test]
fn a_dearer_exchange_is_paid_by_the_credit_and_the_card_and_without_one_is_told_what_is_missing() -> Result<()> {
    in_shop(async |shop| {
        let order = delivered(shop).await?;
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let refused: Problem = ask(shop, &body(&order, &sku, 400)).await?.problem(409, "refused_by_rule")?;
        assert!(refused.detail.context("a reason")?.contains("a payment of 145 is missing"));
        assert_eq!(shop.order(&order).await?.returns, [], "a refusal changes nothing");
        let (exchange, id) = started(shop, 400).await?;
        goods_come(shop, &exchange).await?;
        goes_out(shop, &id).await?;
        assert_eq!(charged(shop, &exchange).await?, (1_023 + 145, 0));
        Ok(())
    })
}

#[test]
fn a_cheaper_exchange_gives_the_rest_back() -> Result<()> {
    in_shop(async |shop| {
        let (exchange, id) = started(shop, 200).await?;
        goods_come(shop, &exchange).await?;
        goes_out(shop, &id).await?;
        assert_eq!(charged(shop, &exchange).await?, (1_023, 55));
        Ok(())
    })
}

#[test]
fn goods_that_never_arrive_cancel_the_linked_order_and_nothing_is_charged() -> Result<()> {
    let policy = Policy { return_labels: false, return_sending_ms: 1_500, ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let (exchange, id) = started(shop, 400).await?;
        return_ends(shop, &exchange, "expired").await?;
        shop.until_status(&id, "cancelled").await?;
        assert_eq!(charged(shop, &exchange).await?, (1_023, 0));
        let events = shop.timeline(&id).await?;
        assert!(events.contains(&"credit_settled".to_owned()), "{events:?}");
        Ok(())
    })
}

#[test]
fn the_credit_of_a_cancelled_exchange_goes_back_to_the_customer() -> Result<()> {
    in_shop(async |shop| {
        // One is cancelled before its goods are back, the other after: the origin pays either back.
        let (before, early) = started(shop, 400).await?;
        shop.cancel(&early, "c1", &[]).await?;
        shop.until_status(&early, "cancelled").await?;
        goods_come(shop, &before).await?;
        let (after, late) = started(shop, 400).await?;
        goods_come(shop, &after).await?;
        shop.until_part(&late, 1, "released").await?;
        shop.cancel(&late, "c2", &[]).await?;
        shop.until_status(&late, "cancelled").await?;
        for exchange in [before, after] {
            let paid_back = async || Ok(Some(charged(shop, &exchange).await?).filter(|charged| charged.1 > 0));
            assert_eq!(until("the unit to be paid back", paid_back).await?, (1_023, 255));
        }
        Ok(())
    })
}

#[test]
fn an_exchange_asked_for_many_times_at_once_is_one_exchange_and_another_body_a_conflict() -> Result<()> {
    in_shop(async |shop| {
        let order = delivered(shop).await?;
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let asked = body(&order, &sku, 255);
        let answers = try_join_all((0..5).map(|_| ask(shop, &asked))).await?;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)), "{answers:?}");
        ask(shop, &body(&order, &sku, 256)).await?.problem(409, "order_conflict")?;
        let origin = shop.order(&order).await?;
        assert_eq!((origin.returns.len(), origin.exchanges.len()), (1, 1));
        shop.post("/v1/exchanges", &body(&"no-such-order".parse()?, &sku, 255)).await?.problem(404, "order_not_found").map(drop)
    })
}
