//! Change sets: an order becomes another one while it is under way, or stays as it is and says why.

use anyhow::{Context, Result, ensure};
use oms_api::{
    change::{ChangeAnswer, ChangePreviewView, ChangeSetView},
    order::OrderView,
};
use oms_domain::ids::OrderId;
use serde_json::{Value, json};

use crate::support::{
    Answer, Basket, Shop, in_shop, replay,
    system::{LEEDS, YORK},
};

pub(super) async fn ask(shop: &Shop, id: &OrderId, change_id: &str, changes: Value) -> Result<Answer> {
    let body = json!({"change_id": change_id, "reason": "on second thoughts", "changes": changes});
    shop.post(&format!("/v1/orders/{id}/changes"), &body).await
}

pub(super) async fn change(shop: &Shop, id: &OrderId, change_id: &str, changes: Value) -> Result<ChangeSetView> {
    ask(shop, id, change_id, changes).await?.view(200)
}

pub(super) async fn preview(shop: &Shop, id: &OrderId, changes: Value) -> Result<ChangePreviewView> {
    let body = json!({"change_id": "preview", "reason": "may be", "changes": changes});
    match shop.post(&format!("/v1/orders/{id}/changes?dry_run=true"), &body).await?.view(200)? {
        ChangeAnswer::Preview(preview) => Ok(preview),
        ChangeAnswer::Kept(set) => anyhow::bail!("a dry run was confirmed: {set:?}"),
    }
}

pub(super) fn all_released(order: &OrderView) -> bool {
    let mut live = order.fulfillment_orders.iter().filter(|part| part.status != "cancelled").peekable();
    live.peek().is_some() && live.all(|part| part.status == "released") && order.lines.iter().all(|line| line.units.unfilled == 0)
}

/// Everything is shipped and delivered; the gateway's books have what the order owes.
pub(super) async fn ends_paid(shop: &Shop, id: &OrderId, total_minor: i64) -> Result<()> {
    let order = shop.until(id, "be released as it is now", all_released).await?;
    shop.fulfill(&order).await?;
    let order = shop.until_status(id, "completed").await?;
    let totals = &order.totals;
    assert_eq!((totals.total_minor, totals.captured_minor, totals.refunded_minor), (total_minor, total_minor, 0));
    Ok(())
}

#[test]
fn more_and_fewer_units_are_reserved_and_paid_for() -> Result<()> {
    in_shop(async |shop| {
        let (sku, other) = (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?);
        let order = shop.place_released(&Basket::of(&sku, 2, 255).and(&other, 3, 100)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let changes = json!([
            {"change": "increase", "line_id": "1", "quantity": 2},
            {"change": "decrease", "line_id": "2", "quantity": 1},
        ]);
        let confirmed = change(shop, &id, "c1", changes).await?;
        assert_eq!(confirmed.difference_minor, 2 * 255 - 100);
        let order = shop.until(&id, "be released as it is now", all_released).await?;
        assert_eq!((order.lines[0].units.ordered, order.lines[1].units.ordered), (4, 2));
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&other, LEEDS).await?), ((10, 4), (10, 2)));
        ends_paid(shop, &id, 4 * 255 + 2 * 100).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&other, LEEDS).await?), ((6, 0), (8, 0)));
        replay::keep(&shop.system, &id, "changed").await
    })
}

#[test]
fn lines_come_and_go_and_one_stands_in_for_another() -> Result<()> {
    in_shop(async |shop| {
        let (old, gone) = (shop.stocked(&[(LEEDS, 5)]).await?, shop.stocked(&[(LEEDS, 5)]).await?);
        let (new, instead) = (shop.stocked(&[(YORK, 5)]).await?, shop.stocked(&[(LEEDS, 5)]).await?);
        let order = shop.place_released(&Basket::of(&old, 3, 400).and(&gone, 1, 150)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let changes = json!([
            {"change": "add", "line": {"line_id": "3", "sku": new, "quantity": 2, "unit_price_minor": 700}},
            {"change": "remove", "line_id": "2"},
            {"change": "substitute", "line_id": "1", "by": {"line_id": "1-S", "sku": instead, "quantity": 2, "unit_price_minor": 350}},
        ]);
        change(shop, &id, "c1", changes).await?;
        let order = shop.until(&id, "be released as it is now", all_released).await?;
        let ordered: Vec<u64> = order.lines.iter().map(|line| line.units.ordered).collect();
        assert_eq!(ordered, [1, 0, 2, 2]);
        assert_eq!((shop.stock(&new, YORK).await?, shop.stock(&instead, LEEDS).await?), ((5, 2), (5, 2)));
        assert_eq!((shop.stock(&old, LEEDS).await?, shop.stock(&gone, LEEDS).await?), ((5, 1), (5, 0)));
        let found: Value = shop.get(&format!("/v1/orders?sku={new}")).await?.view(200)?;
        assert_eq!(found["items"][0]["order_id"], id.as_str(), "found by a SKU that came later");
        ends_paid(shop, &id, 400 + 2 * 700 + 2 * 350).await
    })
}

#[test]
fn another_address_calls_back_what_no_facility_has_accepted() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let first = order.fulfillment_orders[0].clone();
        let york =
            json!({"name": "Ada Example", "line1": "1 Stonegate", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08});
        change(shop, &id, "c1", json!([{"change": "address", "ship_to": york}])).await?;
        let order = shop.until(&id, "be released as it is now", all_released).await?;
        let part = |id: &str| order.fulfillment_orders.iter().find(|part| part.fulfillment_order_id == id);
        assert_eq!(part(&first.fulfillment_order_id).context("the first one")?.status, "cancelled");
        let again = order.fulfillment_orders.iter().find(|part| part.status == "released").context("the one in its place")?;
        assert_eq!((again.lines[0].quantity, again.ship_to.as_ref().context("an address")?.line1.as_str()), (2, "1 Stonegate"));
        assert_eq!(order.heading.ship_to.as_ref().context("an address")?.line1, "1 Stonegate");
        assert_eq!(shop.stock(&sku, again.facility_id.as_deref().context("a facility")?).await?, (10, 2));
        let events =
            serde_json::to_string(&shop.system.store.events(&id, 0, 1_000).await?.into_iter().map(|e| e.data).collect::<Vec<_>>())?;
        ensure!(!events.contains("Stonegate"), "the timeline names where somebody lives");
        ends_paid(shop, &id, 2 * 255).await?;
        replay::keep(&shop.system, &id, "redirected").await
    })
}

#[test]
fn another_method_is_what_the_facility_is_asked_for() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        change(shop, &id, "c1", json!([{"change": "method", "method": "express"}])).await?;
        let order = shop.until(&id, "be released as it is now", all_released).await?;
        let part = order.fulfillment_orders.iter().find(|part| part.status == "released").context("the one in its place")?;
        assert_eq!(part.delivery_method, "express");
        let refused = ask(shop, &id, "c2", json!([{"change": "method", "method": "pickup"}])).await?;
        refused.problem(422, "validation_failed")?;
        ends_paid(shop, &id, 255).await
    })
}

#[test]
fn a_method_brings_its_price_with_it_dearer_or_cheaper() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        for (price_minor, difference_minor) in [(900, 600), (0, -300)] {
            let order = shop.place_released(&Basket::of(&sku, 1, 255).with("/shipping/price_minor", 300)).await?;
            let id: OrderId = order.heading.order_id.parse()?;
            let express = json!([{"change": "method", "method": "express", "price_minor": price_minor}]);
            let shown = preview(shop, &id, express.clone()).await?;
            assert_eq!((shown.difference_minor, shown.total_minor, shown.unpaid_minor), (difference_minor, 255 + price_minor, 0));
            for _ in 0..2 {
                let confirmed = change(shop, &id, "c1", express.clone()).await?;
                assert_eq!((confirmed.difference_minor, confirmed.changes[0].price_minor), (difference_minor, Some(price_minor)));
            }
            let order = shop.until(&id, "be released as it is now", all_released).await?;
            assert_eq!(order.heading.shipping.context("one group")?.price_minor, price_minor);
            // A second change goes by the price that the first one left.
            let back = change(shop, &id, "c2", json!([{"change": "method", "method": "standard", "price_minor": 100}])).await?;
            assert_eq!(back.difference_minor, 100 - price_minor);
            ends_paid(shop, &id, 255 + 100).await?;
        }
        Ok(())
    })
}

#[test]
fn what_has_shipped_stays_and_the_answer_says_what_can_be_changed() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 3, 255)).await?;
        let (id, part): (OrderId, _) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.ship(part).await?;
        let less = json!([{"change": "decrease", "line_id": "1", "quantity": 1}]);
        let refused = ask(shop, &id, "c1", less.clone()).await?.problem(409, "illegal_transition")?;
        assert_eq!(refused.errors[0].pointer, "/changes/0");
        assert_eq!(refused.legal_actions, Some(vec!["add".to_owned(), "increase 1".to_owned()]));
        shop.acts(part, "deliver", json!({})).await?;
        let ended = shop.until_status(&id, "completed").await?;
        ask(shop, &id, "c2", less).await?.problem(409, "order_closed")?;
        assert!(ended.changes.is_empty());
        Ok(())
    })
}

#[test]
fn the_same_set_again_is_the_same_answer_and_another_under_its_id_is_refused() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 3, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let less = |quantity: u32| json!([{"change": "decrease", "line_id": "1", "quantity": quantity}]);
        let first = change(shop, &id, "c1", less(1)).await?;
        assert_eq!(change(shop, &id, "c1", less(1)).await?, first);
        ask(shop, &id, "c1", less(2)).await?.problem(409, "refused_by_rule")?;
        assert_eq!(shop.get(&format!("/v1/orders/{id}/changes/c1")).await?.view::<ChangeSetView>(200)?, first);
        shop.get(&format!("/v1/orders/{id}/changes/c9")).await?.problem(404, "not_found")?;
        assert_eq!(shop.order(&id).await?.changes, std::slice::from_ref(&first));
        shop.cancel(&id, "all", &[]).await?;
        shop.until_status(&id, "cancelled").await?;
        assert_eq!(change(shop, &id, "c1", less(1)).await?, first, "also after the end");
        Ok(())
    })
}

#[test]
fn a_dry_run_shows_stock_promise_and_money_and_changes_nothing() -> Result<()> {
    in_shop(async |shop| {
        let (sku, other) = (shop.stocked(&[(LEEDS, 4)]).await?, shop.stocked(&[(YORK, 1)]).await?);
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let changes = json!([
            {"change": "increase", "line_id": "1", "quantity": 1},
            {"change": "add", "line": {"line_id": "2", "sku": other, "quantity": 3, "unit_price_minor": 10_000}},
        ]);
        let shown = preview(shop, &id, changes).await?;
        assert_eq!((shown.difference_minor, shown.total_minor, shown.unpaid_minor), (30_255, 30_765, 0));
        let stock: Vec<_> = shown.availability.iter().map(|found| (found.sku.as_str(), found.wanted, found.available)).collect();
        let mut wanted = vec![(sku.as_str(), 1, 2), (other.as_str(), 3, 1)];
        wanted.sort();
        assert_eq!(stock, wanted);
        let unfilled: i64 = shown.promises[0].unfilled.iter().map(|units| units.quantity).sum();
        assert_eq!((shown.promises.len(), unfilled), (1, 2));
        ensure!(shown.promises[0].delivery_date.is_some(), "{shown:?}");
        let redirected = preview(shop, &id, json!([{"change": "method", "method": "express"}])).await?;
        assert_eq!(redirected.reissued, [order.fulfillment_orders[0].fulfillment_order_id.clone()]);
        assert_eq!(redirected.availability[0].available, 4, "with what would be called back");
        assert_eq!(shop.order(&id).await?, order, "nothing has changed");
        let body = json!({"change_id": "c1", "reason": "seen", "changes": [{"change": "increase", "line_id": "1", "quantity": 1}]});
        let at = async |version: u64| {
            let request = shop.request(reqwest::Method::POST, &format!("/v1/orders/{id}/changes")).json(&body);
            Answer::to(request.header("If-Match", format!("\"{version}\""))).await
        };
        at(shown.version - 1).await?.problem(412, "version_conflict")?;
        at(shown.version).await?.view::<ChangeSetView>(200)?;
        ends_paid(shop, &id, 3 * 255).await
    })
}

#[test]
fn what_is_wrong_in_a_change_set_is_named_where_it_is() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let changes = json!([
            {"change": "increase", "line_id": "1", "quantity": 0},
            {"change": "explode"},
            {"change": "remove", "line_id": "1", "quantity": 1},
            {"change": "address", "ship_to": {"name": "Ada"}},
        ]);
        let problem = ask(shop, &id, "c1", changes).await?.problem(422, "validation_failed")?;
        let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        for wrong in ["/changes/0/quantity", "/changes/1/change", "/changes/2/quantity", "/changes/3/ship_to/line1"] {
            ensure!(pointers.contains(&wrong), "{wrong} is not among {pointers:?}");
        }
        let unknown = json!([{"change": "add", "line": {"line_id": "2", "sku": "NO-SUCH", "quantity": 1, "unit_price_minor": 1}}]);
        let problem = ask(shop, &id, "c2", unknown).await?.problem(422, "unknown_sku")?;
        assert_eq!(problem.errors[0].pointer, "/changes/0");
        ends_paid(shop, &id, 255).await
    })
}

#[test]
fn without_an_instrument_that_can_pay_more_the_order_waits_for_one() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 1, 500).with("/payment/method", "gift_card");
        let order = shop.place_released(&basket).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        change(shop, &id, "c1", json!([{"change": "increase", "line_id": "1", "quantity": 1}])).await?;
        let held = |order: &OrderView| order.holds.iter().any(|hold| hold.reason == "awaiting_payment");
        shop.until(&id, "wait for a payment", held).await?;
        let card = json!({"payment_id": "card-2", "method": "card", "amount_minor": 500, "token": "tok_fine"});
        shop.post(&format!("/v1/orders/{id}/payments"), &card).await?.view::<Value>(201)?;
        ends_paid(shop, &id, 1_000).await
    })
}
