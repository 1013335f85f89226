//! Payments that say no: what was reserved is given back, or waits for another instrument until its deadline.

use anyhow::{Result, ensure};
use oms_api::order::OrderView;
use oms_domain::{payment::OperationKind, policy::Policy};
use serde_json::{Value, json};

use crate::support::{Basket, in_shop, in_shop_under, replay, shop::cancellation, system::LEEDS};

#[test]
fn a_hard_decline_rejects_the_order_and_gives_the_stock_back() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255).token("tok_decline_hard")).await?;
        let order = shop.until_status(&id, "rejected").await?;
        assert_eq!(order.lines[0].units.cancelled, 4);
        assert_eq!(order.payments[0].operations[0].declined.as_deref(), Some("card_declined"));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        let refusal =
            shop.post(&format!("/v1/orders/{id}/cancellations"), &cancellation("late", &[])).await?.problem(409, "order_closed")?;
        assert_eq!(refusal.current_status.as_deref(), Some("rejected"));
        replay::keep(&shop.system, &id, "rejected").await
    })
}

#[test]
fn a_soft_decline_waits_for_the_customer_and_expires_at_its_deadline() -> Result<()> {
    in_shop_under(Policy { payment_deadline_ms: 4_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255).token("tok_decline_soft")).await?;
        let order = shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        assert_eq!((order.status.as_str(), order.holds[0].reason.as_str()), ("created", "awaiting_payment"));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 4), "what waits for its payment stays reserved");
        shop.until_status(&id, "expired").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        replay::keep(&shop.system, &id, "expired").await
    })
}

#[test]
fn an_order_that_waits_for_its_payment_can_be_cancelled() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255).token("tok_decline_soft")).await?;
        shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        assert_eq!(shop.cancel(&id, "c1", &[]).await?.cancelled[0].quantity, 4);
        shop.until_status(&id, "cancelled").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        Ok(())
    })
}

#[test]
fn while_one_of_two_instruments_is_wanted_the_order_waits_and_its_end_frees_the_other() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let payments = json!([
            {"payment_id": "gift", "method": "gift_card", "amount_minor": 400, "token": "tok_gift"},
            {"payment_id": "card", "method": "card", "amount_minor": 620, "token": "tok_decline_hard"},
        ]);
        let id = shop.place(&Basket::of(&sku, 4, 255).without("payment").with("/payments", payments)).await?;
        let held = |order: &OrderView| order.holds.iter().any(|hold| hold.reason == "awaiting_payment");
        shop.until(&id, "wait for another instrument", held).await?;
        shop.cancel(&id, "c1", &[]).await?;
        shop.until_status(&id, "cancelled").await?;
        crate::support::runtime::until("the gift card to be freed", async || {
            let books = shop.books(&id).await?;
            Ok((books.amounts(OperationKind::Void) == [400]).then_some(()))
        })
        .await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        Ok(())
    })
}

#[test]
fn an_order_that_reaches_the_house_late_has_all_its_time_to_be_paid() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let three_days_ago = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(72)).to_string();
        let late = || Basket::of(&sku, 1, 500).with("/placed_at", three_days_ago.as_str());
        let slow = shop.place(&late().token("tok_timeout")).await?;
        let declined = shop.place(&late().token("tok_decline_soft")).await?;
        let held = shop.until(&declined, "wait for a payment", |order| !order.holds.is_empty()).await?;
        assert_eq!((held.status.as_str(), held.holds[0].reason.as_str()), ("created", "awaiting_payment"));
        shop.until_part(&slow, 1, "released").await?;
        shop.cancel(&declined, "c1", &[]).await?;
        Ok(())
    })
}

#[test]
fn a_bank_that_wants_its_customer_to_prove_who_they_are_pays_once_they_did() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let proof = json!({"version": "2.2.0", "transaction_id": "f879ea1c", "cryptogram": "AAABBEg0VhI0VniQEjRWAAAAAAA="});
        let at_once = Basket::of(&sku, 1, 255).token("tok_wants_proof").with("/payment/three_d_secure", proof.clone());
        let shown = shop.place_released(&at_once).await?;
        ensure!(!json!(shown).to_string().contains("AAABBEg0"), "it is shown to the gateway alone");
        let id = shop.place(&Basket::of(&sku, 4, 255).token("tok_wants_proof")).await?;
        let held = shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
        assert_eq!(held.payments[0].operations[0].declined.as_deref(), Some("authentication_required"));
        let card = |three_d_secure: &Value| json!({"payment_id": "proven", "method": "card", "amount_minor": 1_020, "token": "tok_wants_proof", "three_d_secure": three_d_secure});
        let path = format!("/v1/orders/{id}/payments");
        shop.post(&path, &card(&proof)).await?.view::<Value>(201)?;
        shop.post(&path, &card(&proof)).await?.view::<Value>(201)?;
        let mut other = proof.clone();
        other["cryptogram"] = json!("AAABBEg0VhI0VniQEjRWBBBBBBB=");
        shop.post(&path, &card(&other)).await?.problem(409, "refused_by_rule")?;
        shop.until_part(&id, 1, "released").await?;
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Authorize), [1_020]);
        replay::keep(&shop.system, &id, "proven").await
    })
}
