//! Returns, exchanges and bulk operations live once, too, whatever Temporal has forgotten of them.

use anyhow::{Result, ensure};
use oms_api::{bulk::BulkView, exchange::ExchangeView, returns::ReturnView};
use oms_domain::{
    ids::{OrderId, Sku},
    policy::Policy,
};
use oms_workflows::names::{bulk_workflow_id, order_workflow_id, return_workflow_id};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::lives_once::{forget, has_run, known};
use crate::{
    bulk::{hold, until_ended},
    support::{Answer, Basket, Shop, basket::unique, in_own_shop, runtime::until, system::LEEDS},
};

/// An order that its customer has.
async fn delivered(shop: &Shop) -> Result<(OrderId, Sku)> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
    shop.fulfill(&order).await?;
    let id = order.heading.order_id.parse()?;
    shop.until_status(&id, "completed").await?;
    Ok((id, sku))
}

/// The return's goods come, are judged, and paid for.
async fn goods_come(shop: &Shop, return_id: &str) -> Result<()> {
    let act = async |action: &str, body: Value| shop.post(&format!("/v1/returns/{return_id}/{action}"), &body).await?.view::<Value>(200);
    act("receive", json!({"facility_id": LEEDS, "lines": [{"line_id": "1", "quantity": 1}]})).await?;
    act("inspect", json!({"lines": [{"line_id": "1", "quantity": 1, "verdict": "accepted"}]})).await?;
    until("the return to be closed", async || {
        let found: ReturnView = shop.get(&format!("/v1/returns/{return_id}")).await?.view(200)?;
        Ok((found.status == "closed").then_some(()))
    })
    .await
}

/// Asked for again when Temporal knows nothing of it, it is the same, and has no run.
async fn is_the_same<T: DeserializeOwned>(shop: &Shop, path: &str, body: &Value, workflow_id: &str) -> Result<T> {
    forget(shop, workflow_id).await?;
    let view = shop.post(path, body).await?.view(200)?;
    ensure!(!has_run(shop, workflow_id).await?, "{workflow_id} lives a second time");
    Ok(view)
}

#[test]
fn a_return_that_is_opened_again_is_the_same_return() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (order, sku) = delivered(shop).await?;
        let return_id = format!("{order}-R1");
        let lines = json!([{"line_id": "1", "quantity": 1, "reason": "too small"}]);
        let body = json!({"return_id": return_id, "order_id": order, "lines": lines});
        shop.post("/v1/returns", &body).await?.view::<ReturnView>(201)?;
        goods_come(shop, &return_id).await?;
        let (before, stock) = (known(shop, &order).await?, shop.stock(&sku, LEEDS).await?);
        let again: ReturnView = is_the_same(shop, "/v1/returns", &body, &return_workflow_id(&return_id.parse()?)).await?;
        assert_eq!((again.status.as_str(), again.return_id), ("closed", return_id));
        assert_eq!((known(shop, &order).await?, shop.stock(&sku, LEEDS).await?), (before, stock));
        Ok(())
    })
}

#[test]
fn an_exchange_that_is_asked_for_again_is_the_same_exchange() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let ((order, _), sku) = (delivered(shop).await?, shop.stocked(&[(LEEDS, 5)]).await?);
        let id: OrderId = format!("{order}-X1").parse()?;
        let body = json!({"exchange_id": id, "order_id": order,
            "returned": [{"line_id": "1", "quantity": 1, "reason": "too small"}],
            "lines": [{"line_id": "1", "sku": sku, "quantity": 1, "unit_price_minor": 255}]});
        let exchange: ExchangeView = shop.post("/v1/exchanges", &body).await?.view(201)?;
        goods_come(shop, &exchange.return_id).await?;
        shop.until_part(&id, 1, "released").await?;
        shop.fulfill(&shop.order(&id).await?).await?;
        shop.until_status(&id, "completed").await?;
        until("it to be closed", async || Ok(shop.document(&id).await?.filter(|order| order.is_closed()))).await?;
        let before = (known(shop, &id).await?, known(shop, &order).await?);
        forget(shop, &return_workflow_id(&exchange.return_id.parse()?)).await?;
        let again: ExchangeView = is_the_same(shop, "/v1/exchanges", &body, &order_workflow_id(&id)).await?;
        assert_eq!((again.return_id, again.settled), (exchange.return_id, true));
        assert_eq!((known(shop, &id).await?, known(shop, &order).await?), before);
        Ok(())
    })
}

#[test]
fn a_bulk_operation_that_is_asked_for_again_is_the_same_operation() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?.heading.order_id.parse()?;
        let id = unique("bulk");
        let body = json!({"bulk_id": id, "operation": hold(), "reason": "a test", "selection": {"sku": sku}});
        shop.post("/v1/bulk", &body).await?.view::<BulkView>(201)?;
        let ended = until_ended(shop, &id).await?;
        let lifted = Answer::to(shop.request(Method::DELETE, &format!("/v1/orders/{order}/holds/{id}"))).await?;
        ensure!(lifted.status == 204, "{}", lifted.body);
        let before = known(shop, &order).await?;
        let again: BulkView = is_the_same(shop, "/v1/bulk", &body, &bulk_workflow_id(&id.parse()?)).await?;
        assert_eq!((again.status, again.asked), (ended.status, ended.asked));
        assert_eq!(known(shop, &order).await?, before, "it is held again");
        Ok(())
    })
}
