//! A person moves units between fulfillment orders, gives waits more time, answers for customers, and has things tried again.

use anyhow::{Context, Result};
use oms_api::{attention::AttentionItem, decision::DecisionView, hold::DeadlineView, order::OrderView, page::Page};
use oms_domain::{ids::OrderId, policy::Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Basket, Shop,
    books::trouble,
    in_own_shop, in_shop, in_shop_under, replay,
    system::{LEEDS, YORK},
};

fn released_in(order: &OrderView, facility: &str) -> bool {
    order.fulfillment_orders.iter().any(|part| part.status == "released" && part.facility_id.as_deref() == Some(facility))
}

#[test]
fn a_fulfillment_order_is_moved_to_where_a_person_wants_it() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "accept", json!({})).await?;
        shop.act(part, "move", json!({"facility_id": YORK})).await?.problem(409, "refused_by_rule")?;
        let moved = shop.acts(part, "move", json!({"facility_id": YORK, "consented": true})).await?;
        assert_eq!(moved.status, "cancelled");
        shop.until(&id, "be in York", |order| released_in(order, YORK)).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, YORK).await?), ((10, 0), (10, 4)));
        replay::keep(&shop.system, &id, "moved").await
    })
}

#[test]
fn what_is_split_is_shipped_apart_or_merged_again() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 5, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        let some = |units: u32| json!({"lines": [{"line_id": "1", "quantity": units}]});
        assert!(order.fulfillment_orders[0].legal_actions.iter().any(|legal| legal == "split"));
        shop.act(part, "split", some(5)).await?.problem(409, "refused_by_rule")?;
        assert_eq!(shop.acts(part, "split", some(2)).await?.lines[0].quantity, 3);
        let both = |order: &OrderView| order.fulfillment_orders.iter().filter(|part| part.status == "released").count() == 2;
        let order = shop.until(&id, "be in two", both).await?;
        let other = order.fulfillment_orders.iter().find(|other| other.fulfillment_order_id != *part).context("the other")?;
        assert_eq!(other.lines[0].quantity, 2);
        let merged = shop.acts(part, "merge", json!({"fulfillment_order_id": other.fulfillment_order_id})).await?;
        assert_eq!(merged.lines[0].quantity, 5);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 5));
        shop.acts(part, "split", some(1)).await?;
        let order = shop.until(&id, "be in two again", both).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        replay::keep(&shop.system, &id, "split-and-merged").await
    })
}

async fn deadline(shop: &Shop, id: &OrderId, wait: &str) -> Result<DeadlineView> {
    let all: Page<DeadlineView> = shop.get(&format!("/v1/orders/{id}/deadlines")).await?.view(200)?;
    all.items.into_iter().find(|found| found.wait == wait).with_context(|| format!("no {wait}"))
}

#[test]
fn a_wait_that_gets_more_time_outlasts_one_that_does_not() -> Result<()> {
    in_shop_under(Policy { backorder_ms: 4_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[]).await?;
        let (first, second) = (shop.place(&Basket::of(&sku, 1, 255)).await?, shop.place(&Basket::of(&sku, 1, 255)).await?);
        shop.until_part(&first, 1, "backordered").await?;
        let found = deadline(shop, &first, "backorder").await?;
        assert_eq!(found.extended_by.as_deref(), Some("support"));
        let patch = async |id: &str, body: &Value| {
            Answer::to(shop.request(Method::PATCH, &format!("/v1/orders/{first}/deadlines/{id}")).json(body)).await
        };
        let until = (found.due + jiff::SignedDuration::from_hours(1)).to_string();
        let extended: DeadlineView = patch(&found.deadline_id, &json!({"until": until})).await?.view(200)?;
        assert_eq!(extended.due, until.parse()?);
        let earlier = json!({"until": found.due.to_string()});
        patch(&found.deadline_id, &earlier).await?.problem(409, "refused_by_rule")?;
        patch("backorder.nobody", &json!({"until": until})).await?.problem(404, "not_found")?;
        patch("nothing", &json!({"until": until})).await?.problem(404, "not_found")?;
        // The other one's time is over first, though it began later.
        shop.until_status(&second, "cancelled").await?;
        shop.until_part(&first, 1, "backordered").await?;
        shop.adjust(&sku, LEEDS, 1).await?;
        shop.until(&first, "be served", |order| released_in(order, LEEDS)).await?;
        replay::keep(&shop.system, &first, "deadline-extended").await
    })
}

#[test]
fn the_customer_is_asked_about_units_without_stock() -> Result<()> {
    in_shop_under(Policy { decision_ms: 600_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2)]).await?;
        let id = shop.place(&Basket::of(&sku, 5, 255)).await?;
        let order = shop.until(&id, "ask", |order| !order.decisions.is_empty()).await?;
        let asked = &order.decisions[0];
        assert!(asked.due.is_some() && asked.choice.is_none());
        let path = format!("/v1/orders/{id}/decisions/{}", asked.decision_id);
        shop.post(&path, &json!({"choice": "cry"})).await?.problem(422, "validation_failed")?;
        let answered: DecisionView = shop.post(&path, &json!({"choice": "drop"})).await?.view(200)?;
        assert_eq!(answered.choice.as_deref(), Some("drop"));
        shop.post(&path, &json!({"choice": "wait"})).await?.problem(409, "refused_by_rule")?;
        let order = shop.until(&id, "do without", |order| order.lines[0].units.cancelled == 3).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        replay::keep(&shop.system, &id, "customer-asked").await
    })
}

#[test]
fn what_the_gateway_refused_is_listed_explained_and_tried_again() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        trouble(&shop.system.addresses.gateway_url, json!({"refuse_next": 1})).await?;
        shop.ship(&order.fulfillment_orders[0].fulfillment_order_id).await?;
        shop.until(&id, "need attention", |order| order.needs_attention).await?;
        let all: Page<AttentionItem> = shop.get("/v1/attention?limit=500").await?.view(200)?;
        let ours = all.items.into_iter().find(|item| item.order_id == id.as_str()).context("ours")?;
        assert!(ours.attention.retryable && !ours.attention.why.is_empty(), "{ours:?}");
        let retry = format!("/v1/attention/{}/retry", ours.attention_id.replace(' ', "%20"));
        shop.post(&retry, &json!({})).await?.view::<()>(204)?;
        shop.until(&id, "be charged", |order| order.totals.captured_minor == 510 && !order.needs_attention).await?;
        shop.post(&retry, &json!({})).await?.problem(404, "not_found")?;
        shop.post("/v1/attention/nonsense/retry", &json!({})).await?.problem(404, "not_found")?;
        replay::keep(&shop.system, &id, "retried").await
    })
}
