//! Money back for units that do not come back: once, whoever asks, also after the order's end.

use anyhow::Result;
use oms_api::claim::ClaimView;
use oms_domain::{ids::OrderId, payment::OperationKind, policy::Policy};
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, in_shop, in_shop_under, replay, runtime::until, system::LEEDS};

async fn delivered(shop: &Shop) -> Result<OrderId> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 4, 255).with("/shipping/price_minor", 3);
    let order = shop.place_released(&basket).await?;
    shop.fulfill(&order).await?;
    shop.until_status(&basket.id(), "completed").await?;
    Ok(basket.id())
}

async fn open(shop: &Shop, order: &OrderId, units: u32) -> Result<Answer> {
    let lines = json!([{"line_id": "1", "quantity": units}]);
    shop.post("/v1/claims", &json!({"order_id": order, "lines": lines, "reason": "arrived broken"})).await
}

async fn until_claim(shop: &Shop, id: &str, status: &str) -> Result<ClaimView> {
    until(&format!("claim {id} to be {status}"), async || {
        let found: ClaimView = shop.get(&format!("/v1/claims/{id}")).await?.view(200)?;
        Ok(Some(found).filter(|found| found.status == status))
    })
    .await
}

#[test]
fn an_approved_claim_is_paid_and_its_units_neither_claimed_nor_returned_again() -> Result<()> {
    in_shop(async |shop| {
        let order = delivered(shop).await?;
        let opened: ClaimView = open(shop, &order, 3).await?.view(201)?;
        assert_eq!((opened.claim_id.as_str(), opened.status.as_str()), (format!("{order}-C1").as_str(), "opened"));
        open(shop, &order, 2).await?.problem(409, "refused_by_rule")?;
        let back = json!({"order_id": order, "lines": [{"line_id": "1", "quantity": 2, "reason": "broken"}]});
        shop.post("/v1/returns", &back).await?.problem(409, "refused_by_rule")?;
        shop.post(&format!("/v1/claims/{}/approve", opened.claim_id), &json!({})).await?.view::<ClaimView>(200)?;
        let closed = until_claim(shop, &opened.claim_id, "closed").await?;
        // ⌊1023·3/4⌋ = 767.
        assert_eq!(closed.amount_minor, Some(767));
        assert_eq!(shop.books(&order).await?.amounts(OperationKind::Refund), [767]);
        let after = shop.order(&order).await?;
        assert_eq!((after.lines[0].units.returned, after.claims.len()), (0, 1), "the goods stay with the customer");
        let again = shop.post(&format!("/v1/claims/{}/approve", opened.claim_id), &json!({})).await?;
        assert_eq!(again.problem(409, "illegal_transition")?.current_status.as_deref(), Some("closed"));
        replay::keep(&shop.system, &order, "claimed").await
    })
}

#[test]
fn a_claim_that_nobody_answers_is_declined_and_its_units_are_free_again() -> Result<()> {
    let policy = Policy { claim_ms: 1_500, ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let order = delivered(shop).await?;
        let first: ClaimView = open(shop, &order, 4).await?.view(201)?;
        until_claim(shop, &first.claim_id, "declined").await?;
        let second: ClaimView = open(shop, &order, 4).await?.view(201)?;
        assert_eq!(second.claim_id, format!("{order}-C2"));
        let declined: ClaimView =
            shop.post(&format!("/v1/claims/{}/decline", second.claim_id), &json!({"reason": "worn"})).await?.view(200)?;
        assert_eq!((declined.status.as_str(), shop.order(&order).await?.totals.refunded_minor), ("declined", 0));
        shop.get(&format!("/v1/claims/{order}-C9")).await?.problem(404, "claim_not_found")?;
        let nowhere: Value = json!({});
        shop.post("/v1/claims/NO-SUCH-ORDER-C1/approve", &nowhere).await?.problem(404, "claim_not_found").map(drop)
    })
}
