//! Goods that come back: each unit once, each penny once, whatever comes and whoever asks at the same time.

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use oms_api::{hold::DeadlineView, order::OrderView, page::Page, returns::ReturnView};
use oms_domain::{
    ids::{OrderId, Sku},
    payment::OperationKind,
    policy::Policy,
};
use oms_workflows::names::return_workflow_id;
use serde_json::{Value, json};

use crate::support::{
    Answer, Basket, Shop,
    basket::unique,
    in_own_shop, in_shop, in_shop_under, replay,
    runtime::until,
    system::{BATH, LEEDS, YORK},
};

/// An order of one line that was delivered, and its SKU: 4 units for 1,020 and 3 for shipping, so that no unit has an even share.
async fn delivered(shop: &Shop) -> Result<(OrderId, Sku)> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 4, 255).with("/shipping/price_minor", 3);
    let order = shop.place_released(&basket).await?;
    shop.fulfill(&order).await?;
    shop.until_status(&basket.id(), "completed").await?;
    Ok((basket.id(), sku))
}

fn lines(units: u32) -> Value {
    json!([{"line_id": "1", "quantity": units, "reason": "too small"}])
}

async fn open(shop: &Shop, order: &OrderId, lines: Value) -> Result<Answer> {
    shop.post("/v1/returns", &json!({"order_id": order, "lines": lines})).await
}

/// What somebody does to a return, and may do.
async fn acts(shop: &Shop, id: &str, action: &str, body: Value) -> Result<ReturnView> {
    shop.post(&format!("/v1/returns/{id}/{action}"), &body).await?.view(200)
}

async fn receive(shop: &Shop, id: &str, goods: Value) -> Result<ReturnView> {
    acts(shop, id, "receive", json!({"facility_id": LEEDS, "lines": goods})).await
}

async fn accept(shop: &Shop, id: &str, units: u32) -> Result<ReturnView> {
    acts(shop, id, "inspect", json!({"lines": [{"line_id": "1", "quantity": units, "verdict": "accepted"}]})).await
}

async fn until_return(shop: &Shop, id: &str, status: &str) -> Result<ReturnView> {
    let mut last = None;
    let what = format!("return {id} to be {status}");
    let found = until(&what, async || {
        let found: ReturnView = shop.get(&format!("/v1/returns/{id}")).await?.view(200)?;
        last = Some(found.clone());
        Ok(Some(found).filter(|found| found.status == status))
    });
    found.await.with_context(|| format!("it is {last:#?}"))
}

async fn returned(shop: &Shop, order: &OrderId) -> Result<OrderView> {
    shop.until(order, "have its refund paid", |order| !order.returns.is_empty() && order.totals.refunded_minor > 0).await
}

/// Its run has ended, and its history replays.
async fn ends(shop: &Shop, id: &str) -> Result<()> {
    replay::return_replays(&shop.system, &id.parse()?).await
}

#[test]
fn goods_are_sent_back_with_a_label_judged_put_away_and_paid_back() -> Result<()> {
    in_shop(async |shop| {
        let (order, sku) = delivered(shop).await?;
        let opened: ReturnView = open(shop, &order, lines(3)).await?.view(201)?;
        let id = opened.return_id.clone();
        assert_eq!(id, format!("{order}-R1"));
        let sent = until_return(shop, &id, "label_sent").await?;
        let label = sent.label.context("a label")?;
        let scan = json!({"event_id": unique("E"), "carrier": label.carrier, "tracking_number": label.tracking_number,
            "status": "in_transit", "occurred_at": jiff::Timestamp::now().to_string()});
        shop.post("/v1/carrier-events", &json!({"events": [scan]})).await?.view::<Value>(202)?;
        until_return(shop, &id, "in_transit").await?;
        assert_eq!(receive(shop, &id, json!([{"line_id": "1", "quantity": 3}])).await?.status, "received");
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 0), "nothing is put away before it is judged");
        accept(shop, &id, 3).await?;
        let closed = until_return(shop, &id, "closed").await?;
        // ⌊1023·3/4⌋ = 767.
        assert_eq!(closed.refund.context("a refund")?.amount_minor, 767);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (9, 0));
        let after = returned(shop, &order).await?;
        assert_eq!((after.totals.captured_minor, after.totals.refunded_minor), (1_023, 767));
        assert_eq!((after.fulfillment.as_str(), after.lines[0].units.returned), ("partially_returned", 3));
        assert_eq!(shop.books(&order).await?.amounts(OperationKind::Refund), [767]);
        replay::keep_return(&shop.system, &id.parse()?, "return").await?;
        replay::keep(&shop.system, &order, "woken-for-a-return").await?;
        ends(shop, &id).await
    })
}

#[test]
fn a_return_under_the_same_id_is_the_same_return_and_of_other_units_a_conflict() -> Result<()> {
    in_shop(async |shop| {
        let (order, _) = delivered(shop).await?;
        let body = json!({"return_id": format!("{order}-R7"), "order_id": order, "lines": lines(1)});
        let first: ReturnView = shop.post("/v1/returns", &body).await?.view(201)?;
        let again: ReturnView = shop.post("/v1/returns", &body).await?.view(200)?;
        assert_eq!(again.return_id, first.return_id);
        let other = json!({"return_id": format!("{order}-R7"), "order_id": order, "lines": lines(2)});
        shop.post("/v1/returns", &other).await?.problem(409, "return_conflict")?;
        let next: ReturnView = open(shop, &order, lines(1)).await?.view(201)?;
        assert_eq!(next.return_id, format!("{order}-R8"));
        let listed: Value = shop.get(&format!("/v1/returns?order_id={order}")).await?.view(200)?;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
        for id in [first.return_id, next.return_id] {
            acts(shop, &id, "cancel", json!({"reason": "keeps it"})).await?;
            until_return(shop, &id, "cancelled").await?;
        }
        Ok(())
    })
}

#[test]
fn less_than_announced_is_waited_for_until_the_deadline() -> Result<()> {
    let policy = Policy { return_rest_ms: 1_500, ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let (order, sku) = delivered(shop).await?;
        let id = open(shop, &order, lines(3)).await?.view::<ReturnView>(201)?.return_id;
        assert_eq!(receive(shop, &id, json!([{"line_id": "1", "quantity": 1}])).await?.status, "partially_received");
        accept(shop, &id, 1).await?;
        let closed = until_return(shop, &id, "closed").await?;
        assert_eq!(closed.refund.context("a refund")?.amount_minor, 255);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (7, 0));
        // What did not come may come another time.
        let rest: ReturnView = open(shop, &order, lines(3)).await?.view(201)?;
        acts(shop, &rest.return_id, "cancel", json!({"reason": "keeps it"})).await?;
        replay::keep_return(&shop.system, &id.parse()?, "return-in-part").await
    })
}

#[test]
fn more_than_announced_is_paid_for_as_far_as_it_was_delivered_and_put_away_whole() -> Result<()> {
    in_shop(async |shop| {
        let (order, sku) = delivered(shop).await?;
        let id = open(shop, &order, lines(1)).await?.view::<ReturnView>(201)?.return_id;
        receive(shop, &id, json!([{"line_id": "1", "quantity": 5}])).await?;
        accept(shop, &id, 5).await?;
        let closed = until_return(shop, &id, "closed").await?;
        let refund = closed.refund.context("a refund")?;
        assert_eq!((refund.amount_minor, refund.lines[0].quantity), (1_023, 4));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (11, 0));
        let after = returned(shop, &order).await?;
        assert_eq!((after.fulfillment.as_str(), after.totals.refunded_minor), ("returned", 1_023));
        ends(shop, &id).await
    })
}

#[test]
fn wrong_goods_are_put_away_under_their_own_sku_and_not_paid_for() -> Result<()> {
    in_shop(async |shop| {
        let (order, sku) = delivered(shop).await?;
        let other = shop.stocked(&[(LEEDS, 1)]).await?;
        let id = open(shop, &order, lines(1)).await?.view::<ReturnView>(201)?.return_id;
        let unknown = json!({"facility_id": LEEDS, "lines": [{"sku": "NO-SUCH-THING", "quantity": 1}]});
        shop.post(&format!("/v1/returns/{id}/receive"), &unknown).await?.problem(422, "unknown_sku")?;
        let body = json!({"facility_id": LEEDS, "complete": true, "lines": [{"sku": other, "quantity": 1}]});
        acts(shop, &id, "receive", body).await?;
        let judge = |verdict: &str| json!({"lines": [{"sku": other, "quantity": 1, "verdict": verdict, "disposition": "restock"}]});
        shop.post(&format!("/v1/returns/{id}/inspect"), &judge("accepted")).await?.problem(409, "refused_by_rule")?;
        acts(shop, &id, "inspect", judge("rejected")).await?;
        until_return(shop, &id, "closed").await?;
        assert_eq!((shop.stock(&other, LEEDS).await?, shop.stock(&sku, LEEDS).await?), ((2, 0), (6, 0)));
        let after = shop.order(&order).await?;
        assert_eq!((after.totals.refunded_minor, after.fulfillment.as_str()), (0, "fulfilled"));
        Ok(())
    })
}

#[test]
fn unannounced_goods_are_received_at_any_facility() -> Result<()> {
    in_shop(async |shop| {
        let (order, sku) = delivered(shop).await?;
        let id = open(shop, &order, json!([])).await?.view::<ReturnView>(201)?.return_id;
        acts(shop, &id, "receive", json!({"receipt_id": "d1", "facility_id": BATH, "lines": [{"sku": sku, "quantity": 2}]})).await?;
        // The same delivery again counts once.
        let again =
            acts(shop, &id, "receive", json!({"receipt_id": "d1", "facility_id": BATH, "lines": [{"sku": sku, "quantity": 2}]})).await?;
        assert_eq!(again.goods[0].received, 2);
        let judged = json!({"lines": [
            {"line_id": "1", "quantity": 1, "verdict": "accepted", "disposition": "write_off"},
            {"line_id": "1", "quantity": 1, "verdict": "accepted"},
        ]});
        acts(shop, &id, "inspect", judged).await?;
        until_return(shop, &id, "closed").await?;
        assert_eq!(shop.stock(&sku, BATH).await?, (1, 0), "one is restocked, the other written off");
        assert_eq!(returned(shop, &order).await?.totals.refunded_minor, 511);
        ends(shop, &id).await
    })
}

#[test]
fn what_comes_back_goes_to_those_who_wait_for_it() -> Result<()> {
    in_shop(async |shop| {
        let (order, sku) = delivered(shop).await?;
        let waiting = Basket::of(&sku, 8, 255);
        let waits = shop.place(&waiting).await?;
        shop.until(&waits, "wait for two units", |order| order.lines[0].units.unfilled == 2).await?;
        let id = open(shop, &order, lines(2)).await?.view::<ReturnView>(201)?.return_id;
        receive(shop, &id, json!([{"line_id": "1", "quantity": 2}])).await?;
        accept(shop, &id, 2).await?;
        shop.until(&waits, "get what came back", |order| order.lines[0].units.unfilled == 0).await?;
        until_return(shop, &id, "closed").await.map(drop)
    })
}

#[test]
fn after_the_window_a_person_approves_or_declines_or_the_deadline_does() -> Result<()> {
    // Nothing is ever within this window.
    let policy = Policy { return_window_ms: -1, return_approval_ms: 2_500, ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let (order, _) = delivered(shop).await?;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(open(shop, &order, lines(1)).await?.view::<ReturnView>(201)?);
        }
        assert!(ids.iter().all(|opened| opened.status == "requested" && opened.legal_actions.contains(&"approve".to_owned())));
        acts(shop, &ids[0].return_id, "approve", json!({})).await?;
        acts(shop, &ids[1].return_id, "decline", json!({"reason": "worn"})).await?;
        until_return(shop, &ids[2].return_id, "declined").await?;
        until_return(shop, &ids[0].return_id, "label_sent").await?;
        let refused = shop.post(&format!("/v1/returns/{}/approve", ids[1].return_id), &json!({})).await?;
        let problem = refused.problem(409, "illegal_transition")?;
        assert_eq!(problem.current_status.as_deref(), Some("declined"));
        // The declined ones have given their units back.
        shop.until(&order, "let go of two units", |order| order.returns.iter().filter(|known| known.amount_minor == Some(0)).count() == 2)
            .await?;
        replay::keep_return(&shop.system, &ids[2].return_id.parse()?, "return-declined").await?;
        acts(shop, &ids[0].return_id, "cancel", json!({"reason": "keeps it"})).await.map(drop)
    })
}

#[test]
fn what_nobody_sends_expires_and_what_the_carrier_loses_is_lost() -> Result<()> {
    let policy = Policy { return_sending_ms: 2_500, ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let (order, _) = delivered(shop).await?;
        let (late, lost) = (open(shop, &order, lines(1)).await?, open(shop, &order, lines(1)).await?);
        let (late, lost): (ReturnView, ReturnView) = (late.view(201)?, lost.view(201)?);
        let label = until_return(shop, &lost.return_id, "label_sent").await?.label.context("a label")?;
        // What the carrier never had it cannot lose.
        let scan = |status: &str| {
            json!({"event_id": unique("E"), "carrier": label.carrier, "tracking_number": label.tracking_number,
            "status": status, "occurred_at": jiff::Timestamp::now().to_string()})
        };
        shop.post("/v1/carrier-events", &json!({"events": [scan("in_transit"), scan("lost")]})).await?.view::<Value>(202)?;
        until_return(shop, &lost.return_id, "lost").await?;
        until_return(shop, &late.return_id, "expired").await?;
        let timeline = format!("/v1/returns/{}/events", late.return_id);
        until("the label of what expired to be void", async || {
            let events: Value = shop.get(&timeline).await?.view(200)?;
            let voided = events["items"].as_array().is_some_and(|events| events.iter().any(|event| event["type"] == "return_label_voided"));
            Ok(voided.then_some(()))
        })
        .await?;
        ends(shop, &lost.return_id).await?;
        replay::keep_return(&shop.system, &lost.return_id.parse()?, "return-lost").await?;
        replay::keep_return(&shop.system, &late.return_id.parse()?, "return-expired").await
    })
}

#[test]
fn a_unit_that_has_not_shipped_or_arrived_is_refused_with_advice() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(YORK, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        let order = shop.place_released(&basket).await?;
        let refused = open(shop, &basket.id(), lines(1)).await?.problem(409, "refused_by_rule")?;
        let detail = refused.detail.context("a detail")?;
        ensure!(detail.contains("cancel them instead"), "{detail}");
        shop.ship(&order.fulfillment_orders[0].fulfillment_order_id).await?;
        let refused = open(shop, &basket.id(), lines(1)).await?.problem(409, "refused_by_rule")?;
        ensure!(refused.detail.context("a detail")?.contains("on their way"), "advice");
        open(shop, &"NO-SUCH-ORDER".parse()?, lines(1)).await?.problem(404, "order_not_found")?;
        shop.get("/v1/returns/NO-SUCH-ORDER-R1").await?.problem(404, "return_not_found")?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "deliver", json!({})).await?;
        shop.until_status(&basket.id(), "completed").await.map(drop)
    })
}

#[test]
fn of_two_returns_that_race_for_a_unit_exactly_one_wins() -> Result<()> {
    in_shop(async |shop| {
        let (order, sku) = delivered(shop).await?;
        // Four units, and five returns of one: all at once.
        let answers = try_join_all((0..5).map(async |_| open(shop, &order, lines(1)).await)).await?;
        let won: Vec<ReturnView> =
            answers.into_iter().filter(|answer| answer.status == 201).map(|answer| answer.view(201)).collect::<Result<_>>()?;
        assert_eq!(won.len(), 4);
        try_join_all(won.iter().map(async |opened| {
            receive(shop, &opened.return_id, json!([{"line_id": "1", "quantity": 1}])).await?;
            accept(shop, &opened.return_id, 1).await?;
            until_return(shop, &opened.return_id, "closed").await
        }))
        .await?;
        assert_eq!(shop.books(&order).await?.sum(OperationKind::Refund), 1_023);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        open(shop, &order, lines(1)).await?.problem(409, "refused_by_rule").map(drop)
    })
}

#[test]
fn a_refund_that_the_gateway_refuses_is_tried_again_and_paid_once() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (order, _) = delivered(shop).await?;
        let id = open(shop, &order, lines(4)).await?.view::<ReturnView>(201)?.return_id;
        receive(shop, &id, json!([{"line_id": "1", "quantity": 4}])).await?;
        crate::support::books::trouble(&shop.system.addresses.gateway_url, json!({"refuse_next": 1})).await?;
        accept(shop, &id, 4).await?;
        let failed = until_return(shop, &id, "refund_failed").await?;
        assert!(failed.needs_attention && failed.legal_actions == ["retry"], "{failed:?}");
        crate::support::books::trouble(&shop.system.addresses.gateway_url, json!({})).await?;
        acts(shop, &id, "retry", json!({})).await?;
        until_return(shop, &id, "closed").await?;
        assert_eq!(shop.books(&order).await?.amounts(OperationKind::Refund), [1_023]);
        replay::keep_return(&shop.system, &id.parse()?, "return-refund-failed").await?;
        ends(shop, &id).await
    })
}

#[test]
fn a_return_that_temporal_is_asked_to_cancel_gives_its_units_back() -> Result<()> {
    in_shop(async |shop| {
        let (order, _) = delivered(shop).await?;
        let id = open(shop, &order, lines(4)).await?.view::<ReturnView>(201)?.return_id;
        let handle = shop.system.temporal.get_workflow_handle::<oms_workflows::returns::ReturnWorkflow>(return_workflow_id(&id.parse()?));
        handle.cancel(Default::default()).await?;
        until_return(shop, &id, "cancelled").await?;
        shop.until(&order, "have its units back", |order| order.returns[0].amount_minor == Some(0)).await?;
        replay::keep_return(&shop.system, &id.parse()?, "return-cancel-requested").await
    })
}

#[test]
fn a_returns_deadlines_are_listed_and_one_that_is_extended_is_waited_for_longer() -> Result<()> {
    let policy = Policy { return_labels: false, return_sending_ms: 2_000, ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let (order, _) = delivered(shop).await?;
        let opened: ReturnView = open(shop, &order, lines(1)).await?.view(201)?;
        let (id, path) = (opened.return_id.clone(), format!("/v1/returns/{}/deadlines", opened.return_id));
        let listed: Page<DeadlineView> = shop.get(&path).await?.view(200)?;
        assert_eq!(listed.items[0].deadline_id, format!("return_sending.{id}"));
        assert_eq!(listed.items[0].extended_by.as_deref(), Some("support"));
        let until = listed.items[0].due + jiff::SignedDuration::from_secs(3);
        let extend = async |deadline: &str| {
            let request = shop.request(reqwest::Method::PATCH, &format!("{path}/{deadline}")).json(&json!({"until": until}));
            Answer::to(request).await
        };
        let extended: DeadlineView = extend(&listed.items[0].deadline_id).await?.view(200)?;
        assert_eq!(extended.due, until);
        extend(&format!("return_rest.{id}")).await?.problem(404, "not_found")?;
        until_return(shop, &id, "expired").await?;
        let events: Value = shop.get(&format!("/v1/returns/{id}/events")).await?.view(200)?;
        let at = |kind: &str| {
            let events = events["items"].as_array().into_iter().flatten();
            events.filter(|event| event["type"] == kind).find_map(|event| event["at"].as_str()?.parse::<jiff::Timestamp>().ok())
        };
        ensure!(at("deadline_extended").is_some() && at("return_expired") >= Some(until), "{events:#}");
        ends(shop, &id).await
    })
}
