//! Giving money away: up to a sum by oneself, and beyond it with a second person.

use anyhow::{Context, Result, ensure};
use oms_api::{approval::ApprovalView, event::EventView, order::OrderView, page::Page, refund::RefundView};
use oms_domain::policy::Policy;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, basket::unique, in_own_shop, system::LEEDS};

const PASSWORD: &str = "correct horse battery";

/// Somebody who has logged in.
struct Person {
    id: String,
    token: String,
}

impl Person {
    async fn of(shop: &Shop, roles: &[&str]) -> Result<Self> {
        let email = format!("{}@example.com", unique("p").to_lowercase());
        let made: Value = shop.post("/v1/people", &json!({"email": email, "name": "Kim", "roles": roles})).await?.view(201)?;
        let accept = json!({"token": made["invitation"]["token"], "password": PASSWORD});
        shop.post("/v1/invitations/accept", &accept).await?.view::<()>(204)?;
        let came: Value = shop.post("/v1/sessions", &json!({"email": email, "password": PASSWORD})).await?.view(201)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
        Ok(Self { id: text(&made["person_id"])?, token: text(&came["token"])? })
    }

    async fn post(&self, shop: &Shop, path: &str, body: &Value) -> Result<Answer> {
        Answer::to(shop.request_as(&self.token, Method::POST, path).json(body)).await
    }

    async fn refund(&self, shop: &Shop, order: &OrderView, id: &str, amount_minor: i64) -> Result<Answer> {
        let body = json!({"refund_id": id, "amount_minor": amount_minor, "reason": "goodwill"});
        self.post(shop, &format!("/v1/orders/{}/refunds", order.heading.order_id), &body).await
    }
}

/// The approval that a refusal names.
fn named(refused: Answer) -> Result<String> {
    refused.problem(403, "approval_needed")?.approval_id.context("it names no approval")
}

/// Waits until so much has reached the customer: the order goes on by itself no more.
async fn settled(shop: &Shop, order: &OrderView, refunded_minor: i64) -> Result<()> {
    let is_paid = |order: &OrderView| order.totals.refunded_minor == refunded_minor;
    shop.until(&order.heading.order_id.parse()?, "have paid it back", is_paid).await.map(drop)
}

async fn shipped(shop: &Shop) -> Result<OrderView> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 4, 2_500)).await?;
    shop.fulfill(&order).await?;
    shop.until_status(&order.heading.order_id.parse()?, "completed").await
}

#[test]
fn a_refund_above_the_limit_is_let_through_by_a_second_person() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        shop.put("/v1/limits/GBP", &json!({"per_day_minor": 1_000, "per_order_minor": 5_000})).await?.view::<Value>(200)?;
        let order = shipped(shop).await?;
        let (kim, lee) = (Person::of(shop, &["support", "approver"]).await?, Person::of(shop, &["approver"]).await?);
        kim.refund(shop, &order, "small", 600).await?.view::<RefundView>(201)?;
        // Told again it counts no more.
        kim.refund(shop, &order, "small", 600).await?.view::<RefundView>(201)?;
        let approval = named(kim.refund(shop, &order, "large", 401).await?)?;
        kim.refund(shop, &order, "left", 400).await?.view::<RefundView>(201)?;

        let path = format!("/v1/approvals/{approval}/approve");
        kim.post(shop, &path, &json!({})).await?.problem(409, "refused_by_rule")?;
        shop.post(&path, &json!({})).await?.problem(409, "refused_by_rule")?;
        lee.post(shop, &path, &json!({})).await?.view::<ApprovalView>(200)?;
        // The order has gone on since it was asked: what was approved was something else.
        settled(shop, &order, 1_000).await?;
        let approval = named(kim.refund(shop, &order, "large", 401).await?)?;
        let pending: Page<ApprovalView> = shop.get("/v1/approvals?status=pending").await?.view(200)?;
        let asked = pending.items.iter().find(|found| found.approval_id == approval).context("it is not listed")?;
        assert_eq!((asked.amount_minor, asked.asked_by.id.as_deref()), (Some(401), Some(kim.id.as_str())));
        lee.post(shop, &format!("/v1/approvals/{approval}/approve"), &json!({})).await?.view::<ApprovalView>(200)?;
        kim.refund(shop, &order, "large", 401).await?.view::<RefundView>(201)?;
        let used: ApprovalView = shop.get(&format!("/v1/approvals/{approval}")).await?.view(200)?;
        assert_eq!((used.status.as_str(), used.decided_by.and_then(|by| by.id)), ("used", Some(lee.id.clone())));

        let events: Page<EventView> = shop.get(&format!("/v1/orders/{}/events?limit=500", order.heading.order_id)).await?.view(200)?;
        let by = |event: &EventView| event.actor.as_ref().and_then(|actor| actor.id.clone());
        let refunds: Vec<_> = events.items.iter().filter(|event| event.kind == "refund_asked").map(by).collect();
        assert_eq!(refunds, [Some(kim.id.clone()), Some(kim.id.clone()), Some(kim.id.clone())]);
        Ok(())
    })
}

#[test]
fn an_order_gives_no_more_than_it_may_whoever_asks_and_what_is_declined_is_not_given() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        shop.put("/v1/limits/GBP", &json!({"per_order_minor": 500})).await?.view::<Value>(200)?;
        let order = shipped(shop).await?;
        let (kim, lee) = (Person::of(shop, &["support"]).await?, Person::of(shop, &["finance", "approver"]).await?);
        kim.refund(shop, &order, "one", 300).await?.view::<RefundView>(201)?;
        named(lee.refund(shop, &order, "two", 201).await?)?;
        // What the order refuses counts for nothing.
        kim.refund(shop, &order, "all", 1_000_000).await?.problem(409, "refused_by_rule")?;
        lee.refund(shop, &order, "two", 100).await?.view::<RefundView>(201)?;
        settled(shop, &order, 400).await?;
        let approval = named(kim.refund(shop, &order, "three", 101).await?)?;
        lee.post(shop, &format!("/v1/approvals/{approval}/decline"), &json!({})).await?.view::<ApprovalView>(200)?;
        let refused = kim.refund(shop, &order, "three", 101).await?.problem(409, "refused_by_rule")?;
        ensure!(refused.detail.is_some_and(|detail| detail.contains("declined")));
        kim.refund(shop, &order, "four", 100).await?.view::<RefundView>(201)?;
        Ok(())
    })
}
