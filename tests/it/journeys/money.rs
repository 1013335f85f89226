//! What is charged, to whom, and when: each shipment its exact share, to the minor unit.

use anyhow::Result;
use oms_domain::payment::OperationKind;
use serde_json::json;

use crate::support::{
    Basket,
    books::authorize,
    in_shop, replay,
    system::{LEEDS, YORK},
};

#[test]
fn each_shipment_of_a_split_order_captures_its_exact_share() -> Result<()> {
    in_shop(async |shop| {
        let near = shop.stocked(&[(LEEDS, 100)]).await?;
        let far = shop.stocked(&[(YORK, 100)]).await?;
        let both = shop.stocked(&[(LEEDS, 2), (YORK, 5)]).await?;
        // Prime amounts, so that every share has a remainder to place.
        let basket = Basket::empty().and(&near, 3, 6_701).and(&far, 7, 5_303).and(&both, 7, 9_973);
        let basket = basket.with("/lines/0/tax_minor", 101).with("/lines/2/discount_minor", 1_009);
        let basket = basket.with("/shipping/price_minor", 499).with("/shipping/tax_minor", 97);
        let basket = basket.with("/discounts", json!([{"code": "SPRING", "amount_minor": 311}]));
        let total_minor = 3 * 6_701 + 101 + 7 * 5_303 + 7 * 9_973 - 1_009 + 499 + 97 - 311;
        let order = shop.place_released(&basket).await?;
        assert_eq!(order.totals.total_minor, total_minor);
        assert_eq!(order.fulfillment_orders.len(), 2, "{:?}", order.fulfillment_orders);
        let id = basket.id();
        for (shipped, part) in order.fulfillment_orders.iter().enumerate() {
            shop.ship(&part.fulfillment_order_id).await?;
            let what = "be captured for what has shipped";
            let paid = shop.until(&id, what, |order| {
                order.payments[0].operations.iter().filter(|op| op.kind == "capture" && op.status == "succeeded").count() == shipped + 1
            });
            let document = shop.document(&id).await?;
            assert_eq!(paid.await?.totals.captured_minor, document.map_or(0, |order| order.shipped_minor));
        }
        for part in &order.fulfillment_orders {
            shop.acts(&part.fulfillment_order_id, "deliver", json!({})).await?;
        }
        shop.until_status(&id, "completed").await?;
        let books = shop.books(&id).await?;
        assert_eq!((books.sum(OperationKind::Authorize), books.sum(OperationKind::Capture)), (total_minor, total_minor));
        assert_eq!(books.amounts(OperationKind::Capture).len(), 2);
        replay::keep(&shop.system, &id, "split").await
    })
}

#[test]
fn units_that_are_cancelled_are_not_charged() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        // 7 units for 1,000: no unit has an even share.
        let basket = Basket::of(&sku, 7, 143).with("/discounts", json!([{"code": "ONE", "amount_minor": 1}]));
        let order = shop.place_released(&basket).await?;
        shop.cancel(&basket.id(), "c1", &[("1", 3)]).await?;
        shop.fulfill(&order).await?;
        let order = shop.until_status(&basket.id(), "completed").await?;
        // The cancelled units are numbered first: ⌊1000·3/7⌋ = 428 is not charged.
        assert_eq!((order.totals.captured_minor, order.totals.voided_minor), (572, 428));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 0));
        Ok(())
    })
}

#[test]
fn a_gift_card_is_charged_first_and_the_card_for_the_rest() -> Result<()> {
    in_shop(async |shop| {
        let near = shop.stocked(&[(LEEDS, 10)]).await?;
        let far = shop.stocked(&[(YORK, 10)]).await?;
        let payments = json!([
            {"payment_id": "card", "method": "card", "amount_minor": 7_000, "token": "tok_card"},
            {"payment_id": "gift", "method": "gift_card", "amount_minor": 6_000, "token": "tok_gift"},
        ]);
        let basket = Basket::empty().and(&near, 1, 6_500).and(&far, 1, 6_500).without("payment").with("/payments", payments);
        let order = shop.place_released(&basket).await?;
        shop.ship(&order.fulfillment_orders[0].fulfillment_order_id).await?;
        let paid = shop.until(&basket.id(), "be charged for the first parcel", |order| order.totals.captured_minor == 6_500).await?;
        let captured = |id: &str| paid.payments.iter().find(|p| p.payment_id == id).map(|p| p.captured_minor);
        assert_eq!((captured("gift"), captured("card")), (Some(6_000), Some(500)));
        shop.fulfill(&paid).await?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "deliver", json!({})).await?;
        let order = shop.until_status(&basket.id(), "completed").await?;
        assert_eq!(order.totals.captured_minor, 13_000);
        Ok(())
    })
}

#[test]
fn on_terms_an_invoice_is_due_for_each_shipment_and_no_gateway_is_asked() -> Result<()> {
    in_shop(async |shop| {
        let near = shop.stocked(&[(LEEDS, 10)]).await?;
        let far = shop.stocked(&[(YORK, 10)]).await?;
        let basket = Basket::empty().and(&near, 2, 6_500).and(&far, 1, 7_001).with("/payment", json!({"method": "terms"}));
        let order = shop.place_released(&basket).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&basket.id(), "completed").await?;
        let events = shop.system.store.events(&basket.id(), 0, 1_000).await?;
        let mut invoiced: Vec<i64> =
            events.iter().filter(|event| event.kind == "invoice_due").filter_map(|event| event.data["amount_minor"].as_i64()).collect();
        invoiced.sort_unstable();
        assert_eq!(invoiced, [7_001, 13_000]);
        assert!(shop.books(&basket.id()).await?.0.is_empty());
        Ok(())
    })
}

#[test]
fn where_nothing_is_due_no_gateway_is_asked() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        for basket in [Basket::of(&sku, 1, 0).without("payment"), Basket::of(&sku, 1, 900).with("/payment", json!({"method": "external"}))]
        {
            let order = shop.place_released(&basket).await?;
            shop.fulfill(&order).await?;
            shop.until_status(&basket.id(), "completed").await?;
            assert!(shop.books(&basket.id()).await?.0.is_empty());
        }
        Ok(())
    })
}

#[test]
fn what_the_checkout_authorized_is_captured_and_not_authorized_again() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255).without("payment");
        let authorization = authorize(&shop.system.addresses.gateway_url, &basket.id(), 510).await?;
        let payments = json!([{"payment_id": "card", "method": "card", "amount_minor": 510, "authorization": {"id": authorization, "amount_minor": 510}}]);
        let basket = basket.with("/payments", payments);
        let order = shop.place_released(&basket).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&basket.id(), "completed").await?;
        let books = shop.books(&basket.id()).await?;
        assert_eq!((books.amounts(OperationKind::Authorize), books.amounts(OperationKind::Capture)), (vec![510], vec![510]));
        Ok(())
    })
}

#[test]
fn a_line_with_a_price_that_is_added_to_a_free_order_waits_for_a_payment() -> Result<()> {
    in_shop(async |shop| {
        let (gift, dear) = (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?);
        let basket = Basket::of(&gift, 1, 0).without("payment");
        let id = basket.id();
        let order = shop.place_released(&basket).await?;
        let line = json!({"line_id": "2", "sku": dear, "quantity": 1, "unit_price_minor": 5_000});
        let body = json!({"change_id": "add", "reason": "by phone", "changes": [{"change": "add", "line": line}]});
        let changed = shop.post(&format!("/v1/orders/{id}/changes"), &body).await?;
        assert!(changed.status < 300, "{changed:?}");
        let order_after = shop.order(&id).await?;
        assert_eq!(order_after.holds.iter().map(|hold| hold.reason.as_str()).collect::<Vec<_>>(), ["awaiting_payment"]);
        // The gift is nobody's debt, and goes.
        shop.ship(&order.fulfillment_orders[0].fulfillment_order_id).await?;
        let payment = json!({"payment_id": "card", "method": "card", "amount_minor": 5_000, "token": "tok_fine"});
        shop.post(&format!("/v1/orders/{id}/payments"), &payment).await?.view::<serde_json::Value>(201)?;
        let order = shop.until(&id, "be released", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        let part = order.fulfillment_orders.iter().find(|part| part.status == "released").expect("the part");
        shop.ship(&part.fulfillment_order_id).await?;
        for part in &order.fulfillment_orders {
            shop.acts(&part.fulfillment_order_id, "deliver", json!({})).await?;
        }
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.totals.captured_minor, order.holds.len()), (5_000, 0));
        Ok(())
    })
}

#[test]
fn what_was_paid_elsewhere_is_owed_back_when_nothing_of_it_ships() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 500).with("/payment", json!({"method": "external"}))).await?;
        shop.cancel(&id, "c1", &[]).await?;
        let order = shop.until_status(&id, "cancelled").await?;
        let refunds: Vec<_> =
            order.refunds.iter().map(|refund| (refund.of.as_str(), refund.amount_minor, refund.given_back_minor)).collect();
        assert_eq!((refunds, order.payments[0].credited_minor), (vec![("unused", 1_000, 1_000)], 1_000));
        assert!(shop.timeline(&id).await?.contains(&"credit_due".to_owned()));
        Ok(())
    })
}

#[test]
fn shipping_is_given_back_as_shipping_and_once() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 3, 1_000).with("/shipping/price_minor", 600);
        let (id, order) = (basket.id(), shop.place_released(&basket).await?);
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        let refunds = format!("/v1/orders/{id}/refunds");
        let late = json!({"refund_id": "late", "amount_minor": 600, "reason": "late", "of": "shipping"});
        shop.post(&refunds, &late).await?.view::<serde_json::Value>(201)?;
        let more = json!({"refund_id": "more", "amount_minor": 1, "reason": "late", "of": "shipping"});
        shop.post(&refunds, &more).await?.problem(409, "refused_by_rule")?;
        shop.post(&refunds, &json!({"refund_id": "x", "amount_minor": 1, "reason": "late", "of": "tax"}))
            .await?
            .problem(422, "validation_failed")?;
        let claim = json!({"order_id": id, "lines": [{"line_id": "1", "quantity": 1}], "reason": "broken"});
        let claim: serde_json::Value = shop.post("/v1/claims", &claim).await?.view(201)?;
        let path = format!("/v1/claims/{}/approve", claim["claim_id"].as_str().expect("an id"));
        shop.post(&path, &json!({})).await?.view::<serde_json::Value>(200)?;
        let back = |order: &oms_api::order::OrderView| order.refunds.iter().map(|refund| refund.given_back_minor).sum::<i64>();
        let order = shop.until(&id, "have paid it all back", |order| back(order) >= 1_600).await?;
        assert_eq!(back(&order), 1_600, "the claim pays for the unit without its shipping");
        Ok(())
    })
}
