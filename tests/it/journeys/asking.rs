//! Change sets that touch what facilities have accepted: asked for, answered, timed out, taken back, and overtaken by a shipment.

use anyhow::{Context, Result, ensure};
use futures_util::future::{join, try_join_all};
use oms_api::{change::ChangeSetView, hold::DeadlineView, order::OrderView, page::Page};
use oms_domain::{ids::OrderId, policy::Policy};
use reqwest::Method;
use serde_json::{Value, json};

use super::changing::{all_released, ask, change, ends_paid, preview};
use crate::support::{
    Answer, Basket, Shop,
    books::trouble,
    in_own_shop, in_shop, in_shop_under, replay,
    system::{LEEDS, YORK},
};

/// Units of one product whose facility has accepted them.
async fn accepted(shop: &Shop, basket: &Basket) -> Result<(OrderId, OrderView, String)> {
    let order = shop.place_released(basket).await?;
    let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
    shop.acts(&part, "accept", json!({})).await?;
    Ok((order.heading.order_id.parse()?, order, part))
}

fn less(units: u32) -> Value {
    json!([{"change": "decrease", "line_id": "1", "quantity": units}])
}

fn to_york() -> Value {
    json!([{"change": "address", "ship_to": {"name": "Ada Example", "line1": "1 Stonegate", "city": "York", "country": "GB"}}])
}

async fn known(shop: &Shop, id: &OrderId, change_id: &str) -> Result<ChangeSetView> {
    shop.get(&format!("/v1/orders/{id}/changes/{change_id}")).await?.view(200)
}

#[test]
fn a_facility_that_agrees_lets_units_go_and_their_exact_money_with_them() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (id, order, part) = accepted(shop, &Basket::of(&sku, 3, 255)).await?;
        let shown = preview(shop, &id, less(1)).await?;
        assert_eq!((shown.difference_minor, shown.total_minor, shown.lines[0].would_be.ordered), (-255, 510, 2));
        assert_eq!((shown.asked[0].fulfillment_order_id.as_str(), shown.asked[0].facility_id.as_deref()), (part.as_str(), Some(LEEDS)));
        ensure!(shown.until.is_some() && shop.order(&id).await?.changes.is_empty(), "a dry run asks nobody: {shown:?}");

        let asked = change(shop, &id, "c1", less(1)).await?;
        assert_eq!((asked.status.as_str(), asked.difference_minor, asked.asked[0].agreed), ("requested", 0, false));
        assert_eq!((shop.order(&id).await?.totals.total_minor, shop.stock(&sku, LEEDS).await?), (order.totals.total_minor, (10, 3)));
        assert_eq!(change(shop, &id, "c1", less(1)).await?, asked, "the same set again is the same answer");
        let picking = shop.acts(&part, "start-picking", json!({"picker": "P-7"})).await?;
        let question = picking.change_requested.context("what is asked for")?;
        assert_eq!(
            (question.change_id.as_str(), question.changes[0].change.as_str(), Some(question.until)),
            ("c1", "decrease", asked.until)
        );
        ensure!(picking.legal_actions.contains(&"accept-change".to_owned()), "{:?}", picking.legal_actions);

        let answered = shop.acts(&part, "accept-change", json!({})).await?;
        assert_eq!((answered.status.as_str(), answered.lines[0].quantity, answered.change_requested), ("picking", 2, None));
        let made = known(shop, &id, "c1").await?;
        assert_eq!((made.status.as_str(), made.difference_minor, made.asked[0].agreed, made.until), ("confirmed", -255, true, None));
        assert_eq!(shop.order(&id).await?.changes, [made]);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 2));
        shop.ship(&part).await?;
        shop.acts(&part, "deliver", json!({})).await?;
        let ended = shop.until_status(&id, "completed").await?;
        assert_eq!((ended.totals.total_minor, ended.totals.captured_minor, ended.totals.voided_minor), (510, 510, 255));
        replay::keep(&shop.system, &id, "change-agreed").await
    })
}

#[test]
fn what_is_packed_for_another_address_is_called_back_and_its_label_voided() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let (id, _, part) = accepted(shop, &Basket::of(&sku, 2, 255)).await?;
        trouble(&shop.system.addresses.carrier_url, json!({"down_for_ms": 600_000})).await?;
        let pending = shop.acts(&part, "ship", json!({})).await?;
        assert_eq!((pending.status.as_str(), pending.parcels[0].status.as_str()), ("packed", "label_pending"));
        assert_eq!(change(shop, &id, "c1", to_york()).await?.status, "requested");
        shop.acts(&part, "accept-change", json!({})).await?;
        trouble(&shop.system.addresses.carrier_url, json!({})).await?;
        let order = shop.until(&id, "be released as it is now", all_released).await?;
        let old = order.fulfillment_orders.iter().find(|found| found.fulfillment_order_id == part).context("the first one")?;
        assert_eq!((old.status.as_str(), old.parcels[0].status.as_str()), ("cancelled", "voided"));
        let again = order.fulfillment_orders.iter().find(|found| found.status == "released").context("the one in its place")?;
        assert_eq!((again.lines[0].quantity, again.ship_to.as_ref().context("an address")?.line1.as_str()), (2, "1 Stonegate"));
        assert_eq!(known(shop, &id, "c1").await?.status, "confirmed");
        ends_paid(shop, &id, 510).await?;
        replay::keep(&shop.system, &id, "change-called-back").await
    })
}

#[test]
fn a_facility_that_refuses_declines_it_and_nothing_has_changed() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (id, _, part) = accepted(shop, &Basket::of(&sku, 3, 255)).await?;
        change(shop, &id, "c1", less(1)).await?;
        let second = ask(shop, &id, "c2", to_york()).await?.problem(409, "illegal_transition")?;
        assert_eq!(second.legal_actions, Some(vec!["cancel change set c1".to_owned()]));
        shop.acts(&part, "refuse-change", json!({"reason": "the van is loaded"})).await?;
        let declined = known(shop, &id, "c1").await?;
        assert_eq!((declined.status.as_str(), declined.difference_minor), ("declined", 0));
        assert_eq!(declined.why, Some(format!("{part} was not let go: the van is loaded")));
        shop.act(&part, "accept-change", json!({})).await?.problem(409, "illegal_transition")?;
        shop.ship(&part).await?;
        shop.acts(&part, "deliver", json!({})).await?;
        let ended = shop.until_status(&id, "completed").await?;
        assert_eq!((ended.totals.captured_minor, ended.changes), (765, vec![declined]));
        Ok(())
    })
}

#[test]
fn silence_declines_it_unless_there_is_more_time() -> Result<()> {
    in_shop_under(Policy { change_request_ms: 3_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (late, _, _) = accepted(shop, &Basket::of(&sku, 3, 255)).await?;
        let (id, _, part) = accepted(shop, &Basket::of(&sku, 3, 255)).await?;
        let asked = change(shop, &id, "c1", less(1)).await?;
        let path = format!("/v1/orders/{id}/deadlines");
        let all: Page<DeadlineView> = shop.get(&path).await?.view(200)?;
        let wait = all.items.into_iter().find(|found| found.wait == "change_request").context("the wait for an answer")?;
        assert_eq!((Some(wait.due), wait.extended_by.as_deref()), (asked.until, Some("support")));
        let until = wait.due + jiff::SignedDuration::from_hours(1);
        let longer = shop.request(Method::PATCH, &format!("{path}/{}", wait.deadline_id)).json(&json!({"until": until.to_string()}));
        Answer::to(longer).await?.view::<DeadlineView>(200)?;
        assert_eq!(known(shop, &id, "c1").await?.until, Some(until));
        // The other one's time is over first, though it began later.
        change(shop, &late, "c1", less(1)).await?;
        let declined = |order: &OrderView| order.changes[0].why.as_deref() == Some("no answer came in time");
        shop.until(&late, "decline the change", declined).await?;
        shop.acts(&part, "accept-change", json!({})).await?;
        assert_eq!(known(shop, &id, "c1").await?.status, "confirmed");
        replay::keep(&shop.system, &late, "change-unanswered").await
    })
}

#[test]
fn who_asked_takes_it_back_while_nobody_has_answered() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (id, _, part) = accepted(shop, &Basket::of(&sku, 3, 255)).await?;
        change(shop, &id, "c1", less(1)).await?;
        let path = |change_id: &str| format!("/v1/orders/{id}/changes/{change_id}/cancel");
        for _ in 0..2 {
            let cancelled: ChangeSetView = shop.post(&path("c1"), &json!({})).await?.view(200)?;
            assert_eq!((cancelled.status.as_str(), cancelled.until), ("cancelled", None));
        }
        shop.post(&path("c9"), &json!({})).await?.problem(404, "not_found")?;
        shop.act(&part, "accept-change", json!({})).await?.problem(409, "illegal_transition")?;
        change(shop, &id, "c2", less(2)).await?;
        shop.acts(&part, "accept-change", json!({})).await?;
        shop.post(&path("c2"), &json!({})).await?.problem(409, "illegal_transition")?;
        let changes = shop.order(&id).await?.changes;
        let shown: Vec<_> = changes.iter().map(|set| (set.change_id.as_str(), set.status.as_str())).collect();
        assert_eq!(shown, [("c2", "confirmed"), ("c1", "cancelled")]);
        shop.cancel(&id, "all", &[]).await?;
        shop.acts(&part, "accept-cancellation", json!({})).await?;
        shop.until_status(&id, "cancelled").await?;
        Ok(())
    })
}

/// A facility lets go and ships at the same moment; whether it shipped.
async fn race(shop: &Shop, basket: &Basket, ship_first: bool) -> Result<bool> {
    let (id, _, part) = accepted(shop, basket).await?;
    change(shop, &id, "c1", to_york()).await?;
    let agree = async {
        if ship_first {
            tokio::task::yield_now().await;
        }
        shop.act(&part, "accept-change", json!({})).await
    };
    let (agreed, shipped) = join(agree, shop.act(&part, "ship", json!({"carrier": "van", "tracking_number": format!("R-{id}")}))).await;
    let (agreed, shipped) = (agreed?.status == 200, shipped?.status == 200);
    ensure!(agreed != shipped, "agreed: {agreed}, shipped: {shipped}");
    let (set, order) = (known(shop, &id, "c1").await?, shop.order(&id).await?);
    assert_eq!(set.status, if agreed { "confirmed" } else { "declined" }, "{set:?}");
    let units: u64 = order.lines[0].units.shipped;
    assert_eq!(units, if shipped { 2 } else { 0 });
    Ok(shipped)
}

#[test]
fn of_a_consent_and_a_shipment_exactly_one_wins() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1_000)]).await?;
        let baskets: Vec<Basket> = (0..12).map(|_| Basket::of(&sku, 2, 300)).collect();
        let races = baskets.iter().enumerate().map(|(n, basket)| race(shop, basket, n % 2 == 0));
        let shipped = try_join_all(races).await?.into_iter().filter(|shipped| *shipped).count();
        println!("{shipped} of {} shipped", baskets.len());
        for basket in &baskets {
            shop.until(&basket.id(), "be with a facility or shipped", |order| order.lines[0].units.unfilled == 0).await?;
        }
        let left = 1_000 - 2 * i64::try_from(shipped)?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (left, 2 * i64::try_from(baskets.len() - shipped)?));
        replay::replays(&shop.system, &baskets[0].id()).await
    })
}
